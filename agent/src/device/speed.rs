//! How fast device time runs: 1 in production; tests and demonstrations divide every device-related duration.

use std::time::Duration;

/// No waiting for an answer is cut below this: the host's own delays do not shrink with the device's.
const PATIENCE_MIN: Duration = Duration::from_millis(500);
/// No pause is cut below this, for the same reason.
const PAUSE_MIN: Duration = Duration::from_millis(20);

/// A factor over real time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Speed(f64);

/// Why a number is no speed.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("a speed is between 0.01 and 1000, not {0}")]
pub struct SpeedError(f64);

impl Speed {
    /// Device time is real time.
    pub const REAL: Self = Self(1.0);

    /// That many times faster.
    ///
    /// # Errors
    /// Outside 0.01 to 1000.
    pub fn new(factor: f64) -> Result<Self, SpeedError> {
        if (0.01..=1000.0).contains(&factor) { Ok(Self(factor)) } else { Err(SpeedError(factor)) }
    }

    /// How long to wait for an answer that takes the device at most that long.
    pub fn patience(self, device_time: Duration) -> Duration {
        self.scaled(device_time, PATIENCE_MIN)
    }

    /// How long a pause of the device lasts.
    pub fn pause(self, device_time: Duration) -> Duration {
        self.scaled(device_time, PAUSE_MIN)
    }

    /// How much device time has passed.
    pub fn device_time(self, real_time: Duration) -> Duration {
        real_time.mul_f64(self.0)
    }

    fn scaled(self, device_time: Duration, floor: Duration) -> Duration {
        device_time.div_f64(self.0).max(device_time.min(floor))
    }
}

impl Default for Speed {
    fn default() -> Self {
        Self::REAL
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_time_is_untouched_and_fast_time_has_a_floor() {
        let seconds = Duration::from_secs;
        assert_eq!(Speed::REAL.patience(seconds(8)), seconds(8));
        assert_eq!(Speed::REAL.pause(Duration::from_millis(1)), Duration::from_millis(1));
        let fast = Speed::new(50.0).unwrap();
        assert_eq!(fast.patience(seconds(8)), PATIENCE_MIN);
        assert_eq!(fast.pause(seconds(300)), seconds(6));
        assert_eq!(fast.device_time(seconds(6)), seconds(300));
        assert!([0.0, -1.0, f64::NAN, f64::INFINITY].into_iter().all(|factor| Speed::new(factor).is_err()));
    }
}
