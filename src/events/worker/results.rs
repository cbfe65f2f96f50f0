//! What the result of a request means for its events, and for those that wait.

use std::time::Duration;

use tokio::time::Instant;

use super::{Heads, Told, Worker, in_a};
use crate::{
    events::{
        cloud_event::CloudEvent,
        lines::{self, Head, Outcome},
        pauses::{after_outage, after_try, jitter},
        sinks::Verdict,
    },
    http_client::CallError,
    metrics::Became,
};

/// The log is told of parked events no more often than this.
const REPORT: Duration = Duration::from_secs(1);

impl Worker {
    /// Decides what a request's result means for its events.
    pub(super) async fn take(&mut self, told: Told) {
        let Told { heads, result } = told;
        self.in_flight = self.in_flight.saturating_sub(1);
        if self.outages > 0 && result.is_ok() {
            self.outages = 0;
            self.resume_at = Instant::now();
            if std::mem::take(&mut self.is_said_away) {
                self.say("can be reached again");
            }
        }
        match result {
            Ok(Verdict::Delivered) => {
                self.batch = self.batch.saturating_add(1);
                self.count(Became::Delivered, heads.len());
                for (head, _) in heads {
                    self.outcomes.push((head.line, head.number, Outcome::Delivered));
                }
            }
            Ok(Verdict::Later(asked, reason)) => self.again(&heads, asked, &reason),
            // One of them may be to blame: it is found by halving.
            Ok(Verdict::TooMany(_) | Verdict::Park(_)) if heads.len() > 1 => {
                self.batch = heads.len().checked_div(2).unwrap_or(1);
                for head in heads.into_iter().rev() {
                    self.ready.push_front(head);
                }
            }
            Ok(Verdict::TooMany(reason) | Verdict::Park(reason)) => {
                for (head, _) in heads {
                    self.park(&head, &reason);
                }
            }
            Ok(Verdict::Gone) => self.stop(heads).await,
            Err(CallError::TimedOut) => self.again(&heads, None, "no answer in time"),
            Err(CallError::TooLarge) => self.again(&heads, None, "its answer is too large"),
            Err(CallError::Nonsense(cause)) => self.again(&heads, None, &cause.to_string()),
            Err(CallError::Busy) => {
                self.resume_at = self.resume_at.max(in_a(jitter(Duration::from_millis(100))));
                self.release(heads);
            }
            Err(CallError::Open(pause)) => {
                self.outages = self.outages.max(1);
                self.resume_at = self.resume_at.max(in_a(pause));
                self.release(heads);
            }
            Err(CallError::Forbidden) => self.unreachable(heads, "its host is not among OUTBOUND_ALLOWED_HOSTS"),
            Err(CallError::Failed(cause)) => self.unreachable(heads, &format!("cannot be reached: {cause:#}")),
        }
    }

    /// The first of those that find the sink away counts as a try, so that one that the sink dies of is parked some day.
    fn unreachable(&mut self, heads: Heads, reason: &str) {
        if self.outages > 0 && Instant::now() < self.resume_at {
            return self.release(heads);
        }
        if !std::mem::replace(&mut self.is_said_away, true) {
            self.say(reason);
        }
        self.outages = self.outages.saturating_add(1);
        self.resume_at = in_a(after_outage(self.outages));
        self.again(&heads, None, reason);
        self.give_up(self.ready.len());
    }

    /// These have been tried once more, in vain.
    fn again(&mut self, heads: &[(Head, CloudEvent)], asked: Option<Duration>, reason: &str) {
        for (head, _) in heads {
            let attempts = head.attempts.saturating_add(1);
            if attempts >= self.app.config.events.max_attempts {
                self.park(head, reason);
            } else {
                self.count(Became::Failed, 1);
                self.outcomes.push((head.line, head.number, Outcome::Again(after_try(attempts, asked), attempts)));
            }
        }
    }

    pub(super) fn park(&mut self, head: &Head, reason: &str) {
        let attempts = head.attempts.saturating_add(1);
        self.outcomes.push((head.line, head.number, Outcome::Parked(attempts, reason.to_string())));
        self.count(Became::Parked, 1);
        self.parked = self.parked.saturating_add(1);
        self.last_refusal = reason.to_string();
    }

    fn count(&self, became: Became, count: usize) {
        self.app.metrics.events.count(self.index, became, count);
    }

    /// Tells the log of the events that were parked, now and then.
    pub(super) fn report_parked(&mut self) {
        if self.parked > 0 && Instant::now() >= self.report_at {
            let (count, reason) = (self.parked, &self.last_refusal);
            self.say(&format!("does not take {count} events, which are parked; the last one: {reason}"));
            self.parked = 0;
            self.report_at = in_a(REPORT);
        }
    }

    /// These have not been tried.
    fn release(&mut self, heads: Heads) {
        self.ready.extend(heads);
        self.give_up(self.ready.len());
    }

    /// Leaves the first of those that are ready to others.
    pub(super) fn give_up(&mut self, count: usize) {
        for (head, _) in self.ready.drain(..count) {
            self.outcomes.push((head.line, head.number, Outcome::Again(Duration::ZERO, head.attempts)));
        }
    }

    async fn stop(&mut self, heads: Heads) {
        self.release(heads);
        if std::mem::replace(&mut self.is_gone, true) {
            return;
        }
        self.say("wants no more events (410): they are kept; POST /events/replay with its name starts it again");
        if let Err(error) = lines::stop(&self.app, self.number, "410 Gone").await {
            self.database_fails(&error); // the next event finds it out again
        }
    }
}
