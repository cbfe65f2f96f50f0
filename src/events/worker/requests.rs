//! Makes requests of what is ready, and sends them.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::{Told, Worker};
use crate::{
    events::{
        cloud_event::CloudEvent,
        lines::{Head, Outcome},
        sinks::Verdict,
    },
    http_client::Context,
};

impl Worker {
    /// Sends what is ready.
    pub(super) fn send(&mut self) {
        while self.in_flight < self.most_in_flight() && !self.ready.is_empty() {
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
}
