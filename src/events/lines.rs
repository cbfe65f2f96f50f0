//! The lines in the database: who may send which head, and what became of it. Knows no HTTP.
//!
//! Whoever sends a line's head owns the line until `due_at`. So the lines of an instance that has died become due by
//! themselves, and idle ones cost nothing: each question is answered by an index.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mysql_async::{Conn, Row, from_row_opt, prelude::Queryable};
use serde::Serialize;
use serde_json::{json, value::RawValue};
use tokio::time::Instant;

use super::CloudEvent;
use crate::{App, error::Error};

const REGISTER: &str = "INSERT INTO event_sinks (name) VALUES (?) ON DUPLICATE KEY UPDATE id = LAST_INSERT_ID(id)";
const FORGOTTEN: &str = "SELECT s.name FROM event_sinks s
    WHERE s.id NOT IN (SELECT j.id FROM JSON_TABLE(?, '$[*]' COLUMNS (id INT UNSIGNED PATH '$')) j)
    AND (SELECT id FROM event_lines WHERE sink = s.id LIMIT 1) IS NOT NULL";
const LET_GO: &str = "UPDATE event_lines SET due_at = UTC_TIMESTAMP(6) WHERE sink = ? AND due_at IS NULL LIMIT 1000";
const NEXT: &str = "SELECT stopped_at IS NOT NULL, (
        SELECT GREATEST(TIMESTAMPDIFF(MICROSECOND, UTC_TIMESTAMP(6), due_at), 0) FROM event_lines
        WHERE sink = ? AND due_at IS NOT NULL ORDER BY due_at LIMIT 1)
    FROM event_sinks WHERE id = ?";
const DUE: &str = "SELECT id, partition_key, attempts FROM event_lines
    WHERE sink = ? AND due_at <= UTC_TIMESTAMP(6) ORDER BY due_at LIMIT ? FOR UPDATE SKIP LOCKED";
const OWN: &str = "UPDATE JSON_TABLE(?, '$[*]' COLUMNS (line BIGINT UNSIGNED PATH '$')) j
    STRAIGHT_JOIN event_lines l ON l.id = j.line
    SET l.owner = ?, l.due_at = UTC_TIMESTAMP(6) + INTERVAL ? MICROSECOND";
const HEADS: &str = "SELECT e.line, e.number, e.event_id, e.kind, e.time, e.sequence, e.data, e.traceparent
    FROM JSON_TABLE(?, '$[*]' COLUMNS (line BIGINT UNSIGNED PATH '$')) j
    STRAIGHT_JOIN events e ON e.line = j.line
        AND e.number = (SELECT number FROM events WHERE line = j.line ORDER BY number LIMIT 1)";

const OWNED: &str = "SELECT l.id FROM JSON_TABLE(?, '$[*]' COLUMNS (line BIGINT UNSIGNED PATH '$.line')) j
    STRAIGHT_JOIN event_lines l ON l.id = j.line WHERE l.owner = ? FOR UPDATE";
const PARK: &str = "INSERT INTO parked_events
        (sink, partition_key, event_number, event_id, kind, time, sequence, data, traceparent, attempts, last_error, parked_at)
    SELECT l.sink, l.partition_key, e.number, e.event_id, e.kind, e.time, e.sequence, e.data, e.traceparent, j.attempts,
        j.error,
        TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6))
    FROM JSON_TABLE(?, '$[*]' COLUMNS (
        line BIGINT UNSIGNED PATH '$.line',
        number BIGINT UNSIGNED PATH '$.number',
        attempts INT UNSIGNED PATH '$.parked_after',
        error VARCHAR(255) CHARACTER SET utf8mb4 PATH '$.error')) j
    STRAIGHT_JOIN event_lines l ON l.id = j.line
    STRAIGHT_JOIN events e ON e.line = j.line AND e.number = j.number
    WHERE j.error IS NOT NULL";
const REMOVE: &str = "DELETE e FROM JSON_TABLE(?, '$[*]' COLUMNS (
        line BIGINT UNSIGNED PATH '$.line',
        number BIGINT UNSIGNED PATH '$.number',
        gone INT PATH '$.gone')) j
    STRAIGHT_JOIN events e ON e.line = j.line AND e.number = j.number WHERE j.gone = 1";
// LIMIT keeps databases from reading the whole table first, as they do for NOT EXISTS.
const REMOVE_EMPTY: &str = "DELETE l FROM JSON_TABLE(?, '$[*]' COLUMNS (
        line BIGINT UNSIGNED PATH '$.line',
        pause BIGINT UNSIGNED PATH '$.pause')) j
    STRAIGHT_JOIN event_lines l ON l.id = j.line
    WHERE j.pause IS NOT NULL AND (SELECT number FROM events WHERE line = l.id LIMIT 1) IS NULL";
