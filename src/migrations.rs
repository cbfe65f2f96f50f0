//! The schema, in numbered steps. Each is applied once to a database, however many instances start at the same
//! time: they take turns under a lock of the database server.

use std::time::Duration;

use mysql_async::{Conn, prelude::Queryable};

use crate::{db::Database, error::Error};

/// A step may rewrite a large table, so it gets more time than a request.
const TIME_LIMIT: Duration = Duration::from_secs(600);

const CREATE_RECORD: &str = "CREATE TABLE IF NOT EXISTS schema_migrations (
    name       VARCHAR(100) NOT NULL PRIMARY KEY,
    applied_at TIMESTAMP    NOT NULL DEFAULT CURRENT_TIMESTAMP
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4";
const APPLIED: &str = "SELECT name FROM schema_migrations";
const RECORD: &str = "INSERT INTO schema_migrations (name) VALUES (?)";

// Lock names are the server's, not the database's, and have 64 characters at most.
const LOCK: &str = "SELECT GET_LOCK(CONCAT('schema_migrations.', MD5(DATABASE())), 10)";
const UNLOCK: &str = "DO RELEASE_LOCK(CONCAT('schema_migrations.', MD5(DATABASE())))";

/// The server's code for a table that is not there.
const NO_SUCH_TABLE: u16 = 1146;

/// The server's code for a column that is there already.
const DUPLICATE_COLUMN: u16 = 1060;

/// One numbered step: a file in `sql/`.
pub struct Migration {
    /// The file's name without its ending.
    pub name: &'static str,
    /// What it holds.
    pub sql: &'static str,
}

/// Applies, in their sequence, the steps that this database has not seen yet. Gives their number.
///
/// # Errors
/// [`Error::Unavailable`] when the database is away or another instance holds the lock for long;
/// [`Error::Internal`] when a step is wrong. What was applied before stays and is not done again.
pub async fn apply(db: &Database, sets: &[&[Migration]]) -> Result<usize, Error> {
    db.run_within(TIME_LIMIT, async |conn| {
        locked(conn, async |conn| {
            conn.query_drop(CREATE_RECORD).await?;
            let seen: Vec<String> = conn.query(APPLIED).await?;
            let is_new = |step: &&Migration| !seen.iter().any(|name| name == step.name);
            let mut steps: Vec<&Migration> = sets.iter().copied().flatten().filter(is_new).collect();
            steps.sort_by_key(|step| step.name);
            for step in &steps {
                take(conn, step).await?;
                conn.exec_drop(RECORD, (step.name,)).await?;
            }
            Ok(steps.len())
        })
        .await
    })
    .await
}

/// Empties a table with the statement `truncate`, or makes it from `steps` if it is not there. It never goes away
/// meanwhile, whoever else uses it and wherever this is cut off.
///
/// # Errors
/// As [`Database::run`].
pub async fn empty(db: &Database, truncate: &str, steps: &[Migration]) -> Result<(), Error> {
    db.run(async |conn| {
        locked(conn, async |conn| {
            match conn.query_drop(truncate).await {
                Err(mysql_async::Error::Server(error)) if error.code == NO_SUCH_TABLE => {}
                done => return Ok(done?),
            }
            for step in steps {
                take(conn, step).await?;
            }
            Ok(())
        })
        .await
    })
    .await
}

/// A column that is there already was added by a step that was cut off, or is taken again: MySQL's ADD COLUMN has no
/// IF NOT EXISTS.
async fn take(conn: &mut Conn, step: &Migration) -> Result<(), Error> {
    match conn.query_drop(step.sql).await {
        Err(mysql_async::Error::Server(error)) if error.code == DUPLICATE_COLUMN => Ok(()),
        done => Ok(done?),
    }
}

async fn locked<T>(conn: &mut Conn, work: impl AsyncFnOnce(&mut Conn) -> Result<T, Error>) -> Result<T, Error> {
    let got: Option<Option<i64>> = conn.query_first(LOCK).await?;
    if got.flatten() != Some(1) {
        return Err(Error::Unavailable("another instance is changing the schema", None));
    }
    let result = work(conn).await;
    conn.query_drop(UNLOCK).await?;
    result
}
