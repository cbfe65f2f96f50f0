//! How much memory bodies may take, of requests and of answers, over all connections: a module has four gigabytes at
//! most, and ends when there is no more.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::Error;

/// A body up to this size, in bytes, is always let in: there are no more of them than connections.
pub const SMALL: usize = 64 << 10;

/// What there is for larger ones.
pub struct Memory(Arc<Semaphore>);

/// A part of it, given back when this is dropped.
pub type Reserved = OwnedSemaphorePermit;

impl Memory {
    /// So many bytes.
    pub fn new(bytes: usize) -> Memory {
        Memory(Arc::new(Semaphore::new(bytes)))
    }

    /// Takes so many bytes of it.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when there are fewer left.
    pub fn reserve(&self, bytes: u32) -> Result<Reserved, Error> {
        let reserved = self.0.clone().try_acquire_many_owned(bytes);
        reserved.map_err(|_| Error::Unavailable("too many large requests at the same time", None))
    }
}
