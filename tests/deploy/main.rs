//! The ways to run the service, each run for real. Every module has its own command in the Makefile.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::arithmetic_side_effects, missing_docs)]

mod kubernetes; // the manifests in deploy/kubernetes
#[path = "../api/readme.rs"]
mod readme;
mod support;
