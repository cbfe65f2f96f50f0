//! Every change is told to every sink: at least once, in sequence, and nothing else.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{
    peer::{Peer, Received},
    support::{TestApp, order},
};

/// A service that tells these sinks, whose pauses and time-outs are short.
fn start(sinks: &[&Peer], settings: &[(&str, &str)]) -> TestApp {
    let urls = sinks.iter().map(|sink| sink.url("/events")).collect::<Vec<_>>().join(",");
    TestApp::start_with(&[&[("EVENT_SINKS", urls.as_str()), ("OUTBOUND_TIMEOUT", "1")], settings].concat())
}

fn event(request: &Received) -> Value {
    assert_eq!(request.header("content-type").split(';').next(), Some("application/cloudevents+json"));
    serde_json::from_slice(&request.body).unwrap()
}

fn number(event: &Value) -> u64 {
    event["sequence"].as_str().unwrap().parse().unwrap()
}

/// Waits until nothing waits any more.
fn wait_until_all_is_told(app: &TestApp) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while app.query::<i64>("SELECT (SELECT COUNT(*) FROM outbox) + (SELECT COUNT(*) FROM event_lines)") != [0] {
        assert!(Instant::now() < deadline, "something waits:\n{}", app.output());
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn each_change_is_told_with_what_it_was() {
    let sink = Peer::json(200, "");
    let app = start(&[&sink], &[("EVENT_SOURCE", "/shop")]);
    let changed = order(7).replace("\"quantity\":10", "\"quantity\":5");

    assert_eq!(app.post("/create_order", order(7)).status, 200);
    assert_eq!(app.send("PUT", "/orders/7", &[], &changed).status, 200);
    assert_eq!(app.send("DELETE", "/orders/7", &[], "").status, 204);

    let events: Vec<Value> = sink.wait_for(3).iter().map(event).collect();
    for (event, kind) in events.iter().zip(["order.created", "order.updated", "order.deleted"]) {
        assert_eq!((&event["specversion"], &event["type"]), (&json!("1.0"), &json!(kind)));
        assert_eq!((&event["source"], &event["datacontenttype"]), (&json!("/shop"), &json!("application/json")));
        assert_eq!((&event["subject"], &event["partitionkey"]), (&json!("orders/7"), &json!("orders/7")));
        assert_eq!(event["data"]["order_id"], 7);
        assert!(event["time"].as_str().unwrap().ends_with('Z'), "{event}");
    }
    assert_eq!(events[0]["data"].to_string(), serde_json::from_str::<Value>(&order(7)).unwrap().to_string());
    assert_eq!(events[1]["data"]["quantity"], 5);
    assert_eq!(number(&events[1]), number(&events[0]) + 1);
    assert_eq!(number(&events[2]), number(&events[1]) + 1);
    wait_until_all_is_told(&app);
    assert_eq!(sink.received().len(), 3);
}
