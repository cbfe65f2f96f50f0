//! What can go wrong, by meaning, and how it is told: to the client as problem details (RFC 9457), to the log
//! with its cause. The two texts differ on purpose: nothing internal reaches the client.

use std::time::Duration;

use hyper::{
    Response, StatusCode,
    header::{ALLOW, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE},
};
use serde::Serialize;

use crate::tls;

/// The media type of an error's body.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// Seconds after which a client should try again when the database is away.
const RETRY_AFTER_SECONDS: &str = "1";

/// Why a request was not done. Each variant's text is for the client; a `cause` is for the log only.
#[derive(Debug)]
pub enum Error {
    /// 400: the request cannot be read: not JSON, or a parameter is missing or wrong.
    BadRequest(String, Vec<Fault>),
    /// 401: who may call has to be shown; what is wrong, and its code in RFC 6750, section 3.1, if a token was given.
    Unauthorized(&'static str, Option<&'static str>),
    /// 403: not for this kind of client.
    Forbidden(&'static str),
    /// 404: no such endpoint or row.
    NotFound(String),
    /// 405: the path is known, the method is not; with the methods that are.
    MethodNotAllowed(String),
    /// 408: the client takes too long to send it; with what is missing.
    RequestTimeout(&'static str),
    /// 409: it contradicts what is stored.
    Conflict(String),
    /// 413: the body is larger than this many bytes.
    TooLarge(usize),
    /// 415: it is written in a way that is not read here; with those that are.
    UnsupportedMediaType(&'static str),
    /// 422: JSON, but not what is asked for; with one entry for each fault.
    Invalid(Vec<Fault>),
    /// 400, 414 or 431: its head is not HTTP, or too long.
    Head(StatusCode),
    /// 500: a fault of ours.
    Internal(anyhow::Error),
    /// 503: others hold what it needs in the database; trying again helps.
    Locked(anyhow::Error),
    /// 503: the database, or this service, is away or too busy; the text says what to wait for.
    Unavailable(&'static str, Option<anyhow::Error>),
    /// 502, 503 or 504: another service, which this one needs for it, did not do its part.
    Upstream(Upstream),
}

/// What another service did not do.
#[derive(Debug)]
pub struct Upstream {
    /// 502: it answers what cannot be used; 503: it cannot be reached, or cannot do it now; 504: it takes too long.
    pub status: StatusCode,
    /// For the client, in plain words.
    pub detail: String,
    /// When trying again may help: with 503.
    pub retry_after: Option<Duration>,
    /// For the log.
    pub cause: anyhow::Error,
    /// For what in the request it was needed.
    pub fault: Option<Fault>,
}

/// One thing that is wrong with a request: where, and what would be right.
#[derive(Debug, Serialize)]
pub struct Fault {
    /// Where it stands.
    #[serde(flatten)]
    pub place: Place,
    /// What would be right, in words for a person.
    pub detail: String,
}

/// Where in a request a fault stands.
#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// In the JSON body: a JSON Pointer (RFC 6901), such as `/3/size`.
    Pointer(String),
    /// In the path or the query: the parameter's name.
    Parameter(String),
}

impl Fault {
    /// A fault in the body at `pointer`.
    pub fn at(pointer: impl Into<String>, detail: impl Into<String>) -> Fault {
        Fault { place: Place::Pointer(pointer.into()), detail: detail.into() }
    }
}

impl Error {
    /// A path or query parameter that is missing or wrong. Of its name at most a hundred characters are told.
    pub fn parameter(name: &str, detail: impl Into<String>) -> Error {
        let (name, detail) = (name.chars().take(100).collect::<String>(), detail.into());
        let fault = Fault { place: Place::Parameter(name.clone()), detail: detail.clone() };
        Error::BadRequest(format!("parameter '{name}' {detail}"), vec![fault])
    }

    /// The status that it is answered with.
    pub fn status(&self) -> StatusCode {
        match self {
            Error::BadRequest(..) => StatusCode::BAD_REQUEST,
            Error::Unauthorized(..) => StatusCode::UNAUTHORIZED,
            Error::Forbidden(_) => StatusCode::FORBIDDEN,
            Error::NotFound(_) => StatusCode::NOT_FOUND,
            Error::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
            Error::RequestTimeout(_) => StatusCode::REQUEST_TIMEOUT,
            Error::Conflict(_) => StatusCode::CONFLICT,
            Error::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Error::UnsupportedMediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Error::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Error::Head(status) => *status,
            Error::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Error::Locked(_) | Error::Unavailable(..) => StatusCode::SERVICE_UNAVAILABLE,
            Error::Upstream(upstream) => upstream.status,
        }
    }

    /// What the client reads: `application/problem+json`, with the request's id to ask about.
    pub fn to_response(&self, request_id: &str) -> Response<Vec<u8>> {
        let status = self.status();
        let problem = Problem {
            r#type: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail: self.detail(),
            errors: self.faults(),
            request_id,
        };
        let mut response = Response::new(serde_json::to_vec(&problem).unwrap_or_default());
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        match self {
            Error::Unauthorized(_, code) => {
                headers.insert(WWW_AUTHENTICATE, challenge(*code));
            }
            Error::Locked(_) | Error::Unavailable(..) => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_SECONDS));
            }
            Error::Upstream(Upstream { retry_after: Some(pause), .. }) => {
                let seconds = pause.as_millis().div_ceil(1000).clamp(1, 3600) as u32;
                headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
            }
            Error::MethodNotAllowed(methods) => {
                if let Ok(methods) = HeaderValue::from_str(methods) {
                    headers.insert(ALLOW, methods);
                }
            }
            _ => {}
        }
        response
    }

