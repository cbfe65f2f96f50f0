//! The ways to run the service, each run for real. Every module has its own command in the Makefile:
//!
//! - `galera`: two instances on a cluster of three database nodes, of which one is killed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::arithmetic_side_effects, clippy::print_stderr, missing_docs)]

mod galera;
#[path = "../api/readme.rs"]
mod readme;
mod support;
