//! How many events wait, and since when: for those who watch. It is asked for at most once in a few seconds, however many
//! watch, and no question reads more than so many rows, however many wait.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use mysql_async::{Conn, prelude::Queryable};
use tokio::time::timeout;

use crate::{
    App,
    error::Error,
    metrics::{Seconds, Text},
};

// Rows of the outbox may be large, and are there for a moment only.
const NEW: &str = "SELECT CAST(COALESCE(SUM(count), 0) AS UNSIGNED), TIMESTAMPDIFF(MICROSECOND,
        '1970-01-01' + INTERVAL MIN(time) MICROSECOND, UTC_TIMESTAMP(6))
    FROM (SELECT count, time FROM outbox WHERE count > 0 ORDER BY id LIMIT 1000) o";
// Those that have been due for the longest come first, behind those that a parked event holds: `due_at` is NULL there.
const WAITING: &str = "SELECT COUNT(*), TIMESTAMPDIFF(MICROSECOND,
        '1970-01-01' + INTERVAL MIN(time) MICROSECOND, UTC_TIMESTAMP(6))
    FROM (SELECT e.time FROM event_lines l STRAIGHT_JOIN events e ON e.line = l.id
        WHERE l.sink = (SELECT id FROM event_sinks WHERE name = ?) ORDER BY l.due_at LIMIT 10000) w";
const PARKED: &str = "SELECT s.name, COUNT(p.sink), s.stopped_at IS NOT NULL
    FROM event_sinks s LEFT JOIN (SELECT sink FROM parked_events ORDER BY number LIMIT 10000) p ON p.sink = s.id
    GROUP BY s.id, s.name, s.stopped_at";

/// An answer is good for so long.
const FRESH: Duration = Duration::from_secs(5);

/// So long may it take: whoever asks for metrics waits a few seconds only.
const PATIENCE: Duration = Duration::from_secs(1);

const EVENTS: &str = "outbox_events";
const AGE: &str = "outbox_oldest_event_age_seconds";
const STOPPED: &str = "outbox_sink_stopped";

/// The last answer.
#[derive(Default)]
pub struct Backlog(Mutex<Option<(SystemTime, Option<Waiting>)>>);

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
        text.single("outbox_up", "gauge", "Whether the database has said within a second what waits.", is_known);
        let Some(Waiting { new, sinks }) = waiting else { return };
        text.family(EVENTS, "gauge", "Events to be told, counted up to 10000 a sink. new: in no sink's line yet.");
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
        let now = SystemTime::now();
        {
            let mut last = self.last();
            if let Some((asked, waiting)) = &mut *last {
                // Also should the clock have been set back.
                if now.duration_since(*asked).is_ok_and(|age| age < FRESH) {
                    return waiting.clone();
                }
                *asked = now; // others need not ask meanwhile
            }
        }
        let waiting = timeout(PATIENCE, app.db.run(async |conn| ask(conn, app).await)).await.ok().and_then(Result::ok);
        *self.last() = Some((now, waiting.clone()));
        waiting
    }

    fn last(&self) -> MutexGuard<'_, Option<(SystemTime, Option<Waiting>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn ask(conn: &mut Conn, app: &App) -> Result<Waiting, Error> {
    let mut waiting = Waiting { new: conn.query_first(NEW).await?.unwrap_or_default(), sinks: Vec::new() };
    let parked: Vec<(String, u64, bool)> = conn.query(PARKED).await?;
    for sink in &app.config.events.sinks {
        let in_line = conn.exec_first(WAITING, (&sink.name,)).await?.unwrap_or_default();
        let (parked, is_stopped) = parked
            .iter()
            .find(|(name, ..)| *name == sink.name)
            .map_or((0, false), |(_, parked, is_stopped)| (*parked, *is_stopped));
        waiting.sinks.push((sink.name.clone(), Sink { waiting: in_line, parked, is_stopped }));
    }
    Ok(waiting)
}
