//! Deletes rows that have been kept long enough, now and every hour. Knows no table.

use std::{sync::Arc, time::Duration};

use mysql_async::prelude::Queryable;

use crate::{App, log};

const PAUSE: Duration = Duration::from_secs(3600);

/// What grows old.
pub struct Purge {
    /// What it is called in the log.
    pub what: &'static str,
    /// Deletes the old rows, at most as many as its one parameter says: `… LIMIT ?`.
    pub statement: &'static str,
}

/// So many at once: it holds its locks for a moment only.
const AT_ONCE: u64 = 1000;

/// Purges for as long as the process lives.
pub async fn run(app: Arc<App>, purges: &[Purge]) {
    loop {
        for purge in purges {
            while one(&app, purge).await {}
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Whether there may be more.
async fn one(app: &App, purge: &Purge) -> bool {
    let purged = app.db.run(async |conn| {
        conn.exec_drop(purge.statement, (AT_ONCE,)).await?;
        Ok(conn.affected_rows())
    });
    match purged.await {
        Ok(rows) => rows >= AT_ONCE,
        Err(error) => {
            log::message(&format!("old {} could not be deleted: {error}", purge.what));
            false
        }
    }
}
