//! How fast device time runs beside ours. In the field both are one; in tests every device-related duration is divided.

use std::time::Duration;

use crate::speed::Speed;

/// No waiting for an answer is cut below this: the host's own delays do not shrink with the device's.
const PATIENCE_MIN: Duration = Duration::from_millis(500);
/// No pause is cut below this, for the same reason.
const PAUSE_MIN: Duration = Duration::from_millis(20);

/// Device time against real time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace(Speed);

impl Pace {
    /// Device time runs at that speed.
    pub const fn new(speed: Speed) -> Self {
        Self(speed)
    }

    /// How long to wait for an answer that takes the device at most that long.
    pub fn patience(self, device_time: Duration) -> Duration {
        self.shortened(device_time, PATIENCE_MIN)
    }

    /// How long something of the device's lasts.
    pub fn pause(self, device_time: Duration) -> Duration {
        self.shortened(device_time, PAUSE_MIN)
    }

    /// How much device time has passed.
    pub fn device_time(self, real_time: Duration) -> Duration {
        real_time.mul_f64(self.0.factor())
    }

    /// How much real time passes in that much device time.
    pub fn real_time(self, device_time: Duration) -> Duration {
        self.0.shorten(device_time)
    }

    fn shortened(self, device_time: Duration, floor: Duration) -> Duration {
        self.0.shorten(device_time).max(device_time.min(floor))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_time_is_untouched_and_fast_time_has_a_floor() {
        let seconds = Duration::from_secs;
        let real = Pace::new(Speed::REAL);
        assert_eq!(real.patience(seconds(8)), seconds(8));
        assert_eq!(real.pause(Duration::from_millis(1)), Duration::from_millis(1));
        let fast = Pace::new(Speed::parse(Some("50")).unwrap());
        assert_eq!(fast.patience(seconds(8)), PATIENCE_MIN);
        assert_eq!(fast.pause(seconds(300)), seconds(6));
        assert_eq!((fast.device_time(seconds(6)), fast.real_time(seconds(300))), (seconds(300), seconds(6)));
    }
}
