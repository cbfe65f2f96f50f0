//! What this process is doing, in numbers: `GET /metrics`, which Prometheus asks every few seconds.
//!
//! Each part of the service counts for itself, in whole numbers that are always there; here they are written down, and here
//! is what belongs to no part. Names and labels follow Prometheus' rules, and OpenTelemetry's semantic conventions where
//! those agree with them. No label holds what a client has sent.
//!
//! - [`histogram`]: what is counted.
//! - [`text`]: how it is written.
//! - [`requests`], [`database`], [`events`]: counts of those.

mod database;
mod events;
mod histogram;
mod requests;
mod text;

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use hyper::{Body, Response};

pub use database::Usage;
pub use events::Became;
pub use histogram::{Histogram, Seconds};
pub use text::{Labels, Text};

use crate::{App, config::Config, error::Error, events::backlog::Backlog, response, self_check};
use events::Events;
use requests::Requests;

/// What has been counted since the start.
pub struct Metrics {
    /// Requests.
    pub requests: Requests,
    /// Events.
    pub events: Events,
    backlog: Backlog,
    started: SystemTime,
    is_interpreted: bool,
}

impl Metrics {
    /// Nothing yet.
    pub fn new(config: &Config) -> Metrics {
        Metrics {
            requests: Requests::default(),
            events: Events::new(config),
            backlog: Backlog::default(),
            started: SystemTime::now(),
            is_interpreted: self_check::runs_interpreted(),
        }
    }

    fn write_process(&self, text: &mut Text) {
        let started = self.started.duration_since(UNIX_EPOCH).unwrap_or_default();
        let (name, memory, help) = memory();
        text.single("process_start_time_seconds", "gauge", "When the process began, since 1970.", seconds(started));
        text.single(name, "gauge", help, memory);
        let labels = [
            ("service", env!("CARGO_PKG_NAME")),
            ("version", env!("CARGO_PKG_VERSION")),
            ("target", if cfg!(target_arch = "wasm32") { "wasm32-wasip1" } else { "native" }),
            ("interpreted", if self.is_interpreted { "true" } else { "false" }),
        ];
        text.family("service_build_info", "gauge", "What runs; interpreted: many times slower than it could.");
        text.sample("service_build_info", &labels, 1);
    }
}

/// The handler of `GET /metrics`. It answers whether or not the database does.
pub async fn show(app: Arc<App>) -> Result<Response<Body>, Error> {
    let mut text = Text::default();
    app.metrics.requests.write(&mut text);
    app.memory.write_metrics(&mut text);
    app.db.write_metrics(&mut text);
    app.http.write_metrics(&mut text);
    app.metrics.events.write(&mut text, &app.config);
    app.metrics.backlog.write(&mut text, &app).await;
    app.metrics.write_process(&mut text);
    Ok(response::with_type(text::MEDIA_TYPE, text.into_string()))
}

fn seconds(duration: Duration) -> Seconds {
    Seconds(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX))
}

/// What the memory's metric is called, its bytes, and what they mean.
#[cfg(target_arch = "wasm32")]
fn memory() -> (&'static str, usize, &'static str) {
    let pages = core::arch::wasm32::memory_size::<0>();
    (
        "wasm_memory_bytes",
        pages.saturating_mul(64 << 10),
        "The module's memory, which never shrinks, without WasmEdge's.",
    )
}

/// Linux's word for it; 0 elsewhere.
#[cfg(not(target_arch = "wasm32"))]
fn memory() -> (&'static str, usize, &'static str) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse().ok());
    ("process_resident_memory_bytes", line.unwrap_or(0_usize).saturating_mul(1024), "Resident memory.")
}
