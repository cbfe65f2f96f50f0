//! Takes connections, gives each request to the router, and turns what comes back into a response that is logged once.

use std::{
    convert::Infallible,
    future::poll_fn,
    hash::{BuildHasher, RandomState},
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use hyper::{
    Body, Response,
    header::{HeaderMap, HeaderName, HeaderValue},
    server::{
        accept::Accept,
        conn::{AddrIncoming, Http},
    },
    service::service_fn,
};

use crate::{App, ROUTES, log, request::Request, response, routes};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

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

/// Serves every connection that `listener` gives, each in a task of its own. Does not return.
pub async fn serve(app: Arc<App>, mut listener: AddrIncoming) {
    let mut http = Http::new();
    http.http1_only(true);

    while let Some(accepted) = poll_fn(|context| Pin::new(&mut listener).poll_accept(context)).await {
        match accepted {
            Ok(stream) => {
                let app = app.clone();
                let service = service_fn(move |request| respond(app.clone(), request));
                let connection = http.serve_connection(stream, service);
                // A connection that breaks is the client's business; what it asked for is logged in any case.
                tokio::spawn(async move { drop(connection.await) });
            }
            Err(error) => {
                log::message(&format!("cannot accept connections: {error}"));
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn respond(app: Arc<App>, request: hyper::Request<Body>) -> Result<Response<Body>, Infallible> {
    let started = SystemTime::now();
    let id = request_id(request.headers());
    let method = request.method().clone();
    let path = request.uri().path().to_owned();

    let request = Request::new(request, id.clone(), app.config.max_body_bytes);
    let (mut response, error) = match routes::dispatch(ROUTES, app.clone(), request).await {
        Ok(response) => (response, None),
        Err(error) => (error.to_response(&id), error.cause()),
    };
    response::add_common_headers(response.headers_mut(), &app.config.cors_allow_origin);
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }

    log::access(&log::Access {
        id: &id,
        method: method.as_str(),
        path: &path,
        status: response.status().as_u16(),
        started,
        error,
    });
    Ok(response)
}

/// The id that the client gave, if it is fit for a log (1 to 128 visible characters), or a new one.
fn request_id(headers: &HeaderMap) -> String {
    // Keyed by the operating system's random numbers, so no two processes count alike.
    static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    static COUNT: AtomicU64 = AtomicU64::new(0);

    let given = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok());
    match given {
        Some(id) if (1..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic()) => id.to_owned(),
        _ => format!("{:016x}", KEY.hash_one(COUNT.fetch_add(1, Ordering::Relaxed))),
    }
}
