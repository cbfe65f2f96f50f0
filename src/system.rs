//! The endpoints that know no entity.

use std::{fmt::Write, sync::Arc};

use hyper::{
    Body, Response, StatusCode,
    header::{HeaderValue, VARY},
};

use crate::{
    App, ROUTES as ALL_ROUTES,
    error::Error,
    log, metrics, openapi,
    operation::{Header, Shape},
    page,
    request::Request,
    response,
    routes::Route,
};

/// The endpoints of this module.
pub const ROUTES: &[Route] = &[
    Route::get("/", "says what this is and lists the endpoints; to a browser, the page", |app, request| {
        Box::pin(index(app, request))
    })
    .gives(200, Shape::TextOrPage)
    .headers(&[Header { name: "Vary", required: true, meaning: "`Accept`: it says whether it is text or the page" }])
    .open_to(page::is_asked_for),
    Route::get("/openapi.json", "describes the endpoints for programs", |app, _| Box::pin(describe(app)))
        .gives(200, Shape::Object),
    Route::post("/echo", "sends the body back", |_, request| Box::pin(echo(request)))
        .takes(Shape::Bytes)
        .gives(200, Shape::Bytes),
    Route::get("/livez", "the process is alive", |_, _| Box::pin(livez())).gives(200, Shape::Text).open(),
    Route::get("/readyz", "the database answers", |app, _| Box::pin(readyz(app))).gives(200, Shape::Text).open(),
    METRICS,
];

/// It tells what the service is used for, so it asks for a token like the rest; on `ADMIN_BIND` it does not.
const METRICS: Route =
    Route::get("/metrics", "counts and durations, for Prometheus", |app, _| Box::pin(metrics::show(app)))
        .gives(200, Shape::Text);

/// The endpoints of `ADMIN_BIND`, which only those reach who may end the process. GET, because that is all that
/// Kubernetes can do before it ends a container in which there is nothing to execute (`preStop` with `httpGet`).
pub const ADMIN_ROUTES: &[Route] = &[
    Route::post("/drain", "ends the process once everything in flight is done", |app, request| {
        Box::pin(drain(app, request))
    })
    .gives(202, Shape::Text)
    .open(),
    METRICS.open(),
    Route::get_that_writes("/drain", "does the same", |app, request| Box::pin(drain(app, request)))
        .gives(202, Shape::Text)
        .open(),
];

async fn index(app: Arc<App>, request: Request) -> Result<Response<Body>, Error> {
    if page::is_asked_for(&request.head.headers) {
        return page::show();
    }
    let runs = if cfg!(target_family = "wasm") { "as WebAssembly on WasmEdge" } else { "natively" };
    let mut text = format!(
        "{} {}: a database-backed microservice in Rust, running {runs}.\n\n",
        env!("CARGO_PKG_NAME"),
        env!("CARGO_PKG_VERSION"),
    );
    for route in ALL_ROUTES.iter().copied().flatten().filter(|route| route.is_on(&app.config)) {
        let _ = writeln!(text, "{:<6} {:<16} {}", route.method.as_str(), route.path, route.summary);
    }
    let mut response = response::text(text);
    response.headers_mut().insert(VARY, HeaderValue::from_static("accept"));
    Ok(response)
}

async fn describe(app: Arc<App>) -> Result<Response<Body>, Error> {
    response::json(&openapi::document(ALL_ROUTES, &app.config))
}

async fn echo(mut request: Request) -> Result<Response<Body>, Error> {
    // Not the client's content type: an answer that a browser would run as a page must not come from the outside.
    Ok(response::bytes(request.body().await?))
}

async fn livez() -> Result<Response<Body>, Error> {
    Ok(response::text("alive\n"))
}

async fn readyz(app: Arc<App>) -> Result<Response<Body>, Error> {
    if app.drain.has_begun() {
        return Err(Error::Unavailable("this instance is about to end", None));
    }
    app.db.ping().await?;
    Ok(response::text("ready\n"))
}

/// Answers 202 at once; [`Drain`](crate::drain::Drain) says what follows.
///
/// # Errors
/// [`Error::Forbidden`] for a browser, which says so by itself: any page could have it ask a loopback address.
async fn drain(app: Arc<App>, request: Request) -> Result<Response<Body>, Error> {
    if ["origin", "sec-fetch-site"].iter().any(|name| request.head.headers.contains_key(*name)) {
        return Err(Error::Forbidden("no page in a browser may end this process"));
    }
    if app.drain.begin() {
        log::message("asked to end: not ready any more");
        tokio::spawn(async move {
            tokio::time::sleep(app.config.drain_delay).await;
            app.drain.close();
        });
    }
    let mut response = response::text("draining\n");
    *response.status_mut() = StatusCode::ACCEPTED;
    Ok(response)
}
