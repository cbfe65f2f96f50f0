//! The ways to run the service, each run for real. Every module has its own command in the Makefile.
//!
//! - `registry`: pushed, fetched by its digest, compiled once, run; what was tampered with is not.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::arithmetic_side_effects, missing_docs)]

#[path = "../api/readme.rs"]
mod readme;
mod registry;
mod support;
