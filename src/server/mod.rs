//! Takes connections, gives each request to the router, and turns what comes back into a response that is logged once.

mod connection;
mod progress;
mod refusal;

use std::{
    convert::Infallible,
    future::poll_fn,
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use hyper::{
    Body, Response,
    body::HttpBody,
    header::{CONNECTION, HeaderMap, HeaderName, HeaderValue},
    server::{
        accept::Accept,
        conn::{AddrIncoming, AddrStream, Http},
    },
    service::service_fn,
};
use tokio::{
    select,
    sync::Semaphore,
    time::{sleep, timeout},
};

use crate::{
    App,
    error::Error,
    log,
    memory::SMALL,
    random,
    request::Request,
    response,
    routes::{self, Route},
};
use connection::Connection;
use progress::Progress;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest head of a request, in bytes: its line and its header fields.
const MAX_HEAD: usize = 128 << 10;

/// So many clients at once are told that there are too many; the next ones are only cut off.
const MAX_TURNED_AWAY: usize = 64;

/// Opens the port. hyper's listener, because WasmEdge's tokio cannot bind one of its own.
///
/// # Errors
/// The operating system's, when the address is taken or not ours.
pub fn listen(address: SocketAddr) -> hyper::Result<AddrIncoming> {
    let mut listener = AddrIncoming::bind(&address)?;
    // It would keep everybody waiting for a second; `serve` waits for a moment instead.
    listener.set_sleep_on_errors(false);
    listener.set_nodelay(true);
    Ok(listener)
}

/// Serves every connection that `listener` gives, each in a task of its own and `most` at a time, from the endpoints in
/// `tables`. Returns when the process has been asked to end and everything in flight is done or has had its time.
pub async fn serve(app: Arc<App>, mut listener: AddrIncoming, tables: &'static [&'static [Route]], most: usize) {
    let connections = Arc::new(Semaphore::new(most));
    let turned_away = Arc::new(Semaphore::new(MAX_TURNED_AWAY));
    let mut can_accept = true;
    let mut closing = pin!(app.drain.closing());
    loop {
        let accepted = select! {
            accepted = accept(&mut listener) => accepted,
            () = &mut closing => break,
        };
        match accepted {
            Some(Ok(stream)) => {
                can_accept = true;
                if let Ok(permit) = connections.clone().try_acquire_owned() {
                    let app = app.clone();
                    tokio::spawn(async move {
                        let _open = app.metrics.requests.connections.enter();
                        converse(app.clone(), stream, tables).await;
                        drop(permit);
                    });
                } else if let Ok(permit) = turned_away.clone().try_acquire_owned() {
                    let connection = Connection::new(stream, Arc::default(), app.clone());
                    tokio::spawn(async move {
                        connection.turn_away(Error::Unavailable("there are too many connections", None)).await;
                        drop(permit);
                    });
                }
            }
            Some(Err(error)) => {
                // Most often too many open files. Those who are connected go on.
                if can_accept {
                    log::message(&format!("cannot accept connections: {error}"));
                }
                can_accept = false;
                sleep(Duration::from_millis(50)).await;
            }
            None => break,
        }
    }
    drop(listener);
    let everybody = u32::try_from(most).unwrap_or(u32::MAX);
    if timeout(app.config.drain_timeout, connections.acquire_many(everybody)).await.is_err() {
        let left = most.saturating_sub(connections.available_permits());
        log::message(&format!("{left} connections are cut off: they are not done in time"));
    }
}

async fn accept(listener: &mut AddrIncoming) -> Option<io::Result<AddrStream>> {
    poll_fn(|context| Pin::new(&mut *listener).poll_accept(context)).await
}

/// Serves one connection to its end, or until the process ends and the request that it has is answered.
async fn converse(app: Arc<App>, stream: AddrStream, tables: &'static [&'static [Route]]) {
    let progress = Arc::new(Progress::default());
    let stream = Connection::new(stream, progress.clone(), app.clone());
    let unread = Arc::new(AtomicBool::new(false));
    let service = {
        let app = app.clone();
        service_fn(move |request| {
            progress.begin();
            let (app, progress, unread) = (app.clone(), progress.clone(), unread.clone());
            async move {
                let response = respond(app, request, tables, unread, &progress).await;
                progress.answer();
                Ok::<_, Infallible>(response)
            }
        })
    };
    // A client may close its half when it has sent its request. So one that leaves is noticed only when it is answered:
    // what it asked for is done, and logged.
    let http = Http::new().http1_only(true).http1_half_close(true).max_buf_size(MAX_HEAD).clone();
    let mut connection = pin!(http.serve_connection(stream, service));
    select! {
        biased;
        _ = &mut connection => return,
        () = app.drain.closing() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

/// Does what a request asks for. `unread` tells whether all of its body was read.
async fn respond(
    app: Arc<App>,
    request: hyper::Request<Body>,
    tables: &[&[Route]],
    unread: Arc<AtomicBool>,
    progress: &Progress,
) -> Response<Body> {
    let started = SystemTime::now();
    let _active = app.metrics.requests.active.enter();
    let id = request_id(request.headers());
    let method = request.method().clone();
    let path = request.uri().path().to_owned();

    let request = Request::new(request, id.clone(), app.clone(), unread.clone());
    let (trace, mut route) = (request.trace, None);
    let result = trace.scope(routes::dispatch(tables, app.clone(), request, &mut route)).await;
    let (mut response, error) = match result.and_then(|response| reserve(&app, response, progress)) {
        Ok(response) => (response, None),
        Err(error) => (error.to_response(&id).map(Body::from), error.cause()),
    };
    add_headers(&app, &id, response.headers_mut());
    // What has not been read of the body stands where the next request would.
    if app.drain.has_begun() || unread.swap(false, Ordering::Relaxed) {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }

    let now = SystemTime::now();
    let duration = now.duration_since(started).unwrap_or_default(); // zero should the clock be set back
    app.metrics.requests.observe(Some(&method), route, response.status(), duration);
    log::access(&log::Access {
        id: &id,
        trace: Some(trace.id()),
        method: method.as_str(),
        path: &path,
        status: response.status().as_u16(),
        now,
        duration,
        error,
    });
    response
}

/// Takes the memory that a large answer needs until the client has got it.
fn reserve(app: &App, response: Response<Body>, progress: &Progress) -> Result<Response<Body>, Error> {
    let size = response.body().size_hint().lower();
    if size > SMALL as u64 {
        progress.hold(app.memory.reserve(u32::try_from(size).unwrap_or(u32::MAX))?);
    }
    Ok(response)
}

/// What every answer carries.
fn add_headers(app: &App, id: &str, headers: &mut HeaderMap) {
    response::add_common_headers(headers, &app.config.cors_allow_origin);
    if let Ok(value) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, value);
    }
}

/// The id that the client gave, if it is fit for a log (1 to 128 visible characters), or a new one.
fn request_id(headers: &HeaderMap) -> String {
    let given = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok());
    match given {
        Some(id) if (1..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic()) => id.to_owned(),
        _ => new_id(),
    }
}

fn new_id() -> String {
    format!("{:016x}", random::number())
}
