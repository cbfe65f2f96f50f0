//! What the two sides of a connection tell each other: the one that handles its requests, and the one that moves bytes.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU8, Ordering},
};

use crate::memory::Reserved;

/// How far the request that is on a connection has got.
#[derive(Default)]
pub struct Progress {
    stage: AtomicU8,
    /// The memory of the answer.
    held: Mutex<Option<Reserved>>,
}

/// There is no request, or its answer is on its way.
const NONE: u8 = 0;
const HANDLED: u8 = 1;
const ANSWERED: u8 = 2;

impl Progress {
    /// A handler has it. How long that takes is not the connection's to say.
    pub fn begin(&self) {
        self.stage.store(HANDLED, Ordering::Relaxed);
    }

    /// Its answer is about to be sent.
    pub fn answer(&self) {
        self.stage.store(ANSWERED, Ordering::Relaxed);
    }

    /// Keeps this until the answer has been sent.
    pub fn hold(&self, memory: Reserved) {
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = Some(memory);
    }

    /// Whether a handler has the request, or has answered it and nothing of that has been sent.
    pub fn is_busy(&self) -> bool {
        self.stage.load(Ordering::Relaxed) != NONE
    }

    /// Something has been sent: the answer, if there is one. (An interim 100 comes while a handler has the request.)
    pub fn sent(&self) {
        let _ = self.stage.compare_exchange(ANSWERED, NONE, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Everything has been sent.
    pub fn flushed(&self) {
        if !self.is_busy() {
            *self.held.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }
}
