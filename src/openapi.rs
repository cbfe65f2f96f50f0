//! Writes the routes down as an OpenAPI 3.1 description. Paths and methods come from the table that the router reads, and
//! what it says of bodies that are read from the functions that read them (but for `Replay`). The rest, such as headers,
//! refusals and limits, stands beside each route: tests/api/openapi.rs and `make schemathesis` hold it to what is answered.

use std::collections::BTreeMap;

use hyper::{Method, StatusCode};
use serde_json::{Map, Value, json};

use crate::{
    config::Config,
    error::MEDIA_TYPE,
    fields,
    operation::{Operation, Place, Shape},
    routes::Route,
};

/// The description of those of `tables` that are there with these settings.
pub fn document(tables: &[&[Route]], config: &Config) -> Value {
    let guarded = !config.api_tokens.is_empty();
    let (mut paths, mut responses) = (Map::new(), Map::new());
    let mut schemas = json!({ "Problem": problem(), "Done": done() });
    for route in tables.iter().copied().flatten().filter(|route| route.is_on(config)) {
        for shape in [route.operation.request, route.operation.response] {
            if let Shape::One(entity) | Shape::Many(entity) = shape {
                set(&mut schemas, entity.name, (entity.schema)(config));
            }
        }
        let refusals = refusals(route, config);
        for status in &refusals {
            responses.entry(status.to_string()).or_insert_with(|| refusal(*status));
        }
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        set(path, &route.method.as_str().to_ascii_lowercase(), operation(route, item(tables, route), &refusals));
    }
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": env!("CARGO_PKG_NAME"),
            "version": env!("CARGO_PKG_VERSION"),
            "description": env!("CARGO_PKG_DESCRIPTION"),
        },
        "paths": paths,
        "components": { "schemas": schemas, "responses": responses },
    });
    if guarded {
        set(&mut document, "security", json!([{ "bearer": [] }]));
        if let Some(components) = document.get_mut("components") {
            set(components, "securitySchemes", json!({ "bearer": { "type": "http", "scheme": "bearer" } }));
        }
    }
    document
}

fn operation(route: &Route, item: Option<&Route>, refusals: &[u16]) -> Value {
    let Operation { parameters, request, status, response, others, headers, .. } = &route.operation;
    let mut responses = Map::new();
    for status in refusals {
        responses.insert(status.to_string(), json!({ "$ref": format!("#/components/responses/{status}") }));
    }
    let mut described = json!({});
    for header in *headers {
        let schema = json!({ "type": "string" });
        let header_object = json!({ "description": header.meaning, "required": header.required, "schema": schema });
        set(&mut described, header.name, header_object);
    }
    let mut success = json!({ "description": reason(*status), "headers": described });
    if let Some(content) = content(response) {
        set(&mut success, "content", content);
    }
    if let (Some(item), Some(key)) = (item, route.operation.key) {
        set(&mut success, "links", json!({ "item": link(item, key) }));
    }
    responses.insert(status.to_string(), success);
    for (status, shape) in *others {
        let mut other = json!({ "description": reason(*status), "headers": {} });
        if let Some(content) = content(shape) {
            set(&mut other, "content", content);
        }
        responses.insert(status.to_string(), other);
    }

    let in_path = path_parameters(route.path)
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": fields::integer_schema() }));
    let others = parameters.iter().map(|parameter| {
        json!({
            "name": parameter.name,
            "in": match parameter.place { Place::Query => "query", Place::Header => "header" },
            "required": parameter.required,
            "description": parameter.meaning,
            "schema": (parameter.schema)(),
        })
    });
    let parameters: Vec<Value> = in_path.chain(others).collect();

    let mut operation = json!({
        "operationId": operation_id(route),
        "summary": route.summary,
        "parameters": parameters,
        "responses": responses,
    });
    if let Some(content) = content(request) {
        set(&mut operation, "requestBody", json!({ "required": *request != Shape::Bytes, "content": content }));
    }
    if route.is_open {
        set(&mut operation, "security", json!([]));
    }
    operation
}

/// Where what `route` creates is read: `GET PATH/{…}`.
fn item<'a>(tables: &[&'a [Route]], route: &Route) -> Option<&'a Route> {
    let is_below = |path: &str| path.strip_prefix(route.path).is_some_and(|rest| rest.starts_with("/{"));
    tables.iter().copied().flatten().find(|other| other.method == Method::GET && is_below(other.path))
}

