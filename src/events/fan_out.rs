//! From the outbox to the lines of each sink. All instances may do it at the same time.

use mysql_async::{Conn, prelude::Queryable};
use serde_json::json;

use super::outbox;
use crate::{App, error::Error};

// What is still being written is not waited for: a later change of the same row cannot be there before it.
const FIRST: &str = "SELECT id, count FROM outbox ORDER BY id LIMIT 256";
// Of these it may see fewer: another instance has moved some meanwhile, or a node of a cluster does not have them yet. What
// it does not see must not be removed.
const LOCK: &str = "SELECT o.id, o.batch, o.kind, o.time, o.events
    FROM JSON_TABLE(?, '$[*]' COLUMNS (id BIGINT UNSIGNED PATH '$')) j STRAIGHT_JOIN outbox o ON o.id = j.id
    ORDER BY o.id FOR UPDATE";
const ADD_LINES: &str = "INSERT INTO event_lines (sink, partition_key, due_at)
    SELECT DISTINCT s.id, e.partition_key, UTC_TIMESTAMP(6)
    FROM JSON_TABLE(?, '$[*]' COLUMNS (
        partition_key VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin PATH '$.key')) e
    STRAIGHT_JOIN JSON_TABLE(?, '$[*]' COLUMNS (id INT UNSIGNED PATH '$')) s
    WHERE TRUE -- otherwise the next word would be the join's
    ON DUPLICATE KEY UPDATE generation = event_lines.generation + 1";
const ADD_EVENTS: &str = "INSERT INTO events (line, event_id, kind, time, sequence, data)
    SELECT l.id, e.event_id, e.kind, e.time, e.sequence, e.data
    FROM JSON_TABLE(?, '$[*]' COLUMNS (
        place FOR ORDINALITY,
        partition_key VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin PATH '$.key',
        event_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin PATH '$.id',
        kind VARCHAR(100) CHARACTER SET ascii COLLATE ascii_bin PATH '$.kind',
        time BIGINT UNSIGNED PATH '$.time',
        sequence BIGINT UNSIGNED PATH '$.sequence',
        data MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PATH '$.data')) e
    STRAIGHT_JOIN JSON_TABLE(?, '$[*]' COLUMNS (id INT UNSIGNED PATH '$')) s
    STRAIGHT_JOIN event_lines l ON l.sink = s.id AND l.partition_key = e.partition_key
    ORDER BY e.place";
const REMOVE: &str = "DELETE o
    FROM JSON_TABLE(?, '$[*]' COLUMNS (id BIGINT UNSIGNED PATH '$')) j STRAIGHT_JOIN outbox o ON o.id = j.id";

/// About so many events are moved in one transaction: a cluster wants them small.
const MOST_EVENTS: u64 = 2000;

/// Moves the oldest events of the outbox, so many as fit into one transaction, to the lines of these sinks. Gives
/// whether it has moved any.
///
/// # Errors
/// As [`Database::run`](crate::db::Database::run).
pub async fn fan_out(app: &App, sinks: &[u32]) -> Result<bool, Error> {
    let first: Vec<(u64, u64)> = app.db.run(async |conn| Ok(conn.query(FIRST).await?)).await?;
    let (mut ids, mut events) = (Vec::new(), 0_u64);
    for (id, count) in first {
        events = events.saturating_add(count.saturating_mul(sinks.len() as u64));
        if events > MOST_EVENTS && !ids.is_empty() {
            break;
        }
        ids.push(id);
    }
    if ids.is_empty() {
        return Ok(false);
    }
    app.db.transaction(async |conn| move_to_lines(conn, &ids, sinks).await).await
}

async fn move_to_lines(conn: &mut Conn, ids: &[u64], sinks: &[u32]) -> Result<bool, Error> {
    let locked: Vec<(u64, String, String, u64, Vec<u8>)> = conn.exec(LOCK, (json!(ids).to_string(),)).await?;
    if locked.is_empty() {
        return Ok(false);
    }
    let (mut moved, mut events) = (Vec::new(), Vec::new());
    for (id, batch, kind, time, changes) in &locked {
        for (place, (key, sequence, data)) in outbox::read(changes)?.into_iter().enumerate() {
            // The data as a text, so that its numbers keep their digits.
            events.push(json!({ "key": key, "id": format!("{batch}-{place}"), "kind": kind, "time": time,
                "sequence": sequence, "data": data.get() }));
        }
        moved.push(id);
    }
    let (events, sinks) = (json!(events).to_string(), json!(sinks).to_string());
    conn.exec_drop(ADD_LINES, (&events, &sinks)).await?;
    conn.exec_drop(ADD_EVENTS, (&events, &sinks)).await?;
    conn.exec_drop(REMOVE, (json!(moved).to_string(),)).await?;
    Ok(true)
}
