//! What others make of our requests, and what we make of their answers.

use std::{ops::Range, time::SystemTime};

use serde_json::{Value, json, value::RawValue};
use service::{
    events::{
        CloudEvent,
        sinks::{Sink, Verdict},
    },
    http_client::Answer,
};

use crate::{SECRET, double::Double};

fn event(number: u64, size: usize) -> CloudEvent {
    let data = json!({ "price": 1.1, "text": "ü".repeat(size / 2) }).to_string();
    CloudEvent {
        id: format!("id-{number}"),
        source: "/demo".into(),
        kind: "thing.created".into(),
        time: SystemTime::now(),
        partition_key: "things/3".into(),
        sequence: number,
        data: RawValue::from_string(data).unwrap(),
        traceparent: None,
    }
}

/// Sends the request that `sink` makes of these events, as they are, and gives what it says of the answer.
fn send(sink: &Sink, numbers: Range<u64>, size: usize) -> Verdict {
    let events: Vec<CloudEvent> = numbers.map(|number| event(number, size)).collect();
    let call = sink.request(&events, SystemTime::now()).unwrap();
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0).build().into();
    let mut request = ureq::http::Request::builder().method(call.method.as_str()).uri(call.url.as_str());
    for (name, value) in &call.headers {
        request = request.header(name.as_str(), value.as_bytes());
    }
    let mut reply = agent.run(request.body(&call.body[..]).unwrap()).unwrap();
    let headers = reply.headers().iter().map(|(name, value)| {
        (name.as_str().parse().unwrap(), hyper::header::HeaderValue::from_bytes(value.as_bytes()).unwrap())
    });
    let answer = Answer {
        status: hyper::StatusCode::from_u16(reply.status().as_u16()).unwrap(),
        headers: headers.collect(),
        body: reply.body_mut().read_to_vec().unwrap().into(),
    };
    sink.verdict(&answer)
}

fn sink(text: &str) -> Sink {
    Sink::parse(text).unwrap_or_else(|problem| panic!("{text}: {problem}"))
}

fn ids(events: &Value) -> Vec<&str> {
    events.as_array().unwrap().iter().map(|event| event["id"].as_str().unwrap()).collect()
}

#[test]
#[ignore = "needs Python packages: make test-peers"]
fn microsoft_s_classes_read_what_a_topic_gets_in_both_schemas() {
    for schema in ["cloudevents", "eventgrid"] {
        let topic = Double::start("topic.py", &["--key", "a+b/c==", "--schema", schema]);
        let url = |key: &str| format!("eventgrid+http://127.0.0.1:{}/api/events#key={key}&schema={schema}", topic.port);
        let topics_sink = sink(&url("a+b/c=="));

        assert_eq!(send(&topics_sink, 1..4, 10), Verdict::Delivered, "{:?}", topic.seen(0));
        assert!(matches!(send(&sink(&url("another")), 4..5, 10), Verdict::Park(_)));
        assert!(matches!(send(&topics_sink, 5..8, 400_000), Verdict::TooMany(_)));
        assert!(matches!(send(&sink(&url("a+b/c==").replace("/api/", "/b/")), 8..9, 10), Verdict::Park(_)));

        let events = &topic.seen(4)[0]["understood"];
        assert_eq!(ids(events), ["id-1", "id-2", "id-3"]);
        assert_eq!((&events[0]["type"], &events[0]["subject"]), (&json!("thing.created"), &json!("things/3")));
        assert_eq!(events[0]["data"], json!({"price": 1.1, "text": "üüüüü"}));
    }
}

#[test]
#[ignore = "needs Python packages: make test-peers"]
fn the_library_of_standard_webhooks_knows_our_signatures() {
    let receiver = Double::start("receiver.py", &["--secret", SECRET]);
    let url = |options: &str| sink(&format!("http://127.0.0.1:{}/hooks#{options}", receiver.port));
    let other = "whsec_AfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    assert_eq!(send(&url(&format!("secret={SECRET}")), 1..2, 10), Verdict::Delivered);
    assert_eq!(send(&url(&format!("secret={other}&secret={SECRET}")), 2..3, 10), Verdict::Delivered);
    assert_eq!(send(&url(&format!("secret={SECRET}&batch=10")), 3..6, 10), Verdict::Delivered);
    assert!(matches!(send(&url(&format!("secret={other}")), 6..7, 10), Verdict::Later(None, _)));
    assert!(matches!(send(&url(""), 7..8, 10), Verdict::Later(None, _)));
    receiver.answer_next(&json!([
        {"status": 503, "headers": {"Retry-After": "7"}}, {"status": 410}, {"status": 308, "headers": {"Location": "/"}},
    ]));
    let secret = url(&format!("secret={SECRET}"));
    let planned = [send(&secret, 8..9, 10), send(&secret, 9..10, 10), send(&secret, 10..11, 10)];
    assert!(matches!(&planned[0], Verdict::Later(Some(pause), _) if pause.as_secs() == 7), "{planned:?}");
    assert_eq!(planned[1], Verdict::Gone);
    assert!(matches!(&planned[2], Verdict::Later(None, reason) if reason.contains("redirect")), "{planned:?}");

    let seen = receiver.seen(8);
    assert_eq!(seen[0]["understood"]["webhook_id"], "id-1");
    assert_eq!(ids(&seen[2]["understood"]["events"]), ["id-3", "id-4", "id-5"]);
}

#[test]
#[ignore = "needs Python packages: make test-peers"]
fn a_sidecar_takes_our_events_as_they_are() {
    let sidecar = Double::start("sidecar.py", &["--token", "sidecar-token"]);
    let url = |path: &str, token: &str| sink(&format!("dapr://127.0.0.1:{}/{path}#token={token}", sidecar.port));

    assert_eq!(send(&url("pubsub/things", "sidecar-token"), 1..2, 10), Verdict::Delivered, "{:?}", sidecar.seen(0));
    assert!(matches!(send(&url("pubsub/things", "another"), 2..3, 10), Verdict::Park(_)));
    assert!(matches!(send(&url("nowhere/things", "sidecar-token"), 3..4, 10), Verdict::Park(_)));
    sidecar.answer_next(&json!([{"status": 500}]));
    assert!(matches!(send(&url("pubsub/things", "sidecar-token"), 4..5, 10), Verdict::Later(None, _)));

    let understood = &sidecar.seen(4)[0]["understood"];
    assert_eq!((&understood["topic"], &understood["event"]["id"]), (&json!("things"), &json!("id-1")));
}
