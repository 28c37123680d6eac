//! From the voltage input to a relative humidity, or to the reason why there is none. Pure.

use kitchen_contract::record::Absence;
use kitchen_contract::unit::{Humidity, Volt};

use crate::settings::HumidityTransmitter;

/// The transmitter's full scale, in V.
const FULL_SCALE_V: f64 = 10.0;
/// Below, the transmitter is dead or not connected: air in a kitchen is never so dry.
const DEAD_BELOW_V: f64 = 0.05;
/// Above, something else hangs at the input; a little over full scale is the input's own error of 0.02 V and the
/// transmitter's.
const TOO_MUCH_V: f64 = 10.2;

/// What the voltage stands for: linear between 0 and 10 V, and no more than air can hold.
///
/// # Errors
/// No transmitter is configured, or the voltage cannot be one's.
pub fn humidity(input: Volt, transmitter: Option<&HumidityTransmitter>) -> Result<Humidity, Absence> {
    let transmitter = transmitter.ok_or(Absence::NotConfigured)?;
    if !(DEAD_BELOW_V..=TOO_MUCH_V).contains(&input.get()) {
        return Err(Absence::Invalid);
    }
    let percent = transmitter.low + (transmitter.high - transmitter.low) * input.get() / FULL_SCALE_V;
    Humidity::new(percent.clamp(0.0, 100.0)).map_err(|_| Absence::Invalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volts_become_percent_and_what_cannot_be_has_a_reason() {
        let transmitter = HumidityTransmitter { low: 0.0, high: 100.0 };
        let check = |volts, expected: Result<f64, Absence>| {
            let found = humidity(Volt::new(volts).unwrap(), Some(&transmitter));
            assert_eq!(found, expected.map(|percent| Humidity::new(percent).unwrap()), "{volts} V");
        };
        check(0.012, Err(Absence::Invalid));
        check(0.5, Ok(5.0));
        check(6.25, Ok(62.5));
        check(10.1, Ok(100.0));
        check(12.0, Err(Absence::Invalid));
        assert_eq!(humidity(Volt::new(5.0).unwrap(), None), Err(Absence::NotConfigured));
    }
}
