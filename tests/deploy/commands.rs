//! Commands, waits and HTTP requests, for all ways to run the service.

use std::{
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Runs a line of shell in the repository's folder and gives what it prints. What it says of errors goes to the test's
/// own output. Panics when it fails.
pub fn sh(line: &str) -> String {
    let output = Command::new("bash")
        .args(["-euo", "pipefail", "-c", line])
        .current_dir(root())
        .output()
        .expect("bash is there");
    let text = String::from_utf8_lossy(&output.stdout).trim().to_string();
    assert!(output.status.success(), "{line}\n{text}\n{}", String::from_utf8_lossy(&output.stderr));
    text
}

/// Waits until `holds`, for `seconds` at most, and gives how long it took.
pub fn eventually(what: &str, seconds: u64, mut holds: impl FnMut() -> bool) -> Duration {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < Duration::from_secs(seconds), "{what}: not within {seconds} s");
        thread::sleep(Duration::from_millis(10));
    }
    started.elapsed()
}

/// The status and the body of an answer; status 0 when nobody answers.
pub fn get(url: &str) -> (u16, String) {
    request(ureq::get(url).config().http_status_as_error(false).timeout_global(Some(Duration::from_secs(10))).build())
}

pub fn post(url: &str, body: &str) -> (u16, String) {
    let request = ureq::post(url).config().http_status_as_error(false).timeout_global(Some(Duration::from_secs(10)));
    match request.build().send(body) {
        Ok(mut answer) => (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap_or_default()),
        Err(_) => (0, String::new()),
    }
}

fn request(request: ureq::RequestBuilder<ureq::typestate::WithoutBody>) -> (u16, String) {
    match request.call() {
        Ok(mut answer) => (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap_or_default()),
        Err(_) => (0, String::new()),
    }
}
