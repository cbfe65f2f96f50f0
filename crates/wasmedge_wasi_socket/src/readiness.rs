//! Which sockets to wait for, and what the host said of them.
//!
//! The host registers every socket of a call with `epoll` anew, and describes each ready one with two or three more
//! system calls; so the fewer it is asked about, the better. `mio_wasi` asks about every socket in both directions.
//! But a socket can be written to unless it has just refused bytes, and nobody cares whether it can be read until
//! what the last event announced has been read. Each operation on a socket therefore leaves a mark here, and
//! [`wait`] asks the host only about what is open.
//!
//! A client that has sent a request has nothing more to say until it is answered, and one that has been silent for a
//! while will probably stay so. Of many such connections the host is asked now and then only: see [`Round`].

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
    io,
};

use crate::{
    clock, host,
    refusal::Refusal,
    wasi_poll::{EVENTTYPE_CLOCK, EVENTTYPE_FD_READ, EVENTTYPE_FD_WRITE, Event, Fd, Subscription},
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
    /// When it was last read from or written to: see [`moment`].
    used: u32,
    /// How many bytes were read from it in which turn, that is, between which two waits.
    received: usize,
    turn: u32,
    refusal: Refusal,
}

impl Socket {
    fn is_idle(&self, now: u32) -> bool {
        self.accepted && now.wrapping_sub(self.used) > IDLE
    }
}

type Sockets = HashMap<Fd, Socket, BuildHasherDefault<FdHasher>>;

thread_local! {
    static SOCKETS: RefCell<Sockets> = RefCell::default();
    static ROUND: RefCell<Round> = RefCell::default();
    /// Counts the waits.
    static TURN: Cell<u32> = const { Cell::new(0) };
}

/// So many bytes are read from a socket before the others have their turn. A peer that sends without an end what the
/// crates above read without an end, such as the extension of a chunk, would be the only one that is heard.
const MOST_A_TURN: usize = 256 << 10;

/// A new socket: it can be written to; whether it can be read is the host's to say.
pub fn opened(fd: Fd, accepted: bool) {
    let (read, write) = (Direction::Awaited, Direction::Ready);
    let (quiet, used, refusal) = (false, moment(), Refusal::new(accepted));
    let socket = Socket { read, write, accepted, quiet, used, received: 0, turn: 0, refusal };
    SOCKETS.with_borrow_mut(|sockets| sockets.insert(fd, socket));
}

/// A socket that is no more.
pub fn closed(fd: Fd) {
    SOCKETS.with_borrow_mut(|sockets| sockets.remove(&fd));
}

/// Whether so much has been read from the socket that it has to wait for the next turn.
pub fn has_had_its_turn(fd: Fd) -> bool {
    let mut has_had = false;
    change(fd, |socket| {
        has_had = socket.turn == TURN.get() && socket.received >= MOST_A_TURN;
        if has_had {
            socket.read = Direction::Awaited;
        }
    });
    has_had
}

/// So many bytes were read from the socket.
pub fn received(fd: Fd, bytes: usize) {
    change(fd, |socket| {
        let before = if socket.turn == TURN.get() { socket.received } else { 0 };
        (socket.received, socket.turn) = (before.saturating_add(bytes), TURN.get());
    });
}

/// The socket was read from, or accepted from: the next event matters again.
/// `emptied`: there was less than there was room for.
pub fn was_read(fd: Fd, emptied: bool) {
    change(fd, |socket| {
        socket.read = Direction::Awaited;
        socket.quiet = socket.accepted && emptied;
        socket.used = moment();
    });
}

/// The socket was written to.
/// `filled`: it did not take all of it, so it is ready when the host says so.
pub fn was_written(fd: Fd, filled: bool) {
    change(fd, |socket| {
        socket.quiet = false;
        socket.used = moment();
        if filled {
            socket.write = Direction::Awaited;
        } else {
            socket.refusal.written();
        }
    });
}

