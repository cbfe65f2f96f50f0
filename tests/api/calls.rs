//! Calls to other services: what is sent, what is tried again, and what bounds them. The tax service stands for any.

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

use hyper::{HeaderMap, Method, body::Bytes};
use serde_json::{Value, json};
use service::http_client::{AllowedHost, Answer, Call, CallError, Context, HttpClient, Settings};

use crate::{
    peer::{Peer, reply},
    support::{Reply, TestApp, free_port},
};

const TAX: &str = r#"{"tax": 4.73}"#;

fn start(peer: &Peer, settings: &[(&str, &str)]) -> TestApp {
    TestApp::start_with(&[&[("TAX_SERVICE_URL", peer.url("/tax?key=secret").as_str())], settings].concat())
}

/// Sends what cannot be answered without a call.
fn post(app: &TestApp, id: &str) -> Reply {
    let order = json!({"order_id": 1, "product_id": 1, "quantity": 1, "amount": 1, "shipping": 1,
        "shipping_address": "here"});
    app.send("POST", "/update_order", &[("X-Request-Id", id)], order.to_string())
}

/// It gets its answer: that there is no such row is said after the call.
fn is_answered(reply: &Reply) -> bool {
    assert!([404, 502, 503, 504].contains(&reply.status), "{} {}", reply.status, reply.body);
    reply.status == 404
}

#[test]
fn a_call_carries_the_ids_of_its_request_and_is_one_line_in_the_log() {
    let peer = Peer::json(200, TAX);
    let app = start(&peer, &[]);
    let order = json!({"order_id": 1, "product_id": 1, "quantity": 1, "amount": 1, "shipping": 1,
        "shipping_address": "here"});
    let given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    for (id, traceparent, is_valid) in [("first", given, true), ("second", "no-traceparent", false)] {
        let headers = [("X-Request-Id", id), ("traceparent", traceparent)];
        app.send("PUT", "/orders/1", &headers, order.to_string());
        let request = peer.received().pop().unwrap();

        assert_eq!(request.header("x-request-id"), id);
        assert_eq!(request.header("traceparent") == given, is_valid, "the trace goes on, or a new one begins");
        let passed_on: Vec<&str> = request.header("traceparent").split('-').collect();
        let [_, trace, parent, flags] = passed_on[..] else { panic!("{passed_on:?}") };
        assert_eq!((trace.len(), parent.len(), flags), (32, 16, if is_valid { "01" } else { "00" }));
        assert_eq!((&app.log_of(id)["trace_id"], &app.call_of(id)["trace_id"]), (&json!(trace), &json!(trace)));
        assert_eq!(request.path, "/tax?key=secret");
        assert_eq!(request.header("accept-encoding"), "");
        let line = app.call_of(id);
        assert_eq!((&line["call"], &line["path"], &line["status"]), (&json!("POST"), &json!("/tax"), &json!(200)));
        assert_eq!((&line["host"], &line["tries"]), (&json!(format!("127.0.0.1:{}", peer.port)), &json!(1)));
        assert!(line["time"].is_string() && line["duration_ms"].as_f64().unwrap() < 1000.0, "{line}");
        assert!(line.get("error").is_none() && !line.to_string().contains("secret"), "{line}");
    }
}

