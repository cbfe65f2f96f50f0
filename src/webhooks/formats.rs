//! How events are written: CloudEvents 1.0 over HTTP (structured, binary and batched mode, JSON format) and Event Grid's
//! own schema. Only what is needed to apply an event is read: other attributes may be there, and may be anything.

use std::{borrow::Cow, fmt};

use hyper::header::{CONTENT_TYPE, HeaderMap};
use percent_encoding::percent_decode;
use serde::{
    Deserialize, Deserializer,
    de::{SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::{
    error::{Error, Fault, Place},
    fields::{self, MOST_FAULTS},
};

/// As many as can be applied in the time of one request. Event Grid may be told to send fewer at once.
const MOST_EVENTS: usize = 1000;

/// What the inbox's columns hold, in characters.
const MOST_CHARACTERS: usize = 255;

const KNOWN_TYPES: &str = "application/cloudevents+json, application/cloudevents-batch+json, application/json with ce- \
     headers around it, or with an array of Event Grid's events in it";

/// Event Grid asks by an event of this type whether its events are wanted.
const VALIDATION: &str = "Microsoft.EventGrid.SubscriptionValidationEvent";

/// What a request has brought.
#[derive(Debug)]
pub enum Received<'a> {
    /// Event Grid's question, whose answer is this code.
    Validation(String),
    /// Events, in their sequence.
    Events(Vec<Event<'a>>),
}

/// What is needed of an event.
#[derive(Debug)]
pub struct Event<'a> {
    /// With `source`, unique.
    pub id: String,
    /// Who says it; nothing where an Event Grid event names no topic.
    pub source: String,
    /// What has happened.
    pub kind: String,
    /// Its data, where that is JSON.
    pub data: Option<&'a RawValue>,
    /// Where in the request's body its data stands: a JSON Pointer.
    pub pointer: String,
}

/// Reads what a request has brought.
///
/// # Errors
/// [`Error::UnsupportedMediaType`]; [`Error::BadRequest`] when it is not JSON or an event is not what it should be, with
/// each fault at its place.
pub fn read<'a>(headers: &HeaderMap, body: &'a [u8]) -> Result<Received<'a>, Error> {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_json = media_type == "application/json" || media_type.ends_with("+json");
    let mut faults = Vec::new();
    let events = match media_type.as_str() {
        "application/cloudevents+json" => vec![structured(fields::document(body)?, "", &mut faults)],
        "application/cloudevents-batch+json" => array(body, structured, &mut faults)?,
        other if other.starts_with("application/cloudevents") => return Err(Error::UnsupportedMediaType(KNOWN_TYPES)),
        other if headers.contains_key("ce-specversion") => {
            let data = if is_json || other.is_empty() { data(body)? } else { None };
            vec![binary(headers, data, &mut faults)]
        }
        _ if is_json => array(body, event_grid, &mut faults)?,
        _ => return Err(Error::UnsupportedMediaType(KNOWN_TYPES)),
    };
    if !faults.is_empty() {
        return Err(Error::BadRequest("an event is not what it should be, see 'errors'".to_string(), faults));
    }
    match events.iter().find(|event| is_json && event.kind == VALIDATION) {
        Some(question) => validation(question),
        None => Ok(Received::Events(events)),
    }
}

/// The code that Event Grid wants back. The address that it offers besides is not for us to call.
fn validation(question: &Event) -> Result<Received<'static>, Error> {
    #[derive(Deserialize)]
    struct Data {
        #[serde(rename = "validationCode")]
        code: String,
    }
    match question.data.map(|data| serde_json::from_str(data.get())) {
        Some(Ok(Data { code })) => Ok(Received::Validation(code)),
        _ => {
            let fault = Fault::at(format!("{}/validationCode", question.pointer), "must be a text");
            Err(Error::BadRequest("this validation has no code".to_string(), vec![fault]))
        }
    }
}

/// A body that is an array of events.
fn array<'a>(
    body: &'a [u8],
    read: fn(&'a RawValue, &str, &mut Vec<Fault>) -> Event<'a>,
    faults: &mut Vec<Fault>,
) -> Result<Vec<Event<'a>>, Error> {
    let document = fields::document(body)?;
    let Ok(Elements { values, count }) = serde_json::from_str::<Elements>(document.get()) else {
        let fault = Fault::at("", "must be an array of events");
        return Err(Error::BadRequest("this is no array of events".to_string(), vec![fault]));
    };
    if count > MOST_EVENTS {
        return Err(Error::BadRequest(format!("{count} events are more than {MOST_EVENTS}"), Vec::new()));
    }
    let mut events = Vec::with_capacity(values.len());
    for (index, value) in values.into_iter().enumerate() {
        events.push(read(value, &format!("/{index}"), faults));
        if faults.len() >= MOST_FAULTS {
            break;
        }
    }
    Ok(events)
}

