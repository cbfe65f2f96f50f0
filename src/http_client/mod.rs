//! Asks other services, over HTTP and HTTPS.

use std::{path::PathBuf, time::Duration};

use hyper::{
    HeaderMap, Method, StatusCode,
    body::Bytes,
    header::{HeaderName, HeaderValue},
};
use reqwest::{Client, Url, redirect::Policy};

use crate::tls;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// How other services are called.
pub struct Settings {
    /// A PEM file of certificate authorities to trust besides the public ones.
    pub ca_file: Option<PathBuf>,
    /// The hosts that may be called; none named: those that other settings name.
    pub allowed_hosts: Vec<String>,
    /// The longest time for a connection.
    pub connect_timeout: Duration,
    /// The longest time for a call, tries and pauses included.
    pub timeout: Duration,
    /// The most calls in flight.
    pub max_calls: usize,
    /// The largest answer, in bytes.
    pub max_bytes: usize,
}

/// On whose behalf a call is made: passed on to whoever is called.
#[derive(Clone, Default)]
pub struct Context {
    /// `X-Request-Id`, as in the log.
    pub request_id: Option<String>,
    /// `traceparent` as it came (W3C Trace Context).
    pub traceparent: Option<HeaderValue>,
}

/// One call.
#[derive(Clone)]
pub struct Call {
    /// The method.
    pub method: Method,
    /// Where to.
    pub url: Url,
    /// Header fields besides those of every call.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// How often it is tried: more than once only where that is safe.
    pub tries: u32,
}

/// What the other service answered, whatever its status.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its header fields.
    pub headers: HeaderMap,
    /// Its body, all of it.
    pub body: Bytes,
}

/// Why there is no answer.
#[derive(Debug)]
pub enum CallError {
    /// Its host may not be called.
    Forbidden,
    /// The host has failed so often that it is left alone for this long.
    Open(Duration),
    /// Too many calls are in flight.
    Busy,
    /// There is no connection to be had, or it broke; with the cause, for the log.
    Failed(anyhow::Error),
    /// It took too long.
    TimedOut,
    /// The answer is too large.
    TooLarge,
}

/// Calls other services. One for the process, because it keeps connections.
pub struct HttpClient {
    client: Client,
}

impl HttpClient {
    /// A client as `settings` has it. Nothing is connected yet.
    ///
    /// # Errors
    /// When the file of certificate authorities cannot be used.
    pub fn new(settings: &Settings) -> anyhow::Result<HttpClient> {
        let client = Client::builder()
            .connect_timeout(settings.connect_timeout)
            .timeout(settings.timeout)
            .redirect(Policy::none());
        let client = tls::http_client(client, settings.ca_file.as_deref())?.build()?;
        Ok(HttpClient { client })
    }

    /// Makes a call.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn call(&self, call: Call, context: &Context) -> Result<Answer, CallError> {
        let mut request = self.client.request(call.method, call.url).headers(call.headers).body(call.body);
        if let Some(id) = context.request_id.as_deref() {
            request = request.header(REQUEST_ID, id);
        }
        if let Some(traceparent) = &context.traceparent {
            request = request.header(TRACEPARENT, traceparent);
        }
        let response = request.send().await.map_err(failed)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.bytes().await.map_err(failed)?;
        Ok(Answer { status, headers, body })
    }
}

fn failed(error: reqwest::Error) -> CallError {
    if error.is_timeout() { CallError::TimedOut } else { CallError::Failed(error.without_url().into()) }
}
