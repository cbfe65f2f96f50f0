//! To which trace a request belongs (W3C Trace Context). This service measures no spans of its own and names none of them
//! sampled, but it takes its place among the others: what it calls, and the events of what it changes, name it as their
//! parent, under the trace that it was called in. A request without a trace begins one.

use std::{
    future::Future,
    hash::{BuildHasher, RandomState},
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
};

use hyper::header::{HeaderMap, HeaderName};

/// The header field.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The flags that have a meaning: the caller may have recorded it, and its id is random. Others are not passed on.
const KNOWN_FLAGS: u8 = 0b11;

/// The trace of one request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trace {
    /// 32 digits.
    id: [u8; 32],
    /// What this request is called in it.
    span: u64,
    flags: u8,
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
        let span = random().max(1);
        match only.and_then(|value| parse(value.as_bytes())) {
            Some((id, flags)) => Trace { id, span, flags: flags & KNOWN_FLAGS, is_given: true },
            None => Trace { id: hexadecimal(random(), random()), span, flags: 0, is_given: false },
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
        std::str::from_utf8(&self.id).unwrap_or_default()
    }

    /// The `traceparent` of whatever is done for this request.
    pub fn traceparent(&self) -> String {
        format!("00-{}-{:016x}-{:02x}", self.id(), self.span, self.flags)
    }
}

/// Section 3.2: version, trace-id, parent-id, trace-flags. Later versions may append to that.
fn parse(value: &[u8]) -> Option<([u8; 32], u8)> {
    let mut parts = value.splitn(5, |byte| *byte == b'-');
    let mut field = |length| {
        let is_hex = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        parts.next().filter(|part| part.len() == length && part.iter().all(is_hex))
    };
    let (version, trace, parent, flags) = (field(2)?, field(32)?, field(16)?, field(2)?);
    let is_set = |id: &[u8]| id.iter().any(|byte| *byte != b'0');
    let is_valid = version != b"ff" && is_set(trace) && is_set(parent) && (version != b"00" || parts.next().is_none());
    let flags = u8::from_str_radix(std::str::from_utf8(flags).ok()?, 16).ok()?;
    Some((trace.try_into().ok()?, flags)).filter(|_| is_valid)
}

/// As 32 digits, not all zeros.
fn hexadecimal(high: u64, low: u64) -> [u8; 32] {
    let bits = (u128::from(high) << 64) | u128::from(low.max(1));
    let mut shift = 128_u32;
    [0; 32].map(|_: u8| {
        shift = shift.saturating_sub(4);
        let digit = (bits.wrapping_shr(shift) & 15) as u8;
        if digit < 10 { digit.wrapping_add(b'0') } else { digit.wrapping_add(b'a' - 10) }
    })
}

/// Another number each time, here and in other processes.
fn random() -> u64 {
    // Keyed by the operating system's random numbers.
    static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    static COUNT: AtomicU64 = AtomicU64::new(0);

    KEY.hash_one(COUNT.fetch_add(1, Ordering::Relaxed))
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
    fn what_is_passed_on_names_this_service_as_the_parent_and_keeps_the_flags_that_are_known() {
        for (flags, kept) in [("00", "00"), ("01", "01"), ("ff", "03"), ("fc", "00")] {
            let passed_on =
                of(&[&format!("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-{flags}")]).traceparent();
            let [version, trace, parent, flags]: [&str; 4] =
                passed_on.split('-').collect::<Vec<_>>().try_into().unwrap();

            assert_eq!((version, trace, flags), ("00", "4bf92f3577b34da6a3ce929d0e0e4736", kept));
            assert!(parse(passed_on.as_bytes()).is_some() && parent != "00f067aa0ba902b7", "{passed_on}");
        }
    }

    #[test]
    fn each_new_trace_is_another_one() {
        let mut traces: Vec<String> = (0..1000).map(|_| of(&[]).traceparent()).collect();
        assert!(traces.iter().all(|trace| parse(trace.as_bytes()).is_some() && trace.ends_with("-00")));
        traces.sort();
        traces.dedup();
        assert_eq!(traces.len(), 1000);
        assert_eq!(&hexadecimal(0x0123_4567_89ab_cdef, 0), b"0123456789abcdef0000000000000001");
    }
}
