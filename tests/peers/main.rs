//! Events with other people's software at the other end, or a double that says so: see the Python files beside this one.
//! For `make test-peers`, which installs that software.
//!
//! - `hearing`: what others send to `POST /events`.
//! - `sinks`: what others make of our requests.
//! - `delivery`: what the service itself sends them.
//! - `readme`: what README says of all that.
//! - `orders`: what it says of orders alone.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::arithmetic_side_effects, missing_docs)]

mod delivery;
mod double;
mod hearing;
mod orders;
mod readme;
#[allow(dead_code)] // tests/api uses the rest
#[path = "../api/samples.rs"]
mod samples;
mod sinks;
#[allow(dead_code)] // tests/api uses the rest
#[path = "../api/support.rs"]
mod support;

/// A key of Standard Webhooks.
pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
