//! What a handler sees of a request: its body up to a limit, the parameters of its path and its query.

use std::borrow::Cow;

use hyper::{
    Body,
    body::{Bytes, HttpBody},
    header::CONTENT_LENGTH,
    http::request::Parts,
};

use crate::error::Error;

/// A request on its way to a handler.
pub struct Request {
    /// What the log and the client call it.
    pub id: String,
    /// Method, path, headers.
    pub head: Parts,
    /// What the `{…}` segments of the route's path stand for.
    pub path_params: Vec<(&'static str, String)>,
    body: Body,
    /// Bytes of the body so far.
    received: usize,
    max_body_bytes: usize,
}

impl Request {
    /// Wraps what hyper gives. A body longer than `max_body_bytes` will be refused.
    pub fn new(request: hyper::Request<Body>, id: String, max_body_bytes: usize) -> Request {
        let (head, body) = request.into_parts();
        Request { id, head, path_params: Vec::new(), body, received: 0, max_body_bytes }
    }

    /// The whole body, whatever its content type says: `curl -d` calls everything a form.
    ///
    /// # Errors
    /// As [`Request::chunk`].
    pub async fn body(&mut self) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    /// The next part of the body, as it arrives.
    ///
    /// # Errors
    /// [`Error::TooLarge`], before anything is read where `Content-Length` tells; [`Error::BadRequest`] when the
    /// client stops in the middle.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        let limit = self.max_body_bytes;
        // As 64 bits: a usize has 32 in wasm, and hyper takes lengths beyond that.
        let announced =
            self.head.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        if announced.is_some_and(|length| length > limit as u64) {
            return Err(Error::TooLarge(limit));
        }
        let Some(chunk) = self.body.data().await else { return Ok(None) };
        let chunk = chunk.map_err(|error| Error::BadRequest(format!("the body breaks off: {error}"), Vec::new()))?;
        self.received = self.received.saturating_add(chunk.len());
        if self.received > limit { Err(Error::TooLarge(limit)) } else { Ok(Some(chunk)) }
    }

    /// A `{name}` of the path, as a whole number that is not negative.
    ///
    /// # Errors
    /// [`Error::BadRequest`] that names the parameter.
    pub fn path_integer(&self, name: &'static str) -> Result<i32, Error> {
        let value = self.path_params.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str());
        integer(name, value.unwrap_or_default())
    }

    /// The query's parameters, of which only those in `known` may be there, each once.
    ///
    /// # Errors
    /// [`Error::BadRequest`] that names the parameter: one that is misspelt would otherwise do the wrong thing quietly.
    pub fn query(&self, known: &[&str]) -> Result<Query<'_>, Error> {
        let mut pairs: Vec<(Cow<str>, Cow<str>)> = Vec::new();
        for (name, value) in form_urlencoded::parse(self.head.uri.query().unwrap_or_default().as_bytes()) {
            if !known.contains(&name.as_ref()) {
                return Err(Error::parameter(&name, format!("is not known here; known: {}", known.join(", "))));
            }
            if pairs.iter().any(|(given, _)| *given == name) {
                return Err(Error::parameter(&name, "is given more than once"));
            }
            pairs.push((name, value));
        }
        Ok(Query(pairs))
    }
}

/// The parameters of a query.
pub struct Query<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl Query<'_> {
    /// The parameter `name` as a whole number that is not negative, if it is there.
    ///
    /// # Errors
    /// [`Error::BadRequest`] that names the parameter.
    pub fn integer(&self, name: &str) -> Result<Option<i32>, Error> {
        let value = self.0.iter().find(|(given, _)| given == name);
        value.map(|(_, value)| integer(name, value)).transpose()
    }
}

fn integer(name: &str, text: &str) -> Result<i32, Error> {
    // 7.0 is an integer to JSON Schema, and clients whose numbers are all floats write it so.
    let text = text.strip_suffix(".0").unwrap_or(text);
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(number) if digits => Ok(number),
        _ => Err(Error::parameter(name, "must be a whole number from 0 to 2147483647")),
    }
}
