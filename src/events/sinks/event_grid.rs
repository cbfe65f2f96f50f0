//! A topic of Azure Event Grid. `key=` is one of its access keys, `schema=` is the schema that it takes: `cloudevents` (the
//! default) or `eventgrid`; `batch=` makes batches smaller. `eventgrid+http://` is the same in plain text, on this
//! machine only, for tests.

use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::Url;
use serde::Serialize;
use serde_json::value::RawValue;

use super::{Options, Verdict, is_here, json_array, later, reason, secret_header};
use crate::{error::Error, events::CloudEvent, http_client::Answer};

/// The most events in one request: fewer than the topic takes, because what is refused is sent again.
pub const MOST_EVENTS: usize = 500;

/// The most bytes of events in one request: the topic takes a megabyte, with what stands round them.
pub const MOST_BYTES: usize = 999_000;

const KEY: HeaderName = HeaderName::from_static("aeg-sas-key");
const API_VERSION: (&str, &str) = ("api-version", "2018-01-01");

/// How to speak to a topic.
pub struct EventGrid {
    key: HeaderValue,
    schema: Schema,
}

enum Schema {
    CloudEvents,
    EventGrid,
}

impl EventGrid {
    /// Reads `key=` and `schema=`.
    ///
    /// # Errors
    /// What is wrong, without quoting it.
    pub fn new(options: &mut Options) -> Result<EventGrid, String> {
        let key = options.one("key")?.ok_or("has a topic of Event Grid without the option key")?;
        let schema = match options.one("schema")?.as_deref() {
            None | Some("cloudevents") => Schema::CloudEvents,
            Some("eventgrid") => Schema::EventGrid,
            Some(_) => return Err("has an option schema that is neither cloudevents nor eventgrid".to_string()),
        };
        Ok(EventGrid { key: secret_header(&key)?, schema })
    }

    /// The content type and the body that tell of `events`, and who we are.
    ///
    /// # Errors
    /// [`Error::Internal`] when an event cannot be written.
    pub fn message(&self, events: &[CloudEvent], headers: &mut HeaderMap) -> Result<(&'static str, Vec<u8>), Error> {
        headers.insert(KEY, self.key.clone());
        Ok(match self.schema {
            Schema::CloudEvents => (
                "application/cloudevents-batch+json; charset=utf-8",
                json_array(events.iter().map(CloudEvent::to_json))?,
            ),
            Schema::EventGrid => ("application/json; charset=utf-8", json_array(events.iter().map(in_its_own_schema))?),
        })
    }
}

/// Where events are published.
///
/// # Errors
/// When it is plain text and leaves this machine.
pub fn publish(mut url: Url) -> Result<Url, String> {
    if url.scheme() == "http" && !is_here(&url) {
        return Err("has a topic of Event Grid in plain text that is not on this machine (127.0.0.1)".to_string());
    }
    url.query_pairs_mut().append_pair(API_VERSION.0, API_VERSION.1);
    Ok(url)
}

/// Event Grid's own schema. Its `topic` is the service's to set.
fn in_its_own_schema(event: &CloudEvent) -> Result<Vec<u8>, Error> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Event<'a> {
        id: &'a str,
        subject: &'a str,
        event_type: &'a str,
        event_time: String,
        data: &'a RawValue,
        data_version: &'static str,
    }

    let event = Event {
        id: &event.id,
        subject: &event.partition_key,
        event_type: &event.kind,
        event_time: humantime::format_rfc3339_micros(event.time).to_string(),
        data: &event.data,
        data_version: "1",
    };
    serde_json::to_vec(&event).map_err(|error| Error::Internal(error.into()))
}

/// What an answer that is no success means.
pub fn verdict(answer: &Answer) -> Verdict {
    match answer.status.as_u16() {
        // The service does not say which of the events it was.
        400 | 413 => Verdict::TooMany(reason(answer)),
        401 | 403 => Verdict::Park(format!("the topic does not take this key: {}", reason(answer))),
        404 => Verdict::Park(format!("there is no such topic: {}", reason(answer))),
        _ => later(answer),
    }
}
