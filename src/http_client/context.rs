//! On whose behalf a call is made.

use hyper::{HeaderMap, header::HeaderValue};

use super::{TRACEPARENT, TRACESTATE};

/// What the specification asks for, in characters.
const LONGEST_TRACESTATE: usize = 512;

/// On whose behalf a call is made: passed on to whoever is called.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// `X-Request-Id`, as in the log.
    pub request_id: Option<String>,
    /// `traceparent` as it came (W3C Trace Context): this service measures nothing of its own, so it is no span in
    /// between.
    pub traceparent: Option<HeaderValue>,
    /// `tracestate`, where there is a `traceparent`.
    pub tracestate: Option<HeaderValue>,
}

impl Context {
    /// That of a request with this id and these headers. A `traceparent` that is none, or is there twice, is not passed
    /// on.
    pub fn of(request_id: &str, headers: &HeaderMap) -> Context {
        let mut given = headers.get_all(TRACEPARENT).iter();
        let traceparent = given.next().filter(|value| given.next().is_none() && is_traceparent(value.as_bytes()));
        let tracestate = traceparent.and_then(|_| tracestate(headers));
        Context { request_id: Some(request_id.to_owned()), traceparent: traceparent.cloned(), tracestate }
    }
}

/// W3C Trace Context, section 3.3: a list, which may be spread over several fields. Members at the end are left out where
/// it is too long.
fn tracestate(headers: &HeaderMap) -> Option<HeaderValue> {
    let fields = headers.get_all(TRACESTATE).iter().map(|field| field.to_str().unwrap_or_default());
    let members = fields.flat_map(|field| field.split(',')).map(str::trim).filter(|member| !member.is_empty());
    let mut state = String::new();
    for member in members {
        let separator = if state.is_empty() { "" } else { "," };
        let length = state.len().saturating_add(separator.len()).saturating_add(member.len());
        if length > LONGEST_TRACESTATE {
            break;
        }
        state.push_str(separator);
        state.push_str(member);
    }
    HeaderValue::try_from(state).ok().filter(|state| !state.is_empty())
}

/// W3C Trace Context, section 3.2: version, trace-id, parent-id, trace-flags. Later versions may append to that.
fn is_traceparent(value: &[u8]) -> bool {
    let mut parts = value.splitn(5, |byte| *byte == b'-');
    let mut field = |length| {
        let is_hex = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        parts.next().filter(|part| part.len() == length && part.iter().all(is_hex))
    };
    let (version, trace, parent, flags) = (field(2), field(32), field(16), field(2));
    let is_set = |id: Option<&[u8]>| id.is_some_and(|id| id.iter().any(|byte| *byte != b'0'));
    let known_length = version != Some(b"00") || parts.next().is_none();
    version.is_some_and(|version| version != b"ff")
        && is_set(trace)
        && is_set(parent)
        && flags.is_some()
        && known_length
}

#[cfg(test)]
mod tests {
    use super::is_traceparent;

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
            assert_eq!(is_traceparent(value.as_bytes()), valid, "{value}");
        }
    }
}
