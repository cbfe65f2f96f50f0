//! From host names to addresses, by the host's own resolver: its `/etc/hosts`, its search domains, its servers.
//! The look-up blocks the thread, which in wasm is the only one. So what came of it, also if that was nothing, is
//! remembered for four times as long as it took: names that nobody answers for take a fifth of the time at most.

use std::{
    collections::BTreeMap,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6},
    ptr,
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
    vec,
};

use crate::host::{self, AddressInfo, SocketAddress, check};

/// What can be turned into addresses: as `std::net::ToSocketAddrs`, which WASI does not have for names.
pub trait ToSocketAddrs {
    /// The addresses in the sequence in which to try them.
    fn to_socket_addrs(&self) -> io::Result<vec::IntoIter<SocketAddr>>;
}

macro_rules! is_an_address {
    ($($type:ty),*) => {
        $(impl ToSocketAddrs for $type {
            fn to_socket_addrs(&self) -> io::Result<vec::IntoIter<SocketAddr>> {
                Ok(vec![SocketAddr::from(*self)].into_iter())
            }
        })*
    };
}
is_an_address!(SocketAddr, SocketAddrV4, SocketAddrV6, (IpAddr, u16), (Ipv4Addr, u16), (Ipv6Addr, u16));

impl<T: ToSocketAddrs + ?Sized> ToSocketAddrs for &T {
    fn to_socket_addrs(&self) -> io::Result<vec::IntoIter<SocketAddr>> {
        (**self).to_socket_addrs()
    }
}

impl ToSocketAddrs for (&str, u16) {
    fn to_socket_addrs(&self) -> io::Result<vec::IntoIter<SocketAddr>> {
        let (host, port) = *self;
        if let Ok(address) = host.parse::<IpAddr>() {
            return (address, port).to_socket_addrs();
        }
        let addresses: Vec<_> = known(host)?.into_iter().map(|address| (address, port).into()).collect();
        Ok(addresses.into_iter())
    }
}

impl ToSocketAddrs for str {
    fn to_socket_addrs(&self) -> io::Result<vec::IntoIter<SocketAddr>> {
        if let Ok(address) = self.parse::<SocketAddr>() {
            return address.to_socket_addrs();
        }
        let (host, port) = self.rsplit_once(':').ok_or(io::ErrorKind::InvalidInput)?;
        (host, port.parse().map_err(|_| io::ErrorKind::InvalidInput)?).to_socket_addrs()
    }
}

impl ToSocketAddrs for String {
    fn to_socket_addrs(&self) -> io::Result<vec::IntoIter<SocketAddr>> {
        self.as_str().to_socket_addrs()
    }
}

/// Addresses are remembered so long at least, and so many names.
const SECONDS: Duration = Duration::from_secs(5);
const MOST_NAMES: usize = 64;

/// A host's addresses; none: nobody knows them.
struct Known {
    addresses: Vec<Ipv4Addr>,
    /// By the clock of the host: the other one stands still while a look-up takes its time.
    until: SystemTime,
}

/// The IPv4 addresses of a host, as they are or were a moment ago.
fn known(host: &str) -> io::Result<Vec<Ipv4Addr>> {
    static NAMES: Mutex<BTreeMap<String, Known>> = Mutex::new(BTreeMap::new());
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    let asked = SystemTime::now();
    // Should the clock be set back by an hour, nobody waits for that hour.
    let is_good = |known: &&Known| known.until.duration_since(asked).is_ok_and(|left| left < Duration::from_secs(600));
    let addresses = match names.get(host).filter(is_good) {
        Some(known) => known.addresses.clone(),
        None => {
            let addresses = look_up(host).unwrap_or_default();
            let now = SystemTime::now();
            let pause = now.duration_since(asked).unwrap_or_default().saturating_mul(4);
            let pause = if addresses.is_empty() { pause } else { pause.max(SECONDS) };
            if names.len() >= MOST_NAMES {
                names.clear();
            }
            let until = now.checked_add(pause).unwrap_or(now);
            names.insert(host.to_owned(), Known { addresses: addresses.clone(), until });
            addresses
        }
    };
    if addresses.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, format!("no address is known for {host}")));
    }
    Ok(addresses)
}

/// The most addresses that are asked for.
const MOST: usize = 10;

/// Asks the host. (WasmEdge has room for IPv4 addresses only.)
fn look_up(host: &str) -> io::Result<Vec<Ipv4Addr>> {
    // The host reads both up to a NUL.
    let node = format!("{host}\0");
    let service = "http\0"; // any that has a port; which one does not matter, see README.md

    let mut data = [[0_u8; 26]; MOST];
    let mut names = [[0_u8; 256]; MOST];
    let mut addresses: Vec<_> =
        data.iter_mut().map(|data| SocketAddress { family: 0, length: 14, data: data.as_mut_ptr() }).collect();
    let mut results: Vec<_> = addresses
        .iter_mut()
        .zip(&mut names)
        .map(|(address, name)| AddressInfo { address, canonical_name: name.as_mut_ptr(), ..ask() })
        .collect();
    let start = results.as_mut_ptr();
    for index in 0..MOST.saturating_sub(1) {
        // SAFETY: both are inside of `results`.
        unsafe { (*start.add(index)).next = start.add(index + 1) };
    }

    let (hints, mut found) = (ask(), 0);
    // SAFETY: every pointer is good for the call, and `results` has as many items as it says.
    let errno = unsafe {
        host::sock_getaddrinfo(
            node.as_ptr(),
            node.len(),
            service.as_ptr(),
            service.len(),
            &hints,
            &start,
            MOST,
            &mut found,
        )
    };
    check(errno)?;

    let families = addresses.iter().map(|address| address.family);
    let found = families.zip(&data).take(found).filter(|(family, _)| *family == 1);
    Ok(found.map(|(_, [_, _, a, b, c, d, ..])| Ipv4Addr::new(*a, *b, *c, *d)).collect())
}

/// IPv4 and TCP.
fn ask() -> AddressInfo {
    AddressInfo {
        flags: 0,
        family: 1,
        socket_type: 2,
        protocol: 1,
        address_length: 0,
        address: ptr::null_mut(),
        canonical_name: ptr::null_mut(),
        canonical_name_length: 0,
        next: ptr::null_mut(),
    }
}
