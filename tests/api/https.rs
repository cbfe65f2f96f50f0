//! Another service that is called over HTTPS: gives every request the same answer, and keeps what it was asked.

use std::{
    io::{Read, Write},
    sync::{Arc, Mutex},
};

use crate::certificates::{Identity, Stream};

/// Runs as long as the test's process.
pub struct HttpsServer {
    pub port: u16,
    requests: Arc<Mutex<Vec<String>>>,
}

impl HttpsServer {
    /// Shows this certificate; `answer` is a whole one, such as `HTTP/1.1 204 No Content\r\n\r\n`.
    pub fn start(identity: &Identity, answer: impl Into<String>) -> HttpsServer {
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (answer, keep) = (answer.into(), requests.clone());
        let address = identity.serve(move |mut stream| {
            while let Some(request) = read_request(&mut stream) {
                keep.lock().unwrap().push(request);
                if stream.write_all(answer.as_bytes()).and_then(|()| stream.flush()).is_err() {
                    return;
                }
            }
        });
        HttpsServer { port: address.port(), requests }
    }

    /// Every request so far, head and body.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

/// The next request of a connection whose client waits for an answer before it sends another one.
fn read_request(stream: &mut Stream) -> Option<String> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return Some(text);
            }
        }
        match stream.read(&mut buffer) {
            Ok(length @ 1..) => bytes.extend_from_slice(&buffer[..length]),
            _ => return None,
        }
    }
}
