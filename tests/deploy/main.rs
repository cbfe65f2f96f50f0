//! The ways to run the service, each run for real. Every module has its own command in the Makefile, `make test-…`:
//!
//! - `compose`: docker-compose.yml and the Dockerfile under a Docker engine.
//! - `oci`: the scratch image under podman and crun.
//! - `registry`: pushed, fetched by its digest, compiled once, run; what was tampered with is not.
//! - `kubernetes`: the manifests, valid, and played by podman.
//! - `galera`: two instances on a cluster of three database nodes, of which one is killed.
//! - `docs`: the commands of the pages, in this folder and in a copy of it.
//! - `metrics`: Debian's Prometheus scrapes it, and the dashboard shows something.
//! - `dev`: `make dev` and `make dev-wasm` while files change, and a trap decoded to its line.
//! - `debug`: the editor's debugger and the shell's, as the editor's files and docs/debug.md say.
//! - `devcontainer`: the dev container, and the service built and run in it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::arithmetic_side_effects, clippy::print_stderr, clippy::print_stdout, missing_docs)] // figures

#[allow(dead_code)] // the other tests use the rest
#[path = "../api/blocks.rs"]
mod blocks;
#[allow(dead_code)] // the other tests use the rest
#[path = "../../crates/wasmedge_rustls_api/tests/support/mod.rs"]
mod certificates;
#[path = "../faults/changes.rs"]
mod changes;
mod commands;
mod compose;
mod dap;
mod debug;
mod dev;
mod devcontainer;
mod docs;
mod galera;
mod kubernetes;
mod metrics;
mod oci;
#[allow(dead_code)]
#[path = "../api/peer.rs"]
mod peer;
mod podman;
mod registry;
#[allow(dead_code)] // tests/api uses the rest
#[path = "../api/samples.rs"]
mod samples;
#[allow(dead_code)]
#[path = "../api/support.rs"]
mod support;
mod tree;
