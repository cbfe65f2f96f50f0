//! Calls to other services that fail: what is tried again, and what bounds them. The tax service stands for any.

use std::{
    io::Write,
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant, SystemTime},
};

use serde_json::json;

use super::{
    calls::{is_answered, post, start},
    tax::TAX,
};
use crate::{
    peer::{Peer, reply},
    support::{TestApp, free_port},
};

#[test]
fn what_passes_is_tried_again() {
    type Trouble = fn(&mut TcpStream);
    let troubles: [(&str, Trouble); 6] = [
        ("502", |stream| reply(stream, 502, &[], "")),
        ("503", |stream| reply(stream, 503, &[], "")),
        ("504", |stream| reply(stream, 504, &[], "")),
        ("429", |stream| reply(stream, 429, &[], "")),
        ("it hangs up", |stream| stream.shutdown(Shutdown::Both).unwrap()),
        ("it hangs up in the middle", |stream| {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{");
            stream.shutdown(Shutdown::Both).unwrap();
        }),
    ];

    for (name, trouble) in troubles {
        let count = AtomicUsize::new(0);
        let peer = Peer::start(move |_, stream| match count.fetch_add(1, Ordering::SeqCst) {
            0 | 1 => trouble(stream),
            _ => reply(stream, 200, &[], TAX),
        });
        let app = start(&peer, &[]);

        assert!(is_answered(&post(&app, "id")), "{name}");
        assert_eq!(app.call_of("id")["tries"], 3, "{name}");
    }
}

#[test]
fn a_pause_that_the_other_service_asks_for_is_kept_if_there_is_time_for_it() {
    fn date(seconds: u64) -> String {
        httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(seconds))
    }
    type Pause = fn() -> String;
    let pauses: [(&str, Pause, Option<u64>); 4] = [
        ("seconds", || "1".to_string(), Some(1000)),
        ("a date, which has no fractions", || date(2), Some(950)),
        ("more seconds than there are", || "3".to_string(), None),
        ("a date far away", || date(3600), None),
    ];

    for (name, retry_after, least) in pauses {
        let count = AtomicUsize::new(0);
        let peer = Peer::start(move |_, stream| match count.fetch_add(1, Ordering::SeqCst) {
            0 => reply(stream, 503, &[("retry-after", &retry_after())], ""),
            _ => reply(stream, 200, &[], TAX),
        });
        let app = start(&peer, &[("OUTBOUND_TIMEOUT", "3")]);

        let asked = Instant::now();
        let answered = is_answered(&post(&app, "id"));

        let took = asked.elapsed().as_millis() as u64;
        assert_eq!(answered, least.is_some(), "{name}");
        assert_eq!(peer.received().len(), 1 + usize::from(answered), "{name}");
        let (least, most) = least.map_or((0, 300), |least| (least, 2700));
        assert!((least..most).contains(&took), "{name}: {took} ms");
    }
}

#[test]
fn an_answer_has_as_many_bytes_as_are_allowed_and_not_one_more() {
    let chunked = |body: &str| {
        format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n", body.len())
    };
    let size = Arc::new(AtomicUsize::new(0));
    let in_chunks = Arc::new(AtomicBool::new(false));
    let peer = {
        let (size, in_chunks) = (size.clone(), in_chunks.clone());
        Peer::start(move |_, stream| {
            let body = format!("{TAX:<0$}", size.load(Ordering::SeqCst));
            match in_chunks.load(Ordering::SeqCst) {
                false => reply(stream, 200, &[], body),
                true => drop(stream.write_all(chunked(&body).as_bytes())),
            }
        })
    };
    let app = start(&peer, &[("OUTBOUND_MAX_BYTES", "2000")]);

    for (bytes, chunks) in [(2000, false), (2001, false), (2000, true), (2001, true)] {
        size.store(bytes, Ordering::SeqCst);
        in_chunks.store(chunks, Ordering::SeqCst);
        let reply = post(&app, &format!("id-{bytes}-{chunks}"));

        assert_eq!(reply.status, if bytes == 2000 { 404 } else { 502 }, "{bytes} {chunks}: {}", reply.body);
    }
    assert!(app.call_of("id-2001-true")["error"].as_str().unwrap().contains("too large"));
}

