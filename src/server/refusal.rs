//! The answer to a client that never got as far as a request, in the bytes that go over the wire.

use std::time::{Duration, SystemTime};

use hyper::header::{CONNECTION, CONTENT_LENGTH, HeaderValue};

use super::{add_headers, new_id};
use crate::{App, error::Error, log};

/// `error` as an HTTP/1.1 response after which the connection closes (RFC 9112). It is logged like any other, with
/// `-` for what is not known.
pub fn refusal(app: &App, error: &Error) -> Vec<u8> {
    let id = new_id();
    let (mut head, body) = error.to_response(&id).into_parts();
    add_headers(app, &id, &mut head.headers);
    head.headers.insert(CONNECTION, HeaderValue::from_static("close"));
    head.headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));

    let mut bytes = format!("HTTP/1.1 {}\r\n", head.status).into_bytes();
    for (name, value) in &head.headers {
        for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            bytes.extend_from_slice(part);
        }
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(&body);

    let (status, error, now, duration) = (head.status.as_u16(), error.cause(), SystemTime::now(), Duration::ZERO);
    app.metrics.requests.observe(None, None, head.status, duration);
    log::access(&log::Access { id: &id, trace: None, method: "-", path: "-", status, now, duration, error });
    bytes
}
