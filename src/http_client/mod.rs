//! Asks other services, over HTTP and HTTPS. Every call is bounded: in time, in the size of its answer, in how many
//! there are at once, in the hosts that it may reach; and a host that keeps failing is left alone for a while.
//!
//! It knows nothing of what is asked: which statuses are good, and what a body means, is the caller's to say.

mod allowed;
mod breaker;
mod call_error;
mod context;
mod hosts;
mod record;
mod redirect;
mod retry;

use std::{path::Path, time::Duration};

use anyhow::anyhow;
use hyper::{HeaderMap, Method, StatusCode, body::Bytes, header::HeaderName};
use reqwest::{Client, Url, redirect::Policy};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{Instant, sleep, timeout, timeout_at},
};

pub use allowed::AllowedHost;
pub use call_error::CallError;
pub use context::Context;
pub use hosts::Count;

use hosts::Hosts;
use record::Record;

use crate::{metrics::Text, tls, trace::TRACEPARENT};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// How long an unused connection is kept: less than the five seconds after which the hastiest of the well-known servers
/// close theirs, so that seldom one closes just when a request is on its way.
const IDLE: Duration = Duration::from_secs(4);

/// So many unused connections are kept to each host: every open one costs each wait a little.
const MOST_IDLE: usize = 16;

/// How other services are called.
pub struct Settings {
    /// The hosts that may be called, and no other.
    pub allowed_hosts: Vec<AllowedHost>,
    /// The longest time for a connection.
    pub connect_timeout: Duration,
    /// The longest time for a call: waiting for its turn, tries, pauses and the answer's body included.
    pub timeout: Duration,
    /// The most calls in flight.
    pub max_calls: usize,
    /// The largest answer, in bytes.
    pub max_bytes: usize,
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
    /// How often it is tried: more than once only where that is safe, because the other service may have done it
    /// although nobody heard of that.
    pub tries: u32,
    /// Whether an answer that points elsewhere is followed (five times at most, to allowed hosts only, never from HTTPS
    /// to HTTP). If not, it is an answer like any other.
    pub follows_redirects: bool,
    /// Whether the log may show its URL's path, which is a secret to some services.
    pub shows_path: bool,
}

/// What the other service answered, whatever its status.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its header fields.
    pub headers: HeaderMap,
    /// Its body, all of it, as it came: nothing is decompressed.
    pub body: Bytes,
}

/// Calls other services. One for the process, because it keeps connections, and what it knows of each host.
pub struct HttpClient {
    client: Client,
    allowed_hosts: Vec<AllowedHost>,
    hosts: Hosts,
    permits: Semaphore,
    max_calls: usize,
    timeout: Duration,
    max_bytes: usize,
}

impl HttpClient {
    /// A client as `settings` has it, which trusts the certificate authorities in `ca_file`, a PEM file, besides the public
    /// ones. Nothing is connected yet.
    ///
    /// # Errors
    /// When the file of certificate authorities cannot be used.
    pub fn new(settings: &Settings, ca_file: Option<&Path>) -> anyhow::Result<HttpClient> {
        let client = Client::builder()
            .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(settings.connect_timeout)
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(MOST_IDLE)
            .redirect(Policy::none())
            .referer(false)
            .http1_only()
            // What may be called is what is said here, not what the environment says.
            .no_proxy();
        let client = tls::http_client(client, ca_file)?.build()?;
        Ok(HttpClient {
            client,
            allowed_hosts: settings.allowed_hosts.clone(),
            hosts: Hosts::default(),
            permits: Semaphore::new(settings.max_calls),
            max_calls: settings.max_calls,
            timeout: settings.timeout,
            max_bytes: settings.max_bytes,
        })
    }