#[test]
fn the_state_of_a_trace_goes_with_it_and_never_without_it() {
    let peer = Peer::json(200, TAX);
    let app = start(&peer, &[]);
    let order = json!({"order_id": 1, "product_id": 1, "quantity": 1, "amount": 1, "shipping": 1,
        "shipping_address": "here"});
    let trace = ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    let (most, long) = ("a=".to_string() + &"x".repeat(506), "b=".to_string() + &"x".repeat(600));
    let (full, too_long) = (format!("{most},b=1"), format!("a=1,{long},c=1"));
    let table: [(&[(&str, &str)], &str); 6] = [
        (
            &[trace, ("tracestate", "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE")],
            "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE",
        ),
        (&[trace, ("tracestate", "a=1"), ("tracestate", " , b=2 ,c=3")], "a=1,b=2,c=3"),
        (&[trace, ("tracestate", &full)], &full),
        (&[trace, ("tracestate", &too_long)], "a=1"),
        (&[("tracestate", "a=1")], ""),
        (&[("traceparent", "none"), ("tracestate", "a=1")], ""),
    ];

    for (headers, passed_on) in table {
        app.send("PUT", "/orders/1", headers, order.to_string());

        assert_eq!(peer.received().pop().unwrap().header("tracestate"), passed_on);
    }
}

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
fn a_host_is_found_by_its_name() {
    let peer = Peer::json(200, TAX);
    let app = TestApp::start_with(&[
        ("TAX_SERVICE_URL", &format!("http://LocalHost:{}/", peer.port)),
        ("OUTBOUND_ALLOWED_HOSTS", &format!("localhost:{}", peer.port)),
    ]);

    assert!(is_answered(&post(&app, "id")), "{}", app.output());
    assert_eq!(peer.received()[0].header("host"), format!("localhost:{}", peer.port));
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
fn a_connection_is_used_again_and_one_that_was_closed_meanwhile_is_no_failure() {
    let peer = Peer::start(|request, stream| {
        reply(stream, 200, &[], TAX);
        if request.connection == 0 && request.header("x-request-id") == "second" {
            thread::sleep(Duration::from_millis(50));
            stream.shutdown(Shutdown::Both).unwrap();
        }
    });
    let app = start(&peer, &[]);

    for id in ["first", "second"] {
        assert!(is_answered(&post(&app, id)));
    }
    thread::sleep(Duration::from_millis(150)); // what is tested is that nothing has happened meanwhile
    assert!(is_answered(&post(&app, "third")));

    let connections: Vec<usize> = peer.received().iter().map(|request| request.connection).collect();
    assert_eq!(connections, [0, 0, 1]);
    assert_eq!(app.call_of("third")["tries"], 1);
}

/// Sent in two packets, a request's body would wait 40 ms for the other side to acknowledge its head.
#[test]
fn a_call_on_a_kept_connection_takes_no_forty_milliseconds() {
    let peer = Peer::json(200, TAX);
    let app = start(&peer, &[]);
    assert!(is_answered(&post(&app, "first")));

    let asked = Instant::now();
    for _ in 0..20 {
        assert!(is_answered(&post(&app, "again")));
    }

    assert!(asked.elapsed() < Duration::from_millis(20 * 20), "{:?}", asked.elapsed());
    assert!(peer.received().iter().all(|request| request.connection == 0));
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

/// What no endpoint does: following redirects. This runs the client itself, natively.
#[test]
fn redirects_are_followed_to_allowed_hosts_only_and_only_where_asked_for() {
    let forbidden = Peer::json(200, "forbidden");
    let other = Peer::json(200, "other");
    let (to_other, to_forbidden) = (other.url("/there"), forbidden.url("/"));
    let peer = Peer::start(move |request, stream| {
        let location = match request.path.as_str() {
            "/other" => &to_other,
            "/forbidden" => &to_forbidden,
            _ => "/loop",
        };
        reply(stream, 307, &[("location", location)], "elsewhere");
    });
    let (client, runtime) = client(&[&peer, &other]);
    let ask = |path: &str, follows_redirects| {
        let headers = HeaderMap::from_iter([("authorization".parse().unwrap(), "Bearer secret".parse().unwrap())]);
        let (method, url, body) = (Method::PUT, peer.url(path).parse().unwrap(), Bytes::from("body"));
        let call = Call { method, url, headers, body, tries: 1, follows_redirects, shows_path: true };
        runtime.block_on(client.call(call, &Context::default()))
    };
    let text = |answer: Result<Answer, CallError>| String::from_utf8(answer.unwrap().body.to_vec()).unwrap();

    assert_eq!(text(ask("/other", false)), "elsewhere");
    assert_eq!(text(ask("/other", true)), "other");
    let request = other.received().pop().unwrap();
    assert_eq!((request.method.as_str(), request.path.as_str(), request.text()), ("PUT", "/there", "body"));
    assert_eq!(request.header("authorization"), "", "a token goes to the host that it is meant for");
    assert_eq!(peer.received()[0].header("authorization"), "Bearer secret");
    assert!(matches!(ask("/forbidden", true), Err(CallError::Forbidden)));
    assert!(forbidden.received().is_empty());
    let before = peer.received().len();
    assert!(matches!(ask("/loop", true), Err(CallError::Nonsense(_))));

    assert_eq!(peer.received().len() - before, 6);
    let counts: Vec<Value> =
        client.counts().iter().map(|count| json!([count.host, count.outcome, count.calls])).collect();
    let host = format!("127.0.0.1:{}", peer.port);
    let expected =
        [json!([host, "2xx", 1]), json!([host, "3xx", 1]), json!([host, "forbidden", 1]), json!([host, "nonsense", 1])];
    assert_eq!(counts.iter().filter(|count| count[0] == host).cloned().collect::<Vec<_>>(), expected);
}

fn client(peers: &[&Peer]) -> (HttpClient, tokio::runtime::Runtime) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let allowed = peers.iter().map(|peer| AllowedHost::parse(&format!("127.0.0.1:{}", peer.port)).unwrap());
    let settings = Settings {
        allowed_hosts: allowed.collect(),
        connect_timeout: Duration::from_secs(1),
        timeout: Duration::from_secs(5),
        max_calls: 10,
        max_bytes: 1000,
    };
    (HttpClient::new(&settings, None).unwrap(), runtime)
}
