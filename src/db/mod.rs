//! The database: a pool of connections, each use of it bounded in time. Knows no table.

mod columns;
mod lease;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::anyhow;
use mysql_async::{Conn, Pool, PoolConstraints, PoolOpts, prelude::Queryable};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};

pub use columns::Columns;
use lease::Lease;

use crate::{
    config::Config,
    error::Error,
    jitter,
    metrics::{Text, Usage},
    tls,
};

/// The server's code for a key that is there already.
pub const DUPLICATE_KEY: u16 = 1062;

/// What every connection is set to. What does not fit a column is an error, never cut to size. A statement waits a
/// quarter of the time limit for a lock (a second at least), so that there is time to try again. A transaction locks the rows that it
/// changes and not the gaps between them: fewer deadlocks.
fn session(time_limit: Duration) -> Vec<String> {
    let lock_wait = time_limit.as_secs().checked_div(4).unwrap_or_default().max(1);
    vec![
        format!(
            "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION',
                innodb_lock_wait_timeout = {lock_wait}, lock_wait_timeout = {lock_wait}"
        ),
        "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED".to_string(),
    ]
}

/// How often work is tried again when a lock could not be had.
const MOST_RETRIES: u32 = 3;

/// The longest pause before the first of these; it doubles each time.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// How long the database may take when nothing depends on it any more.
const GOODBYE: Duration = Duration::from_secs(1);

/// The pool. It connects when it is first used, and again whenever a connection has gone.
pub struct Database {
    pool: Pool,
    /// One for each connection. Waiting for one can be given up safely, which the pool's own queue does not promise.
    permits: Arc<Semaphore>,
    /// For those that wait for a client meanwhile.
    long_permits: Arc<Semaphore>,
    acquire_timeout: Duration,
    timeout: Duration,
    open: AtomicBool,
    size: usize,
    usage: Arc<Usage>,
}

impl Database {
    /// A pool as `config` has it. Nothing is connected yet.
    pub fn new(config: &Config) -> Database {
        let size = config.db_pool_size;
        let options = tls::database(config.database.clone(), config.ca_file.as_deref())
            // A replaced row counts even when nothing in it differs.
            .client_found_rows(true)
            // The sandbox has no Unix sockets; the native build shall do the same.
            .prefer_socket(false)
            .setup(session(config.db_timeout))
            // More than there are different statements: to forget one costs the next one dearly.
            .stmt_cache_size(64)
            .pool_opts(
                PoolOpts::new()
                    // As many at least as at most: the pool closes what is above its minimum whenever it is returned.
                    .with_constraints(PoolConstraints::new(size, size).unwrap_or_default())
                    // Prepared statements live as long as the connection. Nothing else is left behind in a session,
                    // see `Lease`.
                    .with_reset_connection(false),
            );
        Database {
            pool: Pool::new(options),
            permits: Arc::new(Semaphore::new(size)),
            long_permits: Arc::new(Semaphore::new((size / 4).max(1))),
            acquire_timeout: config.db_acquire_timeout,
            timeout: config.db_timeout,
            open: AtomicBool::new(false),
            size,
            usage: Arc::default(),
        }
    }

    /// Writes down how it is used.
    pub fn write_metrics(&self, text: &mut Text) {
        self.usage.write(text, self.size, self.permits.available_permits());
    }

    /// Lets requests in, once the schema is in place.
    pub fn open(&self) {
        self.open.store(true, Ordering::Relaxed);
    }

    /// Whether a request's work could be done now. Not asked by a ping, nor by `SELECT 1`: a node that has lost its
    /// cluster answers those.
    ///
    /// # Errors
    /// [`Error::Unavailable`] with the reason.
    pub async fn ping(&self) -> Result<(), Error> {
        self.run(async |conn| Ok(conn.query_drop("DO 0").await?)).await
    }

    /// Does one request's work on a connection, within the time limit; each statement holds by itself. The work is done
    /// again, up to three times, when others hold a lock that it needs. Work that is given up, because time is up or the
    /// client has gone, ends the connection.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when there is no connection to be had or the time is up, [`Error::Locked`] when trying
    /// again did not help; otherwise the work's own.
    pub async fn run<T>(&self, work: impl AsyncFnOnce(&mut Conn) -> Result<T, Error> + Clone) -> Result<T, Error> {
        self.check_open()?;
        within(self.timeout, self.retry(work, false)).await
    }

