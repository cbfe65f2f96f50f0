//! What HTTP and browsers expect of every endpoint, and what the log keeps.

use std::{
    io::{Read, Write},
    net::Shutdown,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{samples::ORDERS, support::TestApp};

#[test]
fn a_browser_on_another_origin_may_use_every_endpoint() {
    let app = TestApp::start_with(&[("EVENT_SECRET", "sixteen-characters")]);

    for route in service::ROUTES.iter().copied().flatten() {
        let path = route.path.replace("{id}", "1");
        let reply = app.send(
            "OPTIONS",
            &path,
            &[("Origin", "https://shop.example"), ("Access-Control-Request-Method", route.method.as_str())],
            "",
        );

        assert_eq!((reply.status, reply.body.as_str()), (204, ""), "{path}");
        let methods: Vec<&str> = reply.header("access-control-allow-methods").split(", ").collect();
        assert!(methods.contains(&route.method.as_str()), "{path}: {methods:?}");
        assert_eq!(reply.header("access-control-allow-origin"), "*");
        assert!(reply.header("access-control-allow-headers").contains("content-type"));
    }
    for reply in [app.get("/orders"), app.get("/nowhere"), app.post("/create_order", "{")] {
        assert_eq!(reply.header("access-control-allow-origin"), "*", "errors are readable too");
        assert!(reply.header("access-control-expose-headers").contains("location"));
        assert_eq!(reply.header("x-content-type-options"), "nosniff");
    }
}

#[test]
fn the_origin_can_be_set() {
    let app = TestApp::start_with(&[("CORS_ALLOW_ORIGIN", "https://shop.example")]);

    let reply = app.get("/orders");

    assert_eq!(reply.header("access-control-allow-origin"), "https://shop.example");
    assert_eq!(reply.header("vary"), "origin");
}

#[test]
fn head_is_get_without_the_body_and_sets_nothing_off() {
    let app = TestApp::start();
    app.post("/create_orders", ORDERS);
    let full = app.get("/orders");

    let head = app.send("HEAD", "/orders", &[], "");

    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert_eq!(head.header("content-length"), full.header("content-length"));
    for path in ["/init", "/delete_order?id=1"] {
        assert_eq!(app.send("HEAD", path, &[], "").status, 405, "{path}");
    }
    assert_eq!(app.get("/orders").body, full.body);
}

#[test]
fn each_request_is_one_line_of_json_on_stdout() {
    let app = TestApp::start();

    let reply = app.send("POST", "/nowhere?secret=1", &[("X-Request-Id", "abc-123")], "{}");

    assert_eq!(reply.header("x-request-id"), "abc-123");
    let line = app.log_of("abc-123");
    let time = line["time"].as_str().unwrap();
    assert!(time.len() == 24 && time.ends_with('Z') && time.starts_with("20"), "RFC 3339 with milliseconds: {time}");
    assert_eq!((&line["method"], &line["path"], &line["status"]), (&json!("POST"), &json!("/nowhere"), &json!(404)));
    assert!(line["duration_ms"].as_f64().unwrap() < 1000.0);
    let lines = app.output().lines().filter(|line| line.contains("abc-123")).count();
    assert_eq!(lines, 1);
}

#[test]
fn an_id_is_made_where_none_is_given_or_it_is_not_fit_for_a_log() {
    let app = TestApp::start();

    let long = "x".repeat(129);
    let ids = ["", "with space", "quote\u{e9}", &long].map(|given| {
        let headers: &[(&str, &str)] = if given.is_empty() { &[] } else { &[("X-Request-Id", given)] };
        let id = app.send("GET", "/livez", headers, "").header("x-request-id").to_string();
        assert_ne!(id, given);
        app.log_of(&id);
        id
    });

    for id in &ids {
        assert!(id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
        assert_eq!(ids.iter().filter(|other| *other == id).count(), 1, "no id comes twice");
    }
}

/// A head and a body that leave in two packets wait for each other: 40 ms on every answer of a connection that is
/// kept alive (Nagle's algorithm and delayed acknowledgement).
#[test]
fn no_answer_waits_for_nagle() {
    let app = TestApp::start();
    let order: Value = serde_json::from_str::<Value>(ORDERS).unwrap()[0].clone();
    app.post("/create_orders", ORDERS);
    let many: Vec<Value> = (10..2000)
        .map(|id| {
            let mut order = order.clone();
            order["order_id"] = json!(id);
            order
        })
        .collect();
    app.post("/create_orders", json!(many).to_string());

    for path in ["/livez", "/", "/orders/1", "/orders?limit=1000", "/nowhere"] {
        let mut durations: Vec<Duration> = (0..21)
            .map(|_| {
                let asked = Instant::now();
                app.get(path);
                asked.elapsed()
            })
            .collect();
        durations.sort();
        let median = durations[10];
        assert!(median < Duration::from_millis(30), "{path}: half of the answers took {median:?} or more");
    }
}

/// A client may close its half of the connection when it has said all (RFC 9293, section 3.6).
#[test]
fn a_half_closed_client_gets_its_answer_and_one_that_has_left_its_work_done_and_logged() {
    let app = TestApp::start();
    app.post("/create_orders", ORDERS);
    let ask = |id: i32, name: &str| {
        let body = serde_json::from_str::<Value>(ORDERS).unwrap()[0].to_string();
        let body = body.replace("\"order_id\":1", &format!("\"order_id\":{id}"));
        let mut stream = app.connect();
        let length = body.len();
        let head =
            format!("POST /create_order HTTP/1.1\r\nHost: t\r\nX-Request-Id: {name}\r\nContent-Length: {length}");
        stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).unwrap();
        stream
    };

    for id in 100..120 {
        let mut stream = ask(id, &format!("half-{id}"));
        stream.shutdown(Shutdown::Write).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer:?}");
    }
    for id in 200..220 {
        drop(ask(id, &format!("left-{id}")));
    }

    for id in 200..220 {
        assert_eq!(app.log_of(&format!("left-{id}"))["status"], 200);
        assert_eq!(app.get(&format!("/orders/{id}")).status, 200);
    }
}
