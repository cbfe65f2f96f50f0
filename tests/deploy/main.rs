//! The ways to run the service, each run for real. Every module has its own command in the Makefile.
//!
//! - `compose`: docker-compose.yml and the Dockerfile under a Docker engine.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::arithmetic_side_effects, missing_docs)]

mod compose;
#[path = "../api/readme.rs"]
mod readme;
mod support;