#[test]
fn a_refused_connection_is_told_as_such_in_the_log() {
    let app = TestApp::start_with(&[("TAX_SERVICE_URL", &format!("http://127.0.0.1:{}/", free_port()))]);

    for id in ["first", "second"] {
        post(&app, id).problem(503);
    }

    let line = app.call_of("first");
    assert!(line["error"].as_str().unwrap().contains("Connection refused"), "{line}");
    assert_eq!((&line["tries"], line.get("status")), (&json!(3), None));
}

#[test]
fn a_host_that_accepts_nobody_costs_the_time_for_a_connection_and_no_more() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    let mut waiting = Vec::new(); // until the system lets nobody wait any more
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
        waiting.push(stream);
    }
    let url = format!("http://{address}/");
    let app = TestApp::start_with(&[("TAX_SERVICE_URL", &url), ("OUTBOUND_CONNECT_TIMEOUT", "0.3")]);

    let asked = Instant::now();
    post(&app, "id").problem(503);

    assert!((900..2000).contains(&asked.elapsed().as_millis()), "{:?}", asked.elapsed());
    let line = app.call_of("id");
    assert_eq!((&line["error"], &line["tries"]), (&json!("no connection in time"), &json!(3)));
}

#[test]
fn a_host_that_keeps_failing_is_left_alone_and_probed_with_one_call() {
    let fails = Arc::new(AtomicBool::new(true));
    let peer = {
        let fails = fails.clone();
        Peer::start(move |_, stream| {
            if fails.load(Ordering::SeqCst) {
                let _ = stream.write_all(b"no HTTP\r\n\r\n").and_then(|()| stream.shutdown(Shutdown::Both));
            } else {
                reply(stream, 200, &[], TAX);
            }
        })
    };
    let app = start(&peer, &[]);

    for _ in 0..5 {
        assert_eq!(post(&app, "closed").status, 502);
    }
    let opened = Instant::now();
    let reply = post(&app, "open");
    reply.problem(503);
    assert_eq!((reply.header("retry-after"), peer.received().len()), ("1", 5));
    assert!(app.call_of("open")["error"].as_str().unwrap().contains("left alone"));

    while peer.received().len() == 5 {
        post(&app, "pause");
        assert!(opened.elapsed() < Duration::from_secs(3), "no probe");
    }
    assert!(opened.elapsed() > Duration::from_millis(900), "{:?}", opened.elapsed());
    assert_eq!(post(&app, "open-again").header("retry-after"), "2");
    fails.store(false, Ordering::SeqCst);
    while !is_answered(&post(&app, "longer-pause")) {
        assert!(opened.elapsed() < Duration::from_secs(6), "no second probe");
    }
    assert!(opened.elapsed() > Duration::from_millis(2800), "{:?}", opened.elapsed());
    assert!(is_answered(&post(&app, "closed-again")));
}

#[test]
fn only_so_many_calls_are_in_flight_and_the_others_wait_for_their_turn() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let peer = {
        let (now, most) = (now.clone(), most.clone());
        Peer::start(move |_, stream| {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            thread::sleep(Duration::from_millis(300));
            now.fetch_sub(1, Ordering::SeqCst);
            reply(stream, 200, &[], TAX);
        })
    };
    let app = start(&peer, &[("OUTBOUND_MAX_CALLS", "2"), ("OUTBOUND_TIMEOUT", "1")]);

    let statuses: Vec<u16> = thread::scope(|scope| {
        let posts: Vec<_> = (0..8).map(|_| scope.spawn(|| post(&app, "id").status)).collect();
        posts.into_iter().map(|post| post.join().unwrap()).collect()
    });

    assert_eq!(most.load(Ordering::SeqCst), 2);
    let count = |status| statuses.iter().filter(|known| **known == status).count();
    assert_eq!((count(404), count(503)), (4, 4), "two turns of two within half the time: {statuses:?}");
}
