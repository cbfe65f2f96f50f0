//! What a handler sees of a request: its body up to a limit, the parameters of its path and its query.

use std::{
    borrow::Cow,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use hyper::{
    Body,
    body::{Bytes, HttpBody},
    header::CONTENT_LENGTH,
    http::request::Parts,
};

use tokio::time::{Instant, timeout};

use crate::{
    App,
    error::Error,
    http_client::Context,
    memory::{Reserved, SMALL},
    trace::Trace,
};

/// A body has to come at this speed at least, in bytes a second, or catch up within `BODY_TIMEOUT`.
const LEAST_SPEED: u32 = 16 << 10;

/// A request on its way to a handler.
pub struct Request {
    /// What the log and the client call it.
    pub id: String,
    /// The trace that it belongs to.
    pub trace: Trace,
    /// Method, path, headers.
    pub head: Parts,
    /// What the `{…}` segments of the route's path stand for.
    pub path_params: Vec<(&'static str, String)>,
    body: Body,
    /// Bytes of the body so far, and whether that was all.
    received: usize,
    ended: bool,
    app: Arc<App>,
    /// How much longer the client may take.
    patience: Duration,
    most_patience: Duration,
    /// What of it is in memory, beyond a small part.
    held: Option<Reserved>,
    /// Where it is told that some of the body was left unread.
    unread: Arc<AtomicBool>,
}

impl Drop for Request {
    fn drop(&mut self) {
        if !self.ended {
            self.unread.store(true, Ordering::Relaxed);
        }
    }
}

impl Request {
    /// Wraps what hyper gives. `unread` becomes true when this is dropped before the end of the body.
    pub fn new(request: hyper::Request<Body>, id: String, app: Arc<App>, unread: Arc<AtomicBool>) -> Request {
        let (head, body) = request.into_parts();
        let ended = body.is_end_stream();
        Request {
            id,
            trace: Trace::of(&head.headers),
            head,
            path_params: Vec::new(),
            body,
            received: 0,
            ended,
            patience: app.config.body_timeout,
            most_patience: app.config.body_timeout,
            app,
            held: None,
            unread,
        }
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

    /// The next part of the body, as it arrives. It counts as being in memory until this request is dropped or
    /// [`forget`](Request::forget) is called.
    ///
    /// # Errors
    /// [`Error::TooLarge`], before anything is read where `Content-Length` tells; [`Error::RequestTimeout`] when the
    /// client is too slow; [`Error::BadRequest`] when it stops in the middle; [`Error::Unavailable`] when too much is in
    /// memory already.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        let limit = self.app.config.max_body_bytes;
        // As 64 bits: a usize has 32 in wasm, and hyper takes lengths beyond that.
        let announced =
            self.head.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        if announced.is_some_and(|length| length > limit as u64) {
            return Err(Error::TooLarge(limit));
        }

        let asked = Instant::now();
        let chunk = timeout(self.patience, self.body.data()).await;
        let Some(chunk) = chunk.map_err(|_| Error::RequestTimeout("the body took too long to arrive"))? else {
            self.ended = true;
            return Ok(None);
        };
        let chunk = chunk.map_err(|error| Error::BadRequest(format!("the body breaks off: {error}"), Vec::new()))?;

        let size = u32::try_from(chunk.len()).unwrap_or(u32::MAX);
        let earned = Duration::from_secs(u64::from(size)).checked_div(LEAST_SPEED).unwrap_or_default();
        let left = self.patience.saturating_sub(asked.elapsed()).saturating_add(earned);
        self.patience = left.min(self.most_patience);

        self.received = self.received.saturating_add(chunk.len());
        if self.received > limit {
            return Err(Error::TooLarge(limit));
        }
        if self.received > SMALL {
            let more = self.app.memory.reserve(size)?;
            match &mut self.held {
                Some(held) => held.merge(more),
                held => *held = Some(more),
            }
        }
        self.ended = self.body.is_end_stream();
        Ok(Some(chunk))
    }

    /// From now on others wait for this request: its body may not lag behind by more than `patience`.
    pub fn hurry(&mut self, patience: Duration) {
        self.most_patience = self.most_patience.min(patience);
        self.patience = self.patience.min(patience);
    }

    /// What has been read so far is in memory no more.
    pub fn forget(&mut self) {
        self.held = None;
    }

    /// On whose behalf other services are called meanwhile.
    pub fn context(&self) -> Context {
        Context::of(&self.id, self.trace, &self.head.headers)
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
    /// The parameter `name` as it stands, if it is there.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_ref())
    }

    /// The parameter `name` as a whole number that is not negative, if it is there.
    ///
    /// # Errors
    /// [`Error::BadRequest`] that names the parameter.
    pub fn integer(&self, name: &str) -> Result<Option<i32>, Error> {
        self.text(name).map(|value| integer(name, value)).transpose()
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
