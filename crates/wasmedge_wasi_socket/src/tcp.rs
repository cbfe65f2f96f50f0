//! Listeners and streams, with the items of their namesakes in `std::net` that the crates above use.

use std::{
    io::{self, IoSlice, Read, Write},
    net::{Shutdown, SocketAddr},
    os::fd::{AsRawFd, FromRawFd, IntoRawFd, RawFd},
};

use crate::{
    ToSocketAddrs,
    socket::{AddressFamily, Socket, SocketOptLevel, SocketOptName, SocketType},
};

/// As many connections may wait to be accepted as the system lets (Linux: `net.core.somaxconn`, 4096).
const BACKLOG: i32 = 4096;

/// A socket that accepts connections.
#[derive(Debug)]
pub struct TcpListener(Socket);

impl TcpListener {
    /// Listens on the first of `addresses` that can be had.
    pub fn bind(addresses: impl ToSocketAddrs, nonblocking: bool) -> io::Result<TcpListener> {
        first(addresses, |address| {
            let socket = Socket::new(AddressFamily::from(address), SocketType::Stream)?;
            socket.setsockopt(SocketOptLevel::SolSocket, SocketOptName::SoReuseaddr, 1)?;
            socket.bind(address)?;
            socket.listen(BACKLOG)?;
            socket.set_nonblocking(nonblocking)?;
            Ok(TcpListener(socket))
        })
    }

    /// Takes the next connection that waits, and says whose it is. One whose client has gone already is passed over.
    pub fn accept(&self, nonblocking: bool) -> io::Result<(TcpStream, SocketAddr)> {
        loop {
            let accepted = self.0.accept(nonblocking)?;
            match accepted.get_peer() {
                Ok(peer) => return Ok((TcpStream(accepted), peer)),
                Err(error) if error.kind() == io::ErrorKind::NotConnected => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The address that it listens on.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.get_local()
    }

    /// As [`Socket::set_nonblocking`].
    pub fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.0.set_nonblocking(nonblocking)
    }
}

/// A connection.
#[derive(Debug)]
pub struct TcpStream(Socket);

impl TcpStream {
    /// Connects to the first of `addresses` that lets it.
    pub fn connect(addresses: impl ToSocketAddrs) -> io::Result<TcpStream> {
        first(addresses, |address| {
            let socket = Socket::new(AddressFamily::from(address), SocketType::Stream)?;
            socket.connect(address)?;
            Ok(TcpStream(socket))
        })
    }

    /// The peer's address.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.0.get_peer()
    }

    /// This end's address.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.get_local()
    }

    /// As [`Socket::set_nonblocking`].
    pub fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.0.set_nonblocking(nonblocking)
    }

    /// As [`Socket::shutdown`].
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.0.shutdown(how)
    }
}

fn first<T>(addresses: impl ToSocketAddrs, open: impl Fn(&SocketAddr) -> io::Result<T>) -> io::Result<T> {
    let mut result = Err(io::ErrorKind::AddrNotAvailable.into());
    for address in addresses.to_socket_addrs()? {
        result = open(&address);
        if result.is_ok() {
            break;
        }
    }
    result
}

impl Read for &TcpStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.recv(buffer)
    }
}

impl Write for &TcpStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.send(bytes)
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.send_vectored(slices)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for TcpStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&*self).read(buffer)
    }
}

impl Write for TcpStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self).write(bytes)
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        (&*self).write_vectored(slices)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

macro_rules! raw_fd {
    ($type:ident) => {
        impl AsRawFd for $type {
            fn as_raw_fd(&self) -> RawFd {
                self.0.as_raw_fd()
            }
        }

        impl IntoRawFd for $type {
            fn into_raw_fd(self) -> RawFd {
                self.0.into_raw_fd()
            }
        }

        impl FromRawFd for $type {
            unsafe fn from_raw_fd(fd: RawFd) -> $type {
                // SAFETY: the caller's promise.
                $type(unsafe { Socket::from_raw_fd(fd) })
            }
        }
    };
}
raw_fd!(TcpListener);
raw_fd!(TcpStream);
