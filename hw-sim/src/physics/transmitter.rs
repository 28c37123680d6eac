//! PT100 head transmitter: temperature in, loop current out, with its start-up (device reference section 13).

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::noise::normal;

/// NAMUR NE 43: a working transmitter never leaves this band.
const SATURATION_MA: (f64, f64) = (3.8, 20.5);
/// Start-up time of common head transmitters (section 13.3), lowest and highest of the lot.
const STARTUP_S: (f64, f64) = (3.8, 4.2);
/// Current while starting: at or below the failure level, so nobody takes it for a reading.
const STARTUP_MA: (f64, f64) = (3.5, 3.6);
/// Time constant of the settling after start-up; settled to the µA within about 2 s.
const SETTLING_S: f64 = 0.2;
/// Noise of the loop current, standard deviation.
const NOISE_MA: f64 = 0.0006;
/// PT100 and transmitter error of a unit in °C, within class A (section 13.4).
const SENSOR_ERROR: f64 = 0.15;

/// The temperatures a transmitter maps to 4 and 20 mA, in °C.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    low: f64,
    high: f64,
}

/// Not a range a transmitter can be configured to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected LO..HI in °C with LO below HI, both within -200 and 850, got `{0}`")]
pub struct RangeError(String);

impl Range {
    /// The kitchen's default, -40 to +60 °C.
    pub const KITCHEN: Self = Self { low: -40.0, high: 60.0 };

    /// Loop current for a temperature, saturated as NE 43 asks.
    pub fn current_ma(self, temperature: f64) -> f64 {
        let linear = 4.0 + 16.0 * (temperature - self.low) / (self.high - self.low);
        linear.clamp(SATURATION_MA.0, SATURATION_MA.1)
    }
}

impl FromStr for Range {
    type Err = RangeError;

    fn from_str(text: &str) -> Result<Self, RangeError> {
        let error = || RangeError(text.to_owned());
        let (low, high) = text.split_once("..").ok_or_else(error)?;
        let low: f64 = low.trim().parse().map_err(|_| error())?;
        let high: f64 = high.trim().parse().map_err(|_| error())?;
        // The PT100 curve ends at these temperatures; the comparison also refuses NaN.
        if low >= -200.0 && high <= 850.0 && low < high { Ok(Self { low, high }) } else { Err(error()) }
    }
}

impl fmt::Display for Range {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}..{}", self.low, self.high)
    }
}

/// One transmitter with its own error, start-up time and noise.
#[derive(Debug)]
pub(super) struct Transmitter {
    range: Range,
    error: f64,
    startup_s: f64,
    startup_ma: f64,
    rng: StdRng,
}

impl Transmitter {
    pub(super) fn new(range: Range, seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let error = rng.random_range(-SENSOR_ERROR..SENSOR_ERROR);
        let startup_s = rng.random_range(STARTUP_S.0..STARTUP_S.1);
        let startup_ma = rng.random_range(STARTUP_MA.0..STARTUP_MA.1);
        Self { range, error, startup_s, startup_ma, rng }
    }

    /// Loop current when 12 V has been on for `powered`.
    pub(super) fn current_ma(&mut self, temperature: f64, powered: Duration) -> f64 {
        let settled = self.range.current_ma(temperature + self.error);
        let since_start_s = powered.as_secs_f64() - self.startup_s;
        let current = if since_start_s < 0.0 {
            self.startup_ma
        } else {
            settled + (self.startup_ma - settled) * (-since_start_s / SETTLING_S).exp()
        };
        current + normal(&mut self.rng, NOISE_MA)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scaling_agrees_with_the_reference() {
        assert!((Range::KITCHEN.current_ma(3.6) - 10.976).abs() < 1e-9);
        assert!((Range::KITCHEN.current_ma(-20.0) - 7.2).abs() < 1e-9);
    }

    #[test]
    fn current_saturates_as_namur_ne_43_asks() {
        assert_eq!(Range::KITCHEN.current_ma(-90.0), 3.8);
        assert_eq!(Range::KITCHEN.current_ma(200.0), 20.5);
    }

    #[test]
    fn start_up_current_first_then_the_truth() {
        let mut transmitter = Transmitter::new(Range::KITCHEN, 1);
        for powered_ms in [0, 500, 1900, 3700] {
            let current = transmitter.current_ma(3.6, Duration::from_millis(powered_ms));
            assert!((3.45..=3.61).contains(&current), "{powered_ms} ms: {current}");
        }
        let current = transmitter.current_ma(3.6, Duration::from_millis(6000));
        assert!((current - 10.976).abs() < 0.03, "{current}");
    }

    #[test]
    fn ranges_are_read_and_nonsense_is_refused() {
        assert_eq!("-40..60".parse(), Ok(Range::KITCHEN));
        for text in ["", "-40", "60..-40", "5..5", "NaN..60", "-300..60", "-40...60x"] {
            assert!(text.parse::<Range>().is_err(), "{text}");
        }
    }
}
