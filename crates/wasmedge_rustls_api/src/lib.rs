//! TLS for clients, inside a WebAssembly module.
//!
//! Takes the place of the crate of this name, which asked a plugin of WasmEdge for TLS that WasmEdge no longer has. It
//! offers what `reqwest_wasi`, `wasmedge_hyper_rustls` and `mysql_async_wasi` use of it, on top of `rustls`, and builds
//! for every other target as well.
//!
//! A server's certificate is always verified: against the public authorities and those of one PEM file. What is not
//! here: certificates of the client, ALPN (and so HTTP/2), a way to verify less.

mod config;
mod error;
mod pem;
/// Streams, under the paths that callers know.
pub mod stream;

pub use config::ClientConfig;
pub use error::{TlsError, find};
pub use pem::{PemError, certificates};
pub use rustls;