    /// The same in a transaction, which is committed when the work is done and rolled back when it fails or is given up.
    ///
    /// # Errors
    /// As [`Database::run`].
    pub async fn transaction<T>(
        &self,
        work: impl AsyncFnOnce(&mut Conn) -> Result<T, Error> + Clone,
    ) -> Result<T, Error> {
        self.check_open()?;
        within(self.timeout, self.retry(work, true)).await
    }

    /// Begins a transaction for work that waits for a client between its statements. At most a quarter of the
    /// connections can be in one. How long the client may take is the caller's to say, and nothing is tried again.
    ///
    /// # Errors
    /// As [`Database::run`].
    pub async fn begin(&self) -> Result<LongTransaction, Error> {
        self.check_open()?;
        let begin = async {
            let permit = self.permit(&self.long_permits).await?;
            let mut lease = self.lease().await?;
            lease.conn()?.query_drop("START TRANSACTION").await?;
            Ok(LongTransaction { lease, timeout: self.timeout, usage: self.usage.clone(), _permit: permit })
        };
        within(self.timeout, begin).await
    }

    /// Does work on a connection once, within `limit`, whether or not requests are let in.
    ///
    /// # Errors
    /// As [`Database::run`].
    pub async fn run_within<T>(
        &self,
        limit: Duration,
        work: impl AsyncFnOnce(&mut Conn) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut lease = within(self.timeout, self.lease()).await?;
        let value = within(limit, async { work(lease.conn()?).await }).await?;
        lease.release();
        Ok(value)
    }

    /// Says goodbye to the database server, if it listens.
    pub async fn close(&self) {
        let _ = timeout(GOODBYE, self.pool.clone().disconnect()).await;
    }

    async fn retry<T>(
        &self,
        work: impl AsyncFnOnce(&mut Conn) -> Result<T, Error> + Clone,
        in_transaction: bool,
    ) -> Result<T, Error> {
        let mut retries: u32 = 0;
        loop {
            match self.once(work.clone(), in_transaction).await {
                Err(Error::Locked(_)) if retries < MOST_RETRIES => {}
                done => return done,
            }
            let longest = FIRST_PAUSE.saturating_mul(1_u32.wrapping_shl(retries));
            sleep(jitter::up_to(longest)).await;
            retries = retries.saturating_add(1);
        }
    }

    async fn once<T>(
        &self,
        work: impl AsyncFnOnce(&mut Conn) -> Result<T, Error>,
        in_transaction: bool,
    ) -> Result<T, Error> {
        let lease = self.lease().await?;
        let operation = self.usage.begin();
        let result = lease.work(work, in_transaction).await;
        operation.end(&result);
        result
    }

    fn check_open(&self) -> Result<(), Error> {
        match self.open.load(Ordering::Relaxed) {
            true => Ok(()),
            false => Err(Error::Unavailable("the database cannot be reached, or its schema is not in place yet", None)),
        }
    }

    async fn lease(&self) -> Result<Lease, Error> {
        let (_pending, _timer) = (self.usage.pending.enter(), self.usage.wait.timer());
        let permit = self.permit(&self.permits).await?;
        Ok(Lease::new(self.pool.get_conn().await?, permit))
    }

    async fn permit(&self, permits: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Error> {
        match timeout(self.acquire_timeout, permits.clone().acquire_owned()).await {
            Ok(permit) => permit.map_err(|closed| Error::Internal(closed.into())),
            Err(_) => Err(Error::Unavailable("every connection to the database is busy", None)),
        }
    }
}

/// A transaction whose work waits for a client. Dropped, it is rolled back.
pub struct LongTransaction {
    lease: Lease,
    timeout: Duration,
    usage: Arc<Usage>,
    _permit: OwnedSemaphorePermit,
}

impl LongTransaction {
    /// Does some more of the work, within the time limit.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the time is up; otherwise the work's own.
    pub async fn run<T>(&mut self, work: impl AsyncFnOnce(&mut Conn) -> Result<T, Error>) -> Result<T, Error> {
        let LongTransaction { lease, timeout, usage, .. } = self;
        let operation = usage.begin();
        let result = within(*timeout, async { work(lease.conn()?).await }).await;
        operation.end(&result);
        result
    }

    /// Keeps what was done.
    ///
    /// # Errors
    /// As [`LongTransaction::run`].
    pub async fn commit(mut self) -> Result<(), Error> {
        self.run(async |conn| Ok(conn.query_drop("COMMIT").await?)).await?;
        self.lease.release();
        Ok(())
    }
}

async fn within<T>(limit: Duration, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    timeout(limit, work).await.unwrap_or_else(|_| {
        let cause = anyhow!("no answer within {limit:?}");
        Err(Error::Unavailable("the database did not answer in time", Some(cause)))
    })
}
