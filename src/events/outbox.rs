//! The outbox: a change's events, written in the transaction of the change itself, so that the two are there together or
//! not at all. Knows no sink.

use lz4_flex::block::{compress_prepend_size, decompress_size_prepended, uncompressed_size};
use mysql_async::{Conn, prelude::Queryable};
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::Notify;

use crate::{
    db::{Database, LongTransaction},
    error::Error,
    random,
    trace::Trace,
};

const ADD: &str = "INSERT INTO outbox (batch, kind, time, count, events, traceparent)
    VALUES (?, ?, TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6)), ?, ?, ?)";

/// The most bytes that a row's events take: far more than those of one statement.
const MOST_BYTES: usize = 64 << 20;

/// Where events are written, if anybody is told.
pub struct Outbox {
    is_on: bool,
    /// That something was written.
    added: Notify,
}

/// One change of a row.
pub struct Change<'a, T> {
    /// What was changed, such as `things/3`: at most 255 ASCII characters.
    pub key: String,
    /// Greater than that of the change before it, of the same key.
    pub sequence: u64,
    /// As it is now, or was before it was deleted.
    pub data: &'a T,
}

impl Outbox {
    /// One that takes what is written to it, or one that drops it.
    pub fn new(is_on: bool) -> Outbox {
        Outbox { is_on, added: Notify::new() }
    }

    /// Whether anybody is told.
    pub fn is_on(&self) -> bool {
        self.is_on
    }

    /// Does work that changes rows and [`add`](Outbox::add)s their events: in a transaction if anybody is told, and
    /// otherwise as [`Database::run`].
    ///
    /// # Errors
    /// As [`Database::run`].
    pub async fn change<T>(
        &self,
        db: &Database,
        work: impl AsyncFnOnce(&mut Conn) -> Result<T, Error> + Clone,
    ) -> Result<T, Error> {
        if !self.is_on {
            return db.run(work).await;
        }
        self.change_together(db, work).await
    }

    /// The same in a transaction, whether or not anybody is told.
    ///
    /// # Errors
    /// As [`Database::run`].
    pub async fn change_together<T>(
        &self,
        db: &Database,
        work: impl AsyncFnOnce(&mut Conn) -> Result<T, Error> + Clone,
    ) -> Result<T, Error> {
        let value = db.transaction(work).await?;
        self.added.notify_one();
        Ok(value)
    }

    /// Commits such work.
    ///
    /// # Errors
    /// As [`LongTransaction::commit`].
    pub async fn commit(&self, transaction: LongTransaction) -> Result<(), Error> {
        transaction.commit().await?;
        self.added.notify_one();
        Ok(())
    }

    /// Writes the events of one statement's changes, each of another row, in the transaction that `conn` is in. `kind` is
    /// what has happened, such as `thing.created`. They belong to the trace of the request that is being answered.
    ///
    /// # Errors
    /// [`Error::Internal`] when the data cannot be written as JSON; otherwise the database's.
    pub async fn add<'a, T: Serialize + 'a>(
        &self,
        conn: &mut Conn,
        kind: &str,
        changes: impl IntoIterator<Item = Change<'a, T>>,
    ) -> Result<(), Error> {
        if !self.is_on {
            return Ok(());
        }
        let (mut events, mut count) = (Vec::new(), 0_u32);
        for Change { key, sequence, data } in changes {
            events.push(if count == 0 { b'[' } else { b',' });
            serde_json::to_writer(&mut events, &(key, sequence, data))
                .map_err(|error| Error::Internal(error.into()))?;
            count = count.saturating_add(1);
        }
        if count > 0 {
            events.push(b']');
            let (events, trace) = (compress_prepend_size(&events), Trace::current());
            let traceparent = trace.as_ref().map(Trace::traceparent);
            conn.exec_drop(ADD, (random_id(), kind, count, events, traceparent)).await?;
        }
        Ok(())
    }

    /// Waits until something has been written since the last time.
    pub async fn added(&self) {
        self.added.notified().await;
    }
}

/// The changes that [`add`](Outbox::add) has written: key, sequence, data.
///
/// # Errors
/// [`Error::Internal`] when somebody else has written them.
pub fn read(events: &[u8]) -> Result<Vec<(String, u64, Box<RawValue>)>, Error> {
    // The size is written before them, and so much memory is taken for them.
    let size = uncompressed_size(events).map_err(|error| Error::Internal(error.into()))?.0;
    if size > MOST_BYTES {
        return Err(Error::Internal(anyhow::anyhow!("events of {size} bytes")));
    }
    let events = decompress_size_prepended(events).map_err(|error| Error::Internal(error.into()))?;
    serde_json::from_slice(&events).map_err(|error| Error::Internal(error.into()))
}

/// 128 random bits, as 32 digits. Two instances, or one before and after a restart, do not make the same.
pub fn random_id() -> String {
    format!("{:016x}{:016x}", random::number(), random::number())
}
