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

use super::plausibility::Outcome;
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
    /// What a value stands for: what its band says, or the fault that the values up to this one show. A fault of the band
    /// may well stand still, and goes on to be what is wrong.
    pub fn judge(&mut self, at: Duration, current: MilliAmp, of_its_band: Outcome) -> Outcome {
        let before = self.last.replace(current);
        self.reversed = is_clipped(current)
            && (self.reversed || before.is_some_and(|before| is_clipped(before) && before != current));
        if before == Some(current) {
            self.count += 1;
        } else {
            (self.since, self.count) = (at, 1);
        }
        if self.reversed {
            return Err(SensorFault::ReversedPolarity);
        }
        let frozen = self.count >= FROZEN_COUNT && at.saturating_sub(self.since) >= FROZEN_AFTER;
        if frozen && of_its_band.is_ok() { Err(SensorFault::FrozenValue) } else { of_its_band }
    }
}

#[cfg(test)]
mod tests {
    use kitchen_contract::unit::Celsius;

    use super::*;

    fn ma(number: f64) -> MilliAmp {
        MilliAmp::new(number).unwrap()
    }

    fn minutes(minutes: u64) -> Duration {
        Duration::from_secs(60 * minutes)
    }

    /// The fault that is seen in values that each for itself would be a temperature.
    fn judge(watch: &mut RawWatch, at: Duration, current: MilliAmp) -> Option<SensorFault> {
        watch.judge(at, current, Ok(Celsius::new(4.0).unwrap())).err()
    }

    /// S21
    #[test]
    fn the_same_value_for_six_hours_is_frozen_until_it_moves() {
        let mut watch = RawWatch::default();
        for minute in (0..360).step_by(5) {
            assert_eq!(judge(&mut watch, minutes(minute), ma(10.976)), None, "{minute}");
        }
        assert_eq!(judge(&mut watch, minutes(360), ma(10.976)), Some(SensorFault::FrozenValue));
        assert_eq!(judge(&mut watch, minutes(365), ma(10.976)), Some(SensorFault::FrozenValue));
        assert_eq!(judge(&mut watch, minutes(370), ma(10.977)), None);
    }

    #[test]
    fn a_fault_that_stands_still_is_still_that_fault() {
        let mut watch = RawWatch::default();
        for hour in 0..48 {
            let judged = watch.judge(minutes(60 * hour), ma(0.0), Err(SensorFault::LoopOpen));
            assert_eq!(judged, Err(SensorFault::LoopOpen), "{hour}");
        }
    }

    #[test]
    fn a_value_that_moves_by_its_last_digit_is_alive() {
        let mut watch = RawWatch::default();
        assert!(
            (0..1000)
                .all(|minute| judge(&mut watch, minutes(minute), ma(10.976 + (minute % 2) as f64 * 0.001)).is_none())
        );
    }

    #[test]
    fn a_value_that_is_seldom_read_is_not_frozen_soon() {
        let mut watch = RawWatch::default();
        assert!((0..11).all(|day| judge(&mut watch, minutes(day * 1440), ma(10.976)).is_none()));
    }

    #[test]
    fn the_end_of_the_converter_has_no_noise_and_a_reversed_loop_has() {
        let mut watch = RawWatch::default();
        assert_eq!(judge(&mut watch, minutes(0), ma(21.333)), None);
        assert_eq!(judge(&mut watch, minutes(1), ma(21.333)), None);
        assert_eq!(judge(&mut watch, minutes(2), ma(21.331)), Some(SensorFault::ReversedPolarity));
        assert_eq!(judge(&mut watch, minutes(3), ma(21.331)), Some(SensorFault::ReversedPolarity));
        assert_eq!(judge(&mut watch, minutes(4), ma(10.0)), None);
    }
}
