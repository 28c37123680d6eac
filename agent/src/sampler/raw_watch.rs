//! What the raw current tells that its band does not: a value that stands still, a current that flows backwards. Pure;
//! times are since the agent's start.
//!
//! - A live loop is never exactly the same for hours: the converter's last digit alone is noise (device reference 2.2). The
//!   same print for `FROZEN_AFTER` and `FROZEN_COUNT` times is a stuck transmitter or converter.
//! - The converter drops the sign: a small current the wrong way reads near its end, with noise. Its real end has none, it
//!   is the same code each time. So two different values there are a reversed loop (device reference 2.2, quirk Q21).

use std::time::Duration;

use kitchen_contract::fault::SensorFault;
use kitchen_contract::unit::MilliAmp;

use crate::convert::is_clipped;

/// The same value for so long is frozen.
const FROZEN_AFTER: Duration = Duration::from_secs(6 * 60 * 60);
/// And so many times: a sensor polled once a day may well repeat itself.
const FROZEN_COUNT: u32 = 12;

/// The raw values so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct RawWatch {
    last: Option<MilliAmp>,
    /// When the last value came first.
    since: Duration,
    /// How often it came.
    count: u32,
    reversed: bool,
}

impl RawWatch {
    /// The fault that the values up to this one show, beyond that of its band.
    pub fn judge(&mut self, at: Duration, current: MilliAmp) -> Option<SensorFault> {
        let before = self.last.replace(current);
        self.reversed = is_clipped(current)
            && (self.reversed || before.is_some_and(|before| is_clipped(before) && before != current));
        if before == Some(current) {
            self.count += 1;
        } else {
            (self.since, self.count) = (at, 1);
        }
        if self.reversed {
            return Some(SensorFault::ReversedPolarity);
        }
        let frozen = self.count >= FROZEN_COUNT && at.saturating_sub(self.since) >= FROZEN_AFTER;
        frozen.then_some(SensorFault::FrozenValue)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ma(number: f64) -> MilliAmp {
        MilliAmp::new(number).unwrap()
    }

    fn minutes(minutes: u64) -> Duration {
        Duration::from_secs(60 * minutes)
    }

    /// S21
    #[test]
    fn the_same_value_for_six_hours_is_frozen_until_it_moves() {
        let mut watch = RawWatch::default();
        for minute in (0..360).step_by(5) {
            assert_eq!(watch.judge(minutes(minute), ma(10.976)), None, "{minute}");
        }
        assert_eq!(watch.judge(minutes(360), ma(10.976)), Some(SensorFault::FrozenValue));
        assert_eq!(watch.judge(minutes(365), ma(10.976)), Some(SensorFault::FrozenValue));
        assert_eq!(watch.judge(minutes(370), ma(10.977)), None);
    }

    #[test]
    fn a_value_that_moves_by_its_last_digit_is_alive() {
        let mut watch = RawWatch::default();
        assert!(
            (0..1000).all(|minute| watch.judge(minutes(minute), ma(10.976 + (minute % 2) as f64 * 0.001)).is_none())
        );
    }

    #[test]
    fn a_value_that_is_seldom_read_is_not_frozen_soon() {
        let mut watch = RawWatch::default();
        assert!((0..11).all(|day| watch.judge(minutes(day * 1440), ma(10.976)).is_none()));
    }

    #[test]
    fn the_end_of_the_converter_has_no_noise_and_a_reversed_loop_has() {
        let mut watch = RawWatch::default();
        assert_eq!(watch.judge(minutes(0), ma(21.333)), None);
        assert_eq!(watch.judge(minutes(1), ma(21.333)), None);
        assert_eq!(watch.judge(minutes(2), ma(21.331)), Some(SensorFault::ReversedPolarity));
        assert_eq!(watch.judge(minutes(3), ma(21.331)), Some(SensorFault::ReversedPolarity));
        assert_eq!(watch.judge(minutes(4), ma(10.0)), None);
    }
}
