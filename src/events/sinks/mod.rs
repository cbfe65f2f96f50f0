//! Where events go: how they become an HTTP request, and what an answer means. The scheme of a sink's URL says of which
//! kind it is; its options stand behind `#`, as `name=value&…`, and are never sent:
//! - `https://…#secret=whsec_…&batch=100`: [`webhook`],
//! - `eventgrid://TOPIC.REGION-1.eventgrid.azure.net/api/events#key=…`: [`event_grid`],
//! - `dapr://127.0.0.1:3500/PUBSUB/TOPIC#token=…`: [`dapr`].
//!
//! Each takes `name=` besides: what the sink is called in place of its URL, in the log, in the database and in
//! `GET /events/parked`. Chat services have their secret in the URL's path, which would be shown there. Under another
//! name it is another sink: what waits for the old one stays there.

mod dapr;
mod event_grid;
mod options;
mod webhook;

use std::{
    cmp::Reverse,
    net::IpAddr,
    time::{Duration, SystemTime},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use hyper::{
    HeaderMap, Method,
    header::{CONTENT_TYPE, HeaderValue},
};
use percent_encoding::percent_decode_str;
use reqwest::Url;

use super::CloudEvent;
use crate::{
    error::Error,
    http_client::{Answer, Call},
};
use dapr::Dapr;
use event_grid::EventGrid;
use options::Options;
use webhook::Webhook;

/// The most bytes in one request's body.
const MOST_BYTES: usize = 1_000_000;

const FORM: &str = "must name URLs such as https://host/path, eventgrid://host/path or dapr://host:3500/pubsub/topic";

/// What the column holds in which sinks are told apart.
const LONGEST_NAME: usize = 255;

/// And of a name that is given, in characters.
const LONGEST_GIVEN_NAME: usize = 100;

/// In characters.
const SHORTEST_SECRET: usize = 4;

/// So many bytes of an answer are quoted.
const MOST_QUOTED: usize = 200;

/// A place where events go. It holds secrets, so there is no `Debug`.
pub struct Sink {
    /// What it is called in the database, in the log and to a person: the option `name`, or its URL without options, query
    /// and who we are there. Some services have a secret in the path: give them a name.
    pub name: String,
    /// Where requests go.
    pub url: Url,
    /// The most events in one request.
    pub most_events: usize,
    /// The most bytes in one request's body.
    pub most_bytes: usize,
    kind: Kind,
    /// What is never to be quoted, the longest first.
    secrets: Vec<String>,
}

enum Kind {
    Webhook(Webhook),
    EventGrid(EventGrid),
    Dapr(Dapr),
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
        let (address, options) = text.split_once('#').unwrap_or((text, ""));
        let (scheme, rest) = address.split_once("://").ok_or(FORM)?;
        let scheme = scheme.to_ascii_lowercase();
        let underneath = match scheme.as_str() {
            "http" | "dapr" | "eventgrid+http" => "http",
            "https" | "eventgrid" => "https",
            _ => return Err(FORM.to_string()),
        };
        let url = Url::parse(&format!("{underneath}://{rest}")).map_err(|_| FORM.to_string())?;
        let mut options = Options::parse(options)?;
        let given_name = options.one("name")?.map(checked_name).transpose()?;
        let secrets = secrets(&url, given_name.is_some(), &options);
        let name = given_name.map_or_else(|| name(&scheme, &url), Ok)?;
        let sink = match scheme.as_str() {
            "dapr" => Sink {
                name,
                url: dapr::publish(&url)?,
                most_events: 1,
                most_bytes: MOST_BYTES,
                kind: Kind::Dapr(Dapr::new(&url, &mut options)?),
                secrets,
            },
            "eventgrid" | "eventgrid+http" => Sink {
                name,
                most_events: options.number("batch", event_grid::MOST_EVENTS)?.unwrap_or(event_grid::MOST_EVENTS),
                most_bytes: event_grid::MOST_BYTES,
                kind: Kind::EventGrid(EventGrid::new(&mut options)?),
                url: event_grid::publish(url)?,
                secrets,
            },
            _ => Sink {
                name,
                url,
                most_events: options.number("batch", webhook::MOST_EVENTS)?.unwrap_or(1),
                most_bytes: MOST_BYTES,
                kind: Kind::Webhook(Webhook::new(&mut options)?),
                secrets,
            },
        };
        options.finish()?;
        Ok(sink)
    }

    /// The request that tells of `events`, which are at least one and as many as fit; `now` is when it is sent.
    ///
    /// # Errors
    /// [`Error::Internal`] when an event cannot be written.
    pub fn request(&self, events: &[CloudEvent], now: SystemTime) -> Result<Call, Error> {
        let mut headers = HeaderMap::new();
        let (content_type, body) = match &self.kind {
            Kind::Webhook(webhook) => webhook.message(events, now, self.most_events > 1, &mut headers)?,
            Kind::EventGrid(topic) => topic.message(events, &mut headers)?,
            Kind::Dapr(sidecar) => sidecar.message(events, &mut headers)?,
        };
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        Ok(Call {
            method: Method::POST,
            url: self.url.clone(),
            headers,
            body: body.into(),
            tries: 1,
            follows_redirects: false,
            shows_path: false,
        })
    }

    /// What `answer` means.
    pub fn verdict(&self, answer: &Answer) -> Verdict {
        if answer.status.is_success() {
            return Verdict::Delivered;
        }
        let answer = &self.without_secrets(answer);
        match &self.kind {
            Kind::Webhook(_) => webhook::verdict(answer, self.most_events > 1),
            Kind::EventGrid(_) => event_grid::verdict(answer),
            Kind::Dapr(_) => dapr::verdict(answer),
        }
    }

    /// `answer` as it may be quoted: a sink may send back what it was sent.
    fn without_secrets(&self, answer: &Answer) -> Answer {
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        let text = self.secrets.iter().fold(text, |text, secret| text.replace(secret, "***"));
        Answer { status: answer.status, headers: answer.headers.clone(), body: text.into() }
    }
}

