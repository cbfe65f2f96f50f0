//! How the process ends without cutting anybody off. WASI has no signals, so it is asked to by a request
//! (`/drain` on `ADMIN_BIND`).
//!
//! At once it says that it is not ready, so that balancers send nothing more, and closes each connection with the next
//! answer. After `DRAIN_DELAY` it takes no new connections, finishes what is in flight within `DRAIN_TIMEOUT`, and ends.

use std::time::Duration;

use tokio::{sync::watch, time::Instant};

/// Where this process stands.
pub struct Drain(watch::Sender<Stage>);

#[derive(Clone, Copy, PartialEq)]
enum Stage {
    Serving,
    Leaving,
    /// Since then.
    Closing(Instant),
}

impl Default for Drain {
    fn default() -> Drain {
        Drain(watch::channel(Stage::Serving).0)
    }
}

impl Drain {
    /// Begins to end; false if it has begun before.
    pub fn begin(&self) -> bool {
        self.0.send_if_modified(|stage| {
            let serving = *stage == Stage::Serving;
            if serving {
                *stage = Stage::Leaving;
            }
            serving
        })
    }

    /// Whether it has begun to end.
    pub fn has_begun(&self) -> bool {
        *self.0.borrow() != Stage::Serving
    }

    /// From now on nobody new is served.
    pub fn close(&self) {
        self.0.send_replace(Stage::Closing(Instant::now()));
    }

    /// Whether nobody new is served.
    pub fn is_closing(&self) -> bool {
        matches!(*self.0.borrow(), Stage::Closing(_))
    }

    /// When what was in flight as nobody new was served any more has had so much time.
    pub fn deadline(&self, time: Duration) -> Instant {
        let now = Instant::now();
        let since = if let Stage::Closing(since) = *self.0.borrow() { since } else { now };
        since.checked_add(time).unwrap_or(now)
    }

    /// Waits until nobody new is to be served.
    pub async fn closing(&self) {
        let mut stage = self.0.subscribe();
        while !matches!(*stage.borrow_and_update(), Stage::Closing(_)) {
            if stage.changed().await.is_err() {
                return;
            }
        }
    }
}
