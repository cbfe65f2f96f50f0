//! Whether trying again may help, and when.

use std::time::{Duration, SystemTime};

use hyper::header::RETRY_AFTER;

use super::{Answer, CallError};
use crate::jitter;

/// The longest pause after the first try; it doubles each time.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// How long to wait after the `nth` try, counted from 1; `None` where it would come out the same.
pub fn pause(result: &Result<Answer, CallError>, nth: u32) -> Option<Duration> {
    let asked_for = match result {
        Ok(answer) if matches!(answer.status.as_u16(), 429 | 502 | 503 | 504) => answer.retry_after(SystemTime::now()),
        Err(CallError::Failed(_)) => None,
        _ => return None,
    };
    let longest = FIRST_PAUSE.saturating_mul(1_u32.checked_shl(nth.saturating_sub(1)).unwrap_or(u32::MAX));
    let pause = jitter::up_to(longest);
    Some(asked_for.map_or(pause, |asked_for| asked_for.saturating_add(pause)))
}

impl Answer {
    /// What `Retry-After` says (RFC 9110, section 10.2.3): seconds, or a date, seen from `now`.
    pub fn retry_after(&self, now: SystemTime) -> Option<Duration> {
        let text = self.headers.get(RETRY_AFTER)?.to_str().ok()?;
        if text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty() {
            return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
        }
        Some(httpdate::parse_http_date(text).ok()?.duration_since(now).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use hyper::{HeaderMap, StatusCode, body::Bytes, header::HeaderValue};

    use super::*;

    #[test]
    fn a_pause_that_is_asked_for_is_seconds_or_a_date() {
        let table = [
            ("0", Some(0)),
            ("120", Some(120)),
            ("99999999999999999999", Some(u64::MAX)),
            ("Sun, 06 Nov 1994 08:49:40 GMT", Some(3)),
            ("Sun, 06 Nov 1994 08:49:30 GMT", Some(0)),
            ("soon", None),
            ("-1", None),
            ("", None),
        ];
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);

        for (text, seconds) in table {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(text))]);
            let answer = Answer { status: StatusCode::SERVICE_UNAVAILABLE, headers, body: Bytes::new() };
            assert_eq!(answer.retry_after(now), seconds.map(Duration::from_secs), "{text}");
        }
    }
}
