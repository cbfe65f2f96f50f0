//! Faults that need a database server of the test's own, or that take long. They disturb each other and everybody else,
//! so they run one at a time:
//!
//! - `database`: down, killed, frozen, impatient, out of disk.
//! - `delivery`, with `changes`: every sink hears of every change, whatever goes wrong at once.
//! - `network`: the database falls silent.
//! - `sockets`: peers that refuse, many that are idle, clients that vanish.
//! - `rolling`: a restart behind a balancer.
//! - `tls`: the database's certificate is refused.
//! - `memory`: a million requests.
//!
//! Those that take longer than a minute are for `make test-faults`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::arithmetic_side_effects, clippy::print_stderr, missing_docs)]

#[allow(dead_code)] // the other tests use the rest
#[path = "../../crates/wasmedge_rustls_api/tests/support/mod.rs"]
mod certificates;
mod changes;
mod database;
mod delivery;
mod memory;
mod network;
#[allow(dead_code)] // tests/api uses the rest
#[path = "../api/peer.rs"]
mod peer;
mod rolling;
#[allow(dead_code)] // tests/api uses the rest
#[path = "../api/samples.rs"]
mod samples;
mod server;
mod sockets;
#[allow(dead_code)] // tests/api uses the rest
#[path = "../api/support.rs"]
mod support;
mod tls;

/// Whoever holds this runs alone.
pub fn alone() -> std::sync::MutexGuard<'static, ()> {
    static ALONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
