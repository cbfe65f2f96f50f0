//! A socket of the host's. Each method is one call to it, and leaves a mark for the next wait.

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr},
    os::fd::{AsRawFd, FromRawFd, IntoRawFd, RawFd},
};

use crate::{
    host::{self, Address, Buffer, check},
    readiness,
};

/// Of which kind an address is, as the host counts them.
#[derive(Copy, Clone, Debug, PartialEq)]
pub enum AddressFamily {
    /// Whichever.
    Unspec = 0,
    /// IPv4.
    Inet4 = 1,
    /// IPv6.
    Inet6 = 2,
}

impl From<&SocketAddr> for AddressFamily {
    fn from(address: &SocketAddr) -> Self {
        if address.is_ipv4() { AddressFamily::Inet4 } else { AddressFamily::Inet6 }
    }
}

/// What a socket carries, as the host counts it.
#[derive(Copy, Clone, Debug)]
pub enum SocketType {
    /// Whichever.
    Any = 0,
    /// Packets: UDP.
    Datagram = 1,
    /// Bytes in sequence: TCP.
    Stream = 2,
}

/// Whose options: the host knows the socket's own only, not TCP's.
#[derive(Copy, Clone, Debug)]
pub enum SocketOptLevel {
    /// `SOL_SOCKET`.
    SolSocket = 0,
}

/// An option of a socket, as the host counts them.
#[derive(Copy, Clone, Debug)]
#[allow(missing_docs)] // they are POSIX's names
pub enum SocketOptName {
    SoReuseaddr = 0,
    SoError = 2,
    SoSndbuf = 5,
    SoRcvbuf = 6,
    SoKeepalive = 7,
}

/// An open socket. It closes when it is dropped.
#[derive(Debug)]
pub struct Socket {
    fd: RawFd,
}

const NONBLOCKING: u32 = 4; // WASI's fdflags

impl Socket {
    /// Opens a socket.
    pub fn new(family: AddressFamily, socket_type: SocketType) -> io::Result<Socket> {
        let mut fd = 0;
        // SAFETY: the pointer is good for the call.
        check(unsafe { host::sock_open(family as u32, socket_type as u32, &mut fd) })?;
        Ok(Socket::opened(fd, false))
    }

    fn opened(fd: u32, accepted: bool) -> Socket {
        readiness::opened(fd, accepted);
        Socket { fd: fd as i32 }
    }

    fn fd(&self) -> u32 {
        self.fd as u32
    }

