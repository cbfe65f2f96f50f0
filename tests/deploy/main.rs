//! The ways to run the service, each run for real. Every module has its own command in the Makefile.
//!
//! - `metrics`: Debian's Prometheus scrapes it, and the dashboard shows something.
//! - `galera`: two instances on a cluster of three database nodes, of which one is killed.
//! - `registry`: pushed, fetched by its digest, compiled once, run; what was tampered with is not.
//! - `compose`: docker-compose.yml and the Dockerfile under a Docker engine.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::arithmetic_side_effects, clippy::print_stderr, missing_docs)]

#[allow(dead_code)] // the other tests use the rest
#[path = "../api/support.rs"]
mod app;
mod galera;
mod metrics;
#[allow(dead_code)]
#[path = "../api/peer.rs"]
mod peer;
mod oci;
mod kubernetes; // the manifests in deploy/kubernetes
mod compose;
#[path = "../api/readme.rs"]
mod readme;
mod registry;
mod support;
