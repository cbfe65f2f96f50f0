//! An order without a tax: the tax service is asked, and what it says is stored, or nothing is.

use std::{
    io::Write,
    net::Shutdown,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    sync::{Arc, Barrier},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    peer::{Peer, reply},
    support::{Reply, TestApp, free_port},
};

const TAX: &str = r#"{"tax": 4.73}"#;

pub fn untaxed(id: i32) -> Value {
    json!({"order_id": id, "product_id": 12, "quantity": 2, "amount": 24.9, "shipping": 15.0,
        "shipping_address": "Mataderos 2312"})
}

fn start(peer: &Peer, settings: &[(&str, &str)]) -> TestApp {
    TestApp::start_with(&[&[("TAX_SERVICE_URL", peer.url("/tax").as_str())], settings].concat())
}

fn assert_nothing_is_stored(app: &TestApp) {
    assert_eq!(app.query::<i64>("SELECT COUNT(*) FROM orders"), [0]);
}

/// A problem that names the service and nothing internal.
fn assert_names_the_service(reply: &Reply, status: u16) -> Value {
    let problem = reply.problem(status);
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.starts_with("the tax service "), "{detail}");
    let text = problem.to_string();
    for word in ["127.0.0.1", "http", "refused", "OUTBOUND", "TAX_SERVICE"] {
        assert!(!text.contains(word), "'{word}' has reached the client: {text}");
    }
    assert_eq!(reply.header("retry-after").is_empty(), status != 503, "{problem}");
    problem
}

