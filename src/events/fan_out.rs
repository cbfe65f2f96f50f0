//! From the outbox to the lines of each sink. All instances may do it at the same time.

use mysql_async::{Conn, prelude::Queryable};
use serde_json::json;

use crate::{App, error::Error};

// What is still being written is not waited for: a later change of the same row cannot be there before it.
const FIRST: &str = "SELECT id, count FROM outbox ORDER BY id LIMIT 256";
const LOCK: &str = "SELECT o.id
    FROM JSON_TABLE(?, '$[*]' COLUMNS (id BIGINT UNSIGNED PATH '$')) j STRAIGHT_JOIN outbox o ON o.id = j.id FOR UPDATE";
const ADD_LINES: &str = "INSERT INTO event_lines (sink, partition_key, due_at)
    SELECT DISTINCT s.id, e.partition_key, UTC_TIMESTAMP(6)
    FROM JSON_TABLE(?, '$[*]' COLUMNS (id BIGINT UNSIGNED PATH '$')) j
    STRAIGHT_JOIN outbox o ON o.id = j.id
    STRAIGHT_JOIN JSON_TABLE(o.events, '$[*]' COLUMNS (
        partition_key VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin PATH '$[0]')) e
    STRAIGHT_JOIN JSON_TABLE(?, '$[*]' COLUMNS (id INT UNSIGNED PATH '$')) s
    WHERE TRUE -- otherwise the next word would be the join's
    ON DUPLICATE KEY UPDATE generation = event_lines.generation + 1";
const ADD_EVENTS: &str = "INSERT INTO events (line, event_id, kind, time, sequence, data)
    SELECT l.id, CONCAT(o.batch, '-', e.place), o.kind, o.time, e.sequence, e.data
    FROM JSON_TABLE(?, '$[*]' COLUMNS (id BIGINT UNSIGNED PATH '$')) j
    STRAIGHT_JOIN outbox o ON o.id = j.id
    STRAIGHT_JOIN JSON_TABLE(o.events, '$[*]' COLUMNS (
        place FOR ORDINALITY,
        partition_key VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin PATH '$[0]',
        sequence BIGINT UNSIGNED PATH '$[1]',
        data MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PATH '$[2]')) e
    STRAIGHT_JOIN JSON_TABLE(?, '$[*]' COLUMNS (id INT UNSIGNED PATH '$')) s
    STRAIGHT_JOIN event_lines l ON l.sink = s.id AND l.partition_key = e.partition_key
    ORDER BY o.id";
const REMOVE: &str = "DELETE o
    FROM JSON_TABLE(?, '$[*]' COLUMNS (id BIGINT UNSIGNED PATH '$')) j STRAIGHT_JOIN outbox o ON o.id = j.id";

/// About so many events are moved in one transaction: a cluster wants them small.
const MOST_EVENTS: u64 = 2000;

/// Moves the oldest events of the outbox, so many as fit into one transaction, to the lines of these sinks. Gives
/// whether there were any.
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
    app.db.transaction(async |conn| move_to_lines(conn, &ids, sinks).await).await?;
    Ok(true)
}

async fn move_to_lines(conn: &mut Conn, ids: &[u64], sinks: &[u32]) -> Result<(), Error> {
    let (rows, sinks) = (json!(ids).to_string(), json!(sinks).to_string());
    let locked: Vec<u64> = conn.exec(LOCK, (&rows,)).await?;
    // Always the oldest there are: if another instance has taken some meanwhile, then what is to be taken has changed.
    if locked.len() < ids.len() {
        return Ok(());
    }
    conn.exec_drop(ADD_LINES, (&rows, &sinks)).await?;
    conn.exec_drop(ADD_EVENTS, (&rows, &sinks)).await?;
    conn.exec_drop(REMOVE, (&rows,)).await?;
    Ok(())
}
