//! What the service says: one line of JSON a request on stdout, and messages for a person on stderr.
//! A reader that has gone away is no reason to stop, so write errors are dropped.

use std::{io::Write, time::SystemTime};

use serde::Serialize;

/// One request, as the access log tells it.
#[derive(Serialize)]
pub struct Access<'a> {
    /// The request's id, as in its `X-Request-Id` header.
    pub id: &'a str,
    /// The method.
    pub method: &'a str,
    /// The path, without the query.
    pub path: &'a str,
    /// The answer's status.
    pub status: u16,
    /// When the request's head was there.
    #[serde(skip)]
    pub started: SystemTime,
    /// The cause of an error on our side, which the client was not told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Writes one line of JSON to stdout.
pub fn access(access: &Access) {
    #[derive(Serialize)]
    struct Line<'a> {
        time: String,
        /// From the request's head to the answer's head, in milliseconds.
        duration_ms: f64,
        #[serde(flatten)]
        access: &'a Access<'a>,
    }

    let now = SystemTime::now();
    let duration = now.duration_since(access.started).unwrap_or_default(); // zero should the clock be set back
    let line = Line {
        time: humantime::format_rfc3339_millis(now).to_string(),
        duration_ms: (duration.as_secs_f64() * 1e6).round() / 1e3,
        access,
    };
    if let Ok(mut text) = serde_json::to_vec(&line) {
        text.push(b'\n');
        let _ = std::io::stdout().write_all(&text);
    }
}

/// Writes one line for a person to stderr.
pub fn message(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
