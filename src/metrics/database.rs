//! The use of the database: how long one waits for a connection, how long it is used for, and what comes of that.

use std::time::SystemTime;

use super::{
    histogram::{Gauge, Histogram},
    text::Text,
};
use crate::error::Error;

const DURATION: &str = "db_client_operation_duration_seconds";
const WAIT: &str = "db_client_connections_wait_duration_seconds";

/// What may come of an operation, as the label `error_type` has it: nothing, others hold a lock, no answer, a fault, and
/// that nobody waited for it any longer, most often because its time was up.
const OUTCOMES: [&str; 5] = ["", "locked", "unavailable", "internal", "given_up"];
const GIVEN_UP: usize = 4;

/// What is known of it.
#[derive(Default)]
pub struct Usage {
    /// How long it took to get a connection.
    pub wait: Histogram,
    /// Those who wait for one.
    pub pending: Gauge,
    operations: [Histogram; OUTCOMES.len()],
}

/// An operation that is under way: a statement, or a transaction. It is counted when this is dropped.
pub struct Operation<'a> {
    usage: &'a Usage,
    started: SystemTime,
    outcome: usize,
}

impl Usage {
    /// One that begins now.
    pub fn begin(&self) -> Operation<'_> {
        Operation { usage: self, started: SystemTime::now(), outcome: GIVEN_UP }
    }

    /// Writes it down, for a pool of so many connections, of which so many are free.
    pub fn write(&self, text: &mut Text, size: usize, free: usize) {
        let name = "db_client_connections";
        text.family(name, "gauge", "Connections to the database in use, and those that may be had, open or not.");
        text.sample(name, &[("state", "used")], size.saturating_sub(free));
        text.sample(name, &[("state", "free")], free);
        text.single("db_client_connections_max", "gauge", "DB_POOL_SIZE.", size);
        let pending = self.pending.get();
        text.single("db_client_connections_pending_requests", "gauge", "Those who wait for a connection.", pending);
        text.family(WAIT, "histogram", "The wait for a connection, with the time to open it.");
        text.histogram(WAIT, &[], &self.wait);
        text.family(DURATION, "histogram", "A statement or a transaction, without the wait for its connection.");
        for (outcome, histogram) in OUTCOMES.iter().zip(&self.operations) {
            text.histogram(DURATION, &[("error_type", outcome)], histogram);
        }
    }
}

impl Operation<'_> {
    /// It has come to an end. What the database did as it was asked to is no error, whatever the caller makes of it.
    pub fn end<T>(mut self, result: &Result<T, Error>) {
        self.outcome = match result {
            Err(Error::Locked(_)) => 1,
            Err(Error::Unavailable(..)) => 2,
            Err(Error::Internal(_)) => 3,
            _ => 0,
        };
    }
}

impl Drop for Operation<'_> {
    #[inline(never)] // there is one at each use of the database, and the module is to be small
    fn drop(&mut self) {
        if let Some(histogram) = self.usage.operations.get(self.outcome) {
            histogram.observe(self.started.elapsed().unwrap_or_default());
        }
    }
}
