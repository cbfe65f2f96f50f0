//! Tells others of every change: at least once, in sequence for each key and each sink.
//!
//! - [`outbox`]: a change's events are written with the change itself.
//! - [`fan_out`]: from there they are moved to a line for each sink and key.
//! - [`lines`]: who may send the head of which line, and what became of it.
//! - [`worker`]: sends them, a worker for each sink.
//! - [`sinks`], [`cloud_event`]: how they are written for each kind of sink.
//! - [`parked`], [`handlers`]: those that a sink does not take.
//! - [`backlog`]: how many wait, for those who watch.
//! - [`pauses`]: how long to wait before the next try.

pub mod backlog;
mod cloud_event;
mod fan_out;
pub mod handlers;
mod lines;
pub mod outbox;
mod parked;
mod pauses;
pub mod sinks;
mod worker;

use std::{sync::Arc, time::Duration};

use tokio::{
    select,
    sync::Notify,
    time::{sleep, timeout},
};

use crate::{App, error::Error, log, migrations::Migration};
pub use cloud_event::CloudEvent;
use pauses::jitter;
use sinks::Sink;
use worker::Worker;

/// The steps of the tables.
pub const MIGRATIONS: &[Migration] = &[
    Migration { name: "0004_outbox", sql: include_str!("../../sql/0004_outbox.sql") },
    Migration { name: "0005_event_sinks", sql: include_str!("../../sql/0005_event_sinks.sql") },
    Migration { name: "0006_event_lines", sql: include_str!("../../sql/0006_event_lines.sql") },
    Migration { name: "0007_events", sql: include_str!("../../sql/0007_events.sql") },
    Migration { name: "0008_parked_events", sql: include_str!("../../sql/0008_parked_events.sql") },
    Migration { name: "0011_outbox_trace", sql: include_str!("../../sql/0011_outbox_trace.sql") },
    Migration { name: "0012_events_trace", sql: include_str!("../../sql/0012_events_trace.sql") },
    Migration { name: "0013_parked_events_trace", sql: include_str!("../../sql/0013_parked_events_trace.sql") },
];

/// What other instances have written is looked for so often.
const LOOK: Duration = Duration::from_secs(1);

/// Whether the schema is in place is looked for so often.
const PAUSE: Duration = Duration::from_millis(100);

/// Who is told of changes.
pub struct Settings {
    /// Where events go (`EVENT_SINKS`).
    pub sinks: Vec<Sink>,
    /// The `source` of our events.
    pub source: String,
    /// How often an event is sent before it is parked.
    pub max_attempts: u32,
    /// Whether a parked event holds back those that follow it.
    pub parked_holds: bool,
}

/// Delivers events until nobody new is served, and what is in flight then.
pub async fn deliver(app: Arc<App>) {
    let Some(sinks) = register(&app).await else { return };
    if sinks.is_empty() {
        return;
    }
    let owner = outbox::random_id();
    let mut workers = Vec::new();
    let mut wakes = Vec::new();
    for (index, number) in sinks.iter().enumerate() {
        let wake = Arc::new(Notify::new());
        let worker = Worker::new(app.clone(), index, *number, owner.clone(), wake.clone());
        workers.push(tokio::spawn(worker.run()));
        wakes.push(wake);
    }
    select! {
        () = fan_out_all(&app, &sinks, &wakes) => {}
        () = app.drain.closing() => {}
    }
    for worker in workers {
        let _ = worker.await;
    }
}

/// Makes the sinks known, once the schema is in place. Gives their numbers, in the sequence of the settings; nothing when
/// the process is about to end.
async fn register(app: &App) -> Option<Vec<u32>> {
    let names: Vec<&str> = app.config.events.sinks.iter().map(|sink| sink.name.as_str()).collect();
    let register = async {
        let mut last_problem = String::new();
        loop {
            let registered = async {
                let sinks = lines::register(app, &names).await?;
                if !app.config.events.parked_holds {
                    lines::let_go(app, &sinks).await?;
                }
                let forgotten = lines::forgotten(app, &sinks).await?;
                Ok::<_, Error>((sinks, forgotten))
            };
            match registered.await {
                Ok(registered) => return registered,
                // The schema is not in place yet, or the database is away: it is said elsewhere.
                Err(Error::Unavailable(..)) => {}
                Err(error) if error.to_string() == last_problem => {}
                Err(error) => {
                    last_problem = error.to_string();
                    log::message(&format!("events: the sinks cannot be made known: {last_problem}"));
                }
            }
            sleep(PAUSE).await;
        }
    };
    let (sinks, forgotten) = select! {
        registered = register => registered,
        () = app.drain.closing() => return None,
    };
    for name in forgotten {
        log::message(&format!("warning: events wait for {name}, which EVENT_SINKS does not name any more"));
    }
    Some(sinks)
}

/// Moves events to the lines as soon as they are there.
async fn fan_out_all(app: &App, sinks: &[u32], wakes: &[Arc<Notify>]) {
    let (mut is_failing, mut most_events) = (false, fan_out::MOST_EVENTS);
    loop {
        match fan_out::fan_out(app, sinks, most_events).await {
            Ok(true) => {
                most_events = most_events.saturating_mul(2).min(fan_out::MOST_EVENTS);
                wakes.iter().for_each(|wake| wake.notify_one());
                continue;
            }
            Ok(false) => {
                if is_failing {
                    log::message("events: the outbox is read again");
                }
                is_failing = false;
                let _ = timeout(jitter(LOOK), app.outbox.added()).await;
            }
            Err(error) => {
                if !is_failing {
                    log::message(&format!("events: the outbox cannot be read for now: {error}"));
                }
                is_failing = true;
                // Perhaps it was too much at once.
                most_events = most_events.checked_div(2).unwrap_or_default().max(1);
                sleep(jitter(LOOK)).await;
            }
        }
    }
}
