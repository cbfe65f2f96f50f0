//! The shapes of an answer, and the headers that every answer carries.

use hyper::{
    Body, Response, StatusCode,
    header::{
        ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
        ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ALLOW, CONTENT_TYPE, HeaderMap, HeaderValue, VARY,
        X_CONTENT_TYPE_OPTIONS,
    },
};
use serde::Serialize;

use crate::error::Error;

/// `value` as `application/json`, with status 200.
///
/// # Errors
/// [`Error::Internal`] if the value cannot be written as JSON.
pub fn json(value: &impl Serialize) -> Result<Response<Body>, Error> {
    let bytes = serde_json::to_vec(value).map_err(|error| Error::Internal(error.into()))?;
    Ok(json_body(bytes))
}

/// A body that is JSON already, with status 200.
pub fn json_body(body: impl Into<Body>) -> Response<Body> {
    with_type("application/json", body)
}

/// `{"status":true}`, the article's word for 'done'.
pub fn done() -> Response<Body> {
    json_body(r#"{"status":true}"#)
}

/// Plain text.
pub fn text(text: impl Into<Body>) -> Response<Body> {
    with_type("text/plain; charset=utf-8", text)
}

/// Bytes that nobody has looked at.
pub fn bytes(bytes: Vec<u8>) -> Response<Body> {
    with_type("application/octet-stream", bytes)
}

/// 204, without a body.
pub fn no_content() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

/// The answer to `OPTIONS` and to a browser's preflight (Fetch standard, CORS protocol), where `methods` are answered.
pub fn preflight(methods: &str) -> Result<Response<Body>, Error> {
    let methods = header(methods)?;
    let mut response = no_content();
    let headers = response.headers_mut();
    headers.insert(ALLOW, methods.clone());
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
    headers.insert(
        ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static("authorization, content-type, idempotency-key, x-request-id"),
    );
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
    Ok(response)
}

/// What every answer carries, errors too: who may read it in a browser, and that its type is meant.
pub fn add_common_headers(headers: &mut HeaderMap, allow_origin: &HeaderValue) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, allow_origin.clone());
    if allow_origin != "*" {
        headers.append(VARY, HeaderValue::from_static("origin"));
    }
    headers.insert(
        ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static("allow, link, location, retry-after, www-authenticate, x-request-id"),
    );
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}

/// Text that we made as a header's value.
///
/// # Errors
/// [`Error::Internal`] if it holds what a header cannot.
pub fn header(text: &str) -> Result<HeaderValue, Error> {
    HeaderValue::from_str(text).map_err(|error| Error::Internal(error.into()))
}

/// A body of this media type, with status 200.
pub fn with_type(content_type: &'static str, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
