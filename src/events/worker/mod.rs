//! Sends what waits for one sink: the head of each line that is due, some requests at a time. Knows no SQL.
//!
//! A sink that cannot be reached is left alone for a while and then tried with one event. So its being away uses up the
//! tries of one event at a time, and not of all that wait.

mod results;

use std::{
    collections::VecDeque,
    pin::pin,
    sync::Arc,
    time::{Duration, SystemTime},
};

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
use crate::{
    App,
    error::Error,
    http_client::{CallError, Context},
    log,
};

/// Requests to one sink at a time.
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
    /// Heads to be sent.
    ready: VecDeque<(Head, CloudEvent)>,
    /// What is to be noted in the database, as [`lines::finish`] takes it.
    outcomes: Vec<(u64, u64, Outcome)>,
    /// When to look for lines that are due.
    look_at: Instant,
    /// How often in a row the sink could not be reached, and until when it is left alone.
    outages: u32,
    resume_at: Instant,
    /// The same for the database.
    database_problem: Option<String>,
    retry_at: Instant,
    /// The most events in a request.
    batch: usize,
    /// Whether it has said that it wants nothing more.
    is_gone: bool,
    /// Events that were parked since the log was told.
    parked: u32,
    report_at: Instant,
}

impl Worker {
    /// For the sink at `index` of the settings, whose number is `number`. It looks what is due whenever it is woken.
    pub fn new(app: Arc<App>, index: usize, number: u32, owner: String, wake: Arc<Notify>) -> Worker {
        let (sender, told) = mpsc::unbounded_channel();
        let now = Instant::now();
        Worker {
            app,
            index,
            number,
            owner,
            wake,
            sender,
            told,
            in_flight: 0,
            ready: VecDeque::new(),
            outcomes: Vec::new(),
            look_at: now,
            outages: 0,
            resume_at: now,
            database_problem: None,
            retry_at: now,
            batch: usize::MAX,
            is_gone: false,
            parked: 0,
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
            let wake_at = self.wake_at();
            select! {
                Some(told) = self.told.recv() => {
                    self.take(told).await;
                    // Those that have come meanwhile are noted together.
                    while let Ok(told) = self.told.try_recv() {
                        self.take(told).await;
                    }
                }
                () = sleep_until(wake_at) => {}
                () = wake.notified() => self.look_at = Instant::now(),
                () = &mut closing => break,
            }
        }
        self.give_up(self.ready.len());
        self.note().await;
        let deadline = Instant::now().checked_add(app.config.drain_timeout).unwrap_or_else(Instant::now);
        while self.in_flight > 0 {
            let Ok(Some(told)) = timeout_at(deadline, self.told.recv()).await else { break };
            self.take(told).await;
        }
        self.give_up(self.ready.len());
        while !self.outcomes.is_empty() && Instant::now() < deadline {
            sleep_until(self.retry_at).await;
            self.note().await;
        }
    }

    fn sink(&self) -> Option<&Sink> {
        self.app.config.events.sinks.get(self.index)
    }

    /// When something has to be done that nobody wakes us for.
    fn wake_at(&self) -> Instant {
        if !self.outcomes.is_empty() {
            self.retry_at
        } else if self.may_look() {
            self.look_at.max(self.resume_at).max(self.retry_at)
        } else {
            in_a(LOOK)
        }
    }

    /// While the sink cannot be reached, one event is tried at a time.
    fn may_look(&self) -> bool {
        let most = if self.outages > 0 { 1 } else { MOST_IN_FLIGHT };
        self.ready.is_empty() && self.in_flight < most
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

    /// Sends what is ready.
    fn send(&mut self) {
        let most = if self.outages > 0 { 1 } else { MOST_IN_FLIGHT };
        while self.in_flight < most && !self.ready.is_empty() {
            let (heads, events) = self.next_request();
            let Some(sink) = self.sink().filter(|_| !events.is_empty()) else { continue };
            match sink.request(&events, SystemTime::now()) {
                Ok(call) => {
                    let (app, index, sender) = (self.app.clone(), self.index, self.sender.clone());
                    self.in_flight = self.in_flight.saturating_add(1);
                    tokio::spawn(async move {
                        let answer = app.http.call(call, &Context::default()).await;
                        let verdict = |answer| {
                            app.config.events.sinks.get(index).map_or(Verdict::Gone, |sink| sink.verdict(&answer))
                        };
                        let result = answer.map(verdict);
                        let _ = sender.send(Told { heads: heads.into_iter().zip(events).collect(), result });
                    });
                }
                Err(error) => {
                    for head in heads {
                        self.park(&head, &error.to_string());
                    }
                }
            }
        }
    }

    /// The next events, as many as one request carries; none if all have waited for too long.
    fn next_request(&mut self) -> (Vec<Head>, Vec<CloudEvent>) {
        let (mut heads, mut events) = (Vec::new(), Vec::new());
        let (most_events, most_bytes) =
            self.sink().map_or((1, 0), |sink| (sink.most_events.min(self.batch), sink.most_bytes));
        let mut bytes = 0_usize;
        while let Some((head, event)) = self.ready.pop_front() {
            if Instant::now() > head.send_until {
                self.outcomes.push((head.line, head.number, Outcome::Again(Duration::ZERO, head.attempts)));
                continue;
            }
            if most_events > 1 {
                bytes = bytes.saturating_add(event.to_json().map_or(0, |json| json.len().saturating_add(1)));
            }
            if !events.is_empty() && bytes > most_bytes {
                self.ready.push_front((head, event));
                break;
            }
            heads.push(head);
            events.push(event);
            if events.len() >= most_events {
                break;
            }
        }
        (heads, events)
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