/// A CloudEvent in the JSON format.
fn structured<'a>(value: &'a RawValue, pointer: &str, faults: &mut Vec<Fault>) -> Event<'a> {
    #[derive(Deserialize, Default)]
    struct Members<'a> {
        #[serde(borrow, default)]
        specversion: Option<&'a RawValue>,
        #[serde(borrow, default)]
        id: Option<&'a RawValue>,
        #[serde(borrow, default)]
        source: Option<&'a RawValue>,
        #[serde(borrow, default, rename = "type")]
        kind: Option<&'a RawValue>,
        #[serde(borrow, default)]
        data: Option<&'a RawValue>,
    }
    let Some(members) = object::<Members>(value, pointer, faults) else { return nothing() };
    let mut text = |name: &str, value: Option<&RawValue>| text(value, at(pointer, name), faults);
    let event = Event {
        id: text("id", members.id),
        source: text("source", members.source),
        kind: text("type", members.kind),
        data: members.data,
        pointer: format!("{pointer}/data"),
    };
    let version = text("specversion", members.specversion);
    check_version(&version, at(pointer, "specversion"), faults);
    event
}

/// An event in Event Grid's own schema. Its topic is set by Event Grid; who posts without it names none.
fn event_grid<'a>(value: &'a RawValue, pointer: &str, faults: &mut Vec<Fault>) -> Event<'a> {
    #[derive(Deserialize, Default)]
    struct Members<'a> {
        #[serde(borrow, default)]
        id: Option<&'a RawValue>,
        #[serde(borrow, default)]
        topic: Option<&'a RawValue>,
        #[serde(borrow, default, rename = "eventType")]
        kind: Option<&'a RawValue>,
        #[serde(borrow, default)]
        data: Option<&'a RawValue>,
    }
    let Some(members) = object::<Members>(value, pointer, faults) else { return nothing() };
    let mut text = |name: &str, value: Option<&RawValue>| text(value, at(pointer, name), faults);
    Event {
        id: text("id", members.id),
        source: members.topic.map(|topic| text("topic", Some(topic))).unwrap_or_default(),
        kind: text("eventType", members.kind),
        data: members.data,
        pointer: format!("{pointer}/data"),
    }
}

/// A CloudEvent whose attributes are headers and whose data is the body.
fn binary<'a>(headers: &HeaderMap, data: Option<&'a RawValue>, faults: &mut Vec<Fault>) -> Event<'a> {
    let mut text = |name: &str| {
        let mut values = headers.get_all(name).iter();
        let value = values.next().filter(|_| values.next().is_none()).and_then(|value| unescape(value.as_bytes()));
        fits(value, Place::Parameter(name.to_string()), faults)
    };
    let event =
        Event { id: text("ce-id"), source: text("ce-source"), kind: text("ce-type"), data, pointer: String::new() };
    let version = text("ce-specversion");
    check_version(&version, Place::Parameter("ce-specversion".to_string()), faults);
    event
}

/// The text that a header's value stands for (CloudEvents, HTTP Protocol Binding, section 3.1.3.2), if it is one.
fn unescape(value: &[u8]) -> Option<String> {
    let quoted = value.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\""));
    let value = match quoted {
        None => Cow::from(value),
        Some(quoted) => {
            let mut escaped = false;
            let is_kept = |byte: &&u8| {
                escaped = !escaped && **byte == b'\\';
                !escaped
            };
            Cow::from(quoted.iter().filter(is_kept).copied().collect::<Vec<u8>>())
        }
    };
    percent_decode(&value).decode_utf8().ok().map(Cow::into_owned)
}

fn data(body: &[u8]) -> Result<Option<&RawValue>, Error> {
    if body.is_empty() { Ok(None) } else { fields::document(body).map(Some) }
}

