//! Sockets for asynchronous Rust on WasmEdge: a replacement for the crate of the same name, below `mio_wasi`,
//! `tokio_wasi` and `hyper_wasi`, through `[patch.crates-io]`. It offers the items that those use, and cures what
//! cannot be cured above: see README.md.
//!
//! - [`socket`]: a socket, each operation one call to the host.
//! - [`TcpListener`], [`TcpStream`]: the two kinds of it that the crates above handle.
//! - [`wasi_poll`]: waiting for sockets and for a time-out.
//! - [`ToSocketAddrs`]: from a host name to addresses.
#![cfg(target_os = "wasi")]

mod clock;
mod host;
mod lookup;
mod readiness;
mod refusal;
pub mod socket;
mod tcp;
pub mod wasi_poll;

pub use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr};

pub use lookup::ToSocketAddrs;
pub use tcp::{TcpListener, TcpStream};
