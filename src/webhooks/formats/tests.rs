//! The same event in each format, and what is no event.

use hyper::header::{HeaderName, HeaderValue};
use proptest::prelude::*;

use super::*;

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    pairs
        .iter()
        .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), HeaderValue::from_bytes(value.as_bytes()).unwrap()))
        .collect()
}

fn events(headers: &HeaderMap, body: &str) -> Vec<(String, String, String, Option<String>, String)> {
    let Ok(Received::Events(events)) = read(headers, body.as_bytes()) else { panic!("refused: {body}") };
    let data = |event: &Event| event.data.map(|data| data.get().to_string());
    events.into_iter().map(|e| (data(&e), e)).map(|(data, e)| (e.id, e.source, e.kind, data, e.pointer)).collect()
}

fn places(headers: &HeaderMap, body: &str) -> Vec<String> {
    let Err(Error::BadRequest(_, faults)) = read(headers, body.as_bytes()) else { panic!("taken: {body}") };
    let place = |fault: Fault| match fault.place {
        Place::Pointer(place) | Place::Parameter(place) => place,
    };
    faults.into_iter().map(place).collect()
}

#[test]
fn each_format_gives_the_same_event() {
    let event = |source: &str, pointer: &str| {
        let text = str::to_string;
        vec![(text("ü 1"), text(source), text("thing.import"), Some(text("{\"a\":1}")), text(pointer))]
    };
    let one = r#"{"specversion":"1.0","id":"ü 1","source":"/there","type":"thing.import","data":{"a":1},"other":5}"#;
    let binary = [
        ("ce-specversion", "1.0"),
        ("ce-id", "%C3%BC%201"),
        ("CE-Source", "\"/the\\re\""),
        ("ce-type", "thing%2eimport"),
        ("content-type", "application/json"),
    ];
    let grid = r#"[{"id":"ü 1","topic":"/there","subject":"s","eventType":"thing.import","eventTime":"x","data":{"a":1},"dataVersion":"1"}]"#;

    for (name, charset) in [("application/cloudevents+json", ""), ("Application/CloudEvents+JSON ", "; charset=utf-8")]
    {
        assert_eq!(events(&headers(&[("content-type", &format!("{name}{charset}"))]), one), event("/there", "/data"));
    }
    let batch = headers(&[("content-type", "application/cloudevents-batch+json")]);
    assert_eq!(events(&batch, &format!("[{one}]")), event("/there", "/0/data"));
    assert_eq!(events(&batch, "[]"), []);
    assert_eq!(events(&headers(&binary), r#"{"a":1}"#), event("/there", ""));
    let json = headers(&[("content-type", "application/json; charset=utf-8")]);
    assert_eq!(events(&json, grid), event("/there", "/0/data"));
    assert_eq!(events(&json, &grid.replace("\"topic\":\"/there\",", "")), event("", "/0/data"));
    assert_eq!(events(&json, &grid.replace("\"/there\"", "null")), event("", "/0/data"));
}

#[test]
fn what_is_wrong_with_an_event_is_told_at_its_place() {
    let one = headers(&[("content-type", "application/cloudevents+json")]);
    let batch = headers(&[("content-type", "application/cloudevents-batch+json")]);
    let grid = headers(&[("content-type", "application/json")]);
    let good = r#"{"specversion":"1.0","id":"1","source":"/","type":"t"}"#;
    let long = "i".repeat(256);
    let table = [
        (&one, "{}".to_string(), vec!["/id", "/source", "/type", "/specversion"]),
        (&one, good.replace("1.0", "0.3"), vec!["/specversion"]),
        (&one, good.replace("\"1\"", "1"), vec!["/id"]),
        (&one, good.replace("\"1\"", "\"\""), vec!["/id"]),
        (&one, good.replace("\"1\"", &format!("\"{long}\"")), vec!["/id"]),
        (&one, good.replace("\"1\"", "\"\\ud800\""), vec!["/id"]),
        (&one, good.replace("\"id\"", "\"type\""), vec![""]),
        (&one, "[]".to_string(), vec![""]),
        (&batch, "{}".to_string(), vec![""]),
        (&batch, format!("[{good},5,{}]", good.replace("/", "")), vec!["/1", "/2/source"]),
        (&grid, "[{}]".to_string(), vec!["/0/id", "/0/eventType"]),
        (&grid, "[{\"id\":\"1\",\"eventType\":\"t\",\"topic\":5}]".to_string(), vec!["/0/topic"]),
        (&grid, good.to_string(), vec![""]),
    ];

    for (headers, body, expected) in table {
        assert_eq!(places(headers, &body), expected, "{body}");
    }
    let binary = |id: &str| headers(&[("ce-specversion", "1.0"), ("ce-id", id), ("ce-source", "/"), ("ce-type", "t")]);
    assert_eq!(places(&binary("%C0%A0"), ""), ["ce-id"]);
    assert_eq!(places(&headers(&[("ce-specversion", "2")]), ""), ["ce-id", "ce-source", "ce-type", "ce-specversion"]);
    let mut twice = binary("1");
    twice.append("ce-id", HeaderValue::from_static("2"));
    assert_eq!(places(&twice, ""), ["ce-id"]);
    assert_eq!(places(&batch, &format!("[{}]", vec!["5"; 1000].join(","))).len(), MOST_FAULTS);
}

#[test]
fn more_events_than_can_be_applied_in_time_are_refused() {
    let batch = headers(&[("content-type", "application/cloudevents-batch+json")]);
    let good = r#"{"specversion":"1.0","id":"1","source":"/","type":"t"}"#;

    assert_eq!(events(&batch, &format!("[{}]", vec![good; MOST_EVENTS].join(","))).len(), MOST_EVENTS);
    assert_eq!(places(&batch, &format!("[{}]", vec![good; MOST_EVENTS + 1].join(","))), Vec::<String>::new());
}

#[test]
fn a_type_of_body_that_is_no_event_is_415() {
    for content_type in ["", "text/plain", "application/x-www-form-urlencoded", "application/cloudevents+avro"] {
        let error = read(&headers(&[("content-type", content_type)]), b"[]").unwrap_err();
        assert_eq!(error.status().as_u16(), 415, "{content_type}");
    }
    // A format of CloudEvents that is not read here is none of the others, whatever stands round it.
    for content_type in ["application/cloudevents+avro", "application/cloudevents-other+json"] {
        let headers = headers(&[("content-type", content_type), ("ce-specversion", "1.0")]);
        assert_eq!(read(&headers, b"[]").unwrap_err().status().as_u16(), 415, "{content_type}");
    }
}

#[test]
fn event_grid_s_question_is_answered_with_its_code() {
    let json = headers(&[("content-type", "application/json"), ("aeg-event-type", "SubscriptionValidation")]);
    let body = format!(
        r#"[{{"id":"1","eventType":"{VALIDATION}","data":{{"validationCode":"512d38b6","validationUrl":"http://x"}}}}]"#
    );

    let Ok(Received::Validation(code)) = read(&json, body.as_bytes()) else { panic!("no validation") };

    assert_eq!(code, "512d38b6");
    assert_eq!(places(&json, &body.replace("validationCode", "code")), ["/0/data/validationCode"]);
}

#[test]
fn event_grid_s_question_among_other_events_is_refused_so_that_none_of_them_is_lost() {
    let json = headers(&[("content-type", "application/json")]);
    let question = format!(r#"{{"id":"1","eventType":"{VALIDATION}","data":{{"validationCode":"512d38b6"}}}}"#);
    let event = r#"{"id":"2","eventType":"t"}"#;

    assert_eq!(places(&json, &format!("[{event},{question}]")), ["/1"]);
    assert_eq!(places(&json, &format!("[{question},{question}]")), ["/0"]);
}

/// Bodies and headers that are events, or would be but for something.
fn nearly_an_event() -> impl Strategy<Value = String> {
    let value = prop_oneof!["\"[a1./%]{0,3}\"", "1|null|\\[\\]|\\{\\}|\"1.0\"|\"\\\\u0000\""];
    let name = prop::sample::select(vec!["id", "source", "type", "specversion", "data", "topic", "eventType", "x"]);
    let members = prop::collection::vec((name, value).prop_map(|(name, value)| format!("\"{name}\":{value}")), 0..7);
    let object = members.prop_map(|members| format!("{{{}}}", members.join(",")));
    prop_oneof![object.clone(), prop::collection::vec(object, 0..3).prop_map(|many| format!("[{}]", many.join(",")))]
}

proptest! {
    #[test]
    fn anything_is_events_or_a_refusal(
        nearly in nearly_an_event(),
        bytes: Vec<u8>,
        is_nearly in prop::bool::weighted(0.8),
        content_type in prop::sample::select(vec![
            "application/cloudevents+json", "application/cloudevents-batch+json", "application/json", "text/plain", "",
        ]),
        id in prop::option::of(prop::collection::vec(32..=255_u8, 0..6)),
    ) {
        let mut headers = headers(&[("content-type", content_type)]);
        if let Some(id) = id.and_then(|id| HeaderValue::from_bytes(&id).ok()) {
            headers.insert("ce-specversion", HeaderValue::from_static("1.0"));
            for name in ["ce-id", "ce-source", "ce-type"] {
                headers.insert(name, id.clone());
            }
        }
        let body = if is_nearly { nearly.as_bytes() } else { &bytes };

        match read(&headers, body) {
            Ok(Received::Validation(_)) => prop_assert!(false),
            Ok(Received::Events(events)) => for event in events {
                prop_assert!((1..=255).contains(&event.id.chars().count()));
                prop_assert!((1..=255).contains(&event.kind.chars().count()));
                prop_assert!(event.source.chars().count() <= 255);
            },
            Err(error) => prop_assert!([400, 415].contains(&error.status().as_u16())),
        }
    }

    /// As the binding has it: what cannot stand in a header is percent-encoded, and comes out as it was.
    #[test]
    fn any_attribute_comes_through_a_header(characters in prop::collection::vec(any::<char>(), 1..20)) {
        let text = String::from_iter(characters);
        let plain = |byte: &u8| byte.is_ascii_graphic() && !b"\"%".contains(byte);
        let encode = |byte: &u8| if plain(byte) { char::from(*byte).to_string() } else { format!("%{byte:02X}") };
        let encoded: String = text.as_bytes().iter().map(encode).collect();

        prop_assert_eq!(unescape(encoded.as_bytes()), Some(text));
    }
}
