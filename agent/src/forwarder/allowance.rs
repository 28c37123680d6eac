//! How fast a backlog may be sent: a thousand gateways that come back at once must not drown the cloud. Pure.
//!
//! A token bucket that holds one envelope: who has sent more than the rate waits until it has come down to it.

use std::time::Duration;

use crate::observation::Moment;

/// Records per second that the cloud allows, and until when what was sent uses them up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allowance {
    per_s: Option<u32>,
    used_until: Option<Moment>,
}

impl Allowance {
    /// The cloud has set the rate; none is no limit.
    pub fn set(&mut self, per_s: Option<u32>) {
        self.per_s = per_s.map(|per_s| per_s.max(1));
    }

    /// Records were sent.
    pub fn take(&mut self, now: Moment, records: u64) {
        let Some(per_s) = self.per_s else { return };
        let from = self.used_until.unwrap_or(now).max(now);
        self.used_until = Some(Moment(from.0 + Duration::from_millis(records * 1000 / u64::from(per_s))));
    }

    /// From when on more may be sent; none if that is now.
    pub fn wait_until(&self, now: Moment) -> Option<Moment> {
        self.used_until.filter(|until| self.per_s.is_some() && now < *until)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn never_more_than_the_rate_and_one_envelope(per_s in 1u32..2_000, envelopes in prop::collection::vec((1u64..=500, 0u64..3_000), 1..60)) {
            let mut allowance = Allowance::default();
            allowance.set(Some(per_s));
            let (mut now_ms, mut sent) = (0, 0);
            for (records, pause_ms) in envelopes {
                now_ms += pause_ms;
                let now = Moment(Duration::from_millis(now_ms));
                if allowance.wait_until(now).is_none() {
                    allowance.take(now, records);
                    sent += records;
                }
                // A millisecond is lost to rounding with every envelope.
                prop_assert!(sent <= (now_ms + 60) * u64::from(per_s) / 1000 + 500 + 1, "{sent} within {now_ms} ms");
            }
        }
    }

    #[test]
    fn without_a_rate_nobody_waits() {
        let mut allowance = Allowance::default();
        let now = Moment(Duration::from_secs(1));
        allowance.take(now, 1_000_000);
        assert_eq!(allowance.wait_until(now), None);
        allowance.set(Some(100));
        allowance.take(now, 500);
        assert_eq!(allowance.wait_until(now), Some(Moment(Duration::from_secs(6))));
        allowance.set(None);
        assert_eq!(allowance.wait_until(now), None, "the cloud has lifted it");
    }
}
