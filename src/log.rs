//! What the service says: one line of JSON a request on stdout, and messages for a person on stderr.
//! A reader that has gone away is no reason to stop, so write errors are dropped.

use std::{
    io::Write,
    sync::{Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use serde::Serialize;

/// One request, as the access log tells it.
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
    pub started: SystemTime,
    /// The cause of an error on our side, which the client was not told.
    pub error: Option<String>,
}

/// Writes one line of JSON to stdout: together with those of the other requests that are answered in the same turn of
/// the runtime, because each write is a call to the system.
pub fn access(access: &Access) {
    #[derive(Serialize)]
    struct Line<'a> {
        time: &'a str,
        id: &'a str,
        method: &'a str,
        path: &'a str,
        status: u16,
        /// From the request's head to the answer's head, in milliseconds.
        duration_ms: f64,
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<&'a str>,
    }

    let now = SystemTime::now();
    let duration = now.duration_since(access.started).unwrap_or_default(); // zero should the clock be set back
    let line = Line {
        time: &humantime::format_rfc3339_millis(now).to_string(),
        id: access.id,
        method: cut(access.method, 32),
        path: cut(access.path, 1000),
        status: access.status,
        duration_ms: (duration.as_secs_f64() * 1e6).round() / 1e3,
        error: access.error.as_deref(),
    };
    let mut lines = lines();
    let is_first = lines.is_empty();
    if serde_json::to_writer(&mut *lines, &line).is_ok() {
        lines.push(b'\n');
    }
    if is_first {
        // It runs after the tasks that are ready now.
        tokio::spawn(async {
            let lines = std::mem::take(&mut *self::lines());
            let _ = std::io::stdout().write_all(&lines);
        });
    }
}

/// The first `most` characters of what a client may make as long as it likes.
fn cut(text: &str, most: usize) -> &str {
    text.char_indices().nth(most).and_then(|(end, _)| text.get(..end)).unwrap_or(text)
}

/// The lines that have not been written yet.
fn lines() -> MutexGuard<'static, Vec<u8>> {
    static LINES: Mutex<Vec<u8>> = Mutex::new(Vec::new());
    LINES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes one line for a person to stderr.
pub fn message(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
