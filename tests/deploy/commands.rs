//! Commands, waits and HTTP requests, for all ways to run the service.

use std::{
    process::Command,
    thread,
    time::{Duration, Instant},
};

use crate::support::root;

/// Runs a line of shell in the repository's folder and gives what it prints. Panics with all that it has said when it
/// fails.
pub fn sh(line: &str) -> String {
    run(line).unwrap_or_else(|failure| panic!("{failure}"))
}

/// As `sh`, for `drop`: where a test has failed already, a panic would end all of them. Says what failed and goes on.
pub fn try_sh(line: &str) -> String {
    run(line).unwrap_or_else(|failure| {
        println!("{failure}");
        String::new()
    })
}

/// A line of shell for the repository's folder.
pub fn shell(line: &str) -> Command {
    let mut command = Command::new("bash");
    command.args(["-euo", "pipefail", "-c", line]).current_dir(root());
    // What cargo tells a test of its package: a build would look at it, and start anew.
    for (name, _) in std::env::vars_os() {
        if ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|start| name.to_string_lossy().starts_with(start)) {
            command.env_remove(name);
        }
    }
    command
}

fn run(line: &str) -> Result<String, String> {
    let output = shell(line).output().map_err(|error| format!("bash: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_string();
    if output.status.success() {
        return Ok(text);
    }
    Err(format!("{line}\n{text}\n{}", String::from_utf8_lossy(&output.stderr)))
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
