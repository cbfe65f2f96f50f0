//! Events that a sink does not take, in the database: listed, and sent again when somebody asks for it. Knows no HTTP.

use mysql_async::{Conn, Row, from_row_opt, prelude::Queryable};
use serde::Serialize;
use serde_json::{json, value::RawValue};

use super::{CloudEvent, lines::time_of};
use crate::{App, error::Error};

const STOPPED: &str = "SELECT name, stopped_at, reason FROM event_sinks WHERE stopped_at IS NOT NULL ORDER BY id";
const PAGE: &str = "SELECT p.number, s.name, p.attempts, p.last_error, p.parked_at,
        p.event_id, p.kind, p.time, p.partition_key, p.sequence, p.data, p.traceparent
    FROM parked_events p STRAIGHT_JOIN event_sinks s ON s.id = p.sink WHERE p.number > ? ORDER BY p.number LIMIT ?";

const SINK: &str = "SELECT id FROM event_sinks WHERE name = ?";
const START: &str = "UPDATE event_sinks SET stopped_at = NULL, reason = NULL WHERE id = ?";
const LAST: &str = "SELECT MAX(number) FROM parked_events";
const SOME: &str = "SELECT number FROM parked_events
    WHERE number > ? AND number <= ? AND sink = COALESCE(?, sink) AND event_id = COALESCE(?, event_id)
    ORDER BY number LIMIT 500 FOR UPDATE";
// A line whose head is being sent goes on when that has come to something.
const ADD_LINES: &str = "INSERT INTO event_lines (sink, partition_key, due_at)
    SELECT DISTINCT p.sink, p.partition_key, UTC_TIMESTAMP(6)
    FROM JSON_TABLE(?, '$[*]' COLUMNS (number INT PATH '$')) j
    STRAIGHT_JOIN parked_events p ON p.number = j.number
    ON DUPLICATE KEY UPDATE generation = event_lines.generation + 1, attempts = 0,
        due_at = IF(event_lines.owner IS NULL, UTC_TIMESTAMP(6), event_lines.due_at)";
// To their places in line: before what waits.
const PUT_BACK: &str = "INSERT INTO events (line, number, event_id, kind, time, sequence, data, traceparent)
    SELECT l.id, p.event_number, p.event_id, p.kind, p.time, p.sequence, p.data, p.traceparent
    FROM JSON_TABLE(?, '$[*]' COLUMNS (number INT PATH '$')) j
    STRAIGHT_JOIN parked_events p ON p.number = j.number
    STRAIGHT_JOIN event_lines l ON l.sink = p.sink AND l.partition_key = p.partition_key";
const REMOVE: &str = "DELETE p FROM JSON_TABLE(?, '$[*]' COLUMNS (number INT PATH '$')) j
    STRAIGHT_JOIN parked_events p ON p.number = j.number";

/// An event that a sink does not take.
#[derive(Serialize)]
pub struct Parked {
    /// Its place in the list.
    pub number: i32,
    /// The sink's name.
    sink: String,
    /// How often it was sent.
    attempts: u32,
    /// What came of it the last time.
    last_error: String,
    /// When that was (RFC 3339).
    parked_at: String,
    /// As it was sent.
    event: CloudEvent,
}

/// A sink that wants no more events.
#[derive(Serialize)]
pub struct Stopped {
    sink: String,
    /// When it said so (RFC 3339).
    stopped_at: String,
    reason: Option<String>,
}

/// The sinks that want no more events.
///
/// # Errors
/// As [`Database::run`](crate::db::Database::run).
pub async fn stopped(app: &App) -> Result<Vec<Stopped>, Error> {
    let rows: Vec<(String, u64, Option<String>)> = app.db.run(async |conn| Ok(conn.query(STOPPED).await?)).await?;
    let stopped = |(sink, stopped_at, reason)| Stopped { sink, stopped_at: rfc3339(stopped_at), reason };
    Ok(rows.into_iter().map(stopped).collect())
}

/// The first `limit` parked events behind the place `after`.
///
/// # Errors
/// As [`Database::run`](crate::db::Database::run).
pub async fn page(app: &App, after: i32, limit: i32) -> Result<Vec<Parked>, Error> {
    let rows: Vec<Row> = app.db.run(async |conn| Ok(conn.exec(PAGE, (after, limit)).await?)).await?;
    rows.into_iter().map(|row| parked(app, row)).collect()
}

fn parked(app: &App, row: Row) -> Result<Parked, Error> {
    type Columns = (i32, String, u32, String, u64, String, String, u64, String, u64, String, Option<String>);
    let unreadable = || Error::Internal(anyhow::anyhow!("a row of the table parked_events does not read"));
    let (number, sink, attempts, last_error, parked_at, id, kind, time, partition_key, sequence, data, traceparent) =
        from_row_opt::<Columns>(row).map_err(|_| unreadable())?;
    let event = CloudEvent {
        id,
        source: app.config.events.source.clone(),
        kind,
        time: time_of(time),
        partition_key,
        sequence,
        data: RawValue::from_string(data).map_err(|_| unreadable())?,
        traceparent,
    };
    Ok(Parked { number, sink, attempts, last_error, parked_at: rfc3339(parked_at), event })
}

/// Lets parked events be sent again, as if for the first time: those for this sink, with this id, or all. A sink that is
/// named is started again if it has stopped. Gives how many there were.
///
/// # Errors
/// [`Error::NotFound`] when there is no such sink; otherwise as [`Database::run`](crate::db::Database::run).
pub async fn replay(app: &App, sink: Option<&str>, id: Option<&str>) -> Result<u64, Error> {
    let sink = match sink {
        Some(name) => Some(app.db.run(async |conn| start(conn, name).await).await?),
        None => None,
    };
    // What is parked again meanwhile is not sent again without end.
    let last: Option<Option<i32>> = app.db.run(async |conn| Ok(conn.query_first(LAST).await?)).await?;
    let (last, mut after, mut count) = (last.flatten().unwrap_or_default(), 0, 0_u64);
    while after < last {
        let numbers: Vec<i32> = app
            .outbox
            .change_together(&app.db, async |conn| {
                let numbers: Vec<i32> = conn.exec(SOME, (after, last, sink, id)).await?;
                if !numbers.is_empty() {
                    put_back(conn, &json!(numbers).to_string()).await?;
                }
                Ok(numbers)
            })
            .await?;
        count = count.saturating_add(numbers.len() as u64);
        after = numbers.last().copied().unwrap_or(last);
    }
    Ok(count)
}

async fn start(conn: &mut Conn, name: &str) -> Result<u32, Error> {
    // The column is ASCII, and cannot be compared with anything else.
    let number: Option<u32> = if name.is_ascii() { conn.exec_first(SINK, (name,)).await? } else { None };
    let number = number.ok_or_else(|| Error::NotFound("there is no such sink".to_string()))?;
    conn.exec_drop(START, (number,)).await?;
    Ok(number)
}

async fn put_back(conn: &mut Conn, numbers: &str) -> Result<(), Error> {
    conn.exec_drop(ADD_LINES, (numbers,)).await?;
    conn.exec_drop(PUT_BACK, (numbers,)).await?;
    conn.exec_drop(REMOVE, (numbers,)).await?;
    Ok(())
}

fn rfc3339(micros: u64) -> String {
    humantime::format_rfc3339_micros(time_of(micros)).to_string()
}
