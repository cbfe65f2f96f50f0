//! The monotonic clock, as of the last wait. (libuv's loops keep their time so as well.)
//!
//! Reading the clock takes a call to the host, and the crates above read it often: the MySQL driver for every packet
//! of an answer, tokio for every time-out. What happens between two waits takes microseconds, and a time-out does
//! not need to know which one. Whoever measures how long a computation takes must use `std::time::SystemTime`.

use std::{
    cell::Cell,
    ffi::{c_int, c_void},
};

use crate::{
    host,
    wasi_poll::{CLOCKID_MONOTONIC, Clockid},
};

thread_local! {
    static NOW: Cell<Option<u64>> = const { Cell::new(None) };
}

/// Time has passed.
pub fn waited() {
    NOW.set(None);
}

/// Nanoseconds of the monotonic clock, as of the last wait.
pub fn now() -> u64 {
    NOW.get().unwrap_or_else(|| {
        let now = read(CLOCKID_MONOTONIC).unwrap_or_default();
        NOW.set(Some(now));
        now
    })
}

fn read(clock: Clockid) -> Option<u64> {
    let mut now = 0;
    // SAFETY: the pointer is good for the call.
    let errno = unsafe { host::clock_time_get(clock, 1, &mut now) };
    (errno == 0).then_some(now)
}

/// In place of wasi-libc's function, which `std::time` calls.
///
/// # Safety
/// As the C function's: `clock` is one of wasi-libc's `CLOCK_` constants, `time` is good for the call.
#[unsafe(no_mangle)]
unsafe extern "C" fn clock_gettime(clock: *const c_void, time: *mut libc::timespec) -> c_int {
    // SAFETY: a clock of wasi-libc's is a struct of one member, its number in WASI.
    let id = unsafe { *clock.cast::<Clockid>() };
    let nanoseconds = if id == CLOCKID_MONOTONIC { Some(now()) } else { read(id) };
    let Some(nanoseconds) = nanoseconds else { return -1 };
    let second = 1_000_000_000;
    // SAFETY: the caller's promise.
    unsafe {
        *time = libc::timespec { tv_sec: (nanoseconds / second) as _, tv_nsec: (nanoseconds % second) as _ };
    }
    0
}
