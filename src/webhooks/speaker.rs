//! Who may speak at `POST /events`: whoever shows any one of
//! - a signature of Standard Webhooks,
//! - `EVENT_SECRET` as a bearer token or as `?access_token=` (CloudEvents, HTTP 1.1 Web Hooks, section 3; Event Grid cannot
//!   sign),
//! - `APP_API_TOKEN` in `dapr-api-token`, as a Dapr sidecar does.

use std::time::SystemTime;

use hyper::{
    header::{HeaderMap, HeaderName},
    http::request::Parts,
};

use crate::{
    auth,
    error::Error,
    standard_webhooks::{self, Key},
};

const DAPR_API_TOKEN: HeaderName = HeaderName::from_static("dapr-api-token");

/// Who may tell us. It holds secrets, so there is no `Debug`.
pub struct Settings {
    /// What senders sign with, or send as their token (`EVENT_SECRET`).
    pub secret: Option<Secret>,
    /// The token of a Dapr sidecar (`APP_API_TOKEN`).
    pub app_api_token: Option<String>,
    /// The origins that the handshake lets in.
    pub allowed_origins: Vec<String>,
}

/// `EVENT_SECRET`.
pub struct Secret {
    token: String,
    key: Key,
}

/// Reads `EVENT_SECRET`.
///
/// # Errors
/// What is wrong, without quoting it.
pub fn secret(text: &str) -> Result<Secret, String> {
    Ok(Secret { token: token(text)?, key: Key::parse(text)? })
}

/// Reads `APP_API_TOKEN`.
///
/// # Errors
/// What is wrong, without quoting it.
pub fn token(text: &str) -> Result<String, String> {
    auth::check_token(text).map_err(|problem| format!("has {problem}"))?;
    Ok(text.to_owned())
}

/// Who speaks, which decides how the answer is to be said.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Speaker {
    /// A Dapr sidecar.
    Dapr,
    /// Who knows `EVENT_SECRET`.
    Other,
    /// Who says so, by a signature that can be checked when the body is there.
    Unconfirmed,
}

/// Who speaks, as far as the head of a request tells, before anything of its body is read.
///
/// # Errors
/// [`Error::Unauthorized`].
pub fn at_first_sight(settings: &Settings, head: &Parts) -> Result<Speaker, Error> {
    if let (Some(known), Some(given)) = (&settings.app_api_token, head.headers.get(DAPR_API_TOKEN)) {
        if auth::is_same(known, given.as_bytes()) {
            return Ok(Speaker::Dapr);
        }
    }
    let Some(secret) = &settings.secret else { return Err(unknown()) };
    let in_query = form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes())
        .find(|(name, _)| name == "access_token")
        .is_some_and(|(_, value)| auth::is_same(&secret.token, value.as_bytes()));
    if in_query || auth::bearer_token(&head.headers).is_some_and(|given| auth::is_same(&secret.token, given)) {
        return Ok(Speaker::Other);
    }
    if head.headers.contains_key(standard_webhooks::SIGNATURE) { Ok(Speaker::Unconfirmed) } else { Err(unknown()) }
}

impl Speaker {
    /// Who speaks, now that the body is there.
    ///
    /// # Errors
    /// [`Error::Unauthorized`].
    pub fn confirmed(self, settings: &Settings, headers: &HeaderMap, body: &[u8]) -> Result<Speaker, Error> {
        let signed = || settings.secret.as_ref().is_some_and(|s| s.key.has_signed(headers, body, SystemTime::now()));
        match self {
            Speaker::Unconfirmed if signed() => Ok(Speaker::Other),
            Speaker::Unconfirmed => Err(unknown()),
            known => Ok(known),
        }
    }
}

fn unknown() -> Error {
    Error::Unauthorized("a signature (Standard Webhooks) or a token that is known here is needed", None)
}
