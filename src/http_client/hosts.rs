//! What is known of each host that was called. There are few: those that may be called.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use reqwest::Url;

use super::{Answer, CallError, authority, breaker::Breaker};

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

    /// Counts a call to `url`, which may be called.
    pub fn count(&self, url: &Url, outcome: &'static str) {
        let host = self.get(url);
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
            hosts.count(&Url::parse(url).unwrap(), outcome(&Err(CallError::Busy)));
        }
        hosts.count(&Url::parse("http://a:80/").unwrap(), outcome(&Err(CallError::TimedOut)));

        let counts = hosts.counts();

        let counts: Vec<_> = counts.iter().map(|count| (count.host.as_str(), count.outcome, count.calls)).collect();
        assert_eq!(counts, [("a:80", "busy", 1), ("a:80", "timed_out", 1), ("b:443", "busy", 1), ("b:80", "busy", 2)]);
    }
}
