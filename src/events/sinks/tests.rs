//! What each kind of sink is sent, and what its answers mean.

use std::time::UNIX_EPOCH;

use hyper::{StatusCode, header::AUTHORIZATION};
use serde_json::{Value, value::RawValue};

use super::*;
use crate::standard_webhooks::Key;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn sink(text: &str) -> Sink {
    Sink::parse(text).unwrap_or_else(|problem| panic!("{text}: {problem}"))
}

fn event(number: u64) -> CloudEvent {
    CloudEvent {
        id: format!("id-{number}"),
        source: "/demo".into(),
        kind: "thing.created".into(),
        time: now(),
        partition_key: "things/3".into(),
        sequence: number,
        data: RawValue::from_string(format!("{{\"price\":1.10,\"number\":{number}}}")).unwrap(),
        traceparent: None,
    }
}

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_700_000_000)
}

fn call(sink: &Sink, events: std::ops::Range<u64>) -> Call {
    sink.request(&events.map(event).collect::<Vec<_>>(), now()).unwrap()
}

fn answer(status: u16, headers: &[(&'static str, &str)], body: &str) -> Answer {
    let header = |(name, value): &(&'static str, &str)| (name.parse().unwrap(), value.parse().unwrap());
    let headers = headers.iter().map(header).collect();
    Answer { status: StatusCode::from_u16(status).unwrap(), headers, body: body.to_string().into() }
}

#[test]
fn a_sink_s_name_tells_nothing_that_may_be_secret_and_its_options_are_not_sent() {
    let table = [
        (
            "https://user:hunter2@shop.example/hooks?access_token=hunter2#secret=hunter2-hunter2-hunter2",
            "https://shop.example/hooks",
            "https://user:hunter2@shop.example/hooks?access_token=hunter2",
        ),
        ("HTTP://127.0.0.1:8080/#batch=10", "http://127.0.0.1:8080/", "http://127.0.0.1:8080/"),
        (
            "eventgrid://Topic.westeurope-1.eventgrid.azure.net/api/events#key=hunter2",
            "eventgrid://topic.westeurope-1.eventgrid.azure.net/api/events",
            "https://topic.westeurope-1.eventgrid.azure.net/api/events?api-version=2018-01-01",
        ),
        (
            "eventgrid+http://127.0.0.1:9000/api/events#key=hunter2",
            "eventgrid+http://127.0.0.1:9000/api/events",
            "http://127.0.0.1:9000/api/events?api-version=2018-01-01",
        ),
        (
            "dapr://127.0.0.1:3500/pubsub/a/topic?metadata.ttlInSeconds=5#token=hunter2",
            "dapr://127.0.0.1:3500/pubsub/a/topic",
            "http://127.0.0.1:3500/v1.0/publish/pubsub/a/topic?metadata.ttlInSeconds=5",
        ),
    ];

    for (text, name, url) in table {
        let sink = sink(text);

        assert_eq!((sink.name.as_str(), sink.url.as_str()), (name, url));
        assert_eq!(call(&sink, 0..1).url.as_str(), url);
    }
}

#[test]
fn a_sink_that_cannot_be_meant_is_refused_and_not_quoted() {
    for (text, problem) in [
        ("hunter2", "must name URLs"),
        ("ftp://hunter2", "must name URLs"),
        ("http://", "must name URLs"),
        ("http://hunter2:port/", "must name URLs"),
        ("dapr://hunter2:3500/pubsub", "must name URLs"),
        ("dapr://hunter2:3500//topic", "must name URLs"),
        ("dapr://hunter2:3500/a/b#batch=5", "not know"),
        ("http://host/#hunter2", "without a value"),
        ("http://host/#secret=", "empty"),
        ("http://host/#secret=hunter2", "less than 16"),
        ("http://host/#secrets=hunter2-hunter2-hunter2", "not know"),
        ("http://host/#batch=0", "from 1 to 1000"),
        ("http://host/#batch=2&batch=3", "more than once"),
        ("eventgrid://hunter2/", "without the option key"),
        ("eventgrid://host/#key=hunter2%0A", "cannot stand in a header"),
        ("eventgrid://host/#key=hunter2&schema=custom", "neither"),
        ("eventgrid+http://hunter2/#key=1", "plain text"),
        ("eventgrid+http://127.hunter2.test/#key=1", "plain text"),
        ("eventgrid+http://127.0.0.1.hunter2.test/#key=1", "plain text"),
        ("eventgrid+http://localhost.hunter2.test/#key=1", "plain text"),
        ("dapr://127.hunter2.test:3500/a/b#token=1", "plain text"),
        ("dapr://10.0.0.1:3500/a/b#token=hunter2", "plain text"),
    ] {
        let message = Sink::parse(text).err().unwrap_or_else(|| panic!("{text} was taken"));
        assert!(message.contains(problem) && !message.contains("hunter2"), "{text}: {message}");
    }
    for text in ["localhost", "LOCALHOST", "127.1.2.3", "127.1", "[::1]"] {
        assert!(Sink::parse(&format!("eventgrid+http://{text}:9000/#key=1")).is_ok(), "{text}");
        assert!(Sink::parse(&format!("dapr://{text}:3500/a/b#token=1")).is_ok(), "{text}");
    }
    let long = format!("http://host/{}", "a".repeat(255));
    assert!(Sink::parse(&long).is_err());
}

#[test]
fn a_webhook_gets_one_event_signed_with_each_key() {
    let sink = sink(&format!("http://host/path#secret={SECRET}&secret=another-key-of-text"));

    let call = call(&sink, 1..2);

    assert_eq!((sink.most_events, call.method.as_str(), call.tries), (1, "POST", 1));
    assert_eq!(call.headers["content-type"], "application/cloudevents+json");
    assert_eq!(
        (&call.headers["webhook-id"], &call.headers["webhook-timestamp"]),
        (&"id-1".parse().unwrap(), &"1700000000".parse().unwrap())
    );
    assert_eq!(call.body, event(1).to_json().unwrap());
    for key in [SECRET, "another-key-of-text"] {
        assert!(Key::parse(key).ok().unwrap().has_signed(&call.headers, &call.body, now()), "{key}");
    }
    assert!(super::Sink::parse("http://host/").unwrap().request(&[event(1)], now()).unwrap().headers.len() == 1);
}

#[test]
fn a_batch_goes_to_those_that_ask_for_it_under_an_id_that_stays() {
    let sink = sink(&format!("http://host/#batch=10&secret={SECRET}"));

    let (one, three, again, others) = (call(&sink, 1..2), call(&sink, 1..4), call(&sink, 1..4), call(&sink, 1..5));

    assert_eq!(sink.most_events, 10);
    assert_eq!(three.headers["content-type"], "application/cloudevents-batch+json");
    assert_eq!(one.headers["content-type"], "application/cloudevents-batch+json");
    let events: Value = serde_json::from_slice(&three.body).unwrap();
    assert_eq!(events.as_array().unwrap().len(), 3);
    assert_eq!(events[2]["id"], "id-3");
    assert_eq!(three.headers["webhook-id"], again.headers["webhook-id"]);
    assert_ne!(three.headers["webhook-id"], others.headers["webhook-id"]);
    assert_ne!(three.headers["webhook-id"], one.headers["webhook-id"]);
}

#[test]
fn a_topic_gets_batches_in_the_schema_that_it_takes_with_its_key() {
    let in_clouds = call(&sink("eventgrid://host/api/events#key=a+b/c=="), 1..3);
    let in_its_own = call(&sink("eventgrid://host/api/events#key=hunter2&schema=eventgrid"), 1..3);

    assert_eq!(in_clouds.headers["aeg-sas-key"], "a+b/c==");
    assert_eq!(in_clouds.headers["content-type"], "application/cloudevents-batch+json; charset=utf-8");
    assert_eq!(serde_json::from_slice::<Value>(&in_clouds.body).unwrap()[1]["type"], "thing.created");
    assert_eq!(in_its_own.headers["content-type"], "application/json; charset=utf-8");
    let expected = r#"{"id":"id-1","subject":"things/3","eventType":"thing.created","eventTime":"2023-11-14T22:13:20.000000Z","data":{"price":1.10,"number":1},"dataVersion":"1"}"#;
    assert!(in_its_own.body.starts_with(format!("[{expected},").as_bytes()), "{:?}", in_its_own.body);
    assert!(!format!("{:?}", in_its_own.headers).contains("hunter2"));
}

#[test]
fn a_sidecar_gets_one_event_with_its_token() {
    let sink = sink("dapr://127.0.0.1:3500/pubsub/topic#token=hunter2");

    let call = call(&sink, 1..2);

    assert_eq!((sink.most_events, &call.headers["dapr-api-token"]), (1, &"hunter2".parse().unwrap()));
    assert_eq!(call.headers["content-type"], "application/cloudevents+json");
    assert!(!call.headers.contains_key(AUTHORIZATION) && !format!("{:?}", call.headers).contains("hunter2"));
    assert_eq!(call.body, event(1).to_json().unwrap());
    assert!(sink.request(&[event(1), event(2)], now()).is_err());
}

#[test]
fn what_an_answer_means_depends_on_who_gives_it() {
    let kinds = ["http://host/", "http://host/#batch=10", "eventgrid://host/#key=1", "dapr://host/pubsub/topic"];
    let table = [
        (200, ["delivered"; 4]),
        (202, ["delivered"; 4]),
        (204, ["delivered"; 4]),
        (301, ["later"; 4]),
        (307, ["later"; 4]),
        (400, ["later", "too many", "too many", "park"]),
        (401, ["later", "later", "park", "park"]),
        (403, ["later", "later", "park", "park"]),
        (404, ["later", "later", "park", "park"]),
        (408, ["later"; 4]),
        (409, ["later"; 4]),
        (410, ["gone", "gone", "later", "later"]),
        (413, ["too many", "too many", "too many", "park"]),
        (422, ["later", "too many", "later", "later"]),
        (429, ["later"; 4]),
        (500, ["later"; 4]),
        (503, ["later"; 4]),
    ];

    for (status, expected) in table {
        for (kind, expected) in kinds.iter().zip(expected) {
            let verdict = match sink(kind).verdict(&answer(status, &[], "why")) {
                Verdict::Delivered => "delivered",
                Verdict::Later(None, reason) if reason.contains(&status.to_string()) => "later",
                Verdict::TooMany(reason) if reason.contains(&status.to_string()) => "too many",
                Verdict::Park(reason) if reason.contains(&status.to_string()) => "park",
                Verdict::Gone => "gone",
                other => panic!("{kind} {status}: {other:?}"),
            };
            assert_eq!(verdict, expected, "{kind} {status}");
        }
    }
}

#[test]
fn a_sink_says_when_to_try_again_and_why() {
    let sink = sink("http://host/");
    let pause = |value: &str| match sink.verdict(&answer(503, &[("retry-after", value)], "busy\n")) {
        Verdict::Later(pause, reason) => {
            assert_eq!(reason, "503 Service Unavailable: busy");
            pause
        }
        other => panic!("{other:?}"),
    };

    assert_eq!(pause("7"), Some(Duration::from_secs(7)));
    assert_eq!(pause("Tue, 14 Nov 2023 22:13:20 GMT"), Some(Duration::ZERO));
    assert_eq!(pause("soon"), None);
    let long = sink.verdict(&answer(500, &[], &"a".repeat(1000)));
    assert!(matches!(long, Verdict::Later(_, reason) if reason.len() < 300));
    assert_eq!(sink.verdict(&answer(401, &[], "hunter2")), Verdict::Later(None, "401 Unauthorized".to_string()));
}

#[test]
fn a_sink_may_be_given_a_name_that_hides_its_path() {
    let named = sink("https://chat.test/services/T0/hunter2#name=chat&batch=5");

    assert_eq!((named.name.as_str(), named.most_events), ("chat", 5));
    assert_eq!(named.url.as_str(), "https://chat.test/services/T0/hunter2");
    assert_eq!(sink("dapr://127.0.0.1:3500/a/b#name=a").name, "a");
    assert_eq!(sink(&format!("eventgrid://host/#key=1&name={}", "n".repeat(100))).name.len(), 100);
    for name in ["", "two words", "%C3%BC", &"n".repeat(101), "a&name=b"] {
        assert!(Sink::parse(&format!("https://chat.test/#name={name}")).is_err(), "{name}");
    }
}

#[test]
fn a_sink_that_sends_back_what_is_secret_is_not_quoted_with_it() {
    let table = [
        ("eventgrid://host/#key=a%2Bhunter2==", "aeg-sas-key: a+hunter2=="),
        ("dapr://127.0.0.1/a/b#token=hunter2", "dapr-api-token: hunter2"),
        ("https://host/?access_token=hunter2%2F", "GET /?access_token=hunter2%2F, which is hunter2/"),
        ("https://user:hunter2@host/", "authorization: Basic dXNlcjpodW50ZXIy, which is user:hunter2"),
        ("https://host/services/hunter2#name=chat", "there is no /services/hunter2"),
        ("https://host/#secret=hunter2-hunter2-hunter2", "hunter2-hunter2-hunter2"),
    ];

    for (text, body) in table {
        for start in [0, 190] {
            let body = format!("..{}{body}", ".".repeat(start));
            match sink(text).verdict(&answer(500, &[], &body)) {
                Verdict::Later(_, reason) => {
                    let shown = ["hunt", "dXNl"].iter().any(|secret| reason.contains(secret));
                    assert!(!shown && reason.contains(".."), "{reason}");
                }
                other => panic!("{other:?}"),
            }
        }
    }
}
