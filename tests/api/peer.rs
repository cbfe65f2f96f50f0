//! Another service, as tests need it: a small HTTP server on loopback whose every byte the test decides.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// A service that is running. When this is dropped, its connections break and its port is free again.
pub struct Peer {
    pub port: u16,
    shared: Arc<Shared>,
}

/// One request that it has got.
#[derive(Clone, Debug)]
pub struct Received {
    pub method: String,
    /// With the query.
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Which connection it came on, counted from 0.
    pub connection: usize,
}

#[derive(Default)]
struct Shared {
    received: Mutex<Vec<Received>>,
    arrived: Condvar,
    streams: Mutex<Vec<TcpStream>>,
    ended: AtomicBool,
}

impl Peer {
    /// Starts one on a free port. `answer` gets each request and its connection, and writes what it likes: see [`reply`].
    /// Each connection has a thread of its own, so `answer` may wait; it closes the connection by `stream.shutdown`.
    pub fn start(answer: impl Fn(&Received, &mut TcpStream) + Send + Sync + 'static) -> Peer {
        Peer::start_at(0, answer)
    }

    /// The same on this port: one that comes back.
    pub fn start_at(port: u16, answer: impl Fn(&Received, &mut TcpStream) + Send + Sync + 'static) -> Peer {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (shared, answer) = (Arc::new(Shared::default()), Arc::new(answer));
        let accepting = shared.clone();
        thread::spawn(move || {
            for (connection, stream) in listener.incoming().enumerate() {
                if accepting.ended.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(mut stream) = stream else { continue };
                let Ok(clone) = stream.try_clone() else { continue };
                lock(&accepting.streams).push(clone);
                let (shared, answer) = (accepting.clone(), answer.clone());
                thread::spawn(move || {
                    let _ = stream.set_nodelay(true);
                    let Ok(clone) = stream.try_clone() else { return };
                    let mut reader = BufReader::new(clone);
                    while let Some(request) = read(&mut reader, connection) {
                        lock(&shared.received).push(request.clone());
                        shared.arrived.notify_all();
                        answer(&request, &mut stream);
                    }
                });
            }
        });
        Peer { port, shared }
    }

    /// One that answers every request with this status and JSON.
    pub fn json(status: u16, body: &'static str) -> Peer {
        Peer::start(move |_, stream| reply(stream, status, &[("content-type", "application/json")], body))
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Every request that has come so far.
    pub fn received(&self) -> Vec<Received> {
        lock(&self.shared.received).clone()
    }

    /// Waits until so many requests have come, ten seconds at most, and gives them.
    pub fn wait_for(&self, count: usize) -> Vec<Received> {
        let deadline = Instant::now() + Duration::from_secs(10);
        let mut received = lock(&self.shared.received);
        while received.len() < count {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "{} requests in place of {count}", received.len());
            received = self.shared.arrived.wait_timeout(received, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        received.clone()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        drop(TcpStream::connect(address)); // ends the wait for the next connection
        for stream in lock(&self.shared.streams).drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
        // Until nobody listens any more.
        let deadline = Instant::now() + Duration::from_secs(5);
        while TcpStream::connect(address).is_ok() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Received {
    /// The value of a header, its name in lower case; empty if it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str()).unwrap_or_default()
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

/// Writes a whole answer, with its length. A client that has gone is no reason to fail.
pub fn reply(stream: &mut TcpStream, status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) {
    let mut answer = format!("HTTP/1.1 {status} Any\r\ncontent-length: {}\r\n", body.as_ref().len());
    for (name, value) in headers {
        answer += &format!("{name}: {value}\r\n");
    }
    let bytes = [answer.as_bytes(), b"\r\n", body.as_ref()].concat();
    let _ = stream.write_all(&bytes);
}

/// A request with a body of a known length; `None` when the client has gone.
fn read(reader: &mut BufReader<TcpStream>, connection: usize) -> Option<Received> {
    let mut line = || {
        let mut line = String::new();
        (reader.read_line(&mut line).ok()? > 0).then(|| line.trim_end().to_string())
    };
    let first = line()?;
    let mut words = first.split(' ').map(str::to_string);
    let (method, path) = (words.next()?, words.next()?);
    let mut headers = Vec::new();
    loop {
        let line = line()?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_string()));
    }
    let mut request = Received { method, path, headers, body: Vec::new(), connection };
    request.body = vec![0; request.header("content-length").parse().unwrap_or(0)];
    reader.read_exact(&mut request.body).ok()?;
    Some(request)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
