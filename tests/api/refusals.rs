//! Every error is a problem (RFC 9457) with the right status, and what is refused changes nothing.

use serde_json::{Value, json};

use crate::{
    samples::{ORDERS, invalid, text_field, variant},
    support::TestApp,
};

#[test]
fn what_is_not_json_is_400_wherever_json_is_read() {
    let mut app = TestApp::start();

    let nested = "[".repeat(60_000);
    let not_utf8 = [b"{\"", text_field().as_bytes(), b"\": \"\xff\xfe\"}"].concat();
    let bodies: [(&[u8], &str); 8] = [
        (b"", "nothing"),
        (b"  ", "white space"),
        (b"order_id=1&name=x", "a form"),
        (b"{\"order_id\": 1", "cut off"),
        (b"{\"order_id\": NaN}", "NaN"),
        (b"{} {}", "two texts"),
        (&not_utf8, "not UTF-8"),
        (nested.as_bytes(), "deep nesting, never closed"),
    ];
    let endpoints = [
        ("POST", "/create_order"),
        ("POST", "/create_orders"),
        ("POST", "/update_order"),
        ("POST", "/orders"),
        ("PUT", "/orders/1"),
    ];

    for (method, path) in endpoints {
        for (body, reason) in bodies {
            let reply = app.send(method, path, &[], body);
            assert_eq!(reply.status, 400, "{method} {path}, {reason}: {}", reply.body);
            reply.problem(400);
        }
    }
    app.assert_still_the_same_process();
}

#[test]
fn json_of_another_shape_is_422_with_one_entry_a_field() {
    let mut app = TestApp::start();
    let mut orders: Value = serde_json::from_str(ORDERS).unwrap();
    let (wrong, fault) = invalid(4);
    orders[3] = serde_json::from_str(&wrong).unwrap();
    orders[3]["order_id"] = json!(-1);
    orders[4].as_object_mut().unwrap().remove(text_field());
    orders[0]["Colour!"] = json!("red"); // no field can have this name

    let problem = app.post("/create_orders", orders.to_string()).problem(422);

    let pointers: Vec<&str> =
        problem["errors"].as_array().unwrap().iter().map(|e| e["pointer"].as_str().unwrap()).collect();
    assert_eq!(pointers, ["/0/Colour!", "/3/order_id", &format!("/3{fault}"), &format!("/4/{}", text_field())]);
    assert_eq!(app.get("/orders").json(), json!([]), "not one of the others went in");

    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for (path, body) in [
        ("/create_orders", "{}"),
        ("/create_orders", "5"),
        ("/create_orders", "[null]"),
        ("/create_orders", &deep),
        ("/create_order", "[]"),
        ("/create_order", "null"),
        ("/create_order", &deep),
    ] {
        app.post(path, body).problem(422);
    }
    let twice = orders[1].to_string().replacen('{', "{\"order_id\": 9, ", 1);
    let problem = app.post("/create_order", twice).problem(422);
    assert_eq!(problem["errors"][0]["pointer"], "/order_id", "a field that is given twice");
    app.assert_still_the_same_process();
}

#[test]
fn a_second_order_with_the_same_id_is_409_and_changes_nothing() {
    let app = TestApp::start();
    app.post("/create_orders", ORDERS);
    let before = app.get("/orders").body;
    let mut orders: Value = serde_json::from_str(ORDERS).unwrap();
    let second = variant(3, 1);
    for (index, order) in orders.as_array_mut().unwrap().iter_mut().enumerate() {
        order["order_id"] = json!(100 + index);
    }
    orders[4]["order_id"] = json!(3);

    for (path, body) in [("/create_order", &second), ("/orders", &second), ("/create_orders", &orders.to_string())] {
        let problem = app.post(path, body).problem(409);

        assert!(problem["detail"].as_str().unwrap().contains("order_id 3"), "{problem}");
        assert_eq!(app.get("/orders").body, before, "{path} has changed something");
    }
    orders[4]["order_id"] = json!(100);
    app.post("/create_orders", orders.to_string()).problem(409);
    assert_eq!(app.get("/orders").body, before, "the same id twice in one array");
}

#[test]
fn an_unknown_path_is_404_and_a_wrong_method_405_with_what_is_allowed() {
    let app = TestApp::start();

    for path in ["/nowhere", "/orders/1/lines", "/orders/", "//", "/create_orders/1"] {
        app.get(path).problem(404);
        app.send("OPTIONS", path, &[], "").problem(404);
    }
    for (method, path, allow) in [
        ("DELETE", "/orders", "GET, HEAD, POST, OPTIONS"),
        ("POST", "/orders/1", "GET, HEAD, PUT, DELETE, OPTIONS"),
        ("GET", "/create_orders", "POST, OPTIONS"),
        ("POST", "/init", "GET, OPTIONS"),
        ("BREW", "/livez", "GET, HEAD, OPTIONS"),
    ] {
        let reply = app.send(method, path, &[], "");

        reply.problem(405);
        assert_eq!(reply.header("allow"), allow, "{method} {path}");
    }
}

#[test]
fn a_body_over_the_limit_is_413_whether_or_not_its_length_is_announced() {
    let mut app = TestApp::start_with(&[("MAX_BODY_BYTES", "1000")]);

    assert_eq!(app.post("/echo", "x".repeat(1000)).status, 200, "the limit itself");
    app.post("/echo", "x".repeat(1001)).problem(413);
    let announced = app.exchange("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 9999999999\r\n\r\n");
    assert!(announced.starts_with("HTTP/1.1 413 "), "refused before it is sent: {announced}");
    let chunk = format!("400\r\n{}\r\n0\r\n\r\n", "x".repeat(1024));
    let chunked = app.exchange(&format!(
        "POST /echo HTTP/1.1\r\nHost: t\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}"
    ));
    assert!(chunked.starts_with("HTTP/1.1 413 "), "{chunked}");
    app.assert_still_the_same_process();
}

/// What is kept of a body while it is read is no large multiple of it: wasm's memory never shrinks again.
#[test]
fn a_body_of_millions_of_elements_takes_little_more_memory_than_its_size() {
    let mut app = TestApp::start();
    let body = format!("[{}1]", "1,".repeat(8_000_000));
    let before = app.peak_memory();

    app.post("/create_orders", &body).problem(422);

    let grown = app.peak_memory() - before;
    assert!(grown < 6 * body.len(), "{grown} bytes for a body of {}", body.len());
    app.assert_still_the_same_process();
}

#[test]
fn bytes_that_are_no_http_do_not_end_the_service() {
    let mut app = TestApp::start();

    for text in ["\0\u{1}\u{2}\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"] {
        let answer = app.exchange(text);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400 "), "{text:?}: {answer}");
    }
    drop(app.connect());
    app.assert_still_the_same_process();
}
