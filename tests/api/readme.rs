//! The curl lines that README opens with.

use std::process::Command;

use crate::support::root;

/// Runs each line by a shell in the repository's folder, with `address` (`127.0.0.1:8080`) in place of README's, asserts
/// that what README prints under it is what comes out, and gives that. Those about other services are tested with these,
/// in tests/peers.
pub fn run_curl_lines(address: &str) -> Vec<String> {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let mut lines = readme.lines().peekable();
    let mut answers = Vec::new();
    while let Some(line) = lines.next().filter(|line| *line != "## Call your own service") {
        let Some(arguments) = line.strip_prefix("$ curl ") else { continue };
        let answer = curl(&arguments.replace("localhost:8080", address));
        assert_eq!(without_request_id(&answer), without_request_id(lines.peek().unwrap()), "{line}");
        answers.push(answer);
    }
    answers
}

fn curl(arguments: &str) -> String {
    let output =
        Command::new("bash").args(["-c", &format!("curl -sS {arguments}")]).current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn without_request_id(answer: &str) -> &str {
    answer.split(",\"request_id\":").next().unwrap()
}
