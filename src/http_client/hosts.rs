//! What is known of each host that was called. There are few: those that may be called.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use reqwest::Url;

use super::{Answer, CallError, authority, breaker::Breaker};
use crate::metrics::{Histogram, Text};

const CALLS: &str = "http_client_requests_total";
const TRIES: &str = "http_client_tries_total";
const DURATION: &str = "http_client_request_duration_seconds";
const OPEN: &str = "http_client_circuit_open";

/// The hosts by name and port.
#[derive(Default)]
pub struct Hosts(Mutex<BTreeMap<String, Arc<Host>>>);

/// One of them.
#[derive(Default)]
pub struct Host {
    /// Whether it is called at the moment.
    pub breaker: Breaker,
    /// Calls by what came of them.
    counts: Mutex<BTreeMap<&'static str, u64>>,
    tries: AtomicU64,
    duration: Histogram,
}

/// How often something came of a call.
#[derive(Debug, PartialEq)]
pub struct Count {
    /// Host and port.
    pub host: String,
    /// What came of it: the class of the status, such as `2xx`, or why there was none, such as `timed_out`.
    pub outcome: &'static str,
    /// How often, since the start.
    pub calls: u64,
}

impl Hosts {
    /// The host of `url`, which may be called.
    pub fn get(&self, url: &Url) -> Arc<Host> {
        lock(&self.0).entry(authority(url)).or_default().clone()
    }

    /// Counts a call to `url`, which may be called: what came of it, after how many tries and how long.
    pub fn count(&self, url: &Url, outcome: &'static str, tries: u32, duration: Duration) {
        let host = self.get(url);
        host.tries.fetch_add(u64::from(tries), Ordering::Relaxed);
        host.duration.observe(duration);
        let mut counts = lock(&host.counts);
        let calls = counts.entry(outcome).or_default();
        *calls = calls.saturating_add(1);
    }

    /// All counts so far, by host and outcome.
    pub fn counts(&self) -> Vec<Count> {
        let mut all = Vec::new();
        for (name, host) in lock(&self.0).iter() {
            let counts = lock(&host.counts);
            all.extend(counts.iter().map(|(outcome, calls)| Count { host: name.clone(), outcome, calls: *calls }));
        }
        all
    }

    /// Writes them down.
    pub fn write(&self, text: &mut Text) {
        text.family(CALLS, "counter", "Calls to other services by what came of them, however often they were tried.");
        for Count { host, outcome, calls } in self.counts() {
            text.sample(CALLS, &[("host", &host), ("outcome", outcome)], calls);
        }
        let hosts = lock(&self.0);
        text.family(TRIES, "counter", "How often they were tried.");
        for (name, host) in hosts.iter() {
            text.sample(TRIES, &[("host", name)], host.tries.load(Ordering::Relaxed));
        }
        text.family(DURATION, "histogram", "Such a call, tries, pauses and the answer's body included.");
        for (name, host) in hosts.iter() {
            text.histogram(DURATION, &[("host", name)], &host.duration);
        }
        text.family(OPEN, "gauge", "Whether the host is left alone, because it has failed several times in a row.");
        for (name, host) in hosts.iter() {
            text.sample(OPEN, &[("host", name)], u8::from(host.breaker.is_open()));
        }
    }
}

/// What came of a call, as it is counted.
pub fn outcome(result: &Result<Answer, CallError>) -> &'static str {
    match result {
        Ok(answer) => match answer.status.as_u16() {
            ..200 => "1xx",
            200..300 => "2xx",
            300..400 => "3xx",
            400..500 => "4xx",
            500.. => "5xx",
        },
        Err(CallError::Forbidden) => "forbidden",
        Err(CallError::Open(_)) => "open",
        Err(CallError::Busy) => "busy",
        Err(CallError::Failed(_)) => "failed",
        Err(CallError::Nonsense(_)) => "nonsense",
        Err(CallError::TimedOut) => "timed_out",
        Err(CallError::TooLarge) => "too_large",
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_by_host_and_outcome() {
        let hosts = Hosts::default();
        for url in ["http://b/1", "http://a/1", "http://b/2", "https://b/"] {
            hosts.count(&Url::parse(url).unwrap(), outcome(&Err(CallError::Busy)), 1, Duration::ZERO);
        }
        hosts.count(&Url::parse("http://a:80/").unwrap(), outcome(&Err(CallError::TimedOut)), 2, Duration::ZERO);

        let counts = hosts.counts();

        let counts: Vec<_> = counts.iter().map(|count| (count.host.as_str(), count.outcome, count.calls)).collect();
        assert_eq!(counts, [("a:80", "busy", 1), ("a:80", "timed_out", 1), ("b:443", "busy", 1), ("b:80", "busy", 2)]);
    }
}
