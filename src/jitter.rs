//! Pauses of no fixed length: those that have met, or failed together, shall not come again together.

use std::time::Duration;

use crate::random;

/// From nothing up to `longest`, by chance.
pub fn up_to(longest: Duration) -> Duration {
    longest.saturating_mul(u32::from(chance())).checked_div(255).unwrap_or_default()
}

/// From 0.8 to 1.2 of `pause`, by chance.
pub fn around(pause: Duration) -> Duration {
    pause.mul_f64(0.8 + 0.4 * f64::from(chance()) / 255.0)
}

fn chance() -> u8 {
    let [chance, ..] = random::number().to_le_bytes();
    chance
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_in_its_range_and_not_always_the_same() {
        let second = Duration::from_secs(1);
        let pauses: Vec<[f64; 2]> =
            (0..1000).map(|_| [up_to(second).as_secs_f64(), around(second).as_secs_f64()]).collect();

        assert!(pauses.iter().all(|[up_to, around]| (0.0..=1.0).contains(up_to) && (0.8..=1.2).contains(around)));
        for place in [0, 1] {
            let mut some: Vec<f64> = pauses.iter().map(|pauses| pauses[place]).collect();
            some.sort_by(f64::total_cmp);
            some.dedup();
            assert!(some.len() > 100, "{}", some.len());
        }
    }
}
