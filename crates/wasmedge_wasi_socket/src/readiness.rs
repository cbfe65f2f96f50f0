//! Which sockets to wait for, and what the host said of them.
//!
//! The host registers every socket of a call with `epoll` anew, and describes each ready one with two or three more
//! system calls; so the fewer it is asked about, the better. `mio_wasi` asks about every socket in both directions.
//! But a socket can be written to unless it has just refused bytes, and nobody cares whether it can be read until
//! what the last event announced has been read. Each operation on a socket therefore leaves a mark here, and
//! [`wait`] asks the host only about what is open.

use std::{
    cell::RefCell,
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
    io,
};

use crate::{
    host,
    wasi_poll::{
        CLOCKID_MONOTONIC, EVENTTYPE_CLOCK, EVENTTYPE_FD_READ, EVENTTYPE_FD_WRITE, Event, Fd, Subscription,
        SubscriptionClock, SubscriptionU, SubscriptionUU,
    },
};

/// What is known of one direction of a socket.
#[derive(Clone, Copy, PartialEq)]
enum Direction {
    /// It is ready, and the crates above have not been told.
    Ready,
    /// They have been told, and have done nothing since.
    Told,
    /// They wait for the host to say that it is ready.
    Awaited,
}

struct Socket {
    read: Direction,
    write: Direction,
}

thread_local! {
    static SOCKETS: RefCell<HashMap<Fd, Socket, BuildHasherDefault<FdHasher>>> = RefCell::default();
    /// The subscriptions of one call, kept for its room.
    static OPEN: RefCell<Vec<Subscription>> = const { RefCell::new(Vec::new()) };
}

/// A new socket: it can be written to; whether it can be read is the host's to say.
pub fn opened(fd: Fd) {
    SOCKETS.with_borrow_mut(|sockets| sockets.insert(fd, Socket { read: Direction::Awaited, write: Direction::Ready }));
}

/// A socket that is no more.
pub fn closed(fd: Fd) {
    SOCKETS.with_borrow_mut(|sockets| sockets.remove(&fd));
}

/// The socket was read from, or accepted from: the next event matters again.
pub fn was_read(fd: Fd) {
    change(fd, |socket| socket.read = Direction::Awaited);
}

/// The socket did not take all that was written, or is not connected yet: it is ready when the host says so.
pub fn refused_bytes(fd: Fd) {
    change(fd, |socket| socket.write = Direction::Awaited);
}

fn change(fd: Fd, change: impl FnOnce(&mut Socket)) {
    SOCKETS.with_borrow_mut(|sockets| sockets.get_mut(&fd).map(change));
}

/// Waits for what is open among `subscriptions`; writes what happened to `events`, which has room for all of them.
pub fn wait(subscriptions: &[Subscription], events: &mut [Event]) -> io::Result<usize> {
    OPEN.with_borrow_mut(|open| {
        open.clear();
        let known = select(subscriptions, open, events);
        if known > 0 {
            return Ok(known);
        }
        if open.is_empty() {
            open.push(pause());
        }
        loop {
            let mut ready = 0;
            // SAFETY: both slices are as long as the count says; `events` has room for every subscription, and there
            // is one even where `pause` was added, because `wasi_poll::poll` takes no empty list.
            host::check(unsafe { host::poll_oneoff(open.as_ptr(), events.as_mut_ptr(), open.len(), &mut ready) })?;
            if let Some(kept) = take(events.get_mut(..ready).unwrap_or_default()) {
                return Ok(kept);
            }
        }
    })
}

/// Copies to `open` what the host must be asked about, and writes to `events` what is known without asking.
fn select(subscriptions: &[Subscription], open: &mut Vec<Subscription>, events: &mut [Event]) -> usize {
    let mut known = 0;
    SOCKETS.with_borrow_mut(|sockets| {
        for subscription in subscriptions {
            let Some((fd, is_read)) = socket_of(subscription) else {
                open.push(*subscription);
                continue;
            };
            let Some(socket) = sockets.get_mut(&fd) else {
                open.push(*subscription); // not one of ours
                continue;
            };
            let direction = if is_read { &mut socket.read } else { &mut socket.write };
            match direction {
                Direction::Awaited => open.push(*subscription),
                Direction::Told => {}
                Direction::Ready => {
                    if let Some(event) = events.get_mut(known) {
                        let (userdata, type_) = (subscription.userdata, subscription.u.tag);
                        *event = Event { userdata, type_, ..Event::default() };
                        *direction = Direction::Told;
                        known += 1;
                    }
                }
            }
        }
    });
    known
}

/// Marks what happened; moves what the crates above shall see to the front, and counts it. None: wait again.
///
/// When a signal interrupts the host (SIGSTOP and SIGCONT do), every event carries EINTR, and its registrations
/// stay behind. Asked the same again it answers EEXIST for each of them, waits all the same, and is clean afterwards.
/// An error of one socket is no error of the wait: it counts as ready, and the next operation on it will say why.
fn take(events: &mut [Event]) -> Option<usize> {
    let mut kept = 0;
    for index in 0..events.len() {
        let Some(mut event) = events.get(index).copied() else { break };
        match i32::from(event.error) {
            libc::EINTR => return None,
            libc::EEXIST => continue,
            _ => event.error = 0,
        }
        let fd = event.userdata as Fd; // `mio_wasi` writes it there
        match event.type_ {
            EVENTTYPE_FD_READ => change(fd, |socket| socket.read = Direction::Told),
            EVENTTYPE_FD_WRITE => change(fd, |socket| socket.write = Direction::Told),
            _ => {}
        }
        if let Some(place) = events.get_mut(kept) {
            *place = event;
            kept += 1;
        }
    }
    (kept > 0).then_some(kept)
}

/// The socket that a subscription is about, and whether it is about reading. None: it is about a time-out.
fn socket_of(subscription: &Subscription) -> Option<(Fd, bool)> {
    match subscription.u.tag {
        // SAFETY: both variants have the same shape, and the tag says that it is one of them.
        EVENTTYPE_FD_READ => Some((unsafe { subscription.u.u.fd_read.file_descriptor }, true)),
        // SAFETY: as above.
        EVENTTYPE_FD_WRITE => Some((unsafe { subscription.u.u.fd_write.file_descriptor }, false)),
        _ => None,
    }
}

/// A tenth of a second: when there is nothing to wait for, at least the processor is not kept busy with it.
fn pause() -> Subscription {
    let clock = SubscriptionClock { id: CLOCKID_MONOTONIC, timeout: 100_000_000, precision: 1_000_000, flags: 0 };
    let userdata = u64::MAX; // which `mio_wasi` takes for its own time-out, and drops
    Subscription { userdata, u: SubscriptionU { tag: EVENTTYPE_CLOCK, u: SubscriptionUU { clock } } }
}

/// WasmEdge draws descriptors at random, so spreading their bits is all there is to do.
#[derive(Default)]
struct FdHasher(u64);

impl Hasher for FdHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u32(u32::from(*byte));
        }
    }

    fn write_u32(&mut self, value: u32) {
        self.0 = (self.0 ^ u64::from(value)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
