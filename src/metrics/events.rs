//! Events: what became of those that were sent, and which were heard.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use super::text::Text;
use crate::{SUBSCRIPTIONS, config::Config};

const SENT: &str = "outbox_deliveries_total";
const HEARD: &str = "webhook_events_total";

/// What became of an event that was sent.
#[derive(Clone, Copy)]
pub enum Became {
    /// It has arrived.
    Delivered,
    /// It has not, and will be sent again.
    Failed,
    /// It will not be sent again.
    Parked,
}

/// Counts of events.
pub struct Events {
    /// In the sequence of the settings' sinks.
    sinks: Vec<[AtomicU64; 3]>,
    /// By type.
    heard: Mutex<BTreeMap<Option<&'static str>, u64>>,
}

impl Events {
    /// None yet.
    pub fn new(config: &Config) -> Events {
        let known = SUBSCRIPTIONS.iter().copied().flatten().map(|subscription| (Some(subscription.kind), 0));
        Events {
            sinks: config.events.sinks.iter().map(|_| Default::default()).collect(),
            heard: Mutex::new(known.chain([(None, 0)]).collect()),
        }
    }

    /// This became of so many that were sent to the sink at `index` of the settings.
    pub fn count(&self, index: usize, became: Became, count: usize) {
        if let Some(total) = self.sinks.get(index).and_then(|sink| sink.get(became as usize)) {
            total.fetch_add(count as u64, Ordering::Relaxed);
        }
    }

    /// One of this type was heard; none: of a type that is not known here.
    pub fn heard(&self, kind: Option<&'static str>) {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let total = heard.entry(kind).or_default();
        *total = total.saturating_add(1);
    }

    /// Writes them down.
    pub fn write(&self, text: &mut Text, config: &Config) {
        text.family(SENT, "counter", "Events sent to a sink by what became of them; one that failed is sent again.");
        for (sink, totals) in config.events.sinks.iter().zip(&self.sinks) {
            for (outcome, total) in ["delivered", "failed", "parked"].iter().zip(totals) {
                text.sample(SENT, &[("sink", &sink.name), ("outcome", outcome)], total.load(Ordering::Relaxed));
            }
        }
        text.family(
            HEARD,
            "counter",
            "Events taken at POST /events by type, repeats too; _OTHER is known to nobody here.",
        );
        for (kind, total) in self.heard.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            text.sample(HEARD, &[("type", kind.unwrap_or("_OTHER"))], total);
        }
    }
}