/// What is secret of a sink, in the forms in which it is sent. A text of less than [`SHORTEST_SECRET`] is none, and would
/// be found everywhere.
fn secrets(url: &Url, is_path_secret: bool, options: &Options) -> Vec<String> {
    let (user, password) = (url.username(), url.password().unwrap_or_default());
    let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let mut secrets = vec![user.to_string(), password.to_string(), decode(user), decode(password)];
    secrets.push(STANDARD.encode(format!("{}:{}", decode(user), decode(password)))); // as it stands in a header
    secrets.extend(url.query().map(str::to_string));
    secrets.extend(
        url.query().unwrap_or_default().split('&').filter_map(|pair| Some(pair.split_once('=')?.1.to_string())),
    );
    secrets.extend(url.query_pairs().map(|(_, value)| value.into_owned()));
    secrets.extend(is_path_secret.then(|| url.path().to_string()));
    secrets.extend(options.secrets().map(str::to_string));
    secrets.retain(|secret| secret.len() >= SHORTEST_SECRET);
    secrets.sort_by_key(|secret| Reverse(secret.len()));
    secrets
}

/// The name that a sink is given, if it can be one.
fn checked_name(name: String) -> Result<String, String> {
    if name.len() <= LONGEST_GIVEN_NAME && name.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(name)
    } else {
        Err(format!("has an option name that is not 1 to {LONGEST_GIVEN_NAME} visible ASCII characters"))
    }
}

/// A sink's URL without who we are there, query and fragment: senders are told to put tokens into a query where there is
/// no other place for them.
fn name(scheme: &str, url: &Url) -> Result<String, String> {
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or(FORM)?;
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let name = format!("{scheme}://{host}{port}{}", url.path());
    if name.len() > LONGEST_NAME || !name.is_ascii() {
        return Err(format!("has a URL of more than {LONGEST_NAME} characters, query and options aside"));
    }
    Ok(name)
}

/// Whether what is sent there stays on this machine.
fn is_here(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address: Result<IpAddr, _> = host.trim_start_matches('[').trim_end_matches(']').parse();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// Header fields with a secret in it, which is not shown by `Debug`.
fn secret_header(value: &str) -> Result<HeaderValue, String> {
    let mut value =
        HeaderValue::from_str(value).map_err(|_| "has an option that cannot stand in a header".to_string())?;
    value.set_sensitive(true);
    Ok(value)
}

/// The JSON array of these JSON texts.
fn json_array(texts: impl Iterator<Item = Result<Vec<u8>, Error>>) -> Result<Vec<u8>, Error> {
    let mut array = Vec::new();
    for text in texts {
        array.push(if array.is_empty() { b'[' } else { b',' });
        array.extend(text?);
    }
    array.push(b']');
    Ok(array)
}

/// Tried again later, when the sink says so.
fn later(answer: &Answer) -> Verdict {
    Verdict::Later(answer.retry_after(SystemTime::now()), reason(answer))
}

/// What a person reads: the status, and the beginning of what the sink says of it. Not where it speaks of who we are, which
/// may be a secret.
fn reason(answer: &Answer) -> String {
    let status = answer.status.to_string();
    let text = String::from_utf8_lossy(answer.body.get(..MOST_QUOTED).unwrap_or(&answer.body));
    let text = text.trim();
    if matches!(answer.status.as_u16(), 401 | 403) || text.is_empty() {
        return status;
    }
    format!("{status}: {}", text.escape_debug())
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests;
