//! The database: a pool of connections, each use of it bounded in time. Knows no table.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use anyhow::anyhow;
use mysql_async::{Conn, OptsBuilder, Pool, PoolConstraints, PoolOpts, Transaction, TxOpts, prelude::Queryable};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::timeout,
};

use crate::{config::Config, error::Error};

/// What every connection is set to: what does not fit a column is an error, never cut to size.
const SESSION: &str = "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'";

/// The pool. It connects when it is first used, and again whenever a connection has gone.
pub struct Database {
    pool: Pool,
    /// One for each connection. Waiting for one can be given up safely, which the pool's own queue does not promise.
    permits: Semaphore,
    /// For those that wait for a client meanwhile.
    long_permits: Semaphore,
    acquire_timeout: Duration,
    timeout: Duration,
    open: AtomicBool,
}

impl Database {
    /// A pool as `config` has it. Nothing is connected yet.
    pub fn new(config: &Config) -> Database {
        let size = config.db_pool_size;
        let options = OptsBuilder::from_opts(config.database.clone())
            // A replaced row counts even when nothing in it differs.
            .client_found_rows(true)
            // The sandbox has no Unix sockets; the native build shall do the same.
            .prefer_socket(false)
            .setup(vec![SESSION])
            .pool_opts(
                PoolOpts::new()
                    // As many at least as at most: the pool closes what is above its minimum whenever it is returned.
                    .with_constraints(PoolConstraints::new(size, size).unwrap_or_default())
                    // Prepared statements live as long as the connection. Nothing else is left behind in a session:
                    // the driver rolls back what was not committed.
                    .with_reset_connection(false),
            );
        Database {
            pool: Pool::new(options),
            permits: Semaphore::new(size),
            long_permits: Semaphore::new((size / 4).max(1)),
            acquire_timeout: config.db_acquire_timeout,
            timeout: config.db_timeout,
            open: AtomicBool::new(false),
        }
    }

    /// Lets requests in, once the schema is in place.
    pub fn open(&self) {
        self.open.store(true, Ordering::Relaxed);
    }

    /// Whether a request's work could be done now.
    ///
    /// # Errors
    /// [`Error::Unavailable`] with the reason.
    pub async fn ping(&self) -> Result<(), Error> {
        self.run(async |conn| Ok(conn.ping().await?)).await
    }

    /// Does one request's work on a connection, within the time limit. Work that is given up, because time is up
    /// or the client has gone, ends the connection, and with it whatever was not committed.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when there is no connection to be had or the time is up; otherwise the work's own.
    pub async fn run<T>(&self, work: impl AsyncFnOnce(&mut Conn) -> Result<T, Error>) -> Result<T, Error> {
        self.check_open()?;
        self.run_within(self.timeout, work).await
    }

    fn check_open(&self) -> Result<(), Error> {
        match self.open.load(Ordering::Relaxed) {
            true => Ok(()),
            false => Err(Error::Unavailable("the database cannot be reached, or its schema is not in place yet", None)),
        }
    }

    /// The same in a transaction, which is committed when the work is done and rolled back when it fails.
    ///
    /// # Errors
    /// As [`Database::run`].
    pub async fn transaction<T>(
        &self,
        work: impl AsyncFnOnce(&mut Transaction<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.run(async |conn| {
            let mut transaction = conn.start_transaction(TxOpts::default()).await?;
            let value = work(&mut transaction).await?;
            transaction.commit().await?;
            Ok(value)
        })
        .await
    }

    /// Begins a transaction for work that waits for a client between its statements. At most a quarter of the
    /// connections can be in one; each statement has the usual time limit, and how long the client may take is the
    /// caller's to say.
    ///
    /// # Errors
    /// As [`Database::run`].
    pub async fn begin(&self) -> Result<OpenTransaction<'_>, Error> {
        self.check_open()?;
        let permits = (self.permit(&self.long_permits).await?, self.permit(&self.permits).await?);
        let begin = async { Ok(self.pool.start_transaction(TxOpts::default()).await?) };
        let inner = within(self.timeout, begin).await?;
        Ok(OpenTransaction { inner, timeout: self.timeout, _permits: permits })
    }

    /// Does work on a connection within `limit`, whether or not requests are let in.
    ///
    /// # Errors
    /// As [`Database::run`].
    pub async fn run_within<T>(
        &self,
        limit: Duration,
        work: impl AsyncFnOnce(&mut Conn) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let _permit = self.permit(&self.permits).await?;
        within(limit, async {
            let mut conn = self.pool.get_conn().await?;
            work(&mut conn).await
        })
        .await
    }

    async fn permit<'a>(&self, permits: &'a Semaphore) -> Result<SemaphorePermit<'a>, Error> {
        match timeout(self.acquire_timeout, permits.acquire()).await {
            Ok(permit) => permit.map_err(|closed| Error::Internal(closed.into())),
            Err(_) => Err(Error::Unavailable("every connection to the database is busy", None)),
        }
    }
}

/// A transaction that is under way. Dropped, it is rolled back.
pub struct OpenTransaction<'a> {
    /// What the statements go to, each within `timeout`.
    pub inner: Transaction<'static>,
    /// How long a statement may take.
    pub timeout: Duration,
    _permits: (SemaphorePermit<'a>, SemaphorePermit<'a>),
}

impl OpenTransaction<'_> {
    /// Keeps what was done.
    ///
    /// # Errors
    /// As [`within`].
    pub async fn commit(self) -> Result<(), Error> {
        within(self.timeout, async { Ok(self.inner.commit().await?) }).await
    }
}

/// Waits for the database no longer than `limit`.
///
/// # Errors
/// [`Error::Unavailable`] when the time is up; otherwise the work's own.
pub async fn within<T>(limit: Duration, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    timeout(limit, work).await.unwrap_or_else(|_| {
        let cause = anyhow!("no answer within {limit:?}");
        Err(Error::Unavailable("the database did not answer in time", Some(cause)))
    })
}
