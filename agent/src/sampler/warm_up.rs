//! With which warm-up was a value measured? Pure; times are since the agent's start.
//!
//! A value below 3.8 mA means something else when the transmitter was still starting. A poll is measured with the warm-up
//! that the device has now; a block that it prints by itself may have been measured before the last change, so for a while
//! the shorter of both counts.

use std::time::Duration;

use crate::device::setup::Applied;

/// How long after a change the device may still print what it measured before: an uplink with all its failures.
const DOUBT: Duration = Duration::from_secs(120);

/// The device's warm-up, and what it was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WarmUps {
    now: Duration,
    before: Duration,
    changed_at: Duration,
}

impl WarmUps {
    /// As found and as set, at this moment.
    pub fn new(applied: &Applied, at: Duration) -> Self {
        Self { now: applied.warm_up.duration(), before: applied.warm_up_before.duration(), changed_at: at }
    }

    /// Of a measurement that was asked for.
    pub fn polled(&self) -> Duration {
        self.now
    }

    /// Of a row of the sensor's history, which may be older than the last change.
    pub fn in_history(&self) -> Duration {
        self.now.min(self.before)
    }

    /// Of a block that was overheard at this moment.
    pub fn overheard(&self, at: Duration) -> Duration {
        if at < self.changed_at + DOUBT { self.now.min(self.before) } else { self.now }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::at::warm_up::WarmUp;

    #[test]
    fn after_a_change_an_overheard_block_may_be_older_than_it() {
        let warm_up = |ms| WarmUp::new(ms).unwrap();
        let applied = Applied { warm_up_before: warm_up(500), warm_up: warm_up(6000), not_taken: Vec::new() };
        let seconds = Duration::from_secs;
        let warm_ups = WarmUps::new(&applied, seconds(10));
        assert_eq!(warm_ups.polled(), seconds(6));
        assert_eq!(warm_ups.overheard(seconds(20)), Duration::from_millis(500));
        assert_eq!(warm_ups.overheard(seconds(130)), seconds(6));
    }
}
