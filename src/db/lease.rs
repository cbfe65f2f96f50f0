//! A connection on loan from the pool. Knows no time limit.

use anyhow::anyhow;
use mysql_async::{Conn, prelude::Queryable};
use tokio::{sync::OwnedSemaphorePermit, time::timeout};

use super::GOODBYE;
use crate::error::Error;

/// A connection at work, with the permit for it. Dropped in the middle of the work, because time is up or the client
/// has gone, it is closed: back in the pool its late answer would be taken for the next one's, its transaction or lock
/// would hold the next one's work, and where the database has fallen silent it would never be free again.
pub struct Lease(Option<(Conn, OwnedSemaphorePermit)>);

impl Lease {
    /// That of this connection, which is used with this permit.
    pub fn new(conn: Conn, permit: OwnedSemaphorePermit) -> Lease {
        Lease(Some((conn, permit)))
    }

    /// The connection.
    ///
    /// # Errors
    /// [`Error::Internal`] when it has been given back.
    pub fn conn(&mut self) -> Result<&mut Conn, Error> {
        let conn = self.0.as_mut().map(|(conn, _)| conn);
        conn.ok_or_else(|| Error::Internal(anyhow!("the connection has been given back")))
    }

    /// Does work on it, in a transaction or not, and gives it back.
    ///
    /// # Errors
    /// The database's, or the work's own.
    pub async fn work<T>(
        mut self,
        work: impl AsyncFnOnce(&mut Conn) -> Result<T, Error>,
        in_transaction: bool,
    ) -> Result<T, Error> {
        if in_transaction {
            self.conn()?.query_drop("START TRANSACTION").await?;
        }
        let result = work(self.conn()?).await;
        if in_transaction {
            let end = if result.is_ok() { "COMMIT" } else { "ROLLBACK" };
            if let Err(error) = self.conn()?.query_drop(end).await {
                return result.and(Err(error.into()));
            }
        }
        self.release();
        result
    }

    /// Gives it back to the pool. The driver drops it if it is broken.
    pub fn release(mut self) {
        self.0 = None;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some((conn, permit)) = self.0.take() {
            tokio::spawn(async move {
                let _ = timeout(GOODBYE, conn.disconnect()).await;
                drop(permit);
            });
        }
    }
}
