//! How much memory bodies may take, of requests and of answers, over all connections: a module has four gigabytes at
//! most, and ends when there is no more.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{error::Error, metrics::Text};

/// A body up to this size, in bytes, is always let in: there are no more of them than connections.
pub const SMALL: usize = 64 << 10;

/// What there is for larger ones.
pub struct Memory {
    bytes: usize,
    left: Arc<Semaphore>,
}

/// A part of it, given back when this is dropped.
pub type Reserved = OwnedSemaphorePermit;

impl Memory {
    /// So many bytes.
    pub fn new(bytes: usize) -> Memory {
        Memory { bytes, left: Arc::new(Semaphore::new(bytes)) }
    }

    /// Writes down how much of it is taken.
    pub fn write_metrics(&self, text: &mut Text) {
        let held = self.bytes.saturating_sub(self.left.available_permits());
        text.single("http_server_bodies_bytes", "gauge", "Bodies over 64 KiB in memory.", held);
        text.single("http_server_bodies_max_bytes", "gauge", "MAX_BODIES_BYTES.", self.bytes);
    }

    /// Takes so many bytes of it.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when there are fewer left.
    pub fn reserve(&self, bytes: u32) -> Result<Reserved, Error> {
        // The semaphore would panic if it were asked for more than it could ever have.
        let possible = Some(bytes).filter(|bytes| *bytes as usize <= self.bytes);
        let reserved = possible.and_then(|bytes| self.left.clone().try_acquire_many_owned(bytes).ok());
        reserved.ok_or(Error::Unavailable("too many large requests at the same time", None))
    }
}
