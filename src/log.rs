//! What the service says: one line of JSON a request, and one a call to another service, on stdout, and messages for a person on stderr.
//! A reader that has gone away is no reason to stop, so write errors are dropped.

use std::{
    io::Write,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use serde::Serialize;

/// One request, as the access log tells it.
pub struct Access<'a> {
    /// The request's id, as in its `X-Request-Id` header.
    pub id: &'a str,
    /// The id of the trace that it belongs to.
    pub trace: Option<&'a str>,
    /// The method.
    pub method: &'a str,
    /// The path, without the query.
    pub path: &'a str,
    /// The answer's status.
    pub status: u16,
    /// When the answer's head was made.
    pub now: SystemTime,
    /// From the request's head to that.
    pub duration: Duration,
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
        #[serde(skip_serializing_if = "Option::is_none")]
        trace_id: Option<&'a str>,
        method: &'a str,
        path: &'a str,
        status: u16,
        duration_ms: f64,
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<&'a str>,
    }

    write_line(&Line {
        time: &time(access.now),
        id: access.id,
        trace_id: access.trace,
        method: cut(access.method, 32),
        path: cut(access.path, 1000),
        status: access.status,
        duration_ms: milliseconds(access.duration),
        error: access.error.as_deref(),
    });
}

/// One call to another service.
pub struct Call<'a> {
    /// The id of the request on whose behalf it was made.
    pub id: Option<&'a str>,
    /// The id of the trace that it belongs to.
    pub trace: Option<&'a str>,
    /// The method.
    pub method: &'a str,
    /// Host and port.
    pub host: &'a str,
    /// The path, without the query, where it may be shown.
    pub path: Option<&'a str>,
    /// When it was done.
    pub now: SystemTime,
    /// How long it took.
    pub duration: Duration,
    /// How often it was tried.
    pub tries: u32,
    /// The answer's status, if there is one.
    pub status: Option<u16>,
    /// Why there is none.
    pub error: Option<&'a str>,
}

/// Writes one line of JSON to stdout, as [`access`] does.
pub fn call(call: &Call) {
    #[derive(Serialize)]
    struct Line<'a> {
        time: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        trace_id: Option<&'a str>,
        /// The method.
        call: &'a str,
        host: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        path: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        status: Option<u16>,
        duration_ms: f64,
        tries: u32,
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<&'a str>,
    }

    write_line(&Line {
        time: &time(call.now),
        id: call.id,
        trace_id: call.trace,
        call: call.method,
        host: call.host,
        path: call.path.map(|path| cut(path, 1000)),
        status: call.status,
        duration_ms: milliseconds(call.duration),
        tries: call.tries,
        error: call.error.map(|error| cut(error, 1000)),
    });
}

fn time(time: SystemTime) -> String {
    humantime::format_rfc3339_millis(time).to_string()
}

fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

/// Writes together with the lines of this turn of the runtime.
fn write_line(line: &impl Serialize) {
    let mut lines = lines();
    let is_first = lines.is_empty();
    if serde_json::to_writer(&mut *lines, line).is_ok() {
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
