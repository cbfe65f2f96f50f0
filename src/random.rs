//! Numbers that nobody can foresee: for ids, traces and pauses. For no secrets.

use std::{
    hash::{BuildHasher, RandomState},
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
};

/// Another number each time, here and in other processes.
pub fn number() -> u64 {
    // Keyed by the operating system's random numbers, so no two processes count alike.
    static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    static COUNT: AtomicU64 = AtomicU64::new(0);

    KEY.hash_one(COUNT.fetch_add(1, Ordering::Relaxed))
}
