//! A client of a debugger that speaks the Debug Adapter Protocol on its standard input and output, as an editor does.
//! <https://microsoft.github.io/debug-adapter-protocol/specification>

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

/// A debugger; it ends, with what it debugs, when this is dropped.
pub struct Debugger {
    process: Child,
    stdin: ChildStdin,
    messages: Receiver<Value>,
    sequence: u64,
}

impl Debugger {
    /// Starts it. What it debugs inherits its variables.
    pub fn start(command: &str, variables: &[(&str, &str)]) -> Debugger {
        let mut process = Command::new(command)
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command}: {error}"));
        let (sender, messages) = channel();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        thread::spawn(move || {
            while let Some(message) = read(&mut stdout) {
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        let stdin = process.stdin.take().unwrap();
        Debugger { process, stdin, messages, sequence: 0 }
    }

    /// Sends a request and does not wait for its response.
    pub fn send(&mut self, command: &str, arguments: &Value) {
        self.sequence += 1;
        let message = json!({"seq": self.sequence, "type": "request", "command": command, "arguments": arguments});
        let text = message.to_string();
        write!(self.stdin, "Content-Length: {}\r\n\r\n{text}", text.len()).unwrap();
        self.stdin.flush().unwrap();
    }

    /// Sends a request and gives the body of its response, which must be a success.
    pub fn ask(&mut self, command: &str, arguments: &Value) -> Value {
        self.send(command, arguments);
        let sequence = self.sequence;
        let answer = self.wait_for(command, |message| message["request_seq"] == sequence);
        assert_eq!(answer["success"], true, "{answer}");
        answer["body"].clone()
    }

    /// Waits for an event and gives its body.
    pub fn event(&mut self, name: &str) -> Value {
        self.wait_for(name, |message| message["event"] == name)["body"].clone()
    }

    fn wait_for(&self, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let message = self.messages.recv_timeout(left).unwrap_or_else(|_| panic!("no {what}"));
            assert!(message["event"] != "terminated" || what == "terminated", "it has ended: {message}");
            if is_it(&message) {
                return message;
            }
        }
    }
}

impl Drop for Debugger {
    fn drop(&mut self) {
        self.send("disconnect", &json!({"terminateDebuggee": true}));
        let _ = self.process.wait();
    }
}

/// One message, or nothing when there are no more.
fn read(stream: &mut impl BufRead) -> Option<Value> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim().split_once(": ") {
            Some((_, value)) => length = value.parse().ok()?, // Content-Length is the only header there is
            None => break,
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    serde_json::from_slice(&body).ok()
}
