//! Sinks that take several events at once.

use std::collections::{BTreeMap, HashSet};

use serde_json::Value;

use crate::{
    events::{eventually, number, wait_until_all_is_told, wait_until_parked},
    peer::{Peer, reply},
    samples::{order, orders},
    support::TestApp,
};

/// A sink of batches that refuses each batch with a row in it that it cannot take.
fn batches(refused: &'static [i32], status: u16) -> Peer {
    Peer::start(move |request, stream| {
        let events: Vec<Value> = serde_json::from_slice(&request.body).unwrap();
        let is_bad = |event: &Value| refused.iter().any(|row| event["subject"] == format!("orders/{row}"));
        reply(stream, if events.iter().any(is_bad) { status } else { 200 }, &[], "");
    })
}

fn start_batches(sink: &Peer, settings: &[(&str, &str)]) -> TestApp {
    let url = format!("{}#batch=20", sink.url("/events"));
    TestApp::start_with(&[&[("EVENT_SINKS", url.as_str())], settings].concat())
}

#[test]
fn a_sink_of_batches_gets_the_heads_of_many_lines_at_once_and_never_two_of_a_line() {
    let sink = batches(&[], 200);
    let app = start_batches(&sink, &[]);

    app.post("/create_orders", orders(0..200));
    for id in 0..20 {
        app.post("/update_order", order(id));
    }

    wait_until_all_is_told(&app);
    let mut rows: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for request in sink.received() {
        let events: Vec<Value> = serde_json::from_slice(&request.body).unwrap();
        let keys: HashSet<String> = events.iter().map(|event| event["subject"].to_string()).collect();
        assert_eq!(keys.len(), events.len());
        for event in events {
            rows.entry(event["subject"].to_string()).or_default().push(number(&event));
        }
    }
    assert!(sink.received().len() < 60, "{} requests", sink.received().len());
    assert_eq!(rows.values().map(Vec::len).sum::<usize>(), 220);
    assert!(rows.values().all(|numbers| numbers.is_sorted()));
}

#[test]
fn one_event_that_is_refused_is_found_in_its_batch_and_parked_alone() {
    for status in [400, 413] {
        let sink = batches(&[7, 23], status);
        let app = start_batches(&sink, &[]);

        app.post("/create_orders", orders(0..60));

        let parked = wait_until_parked(&app, 2);
        let mut rows: Vec<String> = parked.iter().map(|parked| parked["event"]["subject"].to_string()).collect();
        rows.sort();
        assert_eq!(rows, ["\"orders/23\"", "\"orders/7\""]);
        eventually("the others are told", &app, || app.query::<i64>("SELECT COUNT(*) FROM event_lines") == [2]);
    }
}
