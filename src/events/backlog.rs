//! How many events wait, and since when: for those who watch. It is asked for at most once in a few seconds, however many
//! watch, and no question reads more than so many rows, however many wait.

use std::time::{Duration, SystemTime};

use mysql_async::{
    Conn, Row, from_row_opt,
    prelude::{FromRow, Queryable},
};
use tokio::{sync::Mutex, time::timeout};

use crate::{
    App,
    error::Error,
    metrics::{Seconds, Text},
};

// Rows of the outbox may be large, and are there for a moment only. A time may be ahead of this database's clock: another
// node has written it, or the clock was set back.
const NEW: &str = "SELECT CAST(COALESCE(SUM(count), 0) AS UNSIGNED), CAST(GREATEST(TIMESTAMPDIFF(MICROSECOND,
        '1970-01-01' + INTERVAL MIN(time) MICROSECOND, UTC_TIMESTAMP(6)), 0) AS UNSIGNED)
    FROM (SELECT count, time FROM outbox WHERE count > 0 ORDER BY id LIMIT 1000) o";
// Those that have been due for the longest come first, behind those that a parked event holds: `due_at` is NULL there.
const WAITING: &str = "SELECT COUNT(*), CAST(GREATEST(TIMESTAMPDIFF(MICROSECOND,
        '1970-01-01' + INTERVAL MIN(time) MICROSECOND, UTC_TIMESTAMP(6)), 0) AS UNSIGNED)
    FROM (SELECT e.time FROM event_lines l STRAIGHT_JOIN events e ON e.line = l.id
        WHERE l.sink = (SELECT id FROM event_sinks WHERE name = ?) ORDER BY l.due_at LIMIT 1000) w";
const PARKED: &str = "SELECT COUNT(*) FROM (SELECT 1 FROM parked_events
        WHERE sink = (SELECT id FROM event_sinks WHERE name = ?) LIMIT 1000) p";
const STOPPED_SINKS: &str = "SELECT name FROM event_sinks WHERE stopped_at IS NOT NULL";

/// An answer is good for so long.
const FRESH: Duration = Duration::from_secs(5);

/// So long may it take: whoever asks for metrics waits a few seconds only. Less than the second that the database waits
/// for a lock, so that it is always this that ends it.
const PATIENCE: Duration = Duration::from_millis(800);

/// So long is the database left alone when it took longer: it may go on reading for somebody who has hung up.
const QUIET: Duration = Duration::from_secs(60);

const EVENTS: &str = "outbox_events";
const AGE: &str = "outbox_oldest_event_age_seconds";
const STOPPED: &str = "outbox_sink_stopped";

/// What is known of it. One asks, and others wait for the answer.
#[derive(Default)]
pub struct Backlog(Mutex<Last>);

/// The last answer.
#[derive(Default)]
struct Last {
    asked: Option<SystemTime>,
    good_for: Duration,
    waiting: Option<Waiting>,
}

/// What waits. Ages are in microseconds; none where nothing waits.
#[derive(Clone, Default)]
struct Waiting {
    /// In the outbox, for whatever sink.
    new: (u64, Option<u64>),
    /// By the sinks' names.
    sinks: Vec<(String, Sink)>,
}

#[derive(Clone, Default)]
struct Sink {
    waiting: (u64, Option<u64>),
    parked: u64,
    is_stopped: bool,
}

impl Backlog {
    /// Writes it down, if anybody is told of changes. When the database does not say, that is written.
    pub async fn write(&self, text: &mut Text, app: &App) {
        if !app.outbox.is_on() {
            return;
        }
        let waiting = self.get(app).await;
        let is_known = u8::from(waiting.is_some());
        let up =
            "Whether the database has said within a second what waits; if not in time, it is asked again after 60.";
        text.single("outbox_up", "gauge", up, is_known);
        let Some(Waiting { new, sinks }) = waiting else { return };
        let events = "Events to be told. new: of the oldest 1000 statements whose events are in no sink's line yet; waiting: \
            in line; parked: not taken; both counted up to 1000 a sink.";
        text.family(EVENTS, "gauge", events);
        text.sample(EVENTS, &[("sink", ""), ("state", "new")], new.0);
        for (name, sink) in &sinks {
            text.sample(EVENTS, &[("sink", name), ("state", "waiting")], sink.waiting.0);
            text.sample(EVENTS, &[("sink", name), ("state", "parked")], sink.parked);
        }
        text.family(AGE, "gauge", "How long the oldest of those counted, if not parked, has waited; 0: none does.");
        text.sample(AGE, &[("sink", ""), ("state", "new")], Seconds(new.1.unwrap_or_default()));
        for (name, sink) in &sinks {
            let age = Seconds(sink.waiting.1.unwrap_or_default());
            text.sample(AGE, &[("sink", name), ("state", "waiting")], age);
        }
        text.family(STOPPED, "gauge", "Whether the sink has said that it wants no more events (410).");
        for (name, sink) in &sinks {
            text.sample(STOPPED, &[("sink", name)], u8::from(sink.is_stopped));
        }
    }

    async fn get(&self, app: &App) -> Option<Waiting> {
        let mut last = self.0.lock().await;
        let now = SystemTime::now();
        // None also should the clock have been set back.
        let age = last.asked.and_then(|asked| now.duration_since(asked).ok());
        if age.is_none_or(|age| age >= last.good_for) {
            // Now, so that it holds too should whoever asks for metrics hang up.
            (last.asked, last.good_for) = (Some(now), FRESH);
            let answer = timeout(PATIENCE, app.db.run(async |conn| ask(conn, app).await)).await;
            if answer.is_err() {
                last.good_for = QUIET;
            }
            last.waiting = answer.ok().and_then(Result::ok);
        }
        last.waiting.clone()
    }
}

async fn ask(conn: &mut Conn, app: &App) -> Result<Waiting, Error> {
    let new: Option<Row> = conn.query_first(NEW).await?;
    let mut waiting = Waiting { new: new.map(read).transpose()?.unwrap_or_default(), sinks: Vec::new() };
    let stopped: Vec<String> = conn.query(STOPPED_SINKS).await?;
    for sink in &app.config.events.sinks {
        let in_line: Option<Row> = conn.exec_first(WAITING, (&sink.name,)).await?;
        let parked: Option<Row> = conn.exec_first(PARKED, (&sink.name,)).await?;
        let counted = Sink {
            waiting: in_line.map(read).transpose()?.unwrap_or_default(),
            parked: parked.map(read).transpose()?.unwrap_or_default(),
            is_stopped: stopped.contains(&sink.name),
        };
        waiting.sinks.push((sink.name.clone(), counted));
    }
    Ok(waiting)
}

fn read<T: FromRow>(row: Row) -> Result<T, Error> {
    from_row_opt(row).map_err(|error| Error::Internal(error.into()))
}
