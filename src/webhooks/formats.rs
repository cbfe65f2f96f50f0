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
    match (events.iter().find(|event| is_json && event.kind == VALIDATION), events.len()) {
        (None, _) => Ok(Received::Events(events)),
        (Some(question), 1) => validation(question),
        (Some(question), _) => {
            // Its answer would say nothing of the others.
            let place = question.pointer.trim_end_matches("/data");
            let fault = Fault::at(place, "must be the only event of its request");
            Err(Error::BadRequest("a validation comes alone".to_string(), vec![fault]))
        }
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
    #[derive(Deserialize)]
    struct Members<'a> {
        #[serde(borrow)]
        specversion: Option<&'a RawValue>,
        #[serde(borrow)]
        id: Option<&'a RawValue>,
        #[serde(borrow)]
        source: Option<&'a RawValue>,
        #[serde(borrow, rename = "type")]
        kind: Option<&'a RawValue>,
        #[serde(borrow)]
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
    #[derive(Deserialize)]
    struct Members<'a> {
        #[serde(borrow)]
        id: Option<&'a RawValue>,
        #[serde(borrow)]
        topic: Option<&'a RawValue>,
        #[serde(borrow, rename = "eventType")]
        kind: Option<&'a RawValue>,
        #[serde(borrow)]
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
mod tests;
