//! How long to wait before the next try.

use std::time::Duration;

pub use crate::jitter::around as jitter;

/// The pause after an event's first try; it doubles with each, up to the most.
const FIRST: Duration = Duration::from_secs(1);
const MOST: Duration = Duration::from_secs(300);

/// The longest pause that a sink may ask for.
const MOST_ASKED: Duration = Duration::from_secs(24 * 3600);

/// The pauses for a sink that cannot be reached.
const FIRST_OUTAGE: Duration = Duration::from_millis(250);
const MOST_OUTAGE: Duration = Duration::from_secs(10);

/// The pause of an event that has been sent `attempts` times, no shorter than what its sink has asked for.
pub fn after_try(attempts: u32, asked: Option<Duration>) -> Duration {
    jitter(doubled(FIRST, attempts, MOST)).max(asked.unwrap_or_default().min(MOST_ASKED))
}

/// The pause for a sink that could not be reached `times` times in a row.
pub fn after_outage(times: u32) -> Duration {
    jitter(doubled(FIRST_OUTAGE, times, MOST_OUTAGE))
}

fn doubled(first: Duration, times: u32, most: Duration) -> Duration {
    first.saturating_mul(2_u32.saturating_pow(times.saturating_sub(1))).min(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_doubles_and_has_an_end() {
        for (attempts, least, most) in [(1, 0.8, 1.2), (2, 1.6, 2.4), (5, 12.8, 19.2), (30, 240.0, 360.0)] {
            let pause = after_try(attempts, None).as_secs_f64();
            assert!((least..=most).contains(&pause), "{attempts}: {pause}");
        }
        assert_eq!(after_try(1, Some(Duration::from_secs(9))), Duration::from_secs(9));
        assert_eq!(after_try(1, Some(Duration::MAX)), MOST_ASKED);
    }
}