#[test]
fn an_order_without_tax_gets_it_from_the_tax_service_on_every_way_in() {
    let peer = Peer::json(200, TAX);
    let app = start(&peer, &[]);
    let ways = [("POST", "/orders", 201), ("POST", "/update_order", 200), ("PUT", "/orders/1", 200)];

    for (method, path, status) in ways {
        let reply = app.send(method, path, &[], untaxed(1).to_string());
        assert_eq!(reply.status, status, "{path}: {}", reply.body);
        assert_eq!(app.get("/orders/1").json()["tax"].to_string(), "4.73", "{path}");
        app.execute("UPDATE orders SET tax = 0");
    }
    assert_eq!(app.post("/create_order", untaxed(2).to_string()).status, 200);
    assert_eq!(app.post("/create_orders", json!([untaxed(3), untaxed(4)]).to_string()).status, 200);

    let taxes = app.query::<String>("SELECT CAST(tax AS CHAR) FROM orders WHERE order_id > 1");
    assert_eq!(taxes, ["4.73"; 3]);
    let received = peer.received();
    assert_eq!(received.len(), 6);
    for request in received {
        assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/tax"));
        assert_eq!(request.header("content-type"), "application/json");
        assert_eq!(request.text(), r#"{"shipping_address":"Mataderos 2312","amount":24.9}"#);
    }
}

#[test]
fn a_tax_that_is_given_is_nobodys_question() {
    let peer = Peer::json(200, TAX);
    let app = start(&peer, &[]);
    let mut order = untaxed(1);
    order["tax"] = json!(1.5);

    let reply = app.post("/orders", order.to_string());

    assert_eq!(reply.json()["tax"].to_string(), "1.5");
    order["tax"] = json!(null);
    let problem = app.post("/orders", order.to_string()).problem(422);
    assert_eq!(problem["errors"][0]["pointer"], json!("/tax"));
    assert!(peer.received().is_empty());
}

#[test]
fn without_a_tax_service_a_tax_is_required() {
    let app = TestApp::start();

    for (path, body, pointer) in [
        ("/orders", untaxed(1).to_string(), "/tax"),
        ("/update_order", untaxed(1).to_string(), "/tax"),
        ("/create_orders", json!([untaxed(1)]).to_string(), "/0/tax"),
    ] {
        let problem = app.post(path, body).problem(422);
        assert_eq!(problem["errors"][0]["pointer"], json!(pointer), "{problem}");
    }
}

#[test]
fn an_answer_that_is_no_tax_is_502_and_nothing_is_stored() {
    let answers: &[(u16, &str, &str)] = &[
        (200, r#"{"tax": -0.01}"#, "negative"),
        (200, r#"{"tax": "4.73"}"#, "a text"),
        (200, r#"{"tax": 4.731}"#, "three decimals"),
        (200, r#"{"tax": 100000000}"#, "too large"),
        (200, r#"{"tax": 1e400}"#, "far too large"),
        (200, r#"{"tax": null}"#, "null"),
        (200, r#"{"tax": 1, "tax": 2}"#, "two of them"),
        (200, r#"{}"#, "missing"),
        (200, r#"[4.73]"#, "no object"),
        (200, r#"4.73"#, "no object"),
        (200, r#"{"tax": 4.73"#, "not JSON"),
        (200, "", "empty"),
        (200, "\u{0}", "not JSON"),
        (201, TAX, "another status"),
        (204, "", "another status"),
        (302, TAX, "a redirect"),
        (404, TAX, "a refusal"),
        (500, TAX, "a failure"),
    ];
    let turn = Arc::new(AtomicUsize::new(0));
    let peer = {
        let (turn, answers) = (turn.clone(), answers.to_vec());
        Peer::start(move |_, stream| {
            let (status, body, _) = answers[turn.load(Ordering::SeqCst)];
            reply(stream, status, &[("location", "/elsewhere")], body);
        })
    };
    let app = start(&peer, &[]);

    for (index, (_, _, reason)) in answers.iter().enumerate() {
        turn.store(index, Ordering::SeqCst);
        let reply = app.post("/orders", untaxed(1).to_string());
        assert_eq!(reply.status, 502, "{reason}: {}", reply.body);
        assert_names_the_service(&reply, 502);
        let line = app.log_of(reply.header("x-request-id"));
        assert!(line["error"].as_str().unwrap().starts_with("the tax service: "), "{line}");
    }

    assert_eq!(peer.received().len(), answers.len(), "such an answer would come again");
    assert_nothing_is_stored(&app);
}

#[test]
fn a_tax_service_that_is_busy_or_waits_in_vain_is_told_as_that_and_when_to_come_again() {
    let answers = [
        (503, "", 503, "1"),
        (503, "20", 503, "20"),
        (429, "20", 503, "20"),
        (429, "99999999999999999999", 503, "3600"),
        (504, "20", 504, ""),
    ];

    for (status, retry_after, expected, told) in answers {
        let peer = Peer::start(move |_, stream| match retry_after {
            "" => reply(stream, status, &[], TAX),
            seconds => reply(stream, status, &[("retry-after", seconds)], TAX),
        });
        let app = start(&peer, &[]);

        let reply = app.post("/orders", untaxed(1).to_string());

        assert_names_the_service(&reply, expected);
        assert_eq!(reply.header("retry-after"), told, "{status} {retry_after}");
        let line = app.log_of(reply.header("x-request-id"));
        assert!(line["error"].as_str().unwrap().ends_with(&format!("answers with status {status}")), "{line}");
        assert_nothing_is_stored(&app);
    }
}

#[test]
fn what_else_the_answer_says_does_not_matter() {
    let peer = Peer::json(200, r#"{"rate": 0.19, "tax": 4.73, "notes": [{}]}"#);
    let app = start(&peer, &[]);

    assert_eq!(app.post("/orders", untaxed(1).to_string()).json()["tax"].to_string(), "4.73");
}

#[test]
fn a_hostile_tax_service_is_bounded_in_time_and_memory() {
    type Attack = fn(&mut std::net::TcpStream);
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

fn say(stream: &mut std::net::TcpStream, bytes: &[u8]) {
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(Shutdown::Both);
}

fn drip(stream: &mut std::net::TcpStream, first: &[u8], again: &[u8]) {
    let _ = stream.write_all(first);
    let again = again.repeat(1000);
    while stream.write_all(&again).is_ok() {}
}

fn slowly(stream: &mut std::net::TcpStream, first: &[u8]) {
    let _ = stream.write_all(first);
    while stream.write_all(b" ").is_ok() {
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn one_order_that_gets_no_tax_fails_the_whole_array_and_is_named() {
    let peer = Peer::start(|request, stream| {
        let lies = request.text().contains("Nowhere");
        reply(stream, 200, &[], if lies { r#"{"tax": -1}"# } else { TAX });
    });
    let app = start(&peer, &[]);
    let mut orders: Vec<Value> = (0..20).map(untaxed).collect();
    orders[13]["shipping_address"] = json!("Nowhere");

    let problem = assert_names_the_service(&app.post("/create_orders", json!(orders).to_string()), 502);

    assert_eq!(problem["errors"][0]["pointer"], json!("/13/tax"), "{problem}");
    assert_nothing_is_stored(&app);
}

#[test]
fn the_orders_of_an_array_are_asked_about_several_at_a_time_and_within_one_time_limit() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let peer = {
        let (now, most) = (now.clone(), most.clone());
        Peer::start(move |_, stream| {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            thread::sleep(Duration::from_millis(50));
            now.fetch_sub(1, Ordering::SeqCst);
            reply(stream, 200, &[], TAX);
        })
    };
    let app = start(&peer, &[("OUTBOUND_TIMEOUT", "1")]);
    let array = |count| json!((0..count).map(untaxed).collect::<Vec<_>>()).to_string();

    assert_eq!(app.post("/create_orders", array(40)).status, 200);
    assert_eq!(most.load(Ordering::SeqCst), 8);
    app.get("/init");
    let asked = Instant::now();
    assert_names_the_service(&app.post("/create_orders", array(400)), 504);

    assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
    assert_nothing_is_stored(&app);
    assert_eq!(app.post("/orders", untaxed(1).to_string()).status, 201, "that the time was short is not its fault");
}

#[test]
fn an_array_that_finds_the_tax_service_hanging_spares_the_next_one_the_wait() {
    let peer = Peer::start(|_, _| thread::sleep(Duration::from_secs(2)));
    let app = start(&peer, &[("OUTBOUND_TIMEOUT", "1")]);
    let array = json!((0..20).map(untaxed).collect::<Vec<_>>()).to_string();

    assert_names_the_service(&app.post("/create_orders", &array), 504);
    let asked = Instant::now();
    assert_names_the_service(&app.post("/create_orders", &array), 503);

    assert!(asked.elapsed() < Duration::from_millis(300), "{:?}", asked.elapsed());
    assert_eq!(peer.received().len(), 8);
}

#[test]
fn calls_that_are_given_up_because_another_has_failed_are_logged_too() {
    let peer = Peer::start(|request, stream| match request.text().contains("Nowhere") {
        true => reply(stream, 200, &[], r#"{"tax": -1}"#),
        false => thread::sleep(Duration::from_secs(2)),
    });
    let app = start(&peer, &[]);
    let mut orders: Vec<Value> = (0..8).map(untaxed).collect();
    orders[7]["shipping_address"] = json!("Nowhere");

    assert_names_the_service(&app.post("/create_orders", json!(orders).to_string()), 502);

    let deadline = Instant::now() + Duration::from_secs(5);
    let given_up = || app.output().lines().filter(|line| line.contains("given up")).count();
    while given_up() < 7 {
        assert!(Instant::now() < deadline, "{}", app.output());
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn in_an_array_that_is_inserted_while_it_arrives_each_tax_has_to_be_given() {
    let peer = Peer::json(200, TAX);
    let app = start(&peer, &[]);
    let mut orders: Vec<Value> = (0..20_000).map(untaxed).collect();
    orders.iter_mut().for_each(|order| order["tax"] = json!(1));

    for place in [0, 19_999] {
        let mut orders = orders.clone();
        orders[place] = untaxed(1);
        let problem = app.post("/create_orders", json!(orders).to_string()).problem(422);
        assert_eq!(problem["errors"][0]["pointer"], json!(format!("/{place}/tax")), "{problem}");
        assert_nothing_is_stored(&app);
    }
    assert_eq!(app.post("/create_orders", json!(orders).to_string()).status, 200);

    assert!(peer.received().is_empty());
}

#[test]
fn with_a_key_a_failure_is_not_kept_and_the_first_answer_comes_again_without_a_call() {
    let lies = Arc::new(AtomicBool::new(true));
    let peer = {
        let lies = lies.clone();
        Peer::start(move |_, stream| {
            reply(stream, 200, &[], if lies.load(Ordering::SeqCst) { "no" } else { TAX });
        })
    };
    let app = start(&peer, &[]);

    for (path, key, body) in [
        ("/orders", "one", untaxed(1).to_string()),
        ("/create_orders", "many", json!([untaxed(2), untaxed(3)]).to_string()),
    ] {
        let post = || app.send("POST", path, &[("Idempotency-Key", key)], &body);
        lies.store(true, Ordering::SeqCst);
        assert_names_the_service(&post(), 502);
        lies.store(false, Ordering::SeqCst);
        let first = post();
        let calls = peer.received().len();
        lies.store(true, Ordering::SeqCst);
        let again = post();

        assert!(first.status < 300, "{}", first.body);
        assert_eq!((again.status, &again.body), (first.status, &first.body));
        assert_eq!(again.header("idempotent-replayed"), "true");
        assert_eq!(peer.received().len(), calls, "{path} asked again");
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

/// Another instance of this service is no tax service: what it sends back is the question, which has no tax in it.
#[test]
fn two_instances_know_a_request_by_the_same_id() {
    let other = TestApp::start();
    let app = TestApp::start_with(&[("TAX_SERVICE_URL", &other.url("/echo"))]);
    let id = "the-same-in-both-logs";

    let reply = app.send("POST", "/orders", &[("X-Request-Id", id)], untaxed(1).to_string());

    assert_names_the_service(&reply, 502);
    assert_eq!(other.log_of(id)["path"], json!("/echo"));
    assert!(app.log_of(id)["error"].as_str().unwrap().contains("tax is missing"), "{}", app.log_of(id));
    assert_nothing_is_stored(&app);
}
