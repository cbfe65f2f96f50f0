//! Why a call has no answer, for the caller, for its client, and for the log.

use std::{
    error::Error as StdError,
    fmt,
    time::{Duration, SystemTime},
};

use anyhow::anyhow;
use hyper::StatusCode;

use super::Answer;
use crate::{
    error::{Error, Upstream},
    tls,
};

/// Why there is no answer.
#[derive(Debug)]
pub enum CallError {
    /// Its host may not be called, or that of a redirect.
    Forbidden,
    /// The host has failed so often that it is left alone for this long.
    Open(Duration),
    /// Too many calls are in flight.
    Busy,
    /// There is no connection to be had, or it broke; with the cause, for the log.
    Failed(anyhow::Error),
    /// What came is no HTTP, a certificate that is not trusted, or a redirect that leads nowhere; with the cause, for the
    /// log.
    Nonsense(anyhow::Error),
    /// It took too long.
    TimedOut,
    /// The answer is too large.
    TooLarge,
}

impl CallError {
    /// What a client is told whose request needs the other service, which it knows as `service`, such as "the weather
    /// service".
    pub fn about(self, service: &str) -> Error {
        let wait = match &self {
            CallError::Open(left) => *left,
            _ => Duration::from_secs(1),
        };
        let (status, detail) = match &self {
            CallError::Forbidden | CallError::Nonsense(_) => (StatusCode::BAD_GATEWAY, "answers what cannot be used"),
            CallError::TooLarge => (StatusCode::BAD_GATEWAY, "answers more than is taken"),
            CallError::Open(_) | CallError::Failed(_) => (StatusCode::SERVICE_UNAVAILABLE, "cannot be reached"),
            CallError::Busy => (StatusCode::SERVICE_UNAVAILABLE, "is asked by too many at the same time"),
            CallError::TimedOut => (StatusCode::GATEWAY_TIMEOUT, "does not answer in time"),
        };
        Error::Upstream(Upstream {
            status,
            detail: format!("{service} {detail}"),
            retry_after: Some(wait).filter(|_| status == StatusCode::SERVICE_UNAVAILABLE),
            cause: anyhow!("{service}: {self}"),
            fault: None,
        })
    }
}

impl Answer {
    /// What a client is told whose request needs the other service, when this is not the answer that it needs: 503 and
    /// 504 as they came, 503 also where the other service is asked too often, otherwise 502.
    pub fn refused_by(&self, service: &str) -> Error {
        let (status, detail) = match self.status.as_u16() {
            429 | 503 => (StatusCode::SERVICE_UNAVAILABLE, "cannot do this at the moment"),
            504 => (StatusCode::GATEWAY_TIMEOUT, "waits for another one in vain"),
            _ => (StatusCode::BAD_GATEWAY, "answers what cannot be used"),
        };
        let pause = self.retry_after(SystemTime::now()).unwrap_or(Duration::from_secs(1));
        Error::Upstream(Upstream {
            status,
            detail: format!("{service} {detail}"),
            retry_after: Some(pause).filter(|_| status == StatusCode::SERVICE_UNAVAILABLE),
            cause: anyhow!("{service}: answers with status {}", self.status.as_u16()),
            fault: None,
        })
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CallError::Forbidden => f.write_str("this host may not be called (OUTBOUND_ALLOWED_HOSTS)"),
            CallError::Open(left) => write!(f, "it has failed too often and is left alone for {left:.1?} more"),
            CallError::Busy => f.write_str("too many calls are in flight (OUTBOUND_MAX_CALLS)"),
            CallError::Failed(cause) | CallError::Nonsense(cause) => write!(f, "{cause}"),
            CallError::TimedOut => f.write_str("no whole answer in time (OUTBOUND_TIMEOUT)"),
            CallError::TooLarge => f.write_str("the answer is too large (OUTBOUND_MAX_BYTES)"),
        }
    }
}

impl From<reqwest::Error> for CallError {
    fn from(error: reqwest::Error) -> CallError {
        let error = error.without_url(); // which may hold secrets
        if error.is_timeout() {
            return CallError::Failed(anyhow!("no connection in time")); // any other time limit is our own
        }
        if let Some(fault) = tls::fault(&error) {
            return CallError::Nonsense(anyhow!(fault));
        }
        // The innermost error says what it was, and quotes no address.
        let (mut cause, mut is_nonsense): (&dyn StdError, bool) = (&error, false);
        while let Some(source) = cause.source() {
            cause = source;
            is_nonsense |= cause.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_parse);
        }
        let cause = anyhow!("{cause}");
        if is_nonsense { CallError::Nonsense(cause) } else { CallError::Failed(cause) }
    }
}
