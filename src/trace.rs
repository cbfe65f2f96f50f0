//! To which trace a request belongs (W3C Trace Context). This service exports no spans, so it names none as a parent: what
//! it calls, and the events of what it changes, get the `traceparent` that came with the request. A request without one
//! begins a trace.

use std::{future::Future, io::Write};

use hyper::header::{HeaderMap, HeaderName};

use crate::random;

/// The header field.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Of a `traceparent`, in characters.
const LENGTH: usize = 55;

/// The trace of one request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trace {
    traceparent: [u8; LENGTH],
    /// Whether the caller has begun it.
    pub is_given: bool,
}

tokio::task_local! {
    static CURRENT: Trace;
}

impl Trace {
    /// That of a request with these headers: the one that its `traceparent` names, or a new one if there is none, or two,
    /// or it is none.
    pub fn of(headers: &HeaderMap) -> Trace {
        let mut given = headers.get_all(TRACEPARENT).iter();
        let only = given.next().filter(|_| given.next().is_none());
        match only.and_then(|value| parse(value.as_bytes())) {
            Some(traceparent) => Trace { traceparent, is_given: true },
            None => Trace { traceparent: begin(), is_given: false },
        }
    }

    /// That of the work that is being done, if a request has asked for it.
    pub fn current() -> Option<Trace> {
        CURRENT.try_with(|trace| *trace).ok()
    }

    /// Does work that belongs to this trace.
    pub async fn scope<T>(self, work: impl Future<Output = T>) -> T {
        CURRENT.scope(self, work).await
    }

    /// Its id: 32 digits.
    pub fn id(&self) -> &str {
        self.traceparent().get(3..35).unwrap_or_default()
    }

    /// The `traceparent` of whatever is done for this request.
    pub fn traceparent(&self) -> &str {
        std::str::from_utf8(&self.traceparent).unwrap_or_default()
    }
}

/// Section 3.2: version, trace-id, parent-id, trace-flags. Later versions may append to that; of those, it gives what
/// version 00 knows.
fn parse(value: &[u8]) -> Option<[u8; LENGTH]> {
    let (known, more) = value.split_first_chunk::<LENGTH>()?;
    let is_well_formed = known.iter().enumerate().all(|(place, byte)| match place {
        2 | 35 | 52 => *byte == b'-',
        _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
    });
    let is_set = |id: Option<&[u8]>| id.is_some_and(|id| id.iter().any(|byte| *byte != b'0'));
    let is_valid = is_well_formed && is_set(known.get(3..35)) && is_set(known.get(36..52));
    let ends = match value.get(..2)? {
        b"00" => more.is_empty(),
        version => version != b"ff" && more.first().is_none_or(|byte| *byte == b'-'),
    };
    let mut traceparent = *known;
    let [first, second, ..] = &mut traceparent;
    (*first, *second) = (b'0', b'0');
    Some(traceparent).filter(|_| is_valid && ends)
}

/// The first of a trace, which nobody has recorded.
fn begin() -> [u8; LENGTH] {
    let mut traceparent = [0; LENGTH];
    let (high, low, parent) = (random::number(), random::number().max(1), random::number().max(1));
    let _ = write!(traceparent.as_mut_slice(), "00-{high:016x}{low:016x}-{parent:016x}-00");
    traceparent
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[&str]) -> Trace {
        Trace::of(&values.iter().map(|value| (TRACEPARENT, value.parse().unwrap())).collect())
    }

    #[test]
    fn a_traceparent_is_what_the_specification_says() {
        let table = [
            ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", true),
            ("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-the-future-will-be-like", true),
            ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more", false),
            ("ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", false),
            ("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0100", false),
            ("00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", false),
            ("00-00000000000000000000000000000000-00f067aa0ba902b7-01", false),
            ("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", false),
            ("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", false),
            ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7", false),
            ("00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01", false),
            ("", false),
        ];

        for (value, valid) in table {
            let trace = of(&[value]);
            assert_eq!(trace.is_given, valid, "{value}");
            assert_eq!(trace.id() == "4bf92f3577b34da6a3ce929d0e0e4736", valid, "{value}");
        }
        assert!(!of(&[table[0].0; 2]).is_given, "twice");
    }

    #[test]
    fn what_is_passed_on_is_what_came_as_far_as_this_version_knows_it() {
        let known = "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-a5";

        for given in [format!("00-{known}"), format!("cc-{known}"), format!("cc-{known}-and-more")] {
            assert_eq!(of(&[&given]).traceparent(), format!("00-{known}"), "{given}");
        }
    }

    #[test]
    fn each_new_trace_is_another_one() {
        let mut traces: Vec<String> = (0..1000).map(|_| of(&[]).traceparent().to_string()).collect();
        assert!(traces.iter().all(|trace| parse(trace.as_bytes()).is_some() && trace.ends_with("-00")));
        traces.sort();
        traces.dedup();
        assert_eq!(traces.len(), 1000);
    }
}
