//! From the loop current to a temperature, or to the fault that the current names. Pure.
//!
//! On the path of a reading this comes right after the measurement is parsed. NAMUR NE 43 comes first (device reference
//! 13.2): only 3.8 to 20.5 mA is a temperature at all. Then the transmitter's linear range and the calibration.
//! Does not judge whether a temperature is plausible.

use std::time::Duration;

use kitchen_contract::fault::SensorFault;
use kitchen_contract::unit::{Celsius, MilliAmp};

use crate::settings::{Calibration, Transmitter};

/// Below, nothing is connected; the open input reads 0.000 to 0.002 mA.
const LOOP_OPEN_BELOW_MA: f64 = 0.5;
/// Up to here the transmitter reports a failure.
const FAIL_LOW_MA: f64 = 3.6;
/// The lowest current that is a temperature.
const VALID_FROM_MA: f64 = 3.8;
/// The highest current that is a temperature.
const VALID_TO_MA: f64 = 20.5;
/// From here the transmitter reports a failure.
const FAIL_HIGH_MA: f64 = 21.0;
/// From here the board's converter is at its end, which is near 21.33 mA.
const CLIPPED_MA: f64 = 21.3;
/// A transmitter needs 4 to 5 s after power-on; until then it draws its start-up current (device reference 13.3).
pub const WARM_UP_ENOUGH: Duration = Duration::from_secs(5);

/// From a current to a calibrated temperature.
#[derive(Clone, Debug)]
pub struct Scale {
    /// What the current stands for.
    pub transmitter: Transmitter,
    /// What a comparison found.
    pub calibration: Option<Calibration>,
}

impl Scale {
    /// The calibrated temperature, in °C. Linear, also beyond the ends of the range.
    pub fn celsius(&self, milliamps: f64) -> f64 {
        let celsius = self.transmitter.celsius(milliamps);
        let calibrated = |calibration: &Calibration| calibration.gain.get() * celsius + calibration.offset.get();
        self.calibration.as_ref().map_or(celsius, calibrated)
    }
}

/// What a current stands for, measured `warm_up` after the transmitter got its power; at zero it has a supply of its own.
///
/// # Errors
/// The fault that the current's band names.
pub fn convert(current: MilliAmp, scale: &Scale, warm_up: Duration) -> Result<Celsius, SensorFault> {
    let milliamps = current.get();
    match fault(milliamps, warm_up) {
        Some(fault) => Err(fault),
        // A range that ends beyond what can be a temperature is refused with the configuration.
        None => Celsius::new(scale.celsius(milliamps)).map_err(|_| SensorFault::UndefinedHigh),
    }
}

/// Whether the converter is at its end, where currents can no longer be told apart.
pub fn is_clipped(current: MilliAmp) -> bool {
    current.get() >= CLIPPED_MA
}

fn fault(milliamps: f64, warm_up: Duration) -> Option<SensorFault> {
    let fault = if milliamps < LOOP_OPEN_BELOW_MA {
        SensorFault::LoopOpen
    } else if milliamps <= VALID_FROM_MA && !warm_up.is_zero() && warm_up < WARM_UP_ENOUGH {
        SensorFault::StartUpCurrent
    } else if milliamps <= FAIL_LOW_MA {
        SensorFault::TransmitterFailLow
    } else if milliamps < VALID_FROM_MA {
        SensorFault::UndefinedLow
    } else if milliamps <= VALID_TO_MA {
        return None;
    } else if milliamps < FAIL_HIGH_MA {
        SensorFault::UndefinedHigh
    } else if milliamps < CLIPPED_MA {
        SensorFault::TransmitterFailHigh
    } else {
        SensorFault::InputClipped
    };
    Some(fault)
}

#[cfg(test)]
mod tests {
    use SensorFault::*;
    use kitchen_contract::unit::{CelsiusDifference, Gain};

    use super::*;

    /// −40 to +60 °C, the reference's example.
    fn scale(calibration: Option<(f64, f64)>) -> Scale {
        let calibration = calibration.map(|(gain, offset)| Calibration {
            offset: CelsiusDifference::new(offset).unwrap(),
            gain: Gain::new(gain).unwrap(),
            date: toml::value::Date { year: 2026, month: 11, day: 23 },
            by: "a person".to_owned(),
        });
        let transmitter = Transmitter::new(Celsius::new(-40.0).unwrap(), Celsius::new(60.0).unwrap());
        Scale { transmitter, calibration }
    }

    fn check(milliamps: f64, warm_up_ms: u64, expected: Result<f64, SensorFault>) {
        let current = MilliAmp::new(milliamps).unwrap();
        let found = convert(current, &scale(None), Duration::from_millis(warm_up_ms));
        assert_eq!(found, expected.map(|celsius| Celsius::new(celsius).unwrap()), "{milliamps} mA");
    }

    #[test]
    fn the_bands_of_ne_43() {
        for (milliamps, expected) in [
            (0.0, Err(LoopOpen)),
            (0.002, Err(LoopOpen)),
            (0.499, Err(LoopOpen)),
            (0.5, Err(TransmitterFailLow)),
            (3.59, Err(TransmitterFailLow)),
            (3.6, Err(TransmitterFailLow)),
            (3.601, Err(UndefinedLow)),
            (3.61, Err(UndefinedLow)),
            (3.79, Err(UndefinedLow)),
            (3.799, Err(UndefinedLow)),
            (3.8, Ok(-41.25)),
            (4.0, Ok(-40.0)),
            (10.976, Ok(3.6)),
            (7.2, Ok(-20.0)),
            (20.0, Ok(60.0)),
            (20.5, Ok(63.125)),
            (20.501, Err(UndefinedHigh)),
            (20.99, Err(UndefinedHigh)),
            (21.0, Err(TransmitterFailHigh)),
            (21.299, Err(TransmitterFailHigh)),
            (21.3, Err(InputClipped)),
            (21.333, Err(InputClipped)),
            (22.0, Err(InputClipped)),
        ] {
            check(milliamps, 6000, expected);
        }
    }

    #[test]
    fn a_short_warm_up_shows_the_start_up_current() {
        for (milliamps, warm_up_ms, expected) in [
            (3.58, 500, Err(StartUpCurrent)),
            (3.7, 4999, Err(StartUpCurrent)),
            (3.8, 4999, Err(StartUpCurrent)),
            (3.801, 4999, Ok(-41.244)),
            (3.58, 5000, Err(TransmitterFailLow)),
            (0.0, 500, Err(LoopOpen)),
            // A supply of its own knows no warm-up.
            (3.58, 0, Err(TransmitterFailLow)),
            (3.8, 0, Ok(-41.25)),
            (21.0, 500, Err(TransmitterFailHigh)),
        ] {
            check(milliamps, warm_up_ms, expected);
        }
    }

    #[test]
    fn temperatures_are_calibrated_and_faults_are_not() {
        let calibrated = scale(Some((1.01, -0.3)));
        let at = |milliamps| convert(MilliAmp::new(milliamps).unwrap(), &calibrated, WARM_UP_ENOUGH);
        assert_eq!(at(10.976), Ok(Celsius::new(3.336).unwrap()));
        assert_eq!(at(0.0), Err(LoopOpen));
    }

    #[test]
    fn rubbish_is_no_current() {
        assert!(MilliAmp::new(f64::NAN).is_err());
        assert_eq!(
            MilliAmp::new(-0.0).map(|current| convert(current, &scale(None), WARM_UP_ENOUGH)),
            Ok(Err(LoopOpen))
        );
    }
}