fn object<'a, T: Deserialize<'a>>(value: &'a RawValue, pointer: &str, faults: &mut Vec<Fault>) -> Option<T> {
    let object = value.get().starts_with('{').then(|| serde_json::from_str(value.get()));
    match object {
        Some(Ok(object)) => return Some(object),
        Some(Err(error)) => faults.push(Fault::at(pointer, format!("must have each attribute once: {error}"))),
        None => faults.push(Fault::at(pointer, "must be an object")),
    }
    None
}

/// What stands for an event that could not be read; there is a fault besides.
fn nothing() -> Event<'static> {
    Event { id: String::new(), source: String::new(), kind: String::new(), data: None, pointer: String::new() }
}

fn text(value: Option<&RawValue>, place: Place, faults: &mut Vec<Fault>) -> String {
    fits(value.and_then(|value| serde_json::from_str::<String>(value.get()).ok()), place, faults)
}

fn fits(text: Option<String>, place: Place, faults: &mut Vec<Fault>) -> String {
    let text = text.filter(|text| (1..=MOST_CHARACTERS).contains(&text.chars().count()));
    text.unwrap_or_else(|| {
        let detail = format!("must be there once, as a text of 1 to {MOST_CHARACTERS} characters");
        faults.push(Fault { place, detail });
        String::new()
    })
}

fn check_version(version: &str, place: Place, faults: &mut Vec<Fault>) {
    if !["", "1.0"].contains(&version) {
        faults.push(Fault { place, detail: "must be 1.0".to_string() });
    }
}

fn at(pointer: &str, name: &str) -> Place {
    Place::Pointer(format!("{pointer}/{name}"))
}

/// The first elements of an array, and how many there are: a small body may hold a great many.
struct Elements<'a> {
    values: Vec<&'a RawValue>,
    count: usize,
}

impl<'de> Deserialize<'de> for Elements<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Elements<'de>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an array")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
                let (mut values, mut count) = (Vec::new(), 0_usize);
                while let Some(value) = sequence.next_element()? {
                    count = count.saturating_add(1);
                    if count <= MOST_EVENTS {
                        values.push(value);
                    }
                }
                Ok(Elements { values, count })
            }
        }
        deserializer.deserialize_seq(Collect)
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::{HeaderName, HeaderValue};
    use proptest::prelude::*;

    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (name.parse::<HeaderName>().unwrap(), HeaderValue::from_bytes(value.as_bytes()).unwrap())
            })
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
        let one =
            r#"{"specversion":"1.0","id":"ü 1","source":"/there","type":"thing.import","data":{"a":1},"other":5}"#;
        let binary = [
            ("ce-specversion", "1.0"),
            ("ce-id", "%C3%BC%201"),
            ("CE-Source", "\"/the\\re\""),
            ("ce-type", "thing%2eimport"),
            ("content-type", "application/json"),
        ];
        let grid = r#"[{"id":"ü 1","topic":"/there","subject":"s","eventType":"thing.import","eventTime":"x","data":{"a":1},"dataVersion":"1"}]"#;

        for (name, charset) in
            [("application/cloudevents+json", ""), ("Application/CloudEvents+JSON ", "; charset=utf-8")]
        {
            assert_eq!(
                events(&headers(&[("content-type", &format!("{name}{charset}"))]), one),
                event("/there", "/data")
            );
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
        let binary =
            |id: &str| headers(&[("ce-specversion", "1.0"), ("ce-id", id), ("ce-source", "/"), ("ce-type", "t")]);
        assert_eq!(places(&binary("%C0%A0"), ""), ["ce-id"]);
        assert_eq!(
            places(&headers(&[("ce-specversion", "2")]), ""),
            ["ce-id", "ce-source", "ce-type", "ce-specversion"]
        );
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

    /// Bodies and headers that are events, or would be but for something.
    fn nearly_an_event() -> impl Strategy<Value = String> {
        let value = prop_oneof!["\"[a1./%]{0,3}\"", "1|null|\\[\\]|\\{\\}|\"1.0\"|\"\\\\u0000\""];
        let name = prop::sample::select(vec!["id", "source", "type", "specversion", "data", "topic", "eventType", "x"]);
        let members =
            prop::collection::vec((name, value).prop_map(|(name, value)| format!("\"{name}\":{value}")), 0..7);
        let object = members.prop_map(|members| format!("{{{}}}", members.join(",")));
        prop_oneof![
            object.clone(),
            prop::collection::vec(object, 0..3).prop_map(|many| format!("[{}]", many.join(",")))
        ]
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
}