/// There was nothing to read: `errno`, or the end if it is 0. What the reader is to be told, as an errno.
pub fn read_failed(fd: Fd, errno: u16) -> u16 {
    let mut told = errno;
    change(fd, |socket| {
        told = socket.refusal.read_failed(errno);
        if socket.refusal.is_known() {
            socket.read = Direction::Ready; // the reader comes back for it
        }
    });
    told
}

/// The socket could not be connected.
pub fn failed(fd: Fd, errno: u16) {
    change(fd, |socket| socket.refusal.connect_failed(errno));
}

/// The errno that [`failed`] was told, once; then 0.
pub fn take_error(fd: Fd) -> u16 {
    SOCKETS.with_borrow_mut(|sockets| sockets.get_mut(&fd).map_or(0, |socket| socket.refusal.take()))
}

/// The time in units of a millisecond (and a twentieth): small, because the table is read at every wait.
fn moment() -> u32 {
    (clock::now() >> 20) as u32
}

fn change(fd: Fd, change: impl FnOnce(&mut Socket)) {
    SOCKETS.with_borrow_mut(|sockets| sockets.get_mut(&fd).map(change));
}

/// Waits for what is open among `subscriptions`; writes what happened to `events`, which has room for all of them.
pub fn wait(subscriptions: &[Subscription], events: &mut [Event]) -> io::Result<usize> {
    TURN.set(TURN.get().wrapping_add(1));
    ROUND.with_borrow_mut(|round| {
        let known = SOCKETS.with_borrow_mut(|sockets| round.select(subscriptions, sockets, events));
        if known > 0 {
            clock::waited(); // however many new sockets there are, time goes on
            return Ok(known);
        }
        let all = round.skipped == 0;
        if !all {
            round.limit(LULL);
        } else if round.open.is_empty() {
            round.limit(100_000_000); // nothing to wait for: at least the processor is not kept busy with it
        }
        loop {
            let open = &round.open;
            let mut ready = 0;
            // SAFETY: both slices are as long as the count says; `events` has room for every subscription, and there
            // is one even where `limit` added a time-out: that is, where another was left out.
            let errno = unsafe { host::poll_oneoff(open.as_ptr(), events.as_mut_ptr(), open.len(), &mut ready) };
            clock::waited();
            host::check(errno)?;
            if let Some(kept) = round.take(events.get_mut(..ready).unwrap_or_default()) {
                if all {
                    round.next_with_all = clock::now() + round.pause();
                }
                return Ok(kept);
            }
        }
    })
}

/// So many quiet sockets are cheaper to ask about than to leave out and take in again. (Measured: at 32 connections
/// leaving them out costs 7 % of the requests per second, at 128 nothing, at 512 it gains 75 %.)
const FEW_QUIET: usize = 100;

/// The same of idle ones, which stay so for longer.
const FEW_IDLE: usize = 20;

/// How long nobody must have read from or written to a client's socket that counts as idle: see [`moment`].
const IDLE: u32 = 20;

/// For how many nanoseconds nothing must happen before a call with all. (Not less: a timer that is due before the
/// kernel's own tick must be set in the hardware, which takes longer than all else in a call.)
const LULL: u64 = 10_000_000;

/// One call of the host.
///
/// While some clients keep the service busy, many quiet or idle ones are left out for some milliseconds; then comes a
/// call with all. So one that speaks after a pause or out of turn (a long upload, pipelined requests, one that leaves)
/// is heard a little late then, and at once when the service is not busy.
#[derive(Default)]
struct Round {
    /// What the host is asked about.
    open: Vec<Subscription>,
    /// How many clients wait for an answer.
    quiet: usize,
    /// How many clients have been silent for a while.
    idle: usize,
    /// Somebody who was not idle has spoken, and no lull has come since.
    busy: bool,
    /// How many of both are left out.
    skipped: usize,
    /// When nobody will be left out, on the monotonic clock.
    next_with_all: u64,
}

