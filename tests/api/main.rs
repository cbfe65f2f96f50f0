//! The promises, tested over sockets against the compiled module on WasmEdge with a real MariaDB:
//!
//! - `orders`: what is true of orders alone: their endpoints and their fields, in a folder with an index of its own.
//! - `refusals`: every error is a problem with the right status, and changes nothing.
//! - `long_arrays`: inserted while they arrive, all or none, in little memory.
//! - `clients`: slow, huge, absurd, or too many of them.
//! - `greed`: they want more memory, time or log than is theirs.
//! - `idempotency`: a POST that is sent twice is done once.
//! - `bad_weather`: the database is away, slow or busy.
//! - `transactions`: locks, deadlocks, connections and services that go away in the middle.
//! - `http_client`: redirects of other services are followed to hosts that are allowed.
//! - `events`: every change is told to every sink, at least once, in sequence.
//! - `event_batches`: to those that take several at once.
//! - `drain`: the process ends without cutting anybody off.
//! - `metrics`: what is counted is what happened, and nobody can make it long or slow.
//! - `schema`: applied once, however many start.
//! - `protocol`: CORS, HEAD, request ids, the access log, no 40 ms.
//! - `access`: who may call what.
//! - `secrets`: never in a log, an error or `Debug`.
//! - `webhooks`: who may tell of events at POST /events, and how.
//! - `inbox`: each is applied once, whole, or not at all.
//! - `openapi`: the description at /openapi.json says what the service does.
//! - `settings`: what is missing or wrong is said at once.
//! - `launcher`: what it grants the module, and what it does about crashes and signals.
//! - `tls`: whom the service trusts.
//! - `house`: what a reader relies on: README's tables, the entity in one folder.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::arithmetic_side_effects, missing_docs)]

mod access;
mod bad_weather;
#[allow(dead_code)] // the other tests use the rest
#[path = "../../crates/wasmedge_rustls_api/tests/support/mod.rs"]
mod certificates;
mod clients;
mod drain;
mod event_batches;
mod events;
mod greed;
mod house;
mod http_client;
mod https;
mod idempotency;
mod inbox;
mod launcher;
mod long_arrays;
mod metrics;
mod openapi;
mod orders;
mod peer;
mod protocol;
mod readme;
mod refusals;
#[allow(dead_code)] // tests/faults uses the rest
mod samples;
mod schema;
mod secrets;
mod settings;
mod support;
mod tls;
mod transactions;
mod webhooks;
