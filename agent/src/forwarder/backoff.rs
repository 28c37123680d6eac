//! How long to wait before the next attempt: exponential with full jitter, so that a thousand gateways do not come back at
//! once. Pure: the chance is drawn by the caller.

use std::time::Duration;

/// The shortest wait: next to none, so that the attempts of many spread over the whole time.
const WAIT_MIN: Duration = Duration::from_millis(100);
/// The longest wait: people should not wait longer for what the gateway knows once the line is back.
const WAIT_MAX: Duration = Duration::from_secs(60);
/// Failures after which the longest wait is reached: 2^6 s > 60 s.
const FAILURES_MAX: u32 = 6;

/// Counts failed attempts in a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// One more failure: how long to wait. `chance` is uniform in 0..1.
    #[must_use]
    pub fn failed(self, chance: f64) -> (Self, Duration) {
        let failures = (self.failures + 1).min(FAILURES_MAX);
        let ceiling = WAIT_MAX.min(Duration::from_secs(1 << failures));
        let wait = WAIT_MIN + (ceiling - WAIT_MIN).mul_f64(chance.clamp(0.0, 1.0));
        (Self { failures }, wait)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn stays_in_bounds_and_grows(chances in prop::collection::vec(0.0f64..1.0, 1..40)) {
            let mut backoff = Backoff::default();
            let mut ceiling_before = Duration::ZERO;
            for chance in chances {
                let (next, wait) = backoff.failed(chance);
                prop_assert!((WAIT_MIN..=WAIT_MAX).contains(&wait));
                let ceiling = backoff.failed(1.0).1;
                prop_assert!(ceiling >= ceiling_before);
                ceiling_before = ceiling;
                backoff = next;
            }
        }
    }

    #[test]
    fn the_first_wait_is_at_most_two_seconds() {
        assert_eq!(Backoff::default().failed(0.0).1, WAIT_MIN);
        assert_eq!(Backoff::default().failed(1.0).1, Duration::from_secs(2));
    }

    #[test]
    fn a_thousand_gateways_do_not_come_back_at_once() {
        let mut backoff = Backoff::default();
        for _ in 0..FAILURES_MAX {
            let ceiling = backoff.failed(1.0).1;
            let waits: Vec<_> = (0..1000).map(|number| backoff.failed(f64::from(number) / 1000.0).1).collect();
            for tenth in 0..10 {
                let within = |wait: &&Duration| (ceiling * tenth / 10..ceiling * (tenth + 1) / 10).contains(*wait);
                let count = waits.iter().filter(within).count();
                assert!((45..=110).contains(&count), "{count} in tenth {tenth} of {ceiling:?}");
            }
            backoff = backoff.failed(1.0).0;
        }
    }
}