impl Round {
    /// Sorts out what the host must be asked about, and writes to `events` what is known without asking.
    fn select(&mut self, subscriptions: &[Subscription], sockets: &mut Sockets, events: &mut [Event]) -> usize {
        let skip = self.busy && clock::now() < self.next_with_all;
        let (skip_quiet, skip_idle) = (skip && self.quiet > FEW_QUIET, skip && self.idle > FEW_IDLE);
        let now = moment();
        self.open.clear();
        (self.quiet, self.idle, self.skipped) = (0, 0, 0);
        let mut known = 0;
        for subscription in subscriptions {
            let socket = subscription.socket().and_then(|(fd, is_read)| Some((sockets.get_mut(&fd)?, is_read)));
            let Some((socket, is_read)) = socket else {
                self.open.push(*subscription); // a time-out, or a descriptor that is not ours
                continue;
            };
            let idle = socket.is_idle(now);
            let direction = if is_read { &mut socket.read } else { &mut socket.write };
            match direction {
                Direction::Awaited => {
                    let quiet = is_read && socket.quiet;
                    let idle = is_read && idle && !quiet;
                    self.quiet += usize::from(quiet);
                    self.idle += usize::from(idle);
                    if quiet && skip_quiet || idle && skip_idle {
                        self.skipped += 1;
                    } else {
                        self.open.push(*subscription);
                    }
                    continue;
                }
                Direction::Ready => {}
                Direction::Told if idle && !is_read => {} // `mio_wasi` asks no more when it has heard so twice
                Direction::Told => continue,
            }
            if let Some(event) = events.get_mut(known) {
                let (userdata, type_) = (subscription.userdata, subscription.u.tag);
                *event = Event { userdata, type_, ..Event::default() };
                *direction = Direction::Told;
                known += 1;
            }
        }
        known
    }

    /// Marks what happened; moves what the crates above shall see to the front, and counts it. None: wait again.
    /// They see no time-out: they look at the clock themselves.
    ///
    /// When a signal interrupts the host (SIGSTOP and SIGCONT do), every event carries EINTR, and its registrations
    /// stay behind. Asked the same again it answers EEXIST for each of them, waits all the same, and is clean afterwards.
    /// An error of one socket is no error of the wait: it counts as ready, and the next operation on it will say why.
    fn take(&mut self, events: &mut [Event]) -> Option<usize> {
        let now = moment();
        let (mut kept, mut timed_out) = (0, false);
        for index in 0..events.len() {
            let Some(mut event) = events.get(index).copied() else { break };
            match i32::from(event.error) {
                libc::EINTR => return None,
                libc::EEXIST => continue,
                _ => event.error = 0,
            }
            let fd = event.userdata as Fd; // `mio_wasi` writes it there
            match event.type_ {
                EVENTTYPE_FD_READ => change(fd, |socket| {
                    socket.read = Direction::Told;
                    if socket.refusal.may_come() {
                        // Told that the peer has gone, tokio would not wait again before it has an error.
                        event.fd_readwrite.flags = 0;
                    }
                    self.busy |= socket.accepted && !socket.is_idle(now);
                }),
                EVENTTYPE_FD_WRITE => change(fd, |socket| socket.write = Direction::Told),
                _ => {
                    timed_out = true;
                    continue;
                }
            }
            if let Some(place) = events.get_mut(kept) {
                *place = event;
                kept += 1;
            }
        }
        self.busy &= kept > 0;
        (kept > 0 || timed_out).then_some(kept)
    }

    /// For how many nanoseconds sockets are left out: the more of them there are the longer.
    fn pause(&self) -> u64 {
        (40_000 * (self.quiet + self.idle) as u64).clamp(1_000_000, 20_000_000)
    }

    /// Makes the call end after so many nanoseconds.
    fn limit(&mut self, nanoseconds: u64) {
        let time_out = self.open.iter_mut().find(|subscription| subscription.u.tag == EVENTTYPE_CLOCK);
        if let Some(time_out) = time_out {
            // SAFETY: the tag says that it is a clock.
            let clock = unsafe { &mut time_out.u.u.clock };
            clock.timeout = clock.timeout.min(nanoseconds);
        } else {
            self.open.push(Subscription::time_out(nanoseconds));
        }
    }
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
