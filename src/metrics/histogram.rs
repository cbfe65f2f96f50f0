//! What is counted: durations in a few ranges, and how many there are of something at the moment. Whole numbers only, a
//! few additions each, no memory taken: it stands on every request's path. Knows no format.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime},
};

/// The upper bounds of the ranges, in microseconds; above the last there is one more range. Most answers take less than a
/// millisecond, the slowest as long as the time limits let them.
pub const BOUNDS: [u64; 11] =
    [500, 1_000, 2_500, 5_000, 10_000, 25_000, 100_000, 250_000, 1_000_000, 2_500_000, 10_000_000];

/// How many durations fell into which range, and their sum.
#[derive(Default)]
pub struct Histogram {
    ranges: [AtomicU64; BOUNDS.len()],
    longer: AtomicU64,
    micros: AtomicU64,
}

impl Histogram {
    /// One more.
    #[inline(never)] // the module is to be small
    pub fn observe(&self, duration: Duration) {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let range = BOUNDS.iter().zip(&self.ranges).find(|(bound, _)| micros <= **bound);
        range.map_or(&self.longer, |(_, range)| range).fetch_add(1, Ordering::Relaxed);
        self.micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// Measures from now until what this gives is dropped, also by those who wait no longer.
    pub fn timer(&self) -> Timer<'_> {
        Timer { histogram: self, started: SystemTime::now() }
    }

    /// How many were no longer than each bound, then how many there are.
    pub fn cumulative(&self) -> ([u64; BOUNDS.len()], u64) {
        let mut count = 0_u64;
        let mut add = |range: &AtomicU64| {
            count = count.saturating_add(range.load(Ordering::Relaxed));
            count
        };
        (self.ranges.each_ref().map(&mut add), add(&self.longer))
    }

    /// Of all durations.
    pub fn sum(&self) -> Seconds {
        Seconds(self.micros.load(Ordering::Relaxed))
    }
}

/// A duration that is being measured. (By `SystemTime`: `Instant` stands still between two waits on WasmEdge.)
pub struct Timer<'a> {
    histogram: &'a Histogram,
    started: SystemTime,
}

impl Drop for Timer<'_> {
    #[inline(never)]
    fn drop(&mut self) {
        self.histogram.observe(self.started.elapsed().unwrap_or_default()); // zero should the clock be set back
    }
}

/// How many there are of something at the moment.
#[derive(Default)]
pub struct Gauge(AtomicU64);

/// One of them. It is gone when this is dropped.
pub struct Present<'a>(&'a Gauge);

impl Gauge {
    /// One more, until what this gives is dropped.
    pub fn enter(&self) -> Present<'_> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Present(self)
    }

    /// How many there are.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for Present<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Microseconds that are written as seconds. By hand: some of what `f64` can do has WasmEdge 0.14.1 interpret the whole
/// module.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seconds(pub u64);

impl fmt::Display for Seconds {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{:06}", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_falls_into_the_first_range_that_holds_it() {
        let histogram = Histogram::default();
        for micros in [0, 500, 501, 10_000_000, 10_000_001, 3_600_000_000] {
            histogram.observe(Duration::from_micros(micros));
        }

        assert_eq!(histogram.cumulative(), ([2, 3, 3, 3, 3, 3, 3, 3, 3, 3, 4], 6));
        assert_eq!(histogram.sum().to_string(), "3620.001002");
    }

    #[test]
    fn what_is_present_is_counted_until_it_is_dropped() {
        let gauge = Gauge::default();
        let first = gauge.enter();
        let second = gauge.enter();
        drop(first);
        assert_eq!(gauge.get(), 1);
        drop(second);
        assert_eq!(gauge.get(), 0);
    }
}
