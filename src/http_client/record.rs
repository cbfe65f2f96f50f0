//! What is written down of a call: one line in the log, and one more in the counts of its host.

use std::time::SystemTime;

use hyper::Method;
use reqwest::Url;

use super::{Answer, Call, CallError, Context, HttpClient, authority, hosts};
use crate::{log, trace::Trace};

/// A call that is under way. It is written down when this is dropped, so one that nobody waits for any more is too.
pub struct Record<'a> {
    client: &'a HttpClient,
    context: &'a Context,
    started: SystemTime,
    method: Method,
    url: Url,
    shows_path: bool,
    /// How often it was tried.
    pub tries: u32,
    outcome: &'static str,
    result: Result<u16, String>,
}

impl<'a> Record<'a> {
    /// That of `call`, which begins now.
    pub fn new(client: &'a HttpClient, call: &Call, context: &'a Context) -> Record<'a> {
        let (method, url, started) = (call.method.clone(), call.url.clone(), SystemTime::now());
        let result = Err("given up by who asked for it".to_string());
        let shows_path = call.shows_path;
        Record { client, context, started, method, url, shows_path, tries: 0, outcome: "given_up", result }
    }

    /// It has ended.
    pub fn end(&mut self, result: &Result<Answer, CallError>) {
        self.outcome = hosts::outcome(result);
        self.result = result.as_ref().map(|answer| answer.status.as_u16()).map_err(ToString::to_string);
    }
}

impl Drop for Record<'_> {
    fn drop(&mut self) {
        let now = SystemTime::now();
        let duration = now.duration_since(self.started).unwrap_or_default(); // zero should the clock be set back
        if self.client.check_allowed(&self.url).is_ok() {
            self.client.hosts.count(&self.url, self.outcome, self.tries, duration);
        }
        log::call(&log::Call {
            id: self.context.request_id.as_deref(),
            trace: self.context.trace.as_ref().map(Trace::id),
            method: self.method.as_str(),
            host: &authority(&self.url),
            path: self.shows_path.then(|| self.url.path()),
            now,
            duration,
            tries: self.tries,
            status: self.result.as_ref().ok().copied(),
            error: self.result.as_ref().err().map(String::as_str),
        });
    }
}
