//! What is heard at `POST /events` is applied once, whole, or not at all, and the sender is told in its own way what to do.

use std::{
    thread,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::{
    samples::{invalid, misnamed, order, orders},
    support::{Reply, Session, TestApp},
    webhooks::{BATCH, BEARER, DAPR, JSON, ONE, SETTINGS, VALIDATION, event, heard, stored, tell},
};

#[test]
fn an_event_that_comes_again_is_applied_once() {
    let app = TestApp::start_with(SETTINGS);
    let first = event("1", &order(1));
    assert_eq!(tell(&app, &first).status, 200);

    let again = tell(&app, &first);
    let elsewhere = tell(&app, &first.replace("/there", "/elsewhere").replace("\"order_id\":1", "\"order_id\":2"));
    let with_a_space = tell(&app, &event("1 ", &order(3)));
    let twice_in_a_batch = format!("[{},{}]", event("2", &order(4)), event("2", &order(4)));
    let batch = app.send("POST", "/events", &[BEARER, BATCH], twice_in_a_batch);

    for reply in [again, elsewhere, with_a_space, batch] {
        assert_eq!(reply.status, 200, "{}", reply.body);
    }
    assert_eq!((stored(&app), heard(&app)), (vec![1, 2, 3, 4], 4));
}

#[test]
fn of_ten_deliveries_at_the_same_moment_one_is_applied_and_all_are_a_success() {
    let app = TestApp::start_with(SETTINGS);
    let body = event("1", &orders(1..100));

    let replies: Vec<Reply> = thread::scope(|scope| {
        let tellers: Vec<_> = (0..10).map(|_| scope.spawn(|| tell(&app, &body))).collect();
        tellers.into_iter().map(|teller| teller.join().unwrap()).collect()
    });

    for reply in replies {
        assert_eq!(reply.status, 200, "{}", reply.body);
    }
    assert_eq!((stored(&app).len(), heard(&app)), (99, 1));
}

#[test]
fn a_delivery_that_waits_for_one_that_fails_is_applied() {
    let app = TestApp::start_with(SETTINGS);
    let mut first = Session::open(&app.database_url);
    first.query::<i64>("START TRANSACTION");
    first.query::<i64>("INSERT INTO inbox (source, id) VALUES ('/there', '1')");

    let reply = thread::scope(|scope| {
        let second = scope.spawn(|| tell(&app, &event("1", &order(1))));
        Session::open(&app.database_url).wait_for_waiters(1, "%pdate%");
        first.query::<i64>("ROLLBACK");
        second.join().unwrap()
    });

    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!((stored(&app), heard(&app)), (vec![1], 1));
}

#[test]
fn one_that_waits_too_long_for_the_first_is_told_to_come_again() {
    let app = TestApp::start_with(&[SETTINGS[0], SETTINGS[1], ("DB_TIMEOUT", "1.5")]);
    let mut first = Session::open(&app.database_url);
    first.query::<i64>("START TRANSACTION");
    first.query::<i64>("INSERT INTO inbox (source, id) VALUES ('/there', '1')");

    for sender in [BEARER, DAPR] {
        let reply = app.send("POST", "/events", &[sender, ONE], event("1", &order(1)));
        reply.problem(503);
        assert_eq!(reply.header("retry-after"), "1");
    }

    first.query::<i64>("COMMIT");
    assert_eq!(tell(&app, &event("1", &order(1))).status, 200);
    assert_eq!(stored(&app), Vec::<i64>::new(), "the first one was said to have been applied");
}

#[test]
fn what_can_never_be_applied_is_400_at_its_place_and_nothing_of_it_is_kept() {
    let app = TestApp::start_with(SETTINGS);
    app.post("/create_order", order(1));
    let (wrong, fault) = invalid(2);
    let [in_data, in_array, in_batch] = ["/data", "/data/1", "/1/data"].map(|place| format!("{place}{fault}"));
    let (misnamed, missing) = misnamed(2, "unheard_of");
    let missing = format!("/data/{missing}");
    let binary =
        [("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "/"), ("ce-type", "order.import"), BEARER, JSON];
    type Row<'a> = (Vec<(&'a str, &'a str)>, String, Vec<&'a str>);
    let table: Vec<Row> = vec![
        (vec![BEARER, ONE], event("1", &wrong), vec![&in_data]),
        (vec![BEARER, ONE], event("1", &format!("[{},{wrong}]", order(3))), vec![&in_array]),
        (vec![BEARER, ONE], event("1", &misnamed), vec![&missing, "/data/unheard_of"]),
        (vec![BEARER, ONE], event("1", "5"), vec!["/data"]),
        (vec![BEARER, ONE], event("1", "null"), vec!["/data"]),
        (vec![BEARER, ONE], event("1", "[[]]"), vec!["/data/0"]),
        (vec![BEARER, ONE], event("", &order(2)), vec!["/id"]),
        (vec![BEARER, ONE], event("1", &order(1)), vec!["/data"]),
        (vec![BEARER, BATCH], format!("[{},{}]", event("1", &order(2)), event("2", &wrong)), vec![&in_batch]),
        (vec![BEARER, BATCH], format!("[{},{}]", event("1", &order(2)), event("2", &order(1))), vec!["/1/data"]),
        (vec![BEARER, BATCH], format!("[{},{}]", event("1", &order(2)), event("2", &order(2))), vec!["/1/data"]),
        (
            vec![BEARER, BATCH],
            format!("[{},{{}}]", event("1", &order(2))),
            vec!["/1/id", "/1/source", "/1/type", "/1/specversion"],
        ),
        (binary.to_vec(), wrong.clone(), vec![&fault]),
        (vec![BEARER, ONE], "{".to_string(), vec![]),
        (vec![BEARER, ONE], "[".repeat(100_000), vec![]),
        (vec![BEARER, ONE], event("1", &"[".repeat(100_000)), vec![]),
        (vec![BEARER, ONE], event("1", &format!("{}{}", "[".repeat(100_000), "]".repeat(100_000))), vec!["/data/0"]),
        (vec![BEARER, ONE], String::new(), vec![]),
    ];

    for (headers, body, pointers) in table {
        let start: String = body.chars().take(200).collect();
        let problem = app.send("POST", "/events", &headers, &body).problem(400);
        let faults = problem["errors"].as_array().cloned().unwrap_or_default();
        let told: Vec<&str> = faults.iter().map(|fault| fault["pointer"].as_str().unwrap()).collect();
        assert_eq!(told, pointers, "{start}");
    }
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "application/cloudevents+avro"] {
        app.send("POST", "/events", &[BEARER, ("Content-Type", content_type)], event("1", &order(2))).problem(415);
    }

    assert_eq!((stored(&app), heard(&app)), (vec![1], 0));
}

#[test]
fn an_event_of_an_unknown_type_is_202_logged_and_not_kept() {
    let app = TestApp::start_with(SETTINGS);
    let unknown = event("1", "{}").replace("order.import", "there.is.no\\n.such");
    let picture = [
        ("ce-specversion", "1.0"),
        ("ce-id", "1"),
        ("ce-source", "/"),
        ("ce-type", "image"),
        BEARER,
        ("Content-Type", "image/png"),
    ];

    let reply = app.send("POST", "/events", &[BEARER, ONE, ("X-Request-Id", "unknown-1")], &unknown);
    let mixed = app.send("POST", "/events", &[BEARER, BATCH], format!("[{unknown},{}]", event("2", &order(2))));
    let binary = app.send("POST", "/events", &picture, "\0\x01\x02");

    assert_eq!((reply.status, mixed.status, binary.status), (202, 202, 202));
    assert_eq!((stored(&app), heard(&app)), (vec![2], 1));
    app.log_of("unknown-1");
    let output = app.output();
    assert!(
        output.contains("request unknown-1: 1 events are of no type") && output.contains("there.is.no\\n.such"),
        "{output}"
    );
}

#[test]
fn a_sidecar_is_told_to_drop_what_can_never_be_applied_and_to_repeat_what_can() {
    let app = TestApp::start_with(&[SETTINGS[0], SETTINGS[1], ("MAX_BODY_BYTES", "2000")]);
    app.post("/create_order", order(1));
    let say = |body: &str| {
        app.send("POST", "/events", &[DAPR, ONE, ("pubsubname", "pubsub"), ("X-Request-Id", "dropped")], body)
    };

    let dropped = [
        say(&event("1", "{}")),
        say(&event("1", &order(1))),
        say("{"),
        say(&" ".repeat(2001)),
        app.send("POST", "/events", &[DAPR, ("Content-Type", "text/plain")], "hello"),
    ];
    let taken = say(&event("1", &order(2)));

    for reply in dropped {
        assert_eq!((reply.status, reply.json()), (200, json!({"status": "DROP"})), "{}", reply.body);
    }
    assert_eq!((taken.status, taken.json()), (200, json!({"status": "SUCCESS"})));
    assert_eq!((stored(&app), heard(&app)), (vec![1, 2], 1));
    app.wait_for_output("request dropped: an event is dropped: ");
    app.wait_for_output("/data/order_id is missing");
}

#[test]
fn a_database_that_is_away_is_503_to_every_sender_and_never_a_refusal() {
    let app = TestApp::launch("mysql://user:passwd@127.0.0.1:1/demo", SETTINGS);

    for sender in [BEARER, DAPR] {
        let reply = app.send("POST", "/events", &[sender, ONE], event("1", &order(1)));
        reply.problem(503);
        assert_eq!(reply.header("retry-after"), "1");
    }
    app.send("POST", "/events", &[ONE], event("1", &order(1))).problem(401);
    assert_eq!(app.send("POST", "/events", &[BEARER, JSON], VALIDATION).status, 200, "nothing is to be stored");
}

#[test]
fn a_thousand_events_in_a_batch_are_applied_in_time_and_more_are_refused() {
    let app = TestApp::start_with(SETTINGS);
    let events: Vec<String> = (1..=1001).map(|id| event(&id.to_string(), &order(id))).collect();

    let started = Instant::now();
    let reply = app.send("POST", "/events", &[BEARER, BATCH], format!("[{}]", events[..1000].join(",")));
    let took = started.elapsed();

    assert_eq!(reply.status, 200, "{} after {took:?}", reply.body);
    assert_eq!((stored(&app).len(), heard(&app)), (1000, 1000));
    app.send("POST", "/events", &[BEARER, BATCH], format!("[{}]", events.join(","))).problem(400);
}

#[test]
fn events_are_forgotten_after_a_week() {
    let app = TestApp::start_with(SETTINGS);
    tell(&app, &event("1", &order(1)));
    tell(&app, &event("2", &order(2)));
    app.execute("UPDATE inbox SET received_at = NOW() - INTERVAL 8 DAY WHERE id = '1'");
    app.execute("UPDATE inbox SET received_at = NOW() - INTERVAL 6 DAY WHERE id = '2'");

    let next = TestApp::launch(&app.database_url, &[]);
    next.wait_until_ready();

    let deadline = Instant::now() + Duration::from_secs(5);
    while app.query::<String>("SELECT CAST(id AS CHAR) FROM inbox") != ["2"] {
        assert!(Instant::now() < deadline, "old events are not deleted");
    }
}
