//! Where events go: how they become an HTTP request, and what an answer means.

use std::time::{Duration, SystemTime};

use hyper::{
    HeaderMap, Method,
    header::{CONTENT_TYPE, HeaderValue},
};
use reqwest::Url;

use super::CloudEvent;
use crate::{
    error::Error,
    http_client::{Answer, Call},
};

/// A place where events go.
pub struct Sink {
    /// What it is called in the database, in the log and to a person: its URL without the options, which may be secret.
    pub name: String,
    /// Where requests go.
    pub url: Url,
    /// The most events in one request.
    pub most_events: usize,
    /// The most bytes in one request's body.
    pub most_bytes: usize,
}

/// What an answer means for the events of its request.
#[derive(Debug, PartialEq)]
pub enum Verdict {
    /// They have arrived.
    Delivered,
    /// Try again, no sooner than this if the sink says so.
    Later(Option<Duration>, String),
    /// Try again with half as many; one alone is parked, with this reason.
    TooMany(String),
    /// It would be refused each time, for this reason.
    Park(String),
    /// The sink wants no more events at all.
    Gone,
}

impl Sink {
    /// Reads an entry of `EVENT_SINKS`. What stands behind `#` are options, which are not sent.
    ///
    /// # Errors
    /// What is wrong, without quoting it.
    pub fn parse(text: &str) -> Result<Sink, String> {
        let mut url = Url::parse(text).map_err(|_| "must name URLs".to_string())?;
        url.set_fragment(None);
        Ok(Sink { name: url.to_string(), url, most_events: 1, most_bytes: 1_000_000 })
    }

    /// The request that tells of `events`, which are at least one and as many as fit; `now` is when it is sent.
    ///
    /// # Errors
    /// [`Error::Internal`] when an event cannot be written.
    pub fn request(&self, events: &[CloudEvent], now: SystemTime) -> Result<Call, Error> {
        let _ = now;
        let body = match events {
            [event, ..] => event.to_json()?.into(),
            [] => Default::default(),
        };
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/cloudevents+json"))]);
        Ok(Call { method: Method::POST, url: self.url.clone(), headers, body, tries: 1 })
    }

    /// What `answer` means.
    pub fn verdict(&self, answer: &Answer) -> Verdict {
        let pause = answer.headers.get(hyper::header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        match answer.status.as_u16() {
            200..=299 => Verdict::Delivered,
            410 => Verdict::Gone,
            413 => Verdict::TooMany(answer.status.to_string()),
            _ => Verdict::Later(pause.map(Duration::from_secs), answer.status.to_string()),
        }
    }
}
