//! A tax service that is hostile, hangs or is down, and sinks that take all the time there is.

use std::{
    io::Write,
    net::{Shutdown, TcpStream},
    sync::{
        Arc, Barrier, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use super::tax::{TAX, assert_names_the_service, assert_nothing_is_stored, start, untaxed};
use crate::{
    peer::{Peer, reply},
    samples::orders,
    support::{TestApp, free_port},
};

#[test]
fn a_hostile_tax_service_is_bounded_in_time_and_memory() {
    type Attack = fn(&mut TcpStream);
    let attacks: [(&str, Attack, u16); 8] = [
        ("it never answers", |_| thread::sleep(Duration::from_secs(3)), 504),
        ("a head without an end", |stream| drip(stream, b"HTTP/1.1 200 OK\r\n", b"x: y\r\n"), 502),
        ("a field without an end", |stream| drip(stream, b"HTTP/1.1 200 OK\r\nx: ", b"yyyyyyyyy"), 502),
        ("a body without an end", |stream| drip(stream, b"HTTP/1.1 200 OK\r\n\r\n", b"[[[[[[[["), 502),
        ("a slow body", |stream| slowly(stream, b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n"), 504),
        ("a length that lies", |stream| say(stream, b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n"), 502),
        ("no HTTP", |stream| say(stream, b"220 mail.test ESMTP ready\r\n"), 502),
        ("it leaves in the middle", |stream| say(stream, b"HTTP/1.1 200 OK\r\ncontent-length: 13\r\n\r\n{\"ta"), 503),
    ];

    for (name, attack, status) in attacks {
        let peer = Peer::start(move |_, stream| attack(stream));
        let mut app = start(&peer, &[("OUTBOUND_TIMEOUT", "1")]);
        let before = app.peak_memory();

        let asked = Instant::now();
        let reply = app.post("/orders", untaxed(1).to_string());

        assert_eq!(reply.status, status, "{name}: {}", reply.body);
        assert_names_the_service(&reply, status);
        assert!(asked.elapsed() < Duration::from_millis(1900), "{name} took {:?}", asked.elapsed());
        assert!(app.peak_memory() - before < 32 << 20, "{name}");
        assert_nothing_is_stored(&app);
        app.assert_still_the_same_process();
    }
}

fn say(stream: &mut TcpStream, bytes: &[u8]) {
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(Shutdown::Both);
}

fn drip(stream: &mut TcpStream, first: &[u8], again: &[u8]) {
    let _ = stream.write_all(first);
    let again = again.repeat(1000);
    while stream.write_all(&again).is_ok() {}
}

fn slowly(stream: &mut TcpStream, first: &[u8]) {
    let _ = stream.write_all(first);
    while stream.write_all(b" ").is_ok() {
        thread::sleep(Duration::from_millis(20));
    }
}

/// hyper's client reads chunk extensions and trailers for as long as they come, and passes over heads of status 1xx.
#[test]
fn another_service_that_answers_without_an_end_delays_nobody() {
    for (head, endless) in [
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;", "x"),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n", "a: b\r\n"),
        ("", "HTTP/1.1 103 Early Hints\r\n\r\n"),
    ] {
        let flood = endless.repeat(65536 / endless.len());
        let peer = Peer::start(move |_, stream| {
            let _ = stream.write_all(head.as_bytes());
            while stream.write_all(flood.as_bytes()).is_ok() {}
        });
        let mut app = start(&peer, &[("OUTBOUND_TIMEOUT", "1.5")]);
        let is_answered = AtomicBool::new(false);

        thread::scope(|scope| {
            let asking = scope.spawn(|| {
                let start = Instant::now();
                let reply = app.post("/orders", untaxed(1).to_string());
                is_answered.store(true, Ordering::SeqCst);
                (reply.status, start.elapsed())
            });
            while !is_answered.load(Ordering::SeqCst) {
                let start = Instant::now();
                assert_eq!(app.get("/livez").status, 200);
                assert!(start.elapsed() < Duration::from_millis(500), "{:?} for /livez: {endless:?}", start.elapsed());
            }
            let (status, took) = asking.join().unwrap();
            assert!([502, 504].contains(&status) && took < Duration::from_secs(3), "{status} after {took:?}");
        });
        app.assert_still_the_same_process();
    }
}

#[test]
fn fifty_that_wait_for_the_tax_service_are_in_nobodys_way() {
    let peer = Peer::start(|_, _| thread::sleep(Duration::from_secs(4)));
    let mut app = start(&peer, &[("OUTBOUND_TIMEOUT", "2"), ("DB_POOL_SIZE", "2"), ("DB_ACQUIRE_TIMEOUT", "0.2")]);
    let begin = Barrier::new(51);

    thread::scope(|scope| {
        let waiting: Vec<_> = (0..50)
            .map(|id| {
                let (app, begin) = (&app, &begin);
                scope.spawn(move || {
                    begin.wait();
                    app.send("POST", "/orders", &[("Idempotency-Key", &format!("key-{id}"))], untaxed(id).to_string())
                })
            })
            .collect();
        begin.wait();
        peer.wait_for(50);
        for _ in 0..20 {
            let asked = Instant::now();
            assert_eq!(app.get("/orders").status, 200);
            assert!(asked.elapsed() < Duration::from_millis(150), "{:?}", asked.elapsed());
        }
        for waiting in waiting {
            assert_names_the_service(&waiting.join().unwrap(), 504);
        }
    });

    assert_nothing_is_stored(&app);
    app.assert_still_the_same_process();
}

#[test]
fn a_tax_service_that_is_down_is_503_at_once_and_is_found_again_when_it_is_back() {
    let port = free_port();
    let app = TestApp::start_with(&[("TAX_SERVICE_URL", &format!("http://127.0.0.1:{port}/tax"))]);

    for id in ["first", "second", "third"] {
        let asked = Instant::now();
        let reply = app.send("POST", "/orders", &[("X-Request-Id", id)], untaxed(1).to_string());
        assert_names_the_service(&reply, 503);
        assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());
    }
    assert!(app.call_of("third")["error"].as_str().unwrap().contains("left alone"), "{}", app.output());
    let _peer = Peer::start_at(port, |_, stream| reply(stream, 200, &[], TAX));

    let deadline = Instant::now() + Duration::from_secs(5);
    while app.post("/orders", untaxed(1).to_string()).status != 201 {
        assert!(Instant::now() < deadline, "{}", app.output());
        thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(app.get("/orders/1").json()["tax"].to_string(), "4.73");
}

#[test]
fn sinks_that_hang_leave_calls_to_requests() {
    let (end, hung) = mpsc::channel::<()>();
    let hung = Arc::new(Mutex::new(hung));
    let sinks = [(); 4].map(|()| {
        let hung = hung.clone();
        Peer::start(move |_, _| while hung.lock().unwrap().recv().is_ok() {})
    });
    let urls = sinks.each_ref().map(|sink| sink.url("/events")).join(",");
    let peer = Peer::json(200, TAX);
    let app = start(&peer, &[("EVENT_SINKS", &urls), ("OUTBOUND_TIMEOUT", "10")]);
    app.post("/create_orders", orders(0..200));
    for sink in &sinks {
        sink.wait_for(8);
    }
    let began = Instant::now();

    let replies = [201, 202, 203, 204].map(|id| app.post("/orders", untaxed(id).to_string()).status);

    assert_eq!(replies, [201; 4]);
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    drop(end);
}
