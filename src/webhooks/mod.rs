//! Hears of the changes of others: `POST /events`, there where a secret is set. Who may speak is said in [`speaker`], how
//! events are written in [`formats`], and that each is applied once is the business of [`inbox`]. Which types there are
//! and what they do is said in [`SUBSCRIPTIONS`](crate::SUBSCRIPTIONS).
//!
//! Each sender reads an answer in its own way. Event Grid repeats neither after 400 nor after 413, so what is our own
//! trouble is never a 4xx. Dapr repeats whatever is not a success, so what can never be applied is one, with the word
//! `DROP`.

mod formats;
mod inbox;
mod speaker;

use std::{future::Future, pin::Pin, sync::Arc};

use hyper::{
    Body, Response, StatusCode,
    header::{HeaderName, HeaderValue},
};
use mysql_async::Conn;
use serde_json::{json, value::RawValue};

use crate::{
    App,
    config::Config,
    error::{Error, Fault, Place},
    log,
    operation::{self, Header, Parameter, Shape},
    request::Request,
    response,
    routes::Route,
};
use formats::Received;
pub use inbox::{MIGRATIONS, PURGE};
use speaker::Speaker;
pub use speaker::{Secret, Settings, secret, token};

/// The endpoints of this module.
pub const ROUTES: &[Route] = &[
    Route::post("/events", "takes events of others", |app, request| Box::pin(hear(app, request)))
        .parameters(PARAMETERS)
        .takes(Shape::Events)
        .gives(200, Shape::Object)
        .or_gives(&[(202, Shape::Object)])
        .refuses(&[401])
        .open()
        .when(is_on),
    Route::options("/events", "tells senders of events that they may send", |app, request| {
        Box::pin(async move { shake_hands(&app, &request) })
    })
    .gives(200, Shape::Nothing)
    .headers(&[
        Header { name: "WebHook-Allowed-Origin", required: false, meaning: "the origin, where it may send" },
        Header { name: "WebHook-Allowed-Rate", required: false, meaning: "*: as often as it likes" },
    ])
    .or_gives(&[(204, Shape::Nothing)])
    .open()
    .when(is_on),
];

const PARAMETERS: &[Parameter] = &[
    operation::query("access_token", false, || json!({ "type": "string" }), "EVENT_SECRET, for who can send no header"),
    Parameter {
        name: "webhook-signature",
        place: operation::Place::Header,
        required: false,
        schema: || json!({ "type": "string" }),
        meaning: "signatures of webhook-id, webhook-timestamp and the body (Standard Webhooks)",
    },
    Parameter {
        name: "dapr-api-token",
        place: operation::Place::Header,
        required: false,
        schema: || json!({ "type": "string" }),
        meaning: "APP_API_TOKEN",
    },
];

const METHODS: &str = "POST, OPTIONS";
const REQUEST_ORIGIN: HeaderName = HeaderName::from_static("webhook-request-origin");
const ALLOWED_ORIGIN: HeaderName = HeaderName::from_static("webhook-allowed-origin");
const ALLOWED_RATE: HeaderName = HeaderName::from_static("webhook-allowed-rate");

/// What is done with the events of a type.
pub struct Subscription {
    /// The type, such as `thing.import`.
    pub kind: &'static str,
    /// Applies an event's data, as part of a transaction.
    pub apply: Apply,
}

/// Applies an event's data. What can never be applied is [`Error::BadRequest`], [`Error::Invalid`], whose pointers begin
/// at the data, or [`Error::Conflict`]; everything else is tried again.
pub type Apply = for<'a> fn(&'a App, &'a mut Conn, &'a RawValue) -> Applying<'a>;

/// What such a call gives.
pub type Applying<'a> = Pin<Box<dyn Future<Output = Result<(), Error>> + Send + 'a>>;

fn is_on(config: &Config) -> bool {
    config.webhooks.secret.is_some() || config.webhooks.app_api_token.is_some()
}

/// `POST /events`: applies all that has come, or nothing.
async fn hear(app: Arc<App>, mut request: Request) -> Result<Response<Body>, Error> {
    let speaker = speaker::at_first_sight(&app.config.webhooks, &request.head)?;
    let outcome = match request.body().await {
        Ok(body) => {
            let speaker = speaker.confirmed(&app.config.webhooks, &request.head.headers, &body)?;
            (speaker, take(&app, &request, &body).await)
        }
        Err(error @ Error::TooLarge(_)) => (speaker, Err(error)),
        Err(error) => return Err(error), // it may arrive whole the next time
    };
    match outcome {
        (Speaker::Dapr, Err(error)) if is_final(&error) => {
            log::message(&format!("request {}: an event is dropped: {}", request.id, in_words(&error)));
            response::json(&json!({ "status": "DROP" }))
        }
        (_, answer) => answer,
    }
}