/// How a client gets there (OpenAPI, Link Object): by the member `key` of the answer.
fn link(item: &Route, key: &str) -> Value {
    let parameters = path_parameters(item.path).map(|name| (name, format!("$response.body#/{key}")));
    json!({ "operationId": operation_id(item), "parameters": parameters.collect::<BTreeMap<_, _>>() })
}

/// What may go wrong: what the route says, and what follows from what it takes.
fn refusals(route: &Route, config: &Config) -> Vec<u16> {
    let operation = &route.operation;
    let mut statuses = [operation.refusals, &[500, 503]].concat();
    let (condition, conditional) = operation.conditional_refusals;
    if condition(config) {
        statuses.extend(conditional);
    }
    if route.is_get_that_writes() {
        statuses.push(403);
    }
    if !config.api_tokens.is_empty() && !route.is_open {
        statuses.push(401);
    }
    if !operation.parameters.is_empty() || path_parameters(route.path).next().is_some() {
        statuses.push(400);
    }
    match operation.request {
        Shape::Nothing => {}
        Shape::Bytes | Shape::Text | Shape::TextOrPage => statuses.extend([408, 413]),
        Shape::Done | Shape::Object | Shape::One(_) | Shape::Many(_) => statuses.extend([400, 408, 413, 422]),
        Shape::Events => statuses.extend([400, 408, 413, 415]),
    }
    statuses
}

fn refusal(status: u16) -> Value {
    let header = |name: &str, meaning: &str, kind: &str| json!({ name: { "description": meaning, "required": true, "schema": { "type": kind } } });
    let headers = match status {
        401 => header("WWW-Authenticate", "what is asked for (RFC 6750)", "string"),
        503 => header("Retry-After", "seconds after which to try again", "integer"),
        _ => json!({}),
    };
    let content = json!({ MEDIA_TYPE: { "schema": reference("Problem") } });
    json!({ "description": reason(status), "headers": headers, "content": content })
}

fn content(shape: &Shape) -> Option<Value> {
    let (media_type, schema) = match shape {
        Shape::Nothing => return None,
        Shape::Events => {
            let (one, many) = (json!({ "type": "object" }), json!({ "type": "array", "items": { "type": "object" } }));
            return Some(json!({
                "application/cloudevents+json": { "schema": one },
                "application/cloudevents-batch+json": { "schema": many },
                "application/json": { "schema": many },
            }));
        }
        Shape::Text => ("text/plain", json!({ "type": "string" })),
        Shape::TextOrPage => {
            let text = json!({ "schema": { "type": "string" } });
            return Some(json!({ "text/plain": text, "text/html": text }));
        }
        Shape::Bytes => ("application/octet-stream", json!({})),
        Shape::Done => ("application/json", reference("Done")),
        Shape::Object => ("application/json", json!({ "type": "object" })),
        Shape::One(entity) => ("application/json", reference(entity.name)),
        Shape::Many(entity) => ("application/json", json!({ "type": "array", "items": reference(entity.name) })),
    };
    Some(json!({ media_type: { "schema": schema } }))
}

fn done() -> Value {
    json!({
        "type": "object",
        "properties": { "status": { "const": true } },
        "required": ["status"],
        "additionalProperties": false,
    })
}

/// Problem details (RFC 9457), as [`Error`](crate::error::Error) writes them.
fn problem() -> Value {
    let text = || json!({ "type": "string" });
    let fault = json!({
        "type": "object",
        "properties": { "pointer": text(), "parameter": text(), "detail": text() },
        "required": ["detail"],
        "oneOf": [{ "required": ["pointer"] }, { "required": ["parameter"] }],
    });
    json!({
        "type": "object",
        "properties": {
            "type": { "type": "string", "format": "uri-reference" },
            "title": text(),
            "status": { "type": "integer" },
            "detail": text(),
            "errors": { "type": "array", "items": fault },
            "request_id": text(),
        },
        "required": ["type", "title", "status", "detail", "request_id"],
    })
}

/// `get_things_id` for `GET /things/{id}`.
fn operation_id(route: &Route) -> String {
    let words = route.path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.fold(route.method.as_str().to_ascii_lowercase(), |id, word| id + "_" + word)
}

fn path_parameters(path: &'static str) -> impl Iterator<Item = &'static str> {
    path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn reason(status: u16) -> &'static str {
    StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or_default()
}

fn set(object: &mut Value, name: &str, value: Value) {
    if let Some(object) = object.as_object_mut() {
        object.insert(name.to_string(), value);
    }
}
