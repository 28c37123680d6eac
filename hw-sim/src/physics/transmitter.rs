//! PT100 head transmitter: temperature in, loop current out, with its start-up (device reference section 13).

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::noise::normal;
use super::probe::Resistance;

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
/// The transmitter's own error in °C at most (section 13.3); most are much better.
const ERROR_MAX: f64 = 0.1;
const DEVIATIONS_IN_ERROR: f64 = 3.0;
/// NE 43: failure low is at or below 3.6 mA, failure high at or above 21 mA.
const FAIL_LOW_MA: f64 = 3.55;
const FAIL_HIGH_MA: f64 = 21.5;

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

/// The current a transmitter reports an open PT100 with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum BurnOut {
    /// At most 3.6 mA.
    #[default]
    Low,
    /// At least 21 mA.
    High,
}

/// Not a burn-out direction.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown burn-out direction `{0}`: one of low, high")]
pub struct BurnOutError(String);

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

impl BurnOut {
    fn current_ma(self) -> f64 {
        match self {
            Self::Low => FAIL_LOW_MA,
            Self::High => FAIL_HIGH_MA,
        }
    }
}

impl FromStr for BurnOut {
    type Err = BurnOutError;

    fn from_str(text: &str) -> Result<Self, BurnOutError> {
        match text {
            "low" => Ok(Self::Low),
            "high" => Ok(Self::High),
            _ => Err(BurnOutError(text.to_owned())),
        }
    }
}

impl fmt::Display for BurnOut {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Low => "low",
            Self::High => "high",
        })
    }
}

/// How a transmitter is set up.
#[derive(Debug, Clone, Copy)]
pub(super) struct TransmitterConfig {
    pub(super) range: Range,
    pub(super) burn_out: BurnOut,
    /// It needs seconds to start, and shows its start-up current meanwhile (quirk Q13).
    pub(super) startup_current: bool,
}

/// One transmitter with its own error, start-up time and noise.
#[derive(Debug)]
pub(super) struct Transmitter {
    config: TransmitterConfig,
    error: f64,
    startup_s: f64,
    startup_ma: f64,
    rng: StdRng,
}

impl Transmitter {
    pub(super) fn new(config: TransmitterConfig, seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let error = normal(&mut rng, ERROR_MAX / DEVIATIONS_IN_ERROR).clamp(-ERROR_MAX, ERROR_MAX);
        let startup_s = rng.random_range(STARTUP_S.0..STARTUP_S.1);
        let startup_ma = rng.random_range(STARTUP_MA.0..STARTUP_MA.1);
        Self { config, error, startup_s, startup_ma, rng }
    }

    /// The current it drives once it has settled, without noise.
    pub(super) fn settled_ma(&self, resistance: Resistance) -> f64 {
        match resistance {
            Resistance::Of(temperature) => self.config.range.current_ma(temperature + self.error),
            Resistance::Open => self.config.burn_out.current_ma(),
            Resistance::Short => FAIL_LOW_MA,
        }
    }

    /// Loop current on the way to `settled_ma` when 12 V has been on for `powered`.
    pub(super) fn current_ma(&mut self, settled_ma: f64, powered: Duration) -> f64 {
        let since_start_s = powered.as_secs_f64() - self.startup_s;
        let current = if !self.config.startup_current {
            settled_ma
        } else if since_start_s < 0.0 {
            self.startup_ma
        } else {
            settled_ma + (self.startup_ma - settled_ma) * (-since_start_s / SETTLING_S).exp()
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

    fn transmitter(burn_out: BurnOut, seed: u64) -> Transmitter {
        Transmitter::new(TransmitterConfig { range: Range::KITCHEN, burn_out, startup_current: true }, seed)
    }

    fn after(transmitter: &mut Transmitter, temperature: f64, powered_ms: u64) -> f64 {
        let settled_ma = transmitter.settled_ma(Resistance::Of(temperature));
        transmitter.current_ma(settled_ma, Duration::from_millis(powered_ms))
    }

    #[test]
    fn start_up_current_first_then_the_truth() {
        let mut transmitter = transmitter(BurnOut::Low, 1);
        for powered_ms in [0, 500, 1900, 3700] {
            let current = after(&mut transmitter, 3.6, powered_ms);
            assert!((3.45..=3.61).contains(&current), "{powered_ms} ms: {current}");
        }
        let current = after(&mut transmitter, 3.6, 6000);
        assert!((current - 10.976).abs() < 0.03, "{current}");
    }

    #[test]
    fn without_a_start_up_it_is_settled_at_once() {
        let config = TransmitterConfig { range: Range::KITCHEN, burn_out: BurnOut::Low, startup_current: false };
        let current = after(&mut Transmitter::new(config, 1), 3.6, 0);
        assert!((current - 10.976).abs() < 0.03, "{current}");
    }

    #[test]
    fn its_own_error_is_a_tenth_of_a_degree_at_most() {
        for seed in 0..500 {
            let current = transmitter(BurnOut::Low, seed).settled_ma(Resistance::Of(-18.0));
            assert!((current - 7.52).abs() <= 0.016 + 1e-9, "seed {seed}: {current}");
        }
    }

    #[test]
    fn an_open_probe_goes_where_it_is_set_to_and_a_short_one_low() {
        for (burn_out, open, short) in [(BurnOut::Low, 3.55, 3.55), (BurnOut::High, 21.5, 3.55)] {
            let transmitter = transmitter(burn_out, 1);
            assert_eq!(transmitter.settled_ma(Resistance::Open), open);
            assert_eq!(transmitter.settled_ma(Resistance::Short), short);
        }
        assert_eq!("high".parse(), Ok(BurnOut::High));
        assert!("up".parse::<BurnOut>().is_err());
    }

    #[test]
    fn ranges_are_read_and_nonsense_is_refused() {
        assert_eq!("-40..60".parse(), Ok(Range::KITCHEN));
        for text in ["", "-40", "60..-40", "5..5", "NaN..60", "-300..60", "-40...60x"] {
            assert!(text.parse::<Range>().is_err(), "{text}");
        }
    }
}
