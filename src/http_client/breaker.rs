//! A circuit breaker: a host that has failed several times in a row is left alone for a pause. Then one call is let
//! through as a probe; if that fails too, the next pause is twice as long.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// So many failures in a row open it.
const MOST_FAILURES: u32 = 5;

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const MOST_PAUSE: Duration = Duration::from_secs(30);

/// The breaker of one host.
#[derive(Default)]
pub struct Breaker(Mutex<State>);

#[derive(Default)]
struct State {
    /// In a row, while it is closed.
    failures: u32,
    /// While it is open: until when, and how long that pause is.
    open: Option<(Instant, Duration)>,
    /// A probe is on its way.
    probing: bool,
}

/// Leave to call the host, once.
pub struct Admission<'a> {
    breaker: &'a Breaker,
    is_probe: bool,
}

impl Breaker {
    /// Asks for leave to call the host.
    ///
    /// # Errors
    /// How long to wait at least, if there is none.
    pub fn admit(&self) -> Result<Admission<'_>, Duration> {
        let mut state = self.state();
        let Some((until, _)) = state.open else { return Ok(Admission { breaker: self, is_probe: false }) };
        let left = until.saturating_duration_since(Instant::now());
        if !left.is_zero() {
            return Err(left);
        }
        if state.probing {
            return Err(FIRST_PAUSE);
        }
        state.probing = true;
        Ok(Admission { breaker: self, is_probe: true })
    }

    /// Whether the host is left alone, or being probed.
    pub fn is_open(&self) -> bool {
        self.state().open.is_some()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Admission<'_> {
    /// Says how it went. Dropped without that, the call counts for nothing.
    pub fn report(self, worked: bool) {
        let mut state = self.breaker.state();
        match (state.open, worked) {
            (Some(_), true) if self.is_probe => *state = State::default(),
            (Some((_, pause)), false) if self.is_probe => state.pause(pause.saturating_mul(2)),
            // It was called before the breaker opened: the probe knows better.
            (Some(_), _) => {}
            (None, true) => state.failures = 0,
            (None, false) => {
                state.failures = state.failures.saturating_add(1);
                if state.failures >= MOST_FAILURES {
                    state.pause(FIRST_PAUSE);
                }
            }
        }
    }
}

impl Drop for Admission<'_> {
    fn drop(&mut self) {
        if self.is_probe {
            self.breaker.state().probing = false;
        }
    }
}

impl State {
    fn pause(&mut self, pause: Duration) {
        let pause = pause.min(MOST_PAUSE);
        self.open = Instant::now().checked_add(pause).map(|until| (until, pause));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pass(breaker: &Breaker) {
        breaker.state().open.as_mut().unwrap().0 = Instant::now();
    }

    #[test]
    fn it_opens_after_failures_in_a_row_and_each_failed_probe_doubles_the_pause() {
        let breaker = Breaker::default();
        for failures in [4, 5] {
            for _ in 0..failures {
                breaker.admit().unwrap().report(false);
            }
            if failures == 4 {
                breaker.admit().unwrap().report(true);
            }
        }

        for pause in [1, 2, 4, 8, 16, 30, 30] {
            let left = breaker.admit().err().unwrap();
            assert!(left <= Duration::from_secs(pause) && left > Duration::from_secs(pause - 1), "{left:?}");
            pass(&breaker);
            breaker.admit().unwrap().report(false);
        }
        pass(&breaker);
        breaker.admit().unwrap().report(true);
        assert!(breaker.admit().is_ok());
    }

    #[test]
    fn one_probe_at_a_time_and_one_that_is_given_up_makes_room_for_the_next() {
        let breaker = Breaker::default();
        let late = breaker.admit().unwrap();
        for _ in 0..5 {
            breaker.admit().unwrap().report(false);
        }
        pass(&breaker);

        let probe = breaker.admit().unwrap();
        assert!(breaker.admit().is_err());
        late.report(true);
        assert!(breaker.admit().is_err());
        drop(probe);

        breaker.admit().unwrap().report(true);
        assert!(breaker.admit().is_ok());
    }
}
