//! The five curl lines, and the endpoints in the article's words.

use std::io::{Read, Write};

use serde_json::{Value, json};

use crate::{
    blocks::run_curl_lines,
    samples::{ORDERS, UPDATE, filling, order, orders},
    support::TestApp,
};

const DONE: &str = r#"{"status":true}"#;

#[test]
fn the_curl_lines_in_readme_work_as_they_stand() {
    let app = TestApp::start();

    let answers = run_curl_lines("README.md", &format!("127.0.0.1:{}", app.port));

    let samples: Value = serde_json::from_str(ORDERS).unwrap();
    let update: Value = serde_json::from_str(UPDATE).unwrap();
    let parse = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    assert_eq!([&answers[0], &answers[1], &answers[3], &answers[4]], [DONE; 4]);
    assert_eq!(parse(&answers[2]), samples);
    assert_eq!(parse(&answers[5]), json!([samples[0], update, samples[3], samples[4]]));
}

#[test]
fn the_index_lists_every_endpoint() {
    let app = TestApp::start_with(&[("EVENT_SECRET", "sixteen-characters")]);

    let reply = app.get("/");

    assert_eq!(reply.status, 200);
    for route in service::ROUTES.iter().copied().flatten() {
        let listed = reply.body.lines().any(|line| {
            let mut words = line.split_whitespace();
            words.next() == Some(route.method.as_str()) && words.next() == Some(route.path)
        });
        assert!(listed, "{} {} is not in:\n{}", route.method, route.path, reply.body);
    }
}

#[test]
fn echo_sends_the_body_back() {
    let app = TestApp::start();
    let large = "🐢 ".repeat(50_000);

    for body in ["WasmEdge", &large] {
        let reply = app.post("/echo", body);

        assert_eq!((reply.status, reply.body.as_str()), (200, body));
    }
}

#[test]
fn init_empties_the_table() {
    let app = TestApp::start();
    app.post("/create_orders", ORDERS);

    let reply = app.get("/init");

    assert_eq!((reply.status, reply.body.as_str()), (200, DONE));
    assert_eq!(app.get("/orders").json(), json!([]));
    assert_eq!(app.post("/create_orders", ORDERS).status, 200, "the table works after it");
}

#[test]
fn orders_are_listed_by_id_however_they_came_in() {
    let app = TestApp::start();
    for id in [30, 7, 12] {
        assert_eq!(app.post("/create_order", order(id)).body, DONE);
    }

    let reply = app.get("/orders");

    let ids: Vec<i64> = reply.json().as_array().unwrap().iter().map(|o| o["order_id"].as_i64().unwrap()).collect();
    assert_eq!(ids, [7, 12, 30]);
    assert_eq!(reply.header("content-type"), "application/json");
}

#[test]
fn any_number_of_orders_goes_in_at_once() {
    let app = TestApp::start();

    let mut next = 0;
    for count in [0, 1, 2, 511, 512, 513, 1279] {
        assert_eq!(app.post("/create_orders", orders(next..next + count)).body, DONE, "{count} orders");
        next += count;
    }

    let orders = app.get("/orders").json();
    assert_eq!(orders.as_array().unwrap().len(), next as usize);
    assert_eq!(orders[1000]["order_id"], 1000);
}

/// The list is sent in pages of a thousand; it is one array all the same.
#[test]
fn a_list_of_any_length_is_one_array() {
    let app = TestApp::start();

    let mut ids: Vec<i32> = Vec::new();
    for until in [1, 999, 1000, 1001, 2000, 2500] {
        let new = ids.len() as i32..until;
        app.post("/create_orders", orders(new.clone()));
        ids.extend(new);

        let list = app.get("/orders").json();

        let listed: Vec<i32> =
            list.as_array().unwrap().iter().map(|o| o["order_id"].as_i64().unwrap() as i32).collect();
        assert_eq!(listed, ids);
    }
}

#[test]
fn a_long_list_takes_no_memory_to_speak_of_and_is_cut_off_when_the_database_fails() {
    let writer = TestApp::start();
    let third = filling(13);
    for start in [0, third, 2 * third] {
        assert_eq!(writer.post("/create_orders", orders(start..start + third)).body, DONE);
    }
    let mut reader = TestApp::launch(&writer.database_url, &[]);
    reader.wait_until_ready();
    let before = reader.peak_memory();

    assert_eq!(reader.get("/orders").body.matches("\"order_id\":").count() as i32, 3 * third);

    let grown = reader.peak_memory() - before;
    assert!(grown < 8 << 20, "the list took {grown} bytes");

    // A client that has read the beginning only, while the table goes.
    let mut slow = reader.connect();
    slow.write_all(b"GET /orders HTTP/1.1\r\nHost: t\r\nX-Request-Id: slow\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = vec![0; 1000];
    slow.read_exact(&mut answer).unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200 OK"));
    writer.execute("DROP TABLE orders");
    let _ = slow.read_to_end(&mut answer);
    assert!(!answer.ends_with(b"0\r\n\r\n"), "half a list looks like a whole one");
    reader.wait_for_output("request slow was cut off");
    reader.assert_still_the_same_process();
}

#[test]
fn an_update_with_the_same_values_is_not_taken_for_a_missing_order() {
    let app = TestApp::start();
    app.post("/create_order", UPDATE);

    let reply = app.post("/update_order", UPDATE);

    assert_eq!((reply.status, reply.body.as_str()), (200, DONE));
}

#[test]
fn what_is_not_there_cannot_be_updated_or_deleted() {
    let app = TestApp::start();

    for reply in [app.post("/update_order", UPDATE), app.get("/delete_order?id=2")] {
        let problem = reply.problem(404);
        assert!(problem["detail"].as_str().unwrap().contains("order_id"), "{problem}");
    }
}
