//! Which sockets to wait for, and what the host said of them.
//!
//! The host registers every socket of a call with `epoll` anew, and describes each ready one with two or three more
//! system calls; so the fewer it is asked about, the better. `mio_wasi` asks about every socket in both directions.
//! But a socket can be written to unless it has just refused bytes, and nobody cares whether it can be read until
//! what the last event announced has been read. Each operation on a socket therefore leaves a mark here, and
//! [`wait`] asks the host only about what is open.
//!
//! A client that has sent a request has nothing more to say until it is answered, and while the service is busy most
//! connections are in that state. They are asked about now and then only: see [`Round`].

use std::{
    cell::RefCell,
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
    io,
};

use crate::{
    clock, host,
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
    /// A client's: it speaks first, and then waits for an answer.
    accepted: bool,
    /// It has sent something, probably all that it had, and has got no answer yet.
    quiet: bool,
}

type Sockets = HashMap<Fd, Socket, BuildHasherDefault<FdHasher>>;

thread_local! {
    static SOCKETS: RefCell<Sockets> = RefCell::default();
    static ROUND: RefCell<Round> = RefCell::default();
}

/// A new socket: it can be written to; whether it can be read is the host's to say.
pub fn opened(fd: Fd, accepted: bool) {
    let socket = Socket { read: Direction::Awaited, write: Direction::Ready, accepted, quiet: false };
    SOCKETS.with_borrow_mut(|sockets| sockets.insert(fd, socket));
}

/// A socket that is no more.
pub fn closed(fd: Fd) {
    SOCKETS.with_borrow_mut(|sockets| sockets.remove(&fd));
}

/// The socket was read from, or accepted from: the next event matters again.
/// `emptied`: there was less than there was room for.
pub fn was_read(fd: Fd, emptied: bool) {
    change(fd, |socket| {
        socket.read = Direction::Awaited;
        socket.quiet = socket.accepted && emptied;
    });
}

/// The socket was written to.
/// `filled`: it did not take all of it, so it is ready when the host says so.
pub fn was_written(fd: Fd, filled: bool) {
    change(fd, |socket| {
        socket.quiet = false;
        if filled {
            socket.write = Direction::Awaited;
        }
    });
}

fn change(fd: Fd, change: impl FnOnce(&mut Socket)) {
    SOCKETS.with_borrow_mut(|sockets| sockets.get_mut(&fd).map(change));
}

/// Waits for what is open among `subscriptions`; writes what happened to `events`, which has room for all of them.
pub fn wait(subscriptions: &[Subscription], events: &mut [Event]) -> io::Result<usize> {
    ROUND.with_borrow_mut(|round| {
        let known = SOCKETS.with_borrow_mut(|sockets| round.select(subscriptions, sockets, events));
        if known > 0 {
            clock::waited(); // however many new sockets there are, time goes on
            return Ok(known);
        }
        round.plan();
        loop {
            let open = &round.open;
            let mut ready = 0;
            // SAFETY: both slices are as long as the count says; `events` has room for every subscription, and there
            // is one even where `plan` added a pause, because `wasi_poll::poll` takes no empty list.
            let errno = unsafe { host::poll_oneoff(open.as_ptr(), events.as_mut_ptr(), open.len(), &mut ready) };
            clock::waited();
            host::check(errno)?;
            let events = events.get_mut(..ready).unwrap_or_default();
            if let Some(kept) = take(events) {
                if events.iter().take(kept).all(|event| event.type_ == EVENTTYPE_CLOCK) {
                    round.calls_without_quiet = usize::MAX >> 1; // time is up: the next call asks about all
                }
                return Ok(kept);
            }
        }
    })
}

/// So many quiet sockets are cheaper to ask about than to leave out and take in again. (Measured: at 32 connections
/// leaving them out costs 7 % of the requests per second, at 128 nothing, at 512 it gains 75 %.)
const FEW: usize = 100;

/// One call of the host, and when the quiet sockets were last part of one.
#[derive(Default)]
struct Round {
    open: Vec<Subscription>,
    quiet: Vec<Subscription>,
    calls_without_quiet: usize,
}

impl Round {
    /// Sorts out what the host must be asked about, and writes to `events` what is known without asking.
    fn select(&mut self, subscriptions: &[Subscription], sockets: &mut Sockets, events: &mut [Event]) -> usize {
        self.open.clear();
        self.quiet.clear();
        let mut known = 0;
        for subscription in subscriptions {
            let socket = socket_of(subscription).and_then(|(fd, is_read)| Some((sockets.get_mut(&fd)?, is_read)));
            let Some((socket, is_read)) = socket else {
                self.open.push(*subscription); // a time-out, or a descriptor that is not ours
                continue;
            };
            let direction = if is_read { &mut socket.read } else { &mut socket.write };
            match direction {
                Direction::Awaited if is_read && socket.quiet => self.quiet.push(*subscription),
                Direction::Awaited => self.open.push(*subscription),
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
        known
    }

    /// Decides whether the quiet sockets are part of this call. They are left out while others keep the service busy,
    /// the more of them there are the longer, but never for many calls and never without a time-out: so a client that
    /// speaks out of turn (a long upload, pipelined requests, one that leaves) is heard a few milliseconds late.
    fn plan(&mut self) {
        let calls = self.quiet.len() / 2 + 8;
        let nanoseconds = (self.quiet.len() as u64 * 10_000).max(1_000_000);
        if self.quiet.len() > FEW && self.calls_without_quiet < calls && self.open.len() > 1 {
            let time_out = self.open.iter_mut().find(|subscription| subscription.u.tag == EVENTTYPE_CLOCK);
            if let Some(time_out) = time_out {
                // SAFETY: the tag says that it is a clock.
                let clock = unsafe { &mut time_out.u.u.clock };
                clock.timeout = clock.timeout.min(nanoseconds);
                self.calls_without_quiet += 1;
                return;
            }
        }
        self.calls_without_quiet = 0;
        self.open.append(&mut self.quiet);
        if self.open.is_empty() {
            self.open.push(pause());
        }
    }
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
