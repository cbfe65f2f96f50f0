//! What the service itself tells others: to the last of them, once and in sequence.

use serde_json::{Value, json};

use crate::{
    SECRET,
    double::Double,
    samples::{order, orders},
    support::TestApp,
};

/// The events that a double has understood, as (type, subject).
fn told(seen: &[Value]) -> Vec<(String, String)> {
    let events = seen.iter().flat_map(|request| {
        let understood = &request["understood"];
        // A topic notes an array of them, a receiver an array below its message, a sidecar one.
        let many = understood.as_array().or_else(|| understood["events"].as_array());
        many.cloned().unwrap_or_else(|| understood.get("event").cloned().into_iter().collect())
    });
    let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
    events.map(|event| (text(&event["type"]), text(&event["subject"]))).collect()
}

#[test]
#[ignore = "needs Python packages: make test-peers"]
fn every_kind_of_sink_is_told_of_every_change_by_the_service_itself() {
    let clouds = Double::start("topic.py", &["--key", "a+b/c=="]);
    let grid = Double::start("topic.py", &["--key", "a+b/c==", "--schema", "eventgrid"]);
    let receiver = Double::start("receiver.py", &["--secret", SECRET]);
    let sidecar = Double::start("sidecar.py", &["--token", "sidecar-token"]);
    let sinks = [
        format!("eventgrid+http://127.0.0.1:{}/api/events#key=a+b/c==", clouds.port),
        format!("eventgrid+http://127.0.0.1:{}/api/events#key=a+b/c==&schema=eventgrid", grid.port),
        format!("http://127.0.0.1:{}/hooks#secret={SECRET}", receiver.port),
        format!("dapr://127.0.0.1:{}/pubsub/things#token=sidecar-token", sidecar.port),
    ];
    for double in [&clouds, &grid, &receiver, &sidecar] {
        double.answer_next(&json!([{ "status": 503, "headers": { "Retry-After": "1" } }]));
    }
    let app = TestApp::start_with(&[("EVENT_SINKS", &sinks.join(","))]);

    assert_eq!(app.post("/create_orders", orders(1..4)).status, 200);
    assert_eq!(app.send("DELETE", "/orders/1", &[], "").status, 204);
    assert_eq!(app.post("/create_order", order(1)).status, 200);

    for double in [&clouds, &grid, &receiver, &sidecar] {
        let seen = double.until(|seen| told(seen).len() >= 5);
        let mut told = told(&seen);
        let of_the_first: Vec<&str> =
            told.iter().filter(|(_, key)| key.ends_with("/1")).map(|(kind, _)| kind.as_str()).collect();
        assert_eq!(of_the_first, ["order.created", "order.deleted", "order.created"], "{seen:?}");
        told.sort();
        assert_eq!(told.len(), 5, "{seen:?}");
        assert!(seen.iter().any(|request| request["status"] == 503), "each was away at first: {seen:?}");
    }
    assert!(
        !app.output().contains("a+b/c") && !app.output().contains("MfKQ9r8") && !app.output().contains("sidecar-token")
    );
}

#[test]
#[ignore = "needs Python packages: make test-peers"]
fn a_key_that_is_refused_is_told_to_a_person_and_nothing_is_lost() {
    let topic = Double::start("topic.py", &["--key", "right"]);
    let app = TestApp::start_with(&[(
        "EVENT_SINKS",
        &format!("eventgrid+http://127.0.0.1:{}/api/events#key=wrong", topic.port),
    )]);

    assert_eq!(app.post("/create_order", order(1)).status, 200);

    topic.seen(1);
    let parked = || app.query::<i64>("SELECT COUNT(*) FROM parked_events");
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while parked() != [1] {
        assert!(std::time::Instant::now() < deadline, "{}", app.output());
    }
    app.wait_for_output("the topic does not take this key: 401");
}
