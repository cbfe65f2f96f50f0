//! Sends what waits for one sink: the head of each line that is due, some requests at a time. Knows no SQL.
//!
//! A sink that cannot be reached is left alone for a while and then tried with one event. So its being away uses up the
//! tries of one event at a time, and not of all that wait.

mod requests;
mod results;

use std::{collections::VecDeque, pin::pin, sync::Arc, time::Duration};

use tokio::{
    select,
    sync::{
        Notify,
        mpsc::{self, UnboundedReceiver, UnboundedSender},
    },
    time::{Instant, sleep_until, timeout_at},
};

use super::{
    cloud_event::CloudEvent,
    lines::{self, Head, Next, Outcome},
    pauses::jitter,
    sinks::{Sink, Verdict},
};
use crate::{App, error::Error, http_client::CallError, log};

/// Requests to one sink at a time; fewer where there are many sinks, because half of all calls is left to those who wait
/// for them.
const MOST_IN_FLIGHT: usize = 16;

/// Lines are taken for so many requests, and not more than so many lines, because taking some costs as much as one.
const REQUESTS_AHEAD: usize = 64;
const MOST_AHEAD: usize = 512;

/// A line that is ours may wait for so long, besides the time that so many calls may take. After that it is ours for one
/// more call, and for as long again to note what came of it.
const CALLS_AHEAD: u32 = 1;
const MARGIN: Duration = Duration::from_secs(3);

/// What others have added or left behind is looked for so often.
const LOOK: Duration = Duration::from_secs(1);

type Heads = Vec<(Head, CloudEvent)>;

/// What became of a request.
struct Told {
    heads: Heads,
    result: Result<Verdict, CallError>,
}

/// The worker of one sink.
pub struct Worker {
    app: Arc<App>,
    /// Its sink's place in the settings, and its number in the database.
    index: usize,
    number: u32,
    /// What this process is called in the database.
    owner: String,
    wake: Arc<Notify>,
    sender: UnboundedSender<Told>,
    told: UnboundedReceiver<Told>,
    in_flight: usize,
    most_in_flight: usize,
    /// Heads to be sent.
    ready: VecDeque<(Head, CloudEvent)>,
    /// What is to be noted in the database, as [`lines::finish`] takes it.
    outcomes: Vec<(u64, u64, Outcome)>,
    /// When to look for lines that are due.
    look_at: Instant,
    /// How often in a row the sink could not be reached, and until when it is left alone.
    outages: u32,
    resume_at: Instant,
    /// Whether the log was told that it cannot be reached.
    is_said_away: bool,
    /// The same for the database.
    database_problem: Option<String>,
    retry_at: Instant,
    /// The most events in a request.
    batch: usize,
    /// Whether it has said that it wants nothing more.
    is_gone: bool,
    /// Events that were parked since the log was told.
    parked: u32,
    last_refusal: String,
    report_at: Instant,
}

impl Worker {
    /// For the sink at `index` of the settings, whose number is `number`. It looks what is due whenever it is woken.
    pub fn new(app: Arc<App>, index: usize, number: u32, owner: String, wake: Arc<Notify>) -> Worker {
        let (sender, told) = mpsc::unbounded_channel();
        let now = Instant::now();
        let half = app.config.outbound.max_calls.checked_div(2).unwrap_or_default();
        let share = half.checked_div(app.config.events.sinks.len()).unwrap_or_default();
        Worker {
            app,
            index,
            number,
            owner,
            wake,
            sender,
            told,
            in_flight: 0,
            most_in_flight: share.clamp(1, MOST_IN_FLIGHT),
            ready: VecDeque::new(),
            outcomes: Vec::new(),
            look_at: now,
            outages: 0,
            resume_at: now,
            is_said_away: false,
            database_problem: None,
            retry_at: now,
            batch: usize::MAX,
            is_gone: false,
            parked: 0,
            last_refusal: String::new(),
            report_at: now,
        }
    }

    /// Works until nobody new is served; then it finishes what is in flight and gives its lines up.
    pub async fn run(mut self) {
        let (app, wake) = (self.app.clone(), self.wake.clone());
        let mut closing = pin!(app.drain.closing());
        loop {
            self.note().await;
            self.look().await;
            self.send();
            self.report_parked();
            let wake_at = self.wake_at();
            select! {
                Some(told) = self.told.recv() => self.take_all(told).await,
                () = sleep_until(wake_at) => {}
                () = wake.notified() => self.look_at = Instant::now(),
                () = &mut closing => break,
            }
        }
        let _ = timeout_at(app.drain.deadline(app.config.drain_timeout), self.close()).await;
    }

