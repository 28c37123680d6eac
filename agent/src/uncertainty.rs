//! How far the truth may lie from a temperature: the error budget of device reference 13.4. Pure.
//!
//! Independent errors add up as squares. What no data sheet covers is not in it: a probe that hangs in the wrong place,
//! leads of a two-wire PT100, ageing since the calibration. A calibration takes nothing away: it is as old as its date.

use kitchen_contract::unit::{Celsius, CelsiusDifference};

use crate::settings::{ProbeClass, Transmitter};

/// What the board's current input promises, in mA (device reference 2.1).
const INPUT_MA: f64 = 0.02;
/// The resolution of the print, in mA.
const PRINT_MA: f64 = 0.001;

/// The uncertainty of a temperature, in °C: root of the sum of squares.
pub fn uncertainty(transmitter: &Transmitter, temperature: Celsius) -> Option<CelsiusDifference> {
    let per_milliamp = transmitter.celsius_per_milliamp();
    let errors = [
        INPUT_MA * per_milliamp,
        PRINT_MA * per_milliamp,
        transmitter.accuracy,
        tolerance(transmitter.probe_class, temperature.get()),
    ];
    let sum: f64 = errors.iter().map(|error| error * error).sum();
    CelsiusDifference::new(sum.sqrt()).ok()
}

/// IEC 60751, in °C.
fn tolerance(class: ProbeClass, celsius: f64) -> f64 {
    match class {
        ProbeClass::A => 0.15 + 0.002 * celsius.abs(),
        ProbeClass::B => 0.30 + 0.005 * celsius.abs(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::ACCURACY_DEFAULT;

    fn at_minus_18(high: f64, probe_class: ProbeClass) -> f64 {
        let (low, high) = (Celsius::new(-40.0).unwrap(), Celsius::new(high).unwrap());
        let transmitter = Transmitter { low, high, accuracy: ACCURACY_DEFAULT, probe_class };
        uncertainty(&transmitter, Celsius::new(-18.0).unwrap()).unwrap().get()
    }

    /// The table of device reference 13.4.
    #[test]
    fn the_error_budget_of_the_reference() {
        assert!((at_minus_18(60.0, ProbeClass::A) - 0.25).abs() < 0.006);
        assert!((at_minus_18(60.0, ProbeClass::B) - 0.42).abs() < 0.006);
    }

    #[test]
    fn a_wider_range_costs_accuracy_and_so_does_a_reversed_one() {
        assert!(at_minus_18(160.0, ProbeClass::A) > 0.32);
        assert_eq!(at_minus_18(-140.0, ProbeClass::A), at_minus_18(60.0, ProbeClass::A));
    }
}
