//! From the outbox to the lines of each sink. All instances may do it at the same time.

use mysql_async::{Conn, prelude::Queryable};
use serde_json::json;

use super::outbox;
use crate::{App, error::Error, log};

// What is still being written is not waited for: a later change of the same row cannot be there before it.
const FIRST: &str = "SELECT id, count FROM outbox WHERE count > 0 ORDER BY id LIMIT 256";
// Of these it may see fewer: another instance has moved some meanwhile, or a node of a cluster does not have them yet. What
// it does not see must not be removed.
const LOCK: &str = "SELECT o.id, o.batch, o.kind, o.time, o.events, o.traceparent
    FROM JSON_TABLE(?, '$[*]' COLUMNS (id BIGINT UNSIGNED PATH '$')) j STRAIGHT_JOIN outbox o ON o.id = j.id
    ORDER BY o.id FOR UPDATE";
const ADD_LINES: &str = "INSERT INTO event_lines (sink, partition_key, due_at)
    SELECT DISTINCT s.id, e.partition_key, UTC_TIMESTAMP(6)
    FROM JSON_TABLE(?, '$[*]' COLUMNS (
        partition_key VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin PATH '$.key')) e
    STRAIGHT_JOIN JSON_TABLE(?, '$[*]' COLUMNS (id INT UNSIGNED PATH '$')) s
    WHERE TRUE -- otherwise the next word would be the join's
    ON DUPLICATE KEY UPDATE generation = event_lines.generation + 1";
const ADD_EVENTS: &str = "INSERT INTO events (line, event_id, kind, time, sequence, data, traceparent)
    SELECT l.id, e.event_id, e.kind, e.time, e.sequence, e.data, e.traceparent
    FROM JSON_TABLE(?, '$[*]' COLUMNS (
        place FOR ORDINALITY,
        partition_key VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin PATH '$.key',
        event_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin PATH '$.id',
        kind VARCHAR(100) CHARACTER SET ascii COLLATE ascii_bin PATH '$.kind',
        time BIGINT UNSIGNED PATH '$.time',
        sequence BIGINT UNSIGNED PATH '$.sequence',
        data MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PATH '$.data',
        traceparent CHAR(55) CHARACTER SET ascii COLLATE ascii_bin PATH '$.trace')) e
    STRAIGHT_JOIN JSON_TABLE(?, '$[*]' COLUMNS (id INT UNSIGNED PATH '$')) s
    STRAIGHT_JOIN event_lines l ON l.sink = s.id AND l.partition_key = e.partition_key
    ORDER BY e.place";
const REMOVE: &str = "DELETE o
    FROM JSON_TABLE(?, '$[*]' COLUMNS (id BIGINT UNSIGNED PATH '$')) j STRAIGHT_JOIN outbox o ON o.id = j.id";
// Nothing else writes a count of 0. With another count it is read again.
const SET_ASIDE: &str = "UPDATE JSON_TABLE(?, '$[*]' COLUMNS (id BIGINT UNSIGNED PATH '$')) j
    STRAIGHT_JOIN outbox o ON o.id = j.id SET o.count = 0";

/// About so many events are moved in one transaction: a cluster wants them small.
pub const MOST_EVENTS: u64 = 2000;

/// Moves the oldest events of the outbox, about `most_events` of them, to the lines of these sinks, in one transaction.
/// Gives whether there were any. Rows that do not read stay in the outbox and are skipped from then on.
///
/// # Errors
/// As [`Database::run`](crate::db::Database::run).
pub async fn fan_out(app: &App, sinks: &[u32], most_events: u64) -> Result<bool, Error> {
    let first: Vec<(u64, u64)> = app.db.run(async |conn| Ok(conn.query(FIRST).await?)).await?;
    let (mut ids, mut events) = (Vec::new(), 0_u64);
    for (id, count) in first {
        events = events.saturating_add(count.saturating_mul(sinks.len() as u64));
        if events > most_events && !ids.is_empty() {
            break;
        }
        ids.push(id);
    }
    if ids.is_empty() {
        return Ok(false);
    }
    let Moved { any, unreadable } = app.db.transaction(async |conn| move_to_lines(conn, &ids, sinks).await).await?;
    if !unreadable.is_empty() {
        log::message(&format!(
            "error: rows of the table outbox do not read, and their events are not told; they are kept, with count 0: \
             {unreadable:?}"
        ));
    }
    Ok(any)
}

/// What was moved.
struct Moved {
    /// Whether there was anything.
    any: bool,
    /// The ids of rows that do not read.
    unreadable: Vec<u64>,
}

async fn move_to_lines(conn: &mut Conn, ids: &[u64], sinks: &[u32]) -> Result<Moved, Error> {
    type Columns = (u64, String, String, u64, Vec<u8>, Option<String>);
    let locked: Vec<Columns> = conn.exec(LOCK, (json!(ids).to_string(),)).await?;
    let (mut moved, mut unreadable, mut events) = (Vec::new(), Vec::new(), Vec::new());
    for (id, batch, kind, time, changes, traceparent) in &locked {
        let Ok(changes) = outbox::read(changes) else {
            unreadable.push(*id);
            continue;
        };
        moved.push(*id);
        for (place, (key, sequence, data)) in changes.into_iter().enumerate() {
            // The data as a text, so that its numbers keep their digits.
            events.push(json!({ "key": key, "id": format!("{batch}-{place}"), "kind": kind, "time": time,
                "sequence": sequence, "data": data.get(), "trace": traceparent }));
        }
    }
    if !moved.is_empty() {
        let (events, sinks) = (json!(events).to_string(), json!(sinks).to_string());
        conn.exec_drop(ADD_LINES, (&events, &sinks)).await?;
        conn.exec_drop(ADD_EVENTS, (&events, &sinks)).await?;
        conn.exec_drop(REMOVE, (json!(moved).to_string(),)).await?;
    }
    if !unreadable.is_empty() {
        conn.exec_drop(SET_ASIDE, (json!(unreadable).to_string(),)).await?;
    }
    Ok(Moved { any: !locked.is_empty(), unreadable })
}
