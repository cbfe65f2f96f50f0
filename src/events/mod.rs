//! Tells others of every change: at least once, in order for each row and each sink.

pub mod sinks;

use std::time::SystemTime;

use serde_json::value::RawValue;

use sinks::Sink;

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

/// An event as it is sent (CloudEvents 1.0).
pub struct CloudEvent {
    /// With `source` it is unique, and the same at each try.
    pub id: String,
    /// Who says it.
    pub source: String,
    /// What has happened, such as `thing.created`.
    pub kind: String,
    /// When.
    pub time: SystemTime,
    /// Events of the same key are in order.
    pub partition_key: String,
    /// Greater than that of the event before it, of the same key.
    pub sequence: u64,
    /// What it happened to, as JSON.
    pub data: Box<RawValue>,
}
