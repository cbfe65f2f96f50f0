//! Each event is applied once, however often it comes: that it has been applied is written in the transaction that applies
//! it. Of two deliveries at the same moment the second waits for the first, and then knows that it has been applied, or
//! applies it.

use mysql_async::{Conn, prelude::Queryable};

use super::{Subscription, formats::Event, refuse};
use crate::{App, db::DUPLICATE_KEY, error::Error, migrations::Migration, purge::Purge};

/// The steps of the table.
pub const MIGRATIONS: &[Migration] = &[Migration { name: "0009_inbox", sql: include_str!("../../sql/0009_inbox.sql") }];

const RECORD: &str = "INSERT INTO inbox (source, id) VALUES (?, ?)";

/// Forgets events that no sender repeats any more: Event Grid gives up after a day, Standard Webhooks after a few.
pub const PURGE: Purge = Purge {
    what: "events in the inbox",
    statement: "DELETE FROM inbox WHERE received_at < NOW() - INTERVAL 7 DAY LIMIT ?",
};

/// Applies those events that have not been applied before, in their sequence.
///
/// # Errors
/// [`Error::BadRequest`] when one can never be applied; otherwise what its subscription says.
pub async fn apply(app: &App, conn: &mut Conn, events: &[(&Subscription, Event<'_>)]) -> Result<(), Error> {
    for (subscription, event) in events {
        match conn.exec_drop(RECORD, (event.source.as_bytes(), event.id.as_bytes())).await {
            Err(mysql_async::Error::Server(error)) if error.code == DUPLICATE_KEY => continue,
            recorded => recorded?,
        }
        let Some(data) = event.data else {
            return Err(refuse(Error::BadRequest("is missing; it must be JSON".to_string(), vec![]), &event.pointer));
        };
        (subscription.apply)(app, conn, data).await.map_err(|error| refuse(error, &event.pointer))?;
    }
    Ok(())
}