/// Applies the events in `body`, each once.
async fn take(app: &App, request: &Request, body: &[u8]) -> Result<Response<Body>, Error> {
    let events = match formats::read(&request.head.headers, body)? {
        Received::Validation(code) => return response::json(&json!({ "validationResponse": code })),
        Received::Events(events) => events,
    };
    let (known, unknown): (Vec<_>, Vec<_>) = events
        .into_iter()
        .map(|event| (subscription(&event.kind), event))
        .partition(|(subscription, _)| subscription.is_some());
    if let [(_, first), rest @ ..] = unknown.as_slice() {
        let kind: String = first.kind.escape_debug().take(100).collect();
        log::message(&format!(
            "request {}: {} events are of no type that is known here; the first is \"{kind}\"",
            request.id,
            rest.len().saturating_add(1)
        ));
    }
    let known: Vec<_> = known.into_iter().filter_map(|(subscription, event)| Some((subscription?, event))).collect();
    if !known.is_empty() {
        app.outbox.change_together(&app.db, async |conn| inbox::apply(app, conn, &known).await).await?;
    }
    for (subscription, _) in &known {
        app.metrics.events.heard(Some(subscription.kind));
    }
    unknown.iter().for_each(|_| app.metrics.events.heard(None));
    let mut response = response::json(&json!({ "status": "SUCCESS" }))?;
    if !unknown.is_empty() {
        *response.status_mut() = StatusCode::ACCEPTED;
    }
    Ok(response)
}

fn subscription(kind: &str) -> Option<&'static Subscription> {
    crate::SUBSCRIPTIONS.iter().copied().flatten().find(|subscription| subscription.kind == kind)
}

/// Whether sending the same again cannot help.
fn is_final(error: &Error) -> bool {
    matches!(error, Error::BadRequest(..) | Error::TooLarge(_) | Error::UnsupportedMediaType(_))
}

/// What the sender is not told.
fn in_words(error: &Error) -> String {
    let faults = match error {
        Error::BadRequest(_, faults) => faults.as_slice(),
        _ => &[],
    };
    faults.iter().take(5).fold(error.to_string(), |text, fault| match &fault.place {
        Place::Pointer(place) | Place::Parameter(place) => text + &format!("; {place} {}", fault.detail),
    })
}

/// `OPTIONS /events`: whether a sender may send (CloudEvents, HTTP 1.1 Web Hooks, section 4), and a browser's preflight.
/// It says nothing of who may speak.
fn shake_hands(app: &App, request: &Request) -> Result<Response<Body>, Error> {
    let mut response = response::preflight(METHODS)?;
    let Some(origin) = request.head.headers.get(REQUEST_ORIGIN) else { return Ok(response) };
    *response.status_mut() = StatusCode::OK;
    let allowed = &app.config.webhooks.allowed_origins;
    if allowed.iter().any(|known| known == "*" || known.as_bytes().eq_ignore_ascii_case(origin.as_bytes())) {
        response.headers_mut().insert(ALLOWED_ORIGIN, origin.clone());
        response.headers_mut().insert(ALLOWED_RATE, HeaderValue::from_static("*"));
    }
    Ok(response)
}

/// The error for data that stands at `pointer` and is not what it should be: 400, because those who send events repeat
/// neither that nor read what a 422 or a 409 says.
fn refuse(error: Error, pointer: &str) -> Error {
    match error {
        Error::Invalid(mut faults) => {
            for fault in &mut faults {
                if let Place::Pointer(place) = &mut fault.place {
                    place.insert_str(0, pointer);
                }
            }
            Error::BadRequest("the data of an event is not valid, see 'errors'".to_string(), faults)
        }
        Error::BadRequest(detail, _) | Error::Conflict(detail) | Error::NotFound(detail) => {
            let fault = Fault::at(pointer, detail);
            Error::BadRequest("an event cannot be applied, see 'errors'".to_string(), vec![fault])
        }
        error => error,
    }
}