    /// Makes a call, and logs it.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn call(&self, call: Call, context: &Context) -> Result<Answer, CallError> {
        self.call_by(self.deadline(), call, context).await
    }

    /// The same for one of several calls that have to be done by `deadline`.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn call_by(&self, deadline: Instant, call: Call, context: &Context) -> Result<Answer, CallError> {
        let mut record = Record::new(self, &call, context);
        let result = self.follow(deadline, call, context, &mut record.tries).await;
        record.end(&result);
        result
    }

    /// When a call that begins now has to be done.
    pub fn deadline(&self) -> Instant {
        let now = Instant::now();
        now.checked_add(self.timeout).unwrap_or(now)
    }

    /// How often each host was called, by what came of it.
    pub fn counts(&self) -> Vec<Count> {
        self.hosts.counts()
    }

    /// Writes down how each host was called.
    pub fn write_metrics(&self, text: &mut Text) {
        self.hosts.write(text);
        let active = self.max_calls.saturating_sub(self.permits.available_permits());
        text.single("http_client_active_requests", "gauge", "Calls in flight.", active);
        text.single("http_client_active_requests_max", "gauge", "OUTBOUND_MAX_CALLS.", self.max_calls);
    }

    fn check_allowed(&self, url: &Url) -> Result<(), CallError> {
        let is_allowed = self.allowed_hosts.iter().any(|host| host.allows(url));
        if is_allowed { Ok(()) } else { Err(CallError::Forbidden) }
    }

    async fn follow(
        &self,
        deadline: Instant,
        mut call: Call,
        context: &Context,
        tries: &mut u32,
    ) -> Result<Answer, CallError> {
        self.check_allowed(&call.url)?;
        let _permit = self.permit(deadline).await?;
        for _ in 0..=redirect::MOST {
            let answer = self.try_until(deadline, &call, context, tries).await?;
            match redirect::next(&call, &answer)? {
                Some(next) => call = next,
                None => return Ok(answer),
            }
            self.check_allowed(&call.url)?;
        }
        Err(CallError::Nonsense(anyhow!("more than {} redirects", redirect::MOST)))
    }

    /// Waits for its turn, half of the time at most: what is left should be enough for an answer.
    async fn permit(&self, deadline: Instant) -> Result<SemaphorePermit<'_>, CallError> {
        let half = deadline.saturating_duration_since(Instant::now()).checked_div(2).unwrap_or_default();
        match timeout(half, self.permits.acquire()).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(CallError::Busy),
        }
    }

    /// Tries as often as the call may be tried, it helps, and there is time.
    async fn try_until(
        &self,
        deadline: Instant,
        call: &Call,
        context: &Context,
        tries: &mut u32,
    ) -> Result<Answer, CallError> {
        let host = self.hosts.get(&call.url);
        let mut last = None;
        for nth in 1..=call.tries.max(1) {
            let admission = match host.breaker.admit() {
                Ok(admission) => admission,
                Err(left) => return last.unwrap_or(Err(CallError::Open(left))),
            };
            *tries = tries.saturating_add(1);
            let begun = Instant::now();
            let result = timeout_at(deadline, self.try_once(call, context)).await;
            let result = result.unwrap_or(Err(CallError::TimedOut));
            match &result {
                // It had little time: that says nothing about the host.
                Err(CallError::TimedOut) if begun.elapsed() < self.timeout.checked_div(2).unwrap_or_default() => {}
                _ => admission.report(works(&result)),
            }
            let again = retry::pause(&result, nth).map(|pause| (pause, Instant::now().checked_add(pause)));
            match again {
                Some((pause, Some(time))) if nth < call.tries && time < deadline => sleep(pause).await,
                _ => return result,
            }
            last = Some(result);
        }
        last.unwrap_or(Err(CallError::TimedOut))
    }

    async fn try_once(&self, call: &Call, context: &Context) -> Result<Answer, CallError> {
        let mut request = self.client.request(call.method.clone(), call.url.clone());
        request = request.headers(call.headers.clone()).body(call.body.clone());
        if let Some(id) = context.request_id.as_deref() {
            request = request.header(REQUEST_ID, id);
        }
        if let Some(trace) = &context.trace {
            request = request.header(TRACEPARENT, trace.traceparent());
        }
        if let Some(tracestate) = &context.tracestate {
            request = request.header(TRACESTATE, tracestate);
        }
        let mut response = request.send().await.map_err(CallError::from)?;
        if response.content_length().is_some_and(|length| length > self.max_bytes as u64) {
            return Err(CallError::TooLarge);
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(CallError::from)? {
            if body.len().saturating_add(chunk.len()) > self.max_bytes {
                return Err(CallError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status: response.status(), headers: response.headers().clone(), body: body.into() })
    }
}

/// Whether the host does its work, whatever it makes of the request: a 500 is about this request, and others may fare
/// better.
fn works(result: &Result<Answer, CallError>) -> bool {
    match result {
        Ok(answer) => !matches!(answer.status.as_u16(), 502..=504),
        Err(error) => matches!(error, CallError::TooLarge),
    }
}

/// Host and port.
fn authority(url: &Url) -> String {
    format!("{}:{}", url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or_default())
}
