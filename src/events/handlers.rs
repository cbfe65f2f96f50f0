//! The endpoints for events that could not be delivered.

use std::sync::Arc;

use hyper::{Body, Response, header::LINK};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::parked::{self, Parked, Stopped};
use crate::{
    App,
    error::{Error, Fault},
    fields::{self, integer_schema},
    operation::{Entity, Header, Parameter, Shape, query},
    request::Request,
    response,
    routes::Route,
};

/// The endpoints of this module.
pub const ROUTES: &[Route] = &[
    Route::get(
        "/events/parked",
        "lists the events that a sink does not take, and the sinks that want none",
        |app, request| Box::pin(list(app, request)),
    )
    .parameters(PAGE)
    .gives(200, Shape::Object)
    .headers(&[Header { name: "Link", required: false, meaning: "the next page (RFC 8288), where there is one" }]),
    Route::post("/events/replay", "sends parked events again: a sink's, the one with an id, or all", |app, request| {
        Box::pin(replay(app, request))
    })
    .takes(Shape::One(REPLAY))
    .gives(200, Shape::Object)
    .refuses(&[404]),
];

const PAGE: &[Parameter] = &[
    query("limit", false, limit_schema, "a page of so many at most; 100 where none is given"),
    query("after", false, integer_schema, "those whose number is greater"),
];

fn limit_schema() -> Value {
    json!({ "type": "integer", "minimum": 1, "maximum": MOST_LIMIT })
}

const REPLAY: Entity = Entity {
    name: "Replay",
    schema: |_| {
        json!({
            "type": "object",
            "properties": {
                "sink": { "type": ["string", "null"], "description": "the sink's name; it is started again if it has stopped" },
                "id": { "type": ["string", "null"], "description": "the event's id" },
            },
            "additionalProperties": false,
        })
    },
};

/// What is to be sent again.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Replay {
    sink: Option<String>,
    id: Option<String>,
}

#[derive(Serialize)]
struct List<'a> {
    stopped: Vec<Stopped>,
    parked: &'a [Parked],
}

const DEFAULT_LIMIT: i32 = 100;
const MOST_LIMIT: i32 = 1000;

async fn list(app: Arc<App>, request: Request) -> Result<Response<Body>, Error> {
    let query = request.query(&["limit", "after"])?;
    let (limit, after) = (query.integer("limit")?.unwrap_or(DEFAULT_LIMIT), query.integer("after")?.unwrap_or(0));
    if !(1..=MOST_LIMIT).contains(&limit) {
        return Err(Error::parameter("limit", format!("must be from 1 to {MOST_LIMIT}")));
    }
    // One more than asked for tells whether there is a next page.
    let mut events = parked::page(&app, after, limit.saturating_add(1)).await?;
    let more = events.len() > limit.unsigned_abs() as usize;
    if more {
        events.pop();
    }
    let mut response = response::json(&List { stopped: parked::stopped(&app).await?, parked: &events })?;
    if let Some(last) = events.last().filter(|_| more) {
        let next = format!("</events/parked?limit={limit}&after={}>; rel=\"next\"", last.number);
        response.headers_mut().insert(LINK, response::header(&next)?);
    }
    Ok(response)
}

async fn replay(app: Arc<App>, mut request: Request) -> Result<Response<Body>, Error> {
    let body = request.body().await?;
    let refuse = |problem: &str| {
        let rule = "must be an object that may have 'sink' and 'id', each a text";
        Error::Invalid(vec![Fault::at("", format!("{rule}{problem}"))])
    };
    let json = fields::document(&body)?.get();
    // serde would read an array as well.
    if !json.starts_with('{') {
        return Err(refuse(""));
    }
    let wanted: Replay = serde_json::from_str(json).map_err(|error| refuse(&format!(": {error}")))?;
    let count = parked::replay(&app, wanted.sink.as_deref(), wanted.id.as_deref()).await?;
    response::json(&json!({ "replayed": count }))
}
