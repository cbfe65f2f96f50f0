//! The host functions of WasmEdge that this crate calls, and the shapes that they take. They stand in the module
//! `wasi_snapshot_preview1` beside WASI's own, but only WasmEdge has them: its `lib/host/wasi/wasifunc.cpp` is the
//! reference. Each returns an errno of WASI, 0 for success.

use std::io;

use crate::wasi_poll::{Event, Subscription};

/// Bytes to be sent, or room for bytes received: WASI's `ciovec` and `iovec`.
#[repr(C)]
pub struct Buffer {
    pub data: *const u8,
    pub size: usize,
}

/// An IP address's bytes: 4 or 16.
#[repr(C)]
pub struct Address {
    pub data: *mut u8,
    pub size: usize,
}

/// What a look-up asks for and what it answers. The host fills `address` and follows `next`, so both must point to
/// room that the caller owns.
#[repr(C, packed(4))]
pub struct AddressInfo {
    pub flags: u16,
    pub family: u8,
    pub socket_type: u8,
    pub protocol: u8,
    pub address_length: u32,
    pub address: *mut SocketAddress,
    pub canonical_name: *mut u8,
    pub canonical_name_length: u32,
    pub next: *mut AddressInfo,
}

/// A family, and `data` with the port (two bytes, big-endian) before the address.
#[repr(C)]
pub struct SocketAddress {
    pub family: u8,
    pub length: u32,
    pub data: *mut u8,
}

#[link(wasm_import_module = "wasi_snapshot_preview1")]
unsafe extern "C" {
    pub fn clock_time_get(clock: u32, precision: u64, time: *mut u64) -> u32;
    pub fn fd_close(fd: u32) -> u32;
    pub fn fd_fdstat_set_flags(fd: u32, flags: u32) -> u32;
    pub fn poll_oneoff(subscriptions: *const Subscription, events: *mut Event, count: usize, ready: *mut usize) -> u32;
    pub fn sock_open(family: u32, socket_type: u32, fd: *mut u32) -> u32;
    pub fn sock_bind(fd: u32, address: *const Address, port: u32) -> u32;
    pub fn sock_listen(fd: u32, backlog: u32) -> u32;
    pub fn sock_accept(fd: u32, accepted: *mut u32) -> u32;
    pub fn sock_connect(fd: u32, address: *const Address, port: u32) -> u32;
    pub fn sock_recv(
        fd: u32,
        buffers: *const Buffer,
        count: usize,
        flags: u32,
        received: *mut usize,
        flags_out: *mut u32,
    ) -> u32;
    pub fn sock_send(fd: u32, buffers: *const Buffer, count: usize, flags: u32, sent: *mut usize) -> u32;
    pub fn sock_shutdown(fd: u32, how: u32) -> u32;
    pub fn sock_getpeeraddr(fd: u32, address: *mut Address, family: *mut u32, port: *mut u32) -> u32;
    pub fn sock_getlocaladdr(fd: u32, address: *mut Address, family: *mut u32, port: *mut u32) -> u32;
    pub fn sock_getsockopt(fd: u32, level: i32, name: i32, value: *mut i32, size: *mut u32) -> u32;
    pub fn sock_setsockopt(fd: u32, level: i32, name: i32, value: *const i32, size: u32) -> u32;
    pub fn sock_getaddrinfo(
        node: *const u8,
        node_length: usize,
        service: *const u8,
        service_length: usize,
        hints: *const AddressInfo,
        results: *const *mut AddressInfo,
        most: usize,
        found: *mut usize,
    ) -> u32;
}

/// A host function's answer as a result.
pub fn check(errno: u32) -> io::Result<()> {
    match errno {
        0 => Ok(()),
        errno => Err(io::Error::from_raw_os_error(errno as i32)),
    }
}
