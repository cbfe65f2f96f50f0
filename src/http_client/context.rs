//! On whose behalf a call is made.

use hyper::{HeaderMap, header::HeaderValue};

use super::TRACESTATE;
use crate::trace::Trace;

/// What the specification asks for, in characters.
const LONGEST_TRACESTATE: usize = 512;

/// On whose behalf a call is made: passed on to whoever is called.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// `X-Request-Id`, as in the log.
    pub request_id: Option<String>,
    /// The trace of the request (W3C Trace Context).
    pub trace: Option<Trace>,
    /// `tracestate` as it came, where its trace is the caller's.
    pub tracestate: Option<HeaderValue>,
}

impl Context {
    /// That of a request with this id, of this trace, with these headers.
    pub fn of(request_id: &str, trace: Trace, headers: &HeaderMap) -> Context {
        let tracestate = if trace.is_given { tracestate(headers) } else { None };
        Context { request_id: Some(request_id.to_owned()), trace: Some(trace), tracestate }
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