    /// What the log keeps of a fault on our side: the cause, which the client is not told.
    pub fn cause(&self) -> Option<String> {
        match self {
            Error::Internal(cause) | Error::Locked(cause) | Error::Unavailable(_, Some(cause)) => {
                Some(cause.to_string())
            }
            Error::Unavailable(reason, None) => Some((*reason).to_string()),
            Error::Upstream(upstream) => Some(upstream.cause.to_string()),
            _ => None,
        }
    }

    fn detail(&self) -> String {
        match self {
            Error::BadRequest(detail, _) | Error::NotFound(detail) | Error::Conflict(detail) => detail.clone(),
            Error::MethodNotAllowed(methods) => format!("this path answers {methods}"),
            Error::TooLarge(limit) => format!("the body may have {limit} bytes at most"),
            Error::Head(StatusCode::URI_TOO_LONG) => "the address is longer than 65534 bytes".to_string(),
            Error::Head(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE) => {
                "the request's head is longer than 128 KiB or has more than 100 fields".to_string()
            }
            Error::Head(_) => "this is not an HTTP/1.1 request".to_string(),
            Error::UnsupportedMediaType(known) => format!("what is taken here: {known}"),
            Error::RequestTimeout(missing) => (*missing).to_string(),
            Error::Invalid(faults) => match faults.as_slice() {
                [_] => "one field is not valid, see 'errors'".to_string(),
                _ => format!("{} fields are not valid, see 'errors'", faults.len()),
            },
            Error::Internal(_) => "something went wrong on our side; the log has it under this request_id".to_string(),
            Error::Locked(_) => "others are changing the same data at the moment".to_string(),
            Error::Unauthorized(reason, _) | Error::Forbidden(reason) | Error::Unavailable(reason, _) => {
                (*reason).to_string()
            }
            Error::Upstream(upstream) => upstream.detail.clone(),
        }
    }

    fn faults(&self) -> &[Fault] {
        match self {
            Error::BadRequest(_, faults) | Error::Invalid(faults) => faults,
            Error::Upstream(upstream) => upstream.fault.as_slice(),
            _ => &[],
        }
    }
}

/// A challenge has to name something besides the scheme (RFC 6750, section 3).
fn challenge(code: Option<&'static str>) -> HeaderValue {
    match code.map(|code| HeaderValue::try_from(format!("Bearer realm=\"api\", error=\"{code}\""))) {
        Some(Ok(value)) => value,
        _ => HeaderValue::from_static("Bearer realm=\"api\""),
    }
}

#[derive(Serialize)]
struct Problem<'a> {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    detail: String,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [Fault],
    request_id: &'a str,
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.cause().unwrap_or_else(|| self.detail()))
    }
}

/// The server's error codes that pass with time: too many connections, shutting down, disk or table full,
/// interrupted, read-only (a failover), not in the cluster, too many for this user, table missing (until `/init`).
const PASSING: &[u16] = &[1021, 1040, 1047, 1053, 1114, 1146, 1203, 1226, 1290, 1317, 1927];

/// The server's error codes of a lock that could not be had: a row that has changed meanwhile, time-out, deadlock,
/// MySQL's NOWAIT.
const LOCKED: &[u16] = &[1020, 1205, 1213, 3572];

/// A driver's error is our fault, unless it says that the database cannot be reached or is too busy.
/// What else a code may mean (a conflict, for instance) is decided where the statement is issued.
impl From<mysql_async::Error> for Error {
    fn from(error: mysql_async::Error) -> Error {
        match &error {
            mysql_async::Error::Server(server) if LOCKED.contains(&server.code) => Error::Locked(error.into()),
            mysql_async::Error::Server(server) if PASSING.contains(&server.code) => {
                Error::Unavailable("the database cannot do this at the moment", Some(error.into()))
            }
            // Access denied, unknown database, host not allowed: it is the set-up that has to change, but nothing is wrong in here.
            mysql_async::Error::Server(server) if [1044, 1045, 1049, 1129, 1130].contains(&server.code) => {
                Error::Unavailable("the database does not let this service in", Some(error.into()))
            }
            mysql_async::Error::Io(_) | mysql_async::Error::Driver(_) => {
                // A certificate that is refused, in words.
                let cause = tls::fault(&error).map_or_else(|| error.into(), anyhow::Error::msg);
                Error::Unavailable("the database cannot be reached", Some(cause))
            }
            _ => Error::Internal(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_meaning_has_its_status() {
        let cause = || anyhow::anyhow!("secret");
        let upstream = |status| {
            Error::Upstream(Upstream { status, detail: String::new(), retry_after: None, cause: cause(), fault: None })
        };
        let table = [
            (Error::BadRequest(String::new(), vec![]), 400),
            (Error::Unauthorized("", None), 401),
            (Error::Forbidden(""), 403),
            (Error::NotFound(String::new()), 404),
            (Error::MethodNotAllowed("GET".into()), 405),
            (Error::RequestTimeout(""), 408),
            (Error::Conflict(String::new()), 409),
            (Error::TooLarge(1), 413),
            (Error::UnsupportedMediaType(""), 415),
            (Error::Invalid(vec![]), 422),
            (Error::Head(StatusCode::URI_TOO_LONG), 414),
            (Error::Internal(cause()), 500),
            (Error::Locked(cause()), 503),
            (Error::Unavailable("", Some(cause())), 503),
            (upstream(StatusCode::GATEWAY_TIMEOUT), 504),
        ];

        for (error, status) in table {
            assert_eq!(error.status().as_u16(), status);
            assert!(!error.detail().contains("secret"));
        }
    }
}
