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
    /// From the request's head to the answer's head, in milliseconds.
    pub duration_ms: f64,
    /// The cause of an error on our side, which the client was not told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Writes one line of JSON to stdout.
pub fn access(access: &Access) {
    #[derive(Serialize)]
    struct Line<'a> {
        time: String,
        #[serde(flatten)]
        access: &'a Access<'a>,
    }

    let time = humantime::format_rfc3339_millis(SystemTime::now()).to_string();
    let line = Line { time, access };
    if let Ok(mut text) = serde_json::to_vec(&line) {
        text.push(b'\n');
        let _ = std::io::stdout().write_all(&text);
    }
}

/// Writes one line for a person to stderr.
pub fn message(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
