//! How long to wait before the next attempt: exponential, with full jitter. Pure: the chance is drawn by the caller.

use std::time::Duration;

/// The shortest wait.
const WAIT_MIN: Duration = Duration::from_secs(1);
/// The longest wait: a broker that is back should be noticed within a minute.
const WAIT_MAX: Duration = Duration::from_secs(60);
/// Failures after which the longest wait is reached: 2^6 s > 60 s.
const FAILURES_MAX: u32 = 6;

/// Counts failed attempts in a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// One more failure: how long to wait. `chance` is uniform in 0..1.
    pub(super) fn failed(&mut self, chance: f64) -> Duration {
        self.failures = (self.failures + 1).min(FAILURES_MAX);
        let ceiling = WAIT_MAX.min(Duration::from_secs(1 << self.failures));
        WAIT_MIN + (ceiling - WAIT_MIN).mul_f64(chance.clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_stay_in_bounds() {
        let mut backoff = Backoff::default();
        let ceilings: Vec<u64> = (0..8).map(|_| backoff.failed(1.0).as_secs()).collect();
        assert_eq!(ceilings, [2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(backoff.failed(0.0), WAIT_MIN);
    }
}
