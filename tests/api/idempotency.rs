//! A POST that is sent twice with the same `Idempotency-Key` is done once.

use std::thread;

use serde_json::{Value, json};

use crate::{
    samples::{order, orders, variant},
    support::{Reply, Session, TestApp},
};

fn send(app: &TestApp, path: &str, key: &str, body: &str) -> Reply {
    app.send("POST", path, &[("Idempotency-Key", key)], body)
}

#[test]
fn the_first_answer_comes_again_and_nothing_is_done_again() {
    let app = TestApp::start();
    let requests = [
        ("/orders", "key-1", order(1), 201),
        ("/create_order", "key-2", order(2), 200),
        ("/create_orders", "key-3", orders(10..2000), 200),
        ("/update_order", "key-4", variant(2, 1), 200),
    ];

    for (path, key, body, status) in &requests {
        let first = send(&app, path, key, body);
        assert_eq!((first.status, first.header("idempotent-replayed")), (*status, ""), "{path}: {}", first.body);
    }
    app.send("PUT", "/orders/2", &[], variant(2, 2));
    for (path, key, body, status) in &requests {
        let second = send(&app, path, key, body);

        assert_eq!((second.status, second.header("idempotent-replayed")), (*status, "true"), "{path}: {}", second.body);
        if *path == "/orders" {
            assert_eq!((second.header("location"), second.header("content-type")), ("/orders/1", "application/json"));
            assert_eq!(second.json()["order_id"], json!(1));
        } else {
            assert_eq!(second.body, r#"{"status":true}"#);
        }
    }

    let second: Value = serde_json::from_str(&variant(2, 2)).unwrap();
    assert_eq!(app.get("/orders/2").json(), second, "the update was done again");
    assert_eq!(app.query::<i64>("SELECT COUNT(*) FROM orders"), [1992]);
}

#[test]
fn the_same_key_for_another_request_is_422_and_without_a_key_it_is_done_again() {
    let app = TestApp::start();
    send(&app, "/create_order", "key", &order(1));

    for (path, body) in [("/create_order", order(2)), ("/orders", order(1))] {
        let problem = send(&app, path, "key", &body).problem(422);
        assert_eq!(problem["errors"][0]["parameter"], json!("Idempotency-Key"));
    }
    assert_eq!(send(&app, "/create_order", "KEY", &order(2)).status, 200, "another key");
    app.post("/create_order", order(1)).problem(409);

    assert_eq!(app.query::<i64>("SELECT COUNT(*) FROM orders"), [2]);
}

#[test]
fn a_key_is_1_to_255_visible_characters() {
    let app = TestApp::start();

    let longest = "x".repeat(255);
    for key in ["", "a b", "\u{e9}", &format!("{longest}x")] {
        let problem = send(&app, "/create_order", key, &order(1)).problem(400);
        assert_eq!(problem["errors"][0]["parameter"], json!("Idempotency-Key"), "{key:?}");
    }
    assert_eq!(send(&app, "/create_order", &longest, &order(1)).status, 200);
}

#[test]
fn while_the_first_is_running_the_second_is_409_on_any_instance() {
    let first = TestApp::start();
    let second = TestApp::launch(&first.database_url, &[]);
    second.wait_until_ready();
    first.post("/create_order", order(1));
    let mut holding = Session::open(&first.database_url);
    holding.query::<mysql_async::Row>("START TRANSACTION");
    holding.query::<i32>("SELECT order_id FROM orders WHERE order_id = 1 FOR UPDATE");

    thread::scope(|scope| {
        let running = scope.spawn(|| send(&first, "/update_order", "key", &order(1)));
        while first.query::<i64>(
            "SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE() AND info LIKE 'UPDATE orders%'",
        ) != [1]
        {
            thread::sleep(std::time::Duration::from_millis(5));
        }
        for app in [&first, &second] {
            let problem = send(app, "/update_order", "key", &order(1)).problem(409);
            assert!(problem["detail"].as_str().unwrap().contains("still running"), "{problem}");
        }
        drop(holding);
        assert_eq!(running.join().unwrap().status, 200);
    });

    let again = send(&second, "/update_order", "key", &order(1));
    assert_eq!((again.status, again.header("idempotent-replayed")), (200, "true"));
}

#[test]
fn what_was_refused_may_be_sent_again_with_its_key() {
    let app = TestApp::start();

    send(&app, "/update_order", "key", &order(1)).problem(404);
    app.post("/create_order", order(1));

    assert_eq!(send(&app, "/update_order", "key", &order(1)).status, 200);
}

#[test]
fn ten_at_the_same_moment_are_done_once() {
    let app = TestApp::start();

    for round in 0..5 {
        let key = format!("key-{round}");
        let statuses: Vec<u16> = thread::scope(|scope| {
            let clients: Vec<_> =
                (0..10).map(|_| scope.spawn(|| send(&app, "/orders", &key, &order(round)).status)).collect();
            clients.into_iter().map(|client| client.join().unwrap()).collect()
        });

        assert!(statuses.contains(&201) && statuses.iter().all(|status| [201, 409].contains(status)), "{statuses:?}");
        assert_eq!(send(&app, "/orders", &key, &order(round)).status, 201);
    }
    assert_eq!(app.query::<i64>("SELECT COUNT(*) FROM orders"), [5]);
}

#[test]
fn a_key_holds_for_a_day() {
    let app = TestApp::start();
    send(&app, "/create_order", "key", &order(1));
    app.execute("UPDATE idempotency_keys SET created_at = NOW() - INTERVAL 23 HOUR");
    assert_eq!(send(&app, "/create_order", "key", &order(1)).header("idempotent-replayed"), "true");

    app.execute("UPDATE idempotency_keys SET created_at = NOW() - INTERVAL 25 HOUR");

    assert_eq!(send(&app, "/create_order", "key", &order(2)).status, 200, "it may stand for another request now");
    app.execute("UPDATE idempotency_keys SET created_at = NOW() - INTERVAL 25 HOUR");
    let next = TestApp::launch(&app.database_url, &[]);
    next.wait_until_ready();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(5);
    while app.query::<i64>("SELECT COUNT(*) FROM idempotency_keys") != [0] {
        assert!(std::time::Instant::now() < deadline, "old keys are not deleted");
    }
}
