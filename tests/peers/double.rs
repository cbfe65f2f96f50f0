//! The Python programs beside this file, started and asked.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::support::root;

/// A double that runs until this is dropped.
pub struct Double {
    child: Child,
    pub port: u16,
}

impl Double {
    /// Starts one of the programs; it listens when this returns.
    pub fn start(program: &str, arguments: &[&str]) -> Double {
        let mut child = python(program).args(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        let port = serde_json::from_str::<Value>(&line).expect(&line)["port"].as_u64().unwrap() as u16;
        // Somebody has to read what it says.
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        Double { child, port }
    }

    /// What it has seen: so many requests at least, for which this waits.
    pub fn seen(&self, count: usize) -> Vec<Value> {
        self.until(|seen| seen.len() >= count)
    }

    /// What it has seen, as soon as that is `enough`.
    pub fn until(&self, enough: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let mut reply = ureq::get(format!("http://127.0.0.1:{}/seen", self.port)).call().unwrap();
            let text = reply.body_mut().with_config().limit(1 << 30).read_to_string().unwrap();
            let seen: Vec<Value> = serde_json::from_str(&text).unwrap();
            if enough(&seen) {
                return seen;
            }
            assert!(Instant::now() < deadline, "seen in 20 s: {seen:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// What it answers to the next requests, in place of what it thinks.
    pub fn answer_next(&self, answers: &Value) {
        self.post("/answers", answers);
    }

    pub fn post(&self, path: &str, body: &Value) -> String {
        let url = format!("http://127.0.0.1:{}{path}", self.port);
        let mut reply = ureq::post(url).send(body.to_string()).unwrap();
        reply.body_mut().read_to_string().unwrap()
    }
}

impl Drop for Double {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One of the Python programs beside this file.
pub fn python(program: &str) -> Command {
    let python =
        std::env::var_os("PYTHON").expect("`make test-peers` says where the Python is that has their packages");
    let mut command = Command::new(python);
    command.arg("-B").arg(root().join("tests/peers").join(program));
    command
}