    /// Gives up what is not in flight, and notes what comes of that which is.
    async fn close(&mut self) {
        self.give_up(self.ready.len());
        while self.in_flight > 0 || !self.outcomes.is_empty() {
            self.note().await;
            select! {
                Some(told) = self.told.recv(), if self.in_flight > 0 => self.take_all(told).await,
                () = sleep_until(self.retry_at), if !self.outcomes.is_empty() => {}
                else => {}
            }
            self.give_up(self.ready.len());
        }
    }

    /// Those that have come meanwhile are noted together.
    async fn take_all(&mut self, told: Told) {
        self.take(told).await;
        while let Ok(told) = self.told.try_recv() {
            self.take(told).await;
        }
    }

    fn sink(&self) -> Option<&Sink> {
        self.app.config.events.sinks.get(self.index)
    }

    /// When something has to be done that nobody wakes us for.
    fn wake_at(&self) -> Instant {
        let wake_at = self.work_at();
        if self.parked > 0 { wake_at.min(self.report_at) } else { wake_at }
    }

    fn work_at(&self) -> Instant {
        if !self.outcomes.is_empty() {
            self.retry_at
        } else if self.may_look() {
            self.look_at.max(self.resume_at).max(self.retry_at)
        } else {
            in_a(LOOK)
        }
    }

    /// While the sink cannot be reached, one event is tried at a time.
    fn most_in_flight(&self) -> usize {
        if self.outages > 0 { 1 } else { self.most_in_flight }
    }

    fn may_look(&self) -> bool {
        self.ready.is_empty() && self.in_flight < self.most_in_flight()
    }

    /// Takes lines that are due.
    async fn look(&mut self) {
        let now = Instant::now();
        if !self.may_look() || now < self.look_at.max(self.resume_at).max(self.retry_at) {
            return;
        }
        match self.claim().await {
            Ok(pause) => {
                self.database_works();
                self.look_at = in_a(pause);
            }
            Err(error) => self.database_fails(&error),
        }
    }

    /// Gives when to look again, should nothing happen until then.
    async fn claim(&mut self) -> Result<Duration, Error> {
        match lines::next(&self.app, self.number).await? {
            Next::Stopped | Next::Nothing => return Ok(jitter(LOOK)),
            Next::DueIn(pause) if !pause.is_zero() => return Ok(pause.min(jitter(LOOK))),
            Next::DueIn(_) => self.is_gone = false,
        }
        let most_events = self.sink().map_or(1, |sink| sink.most_events);
        self.batch = self.batch.min(most_events).max(1);
        let most = if self.outages > 0 { 1 } else { self.batch.saturating_mul(REQUESTS_AHEAD).min(MOST_AHEAD) };
        let call = self.app.config.outbound.timeout;
        let margin = MARGIN.saturating_add(call.saturating_mul(CALLS_AHEAD));
        let send_until = in_a(margin);
        let lease = margin.saturating_add(call).saturating_add(MARGIN);
        let heads = lines::claim(&self.app, self.number, &self.owner, most, lease, send_until).await?;
        // Nothing: others have them all.
        let pause = if heads.is_empty() { jitter(LOOK) } else { Duration::ZERO };
        self.ready.extend(heads);
        Ok(pause)
    }

    /// Writes down what is decided.
    async fn note(&mut self) {
        if self.outcomes.is_empty() || Instant::now() < self.retry_at {
            return;
        }
        match lines::finish(&self.app, &self.owner, &self.outcomes).await {
            Ok(any_goes_on) => {
                self.database_works();
                self.outcomes.clear();
                if any_goes_on {
                    self.look_at = Instant::now();
                }
            }
            Err(error) => self.database_fails(&error),
        }
    }

    fn database_works(&mut self) {
        if self.database_problem.take().is_some() {
            self.say("is told again");
        }
    }

    fn database_fails(&mut self, error: &Error) {
        if self.database_problem.is_none() {
            self.say(&format!("is not told for now: {error}"));
        }
        self.database_problem = Some(error.to_string());
        self.retry_at = in_a(jitter(LOOK));
    }

    fn say(&self, what: &str) {
        let name = self.sink().map(|sink| sink.name.as_str()).unwrap_or_default();
        log::message(&format!("events: {name} {what}"));
    }
}

fn in_a(pause: Duration) -> Instant {
    Instant::now().checked_add(pause).unwrap_or_else(Instant::now)
}
