//! Waiting, in the shapes of WASI's `poll_oneoff`, as `mio_wasi` fills and reads them.
//! The names and layouts are those of `wasi_snapshot_preview1` (its `witx` files).
#![allow(missing_docs)] // they would repeat that page

pub type Fd = u32;
pub type Filesize = u64;
pub type Timestamp = u64;
pub type Errno = u16;
pub type Userdata = u64;

pub type Clockid = u32;
pub const CLOCKID_MONOTONIC: Clockid = 1;

pub type Eventtype = u8;
pub const EVENTTYPE_CLOCK: Eventtype = 0;
pub const EVENTTYPE_FD_READ: Eventtype = 1;
pub const EVENTTYPE_FD_WRITE: Eventtype = 2;

pub type Eventrwflags = u16;
pub const EVENTRWFLAGS_FD_READWRITE_HANGUP: Eventrwflags = 1;

pub type Subclockflags = u16;

#[repr(C)]
#[derive(Copy, Clone, Debug, Default)]
pub struct EventFdReadwrite {
    pub nbytes: Filesize,
    pub flags: Eventrwflags,
}

#[repr(C)]
#[derive(Copy, Clone, Debug, Default)]
pub struct Event {
    pub userdata: Userdata,
    pub error: Errno,
    pub type_: Eventtype,
    pub fd_readwrite: EventFdReadwrite,
}

#[repr(C)]
#[derive(Copy, Clone, Debug)]
pub struct SubscriptionClock {
    pub id: Clockid,
    pub timeout: Timestamp,
    pub precision: Timestamp,
    pub flags: Subclockflags,
}

#[repr(C)]
#[derive(Copy, Clone, Debug)]
pub struct SubscriptionFdReadwrite {
    pub file_descriptor: Fd,
}

#[repr(C)]
#[derive(Copy, Clone)]
pub union SubscriptionUU {
    pub clock: SubscriptionClock,
    pub fd_read: SubscriptionFdReadwrite,
    pub fd_write: SubscriptionFdReadwrite,
}

#[repr(C)]
#[derive(Copy, Clone)]
pub struct SubscriptionU {
    pub tag: Eventtype,
    pub u: SubscriptionUU,
}

#[repr(C)]
#[derive(Copy, Clone)]
pub struct Subscription {
    pub userdata: Userdata,
    pub u: SubscriptionU,
}

impl Subscription {
    /// The socket that it is about, and whether it is about reading. None: it is about a time-out.
    pub(crate) fn socket(&self) -> Option<(Fd, bool)> {
        match self.u.tag {
            // SAFETY: both variants have the same shape, and the tag says that it is one of them.
            EVENTTYPE_FD_READ => Some((unsafe { self.u.u.fd_read.file_descriptor }, true)),
            // SAFETY: as above.
            EVENTTYPE_FD_WRITE => Some((unsafe { self.u.u.fd_write.file_descriptor }, false)),
            _ => None,
        }
    }

    /// Ends a wait after so many nanoseconds.
    pub(crate) fn time_out(nanoseconds: u64) -> Subscription {
        let clock = SubscriptionClock { id: CLOCKID_MONOTONIC, timeout: nanoseconds, precision: 1_000_000, flags: 0 };
        Subscription { userdata: u64::MAX, u: SubscriptionU { tag: EVENTTYPE_CLOCK, u: SubscriptionUU { clock } } }
    }
}

/// Waits until something that `subscriptions` ask for has happened, and writes what it was to `events`.
/// Returns how many.
///
/// # Safety
/// Both pointers must be good for `count` items, and each subscription's `tag` must say what its union holds.
///
/// # Errors
/// The host's.
pub unsafe fn poll(subscriptions: *const Subscription, events: *mut Event, count: usize) -> std::io::Result<usize> {
    if count == 0 {
        return Err(std::io::ErrorKind::InvalidInput.into()); // which `mio_wasi` takes for "nothing to wait for"
    }
    // SAFETY: the caller's promise.
    let (subscriptions, events) =
        unsafe { (std::slice::from_raw_parts(subscriptions, count), std::slice::from_raw_parts_mut(events, count)) };
    crate::readiness::wait(subscriptions, events)
}
