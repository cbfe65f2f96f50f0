//! Tells others of every change: at least once, in sequence for each key and each sink.

pub mod cloud_event;
pub mod sinks;

pub use cloud_event::CloudEvent;
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