// Without a pause it stands still.
const GO_ON: &str = "UPDATE JSON_TABLE(?, '$[*]' COLUMNS (
        line BIGINT UNSIGNED PATH '$.line',
        attempts INT UNSIGNED PATH '$.attempts',
        pause BIGINT UNSIGNED PATH '$.pause')) j
    STRAIGHT_JOIN event_lines l ON l.id = j.line
    SET l.owner = NULL, l.attempts = j.attempts, l.due_at = UTC_TIMESTAMP(6) + INTERVAL j.pause MICROSECOND";

const STOP: &str = "UPDATE event_sinks
    SET stopped_at = TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6)), reason = ? WHERE id = ?";

/// The longest text that the columns for errors and reasons take, in characters.
const MOST_ERROR: usize = 255;

/// The head of a line that this process owns.
pub struct Head {
    /// Its line.
    pub line: u64,
    /// Its place in the line.
    pub number: u64,
    /// How often it has been sent.
    pub attempts: u32,
    /// Whoever has not begun to send it by then leaves it to others.
    pub send_until: Instant,
}

/// What became of a head.
pub enum Outcome {
    /// It has arrived.
    Delivered,
    /// It is to be sent again after a pause, and has been sent so often.
    Again(Duration, u32),
    /// It is not sent any more: how often it was, and why.
    Parked(u32, String),
}

/// What a sink has to do.
pub enum Next {
    /// It is to be left alone.
    Stopped,
    /// A line is due after so long.
    DueIn(Duration),
    /// Nothing waits.
    Nothing,
}

/// The numbers of the sinks with these names.
///
/// # Errors
/// As [`Database::run`](crate::db::Database::run).
pub async fn register(app: &App, names: &[&str]) -> Result<Vec<u32>, Error> {
    app.db
        .run(async |conn| {
            let mut numbers = Vec::new();
            for name in names {
                conn.exec_drop(REGISTER, (name,)).await?;
                let number = conn.last_insert_id().and_then(|id| u32::try_from(id).ok());
                let missing = || Error::Internal(anyhow::anyhow!("the database gives no number for a sink"));
                numbers.push(number.ok_or_else(missing)?);
            }
            Ok(numbers)
        })
        .await
}

/// The names of sinks besides these for which events wait.
///
/// # Errors
/// As [`Database::run`](crate::db::Database::run).
pub async fn forgotten(app: &App, sinks: &[u32]) -> Result<Vec<String>, Error> {
    let sinks = json!(sinks).to_string();
    app.db.run(async |conn| Ok(conn.exec(FORGOTTEN, (&sinks,)).await?)).await
}

/// Lets the lines of these sinks go on that parked events hold.
///
/// # Errors
/// As [`Database::run`](crate::db::Database::run).
pub async fn let_go(app: &App, sinks: &[u32]) -> Result<(), Error> {
    for sink in sinks {
        let let_some_go = async |conn: &mut Conn| {
            conn.exec_drop(LET_GO, (sink,)).await?;
            Ok(conn.affected_rows())
        };
        while app.db.run(let_some_go).await? > 0 {}
    }
    Ok(())
}

/// What this sink has to do.
///
/// # Errors
/// As [`Database::run`](crate::db::Database::run).
pub async fn next(app: &App, sink: u32) -> Result<Next, Error> {
    let row: Option<(bool, Option<u64>)> =
        app.db.run(async |conn| Ok(conn.exec_first(NEXT, (sink, sink)).await?)).await?;
    Ok(match row {
        None | Some((true, _)) => Next::Stopped,
        Some((false, Some(micros))) => Next::DueIn(Duration::from_micros(micros)),
        Some((false, None)) => Next::Nothing,
    })
}

/// Takes so many of the sink's lines that are due, for as long as `lease`. Their heads are to be sent before `send_until`.
///
/// # Errors
/// As [`Database::run`](crate::db::Database::run).
pub async fn claim(
    app: &App,
    sink: u32,
    owner: &str,
    most: usize,
    lease: Duration,
    send_until: Instant,
) -> Result<Vec<(Head, CloudEvent)>, Error> {
    let micros = u64::try_from(lease.as_micros()).unwrap_or(u64::MAX);
    app.db
        .transaction(async |conn| {
            let due: Vec<(u64, String, u32)> = conn.exec(DUE, (sink, most)).await?;
            if due.is_empty() {
                return Ok(Vec::new());
            }
            let lines = json!(due.iter().map(|(line, ..)| line).collect::<Vec<_>>()).to_string();
            conn.exec_drop(OWN, (&lines, owner, micros)).await?;
            let heads: Vec<Row> = conn.exec(HEADS, (&lines,)).await?;
            if heads.len() < due.len() {
                let empty = |(line, ..): &(u64, String, u32)| json!({ "line": line, "pause": 0 });
                conn.exec_drop(REMOVE_EMPTY, (json!(due.iter().map(empty).collect::<Vec<_>>()).to_string(),)).await?;
            }
            heads.into_iter().map(|row| head(app, row, &due, send_until)).collect()
        })
        .await
}

