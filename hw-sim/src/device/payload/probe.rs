//! `AT+PROBE`: what the current is converted to, for probes that are no temperature transmitter (device reference
//! section 6.6).

use std::fmt;

/// At and below this current every conversion gives 0.
const ZERO_UA: u16 = 4_000;
/// Middle of the scale of a type that measures both ways.
const MIDDLE_MA: f64 = 12.0;
/// Span of the loop current in mA.
const SPAN_MA: f64 = 16.0;
/// kPa per mA of the pressure types 1 to 12. The reference gives no factors: these are the steps of the decoder for
/// the LoRaWAN sibling, which knows the same types (full scales from 5 kPa to 60 MPa; type 8 measures a vacuum).
const PRESSURE_KPA_PER_MA: [f64; 12] =
    [37.5, 62.5, 100.0, 156.25, 625.0, 2_500.0, 3_750.0, -6.25, 12.5, 0.3125, 3.125, 6.25];
/// The pressure type that measures both ways: (I − 12 mA) × factor on either side.
const PRESSURE_CENTRED: [u8; 1] = [9];
/// Pa per mA of the differential pressure types 1 to 12, from the same decoder.
const DIFFERENTIAL_PA_PER_MA: [f64; 12] =
    [6.25, 12.5, 18.75, 62.5, 125.0, 187.5, 250.0, 312.5, 625.0, 12.5, 25.0, 125.0];
/// The differential pressure types that measure both ways.
const DIFFERENTIAL_CENTRED: [u8; 3] = [10, 11, 12];

/// The stored setting: kind in the upper byte, type or full scale in the lower.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Probe(pub(crate) u16);

/// A converted current.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Reading {
    /// What was measured.
    pub(crate) quantity: Quantity,
    /// How much, in the quantity's unit.
    pub(crate) value: f64,
}

/// What a probe measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quantity {
    /// In cm.
    WaterDepth,
    /// In kPa.
    Pressure,
    /// In Pa.
    DifferentialPressure,
}

impl Probe {
    /// Reads a set. Nothing is checked: hexadecimal digits up to the first other character, cut to 16 bits.
    pub(crate) fn parse(value: &str) -> Self {
        let digits = value.chars().map_while(|digit| digit.to_digit(16));
        Self(digits.fold(0, |number, digit| (number << 4) | digit as u16))
    }

    /// Whether any probe is set.
    pub(crate) fn is_set(self) -> bool {
        self.0 != 0
    }

    /// The current in the probe's unit; none when no known kind is set. A type out of range converts to 0.
    pub(crate) fn reading(self, idc_ua: u16) -> Option<Reading> {
        let [kind, class] = self.0.to_be_bytes();
        let quantity = match kind {
            0 if self.is_set() => Quantity::WaterDepth,
            1 => Quantity::Pressure,
            2 => Quantity::DifferentialPressure,
            _ => return None,
        };
        let value = if idc_ua <= ZERO_UA { 0.0 } else { quantity.convert(class, f64::from(idc_ua) / 1000.0) };
        Some(Reading { quantity, value })
    }

    /// What stands behind the inputs in a row of `AT+CDP`: the JSON's unit, and three decimals like the row's others.
    pub(crate) fn row_suffix(self, idc_ua: u16) -> String {
        let Some(Reading { quantity, value }) = self.reading(idc_ua) else { return String::new() };
        match quantity {
            Quantity::WaterDepth => format!(" water_deep:{value:.3}"),
            Quantity::Pressure => format!(" pressure:{value:.3}"),
            // The firmware's text has two colons.
            Quantity::DifferentialPressure => format!(" differential_pressure::{value:.3}"),
        }
    }
}

impl Quantity {
    fn convert(self, class: u8, idc_ma: f64) -> f64 {
        let (factors, centred): (&[f64], &[u8]) = match self {
            Self::WaterDepth => return (idc_ma - f64::from(ZERO_UA) / 1000.0) * f64::from(class) * 100.0 / SPAN_MA,
            Self::Pressure => (&PRESSURE_KPA_PER_MA, &PRESSURE_CENTRED),
            Self::DifferentialPressure => (&DIFFERENTIAL_PA_PER_MA, &DIFFERENTIAL_CENTRED),
        };
        let factor = usize::from(class).checked_sub(1).and_then(|index| factors.get(index)).copied().unwrap_or(0.0);
        let zero_ma = if centred.contains(&class) { MIDDLE_MA } else { f64::from(ZERO_UA) / 1000.0 };
        (idc_ma - zero_ma) * factor
    }
}

impl fmt::Display for Probe {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:04x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(probe: &str, idc_ua: u16, expected: Option<(Quantity, f64)>) {
        let reading = Probe::parse(probe).reading(idc_ua);
        assert_eq!(reading.map(|reading| reading.quantity), expected.map(|(quantity, _)| quantity), "{probe}");
        let error = reading.map_or(0.0, |reading| reading.value) - expected.map_or(0.0, |(_, value)| value);
        assert!(error.abs() < 1e-6, "{probe} {idc_ua}: {reading:?}");
    }

    #[test]
    fn each_kind_converts() {
        check("0000", 12_000, None);
        check("0300", 12_000, None);
        check("0010", 12_000, Some((Quantity::WaterDepth, 800.0)));
        check("0104", 20_000, Some((Quantity::Pressure, 2_500.0)));
        check("0108", 20_000, Some((Quantity::Pressure, -100.0)));
        check("0109", 12_000, Some((Quantity::Pressure, 0.0)));
        check("0109", 4_800, Some((Quantity::Pressure, -90.0)));
        check("0202", 20_000, Some((Quantity::DifferentialPressure, 200.0)));
        check("020a", 20_000, Some((Quantity::DifferentialPressure, 100.0)));
    }

    #[test]
    fn a_dead_loop_and_an_unknown_type_give_zero() {
        for probe in ["0010", "0104", "0109", "020c"] {
            for idc_ua in [0, 3_600, 4_000] {
                assert_eq!(Probe::parse(probe).reading(idc_ua).unwrap().value, 0.0);
            }
        }
        check("0100", 12_000, Some((Quantity::Pressure, 0.0)));
        check("02ff", 12_000, Some((Quantity::DifferentialPressure, 0.0)));
    }

    #[test]
    fn the_setting_is_shown_as_four_digits_and_never_checked() {
        let cases =
            [("0010", "0010"), ("010A", "010a"), ("1", "0001"), ("x", "0000"), ("123456", "3456"), ("", "0000")];
        for (value, expected) in cases {
            assert_eq!(Probe::parse(value).to_string(), expected, "{value}");
        }
    }
}