    /// Whether operations that would have to wait answer [`io::ErrorKind::WouldBlock`] instead.
    pub fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        let flags = if nonblocking { NONBLOCKING } else { 0 };
        // SAFETY: no pointers.
        check(unsafe { host::fd_fdstat_set_flags(self.fd(), flags) })
    }

    /// Takes an address of this machine's.
    pub fn bind(&self, address: &SocketAddr) -> io::Result<()> {
        with_address(address, |bytes, port| {
            // SAFETY: the address is good for the call.
            unsafe { host::sock_bind(self.fd(), bytes, port) }
        })
    }

    /// Lets connections in, of which `backlog` may wait to be accepted.
    pub fn listen(&self, backlog: i32) -> io::Result<()> {
        // SAFETY: no pointers.
        check(unsafe { host::sock_listen(self.fd(), backlog as u32) })
    }

    /// Takes the next connection that waits.
    pub fn accept(&self, nonblocking: bool) -> io::Result<Socket> {
        let mut fd = 0;
        readiness::was_read(self.fd(), false);
        // SAFETY: the pointer is good for the call.
        check(unsafe { host::sock_accept(self.fd(), &mut fd) })?;
        let accepted = Socket::opened(fd, true);
        accepted.set_nonblocking(nonblocking)?;
        Ok(accepted)
    }

    /// Connects. A socket that does not block answers EINPROGRESS and is connected once it can be written to.
    ///
    /// Nobody above asks then whether it is. But a refusal from a near host has arrived already, so it is answered
    /// here, and again by the next write, or a read that comes back for it, because some callers take any error for
    /// EINPROGRESS. That of a far one is left to those.
    pub fn connect(&self, address: &SocketAddr) -> io::Result<()> {
        readiness::was_written(self.fd(), true);
        let connected = with_address(address, |bytes, port| {
            // SAFETY: the address is good for the call.
            unsafe { host::sock_connect(self.fd(), bytes, port) }
        });
        let error = self.take_error();
        if let Err(error) = &error {
            readiness::failed(self.fd(), error.raw_os_error().unwrap_or(libc::EIO) as u16);
        }
        error.and(connected)
    }

    /// Reads what has arrived; 0: the peer has closed.
    pub fn recv(&self, buffer: &mut [u8]) -> io::Result<usize> {
        if readiness::has_had_its_turn(self.fd()) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let room = Buffer { data: buffer.as_mut_ptr(), size: buffer.len() };
        let (mut received, mut flags) = (0, 0);
        // SAFETY: the pointers are good for the call, the buffer for the size that it says.
        let errno = unsafe { host::sock_recv(self.fd(), &room, 1, 0, &mut received, &mut flags) };
        readiness::was_read(self.fd(), errno == 0 && received < buffer.len());
        readiness::received(self.fd(), received);
        if errno != 0 || received == 0 {
            check(u32::from(readiness::read_failed(self.fd(), errno as u16)))?;
        }
        Ok(received)
    }

    /// Writes; returns how many bytes were taken.
    pub fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        self.send_buffers(&[Buffer { data: bytes.as_ptr(), size: bytes.len() }], bytes.len())
    }

    /// Writes several buffers at once, so that they leave in one packet if they fit.
    pub fn send_vectored(&self, slices: &[io::IoSlice<'_>]) -> io::Result<usize> {
        let buffers: Vec<_> = slices.iter().map(|slice| Buffer { data: slice.as_ptr(), size: slice.len() }).collect();
        self.send_buffers(&buffers, slices.iter().map(|slice| slice.len()).sum())
    }

    fn send_buffers(&self, buffers: &[Buffer], size: usize) -> io::Result<usize> {
        let mut sent = 0;
        // SAFETY: the pointers are good for the call, each buffer for the size that it says.
        let errno = unsafe { host::sock_send(self.fd(), buffers.as_ptr(), buffers.len(), 0, &mut sent) };
        readiness::was_written(self.fd(), errno != 0 || sent < size);
        if errno != 0 {
            self.connected()?;
        }
        check(errno)?;
        Ok(sent)
    }

    /// The error of a connect that failed, if nobody has been told since.
    fn connected(&self) -> io::Result<()> {
        check(u32::from(readiness::take_error(self.fd())))
    }

    /// Ends one direction or both.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        let flags = match how {
            Shutdown::Read => 1,
            Shutdown::Write => 2,
            Shutdown::Both => 3,
        };
        // SAFETY: no pointers.
        check(unsafe { host::sock_shutdown(self.fd(), flags) })
    }

    /// This end's address.
    pub fn get_local(&self) -> io::Result<SocketAddr> {
        read_address(|bytes, family, port| {
            // SAFETY: the pointers are good for the call.
            unsafe { host::sock_getlocaladdr(self.fd(), bytes, family, port) }
        })
    }

    /// The peer's address.
    pub fn get_peer(&self) -> io::Result<SocketAddr> {
        read_address(|bytes, family, port| {
            // SAFETY: the pointers are good for the call.
            unsafe { host::sock_getpeeraddr(self.fd(), bytes, family, port) }
        })
    }

    /// The error that waits to be reported, if there is one, as an `Err`.
    pub fn take_error(&self) -> io::Result<()> {
        let (mut error, mut size) = (0, size_of::<i32>() as u32);
        let (level, name) = (SocketOptLevel::SolSocket as i32, SocketOptName::SoError as i32);
        // SAFETY: the pointers are good for the call.
        check(unsafe { host::sock_getsockopt(self.fd(), level, name, &mut error, &mut size) })?;
        check(error as u32)
    }

    /// Sets an option whose value is a number.
    pub fn setsockopt(&self, level: SocketOptLevel, name: SocketOptName, value: i32) -> io::Result<()> {
        let size = size_of::<i32>() as u32;
        // SAFETY: the pointer is good for the call.
        check(unsafe { host::sock_setsockopt(self.fd(), level as i32, name as i32, &value, size) })
    }

    /// What option `name` is set to.
    pub fn getsockopt(&self, level: SocketOptLevel, name: SocketOptName) -> io::Result<i32> {
        let (mut value, mut size) = (0, size_of::<i32>() as u32);
        // SAFETY: the pointers are good for the call.
        check(unsafe { host::sock_getsockopt(self.fd(), level as i32, name as i32, &mut value, &mut size) })?;
        Ok(value)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        readiness::closed(self.fd());
        // SAFETY: no pointers, and the descriptor is this socket's own.
        unsafe { host::fd_close(self.fd()) };
    }
}

impl AsRawFd for Socket {
    fn as_raw_fd(&self) -> RawFd {
        self.fd
    }
}

impl IntoRawFd for Socket {
    fn into_raw_fd(self) -> RawFd {
        let fd = self.fd;
        std::mem::forget(self);
        fd
    }
}

impl FromRawFd for Socket {
    unsafe fn from_raw_fd(fd: RawFd) -> Socket {
        Socket { fd }
    }
}

fn with_address(address: &SocketAddr, call: impl FnOnce(*const Address, u32) -> u32) -> io::Result<()> {
    let (mut four, mut sixteen);
    let bytes: &mut [u8] = match address {
        SocketAddr::V4(address) => {
            four = address.ip().octets();
            &mut four
        }
        SocketAddr::V6(address) => {
            sixteen = address.ip().octets();
            &mut sixteen
        }
    };
    let bytes = Address { data: bytes.as_mut_ptr(), size: bytes.len() };
    check(call(&bytes, u32::from(address.port())))
}

fn read_address(call: impl FnOnce(*mut Address, *mut u32, *mut u32) -> u32) -> io::Result<SocketAddr> {
    let mut bytes = [0; 16];
    let mut address = Address { data: bytes.as_mut_ptr(), size: bytes.len() };
    let (mut family, mut port) = (0, 0);
    check(call(&mut address, &mut family, &mut port))?;
    let port = u16::try_from(port).unwrap_or_default();
    match family {
        4 => {
            let [a, b, c, d, ..] = bytes;
            Ok((Ipv4Addr::new(a, b, c, d), port).into())
        }
        6 => Ok((Ipv6Addr::from(bytes), port).into()),
        _ => Err(io::ErrorKind::Unsupported.into()),
    }
}