fn head(app: &App, row: Row, due: &[(u64, String, u32)], send_until: Instant) -> Result<(Head, CloudEvent), Error> {
    type Columns = (u64, u64, String, String, u64, u64, String, Option<String>);
    let unreadable = || Error::Internal(anyhow::anyhow!("a row of the table events does not read"));
    let (line, number, id, kind, time, sequence, data, traceparent) =
        from_row_opt::<Columns>(row).map_err(|_| unreadable())?;
    let (_, partition_key, attempts) = due.iter().find(|(id, ..)| *id == line).ok_or_else(unreadable)?;
    let event = CloudEvent {
        id,
        source: app.config.events.source.clone(),
        kind,
        time: time_of(time),
        partition_key: partition_key.clone(),
        sequence,
        data: RawValue::from_string(data).map_err(|_| unreadable())?,
        traceparent,
    };
    Ok((Head { line, number, attempts: *attempts, send_until }, event))
}

/// Notes what became of these heads, given as line, place in it, and outcome; their lines are given up. A line that
/// somebody else owns by now is left alone. Gives whether any line has to go on at once.
///
/// # Errors
/// As [`Database::run`](crate::db::Database::run).
pub async fn finish(app: &App, owner: &str, outcomes: &[(u64, u64, Outcome)]) -> Result<bool, Error> {
    let holds = app.config.events.parked_holds;
    app.db
        .transaction(async |conn| {
            let rows: Vec<Finished> = outcomes.iter().map(|outcome| Finished::new(outcome, holds)).collect();
            let owned: Vec<u64> = conn.exec(OWNED, (json!(rows).to_string(), owner)).await?;
            let rows: Vec<Finished> = rows.into_iter().filter(|row| owned.contains(&row.line)).collect();
            if rows.is_empty() {
                return Ok(false);
            }
            write(conn, &json!(rows).to_string(), rows.iter().any(|row| row.error.is_some())).await
        })
        .await
}

/// An outcome, as the statements read it.
#[derive(Serialize)]
struct Finished<'a> {
    line: u64,
    number: u64,
    /// Whether the event leaves the line.
    gone: u8,
    /// Those of the line's next head.
    attempts: u32,
    /// Microseconds; none: the line stands still.
    pause: Option<u64>,
    parked_after: u32,
    error: Option<&'a str>,
}

impl Finished<'_> {
    fn new((line, number, outcome): &(u64, u64, Outcome), holds: bool) -> Finished<'_> {
        let (line, number) = (*line, *number);
        let gone = Finished { line, number, gone: 1, attempts: 0, pause: Some(0), parked_after: 0, error: None };
        match outcome {
            Outcome::Delivered => gone,
            Outcome::Again(pause, attempts) => {
                let pause = u64::try_from(pause.as_micros()).ok();
                Finished { gone: 0, attempts: *attempts, pause, ..gone }
            }
            Outcome::Parked(attempts, error) => {
                let pause = if holds { None } else { Some(0) };
                Finished { pause, parked_after: *attempts, error: Some(cut(error)), ..gone }
            }
        }
    }
}

/// As much of a text as the columns for errors and reasons take.
fn cut(text: &str) -> &str {
    text.char_indices().nth(MOST_ERROR).and_then(|(end, _)| text.get(..end)).unwrap_or(text)
}

async fn write(conn: &mut Conn, rows: &str, any_parked: bool) -> Result<bool, Error> {
    if any_parked {
        conn.exec_drop(PARK, (rows,)).await?;
    }
    conn.exec_drop(REMOVE, (rows,)).await?;
    conn.exec_drop(REMOVE_EMPTY, (rows,)).await?;
    conn.exec_drop(GO_ON, (rows,)).await?;
    Ok(conn.affected_rows() > 0)
}

/// Sends a sink nothing more.
///
/// # Errors
/// As [`Database::run`](crate::db::Database::run).
pub async fn stop(app: &App, sink: u32, reason: &str) -> Result<(), Error> {
    app.db.run(async |conn| Ok(conn.exec_drop(STOP, (cut(reason), sink)).await?)).await
}

/// A time as the tables have it, in microseconds since 1970.
pub fn time_of(micros: u64) -> SystemTime {
    UNIX_EPOCH.checked_add(Duration::from_micros(micros)).unwrap_or(UNIX_EPOCH)
}
