//! The PT100 and its leads: the air's temperature in, what the transmitter makes of the resistance out.

use std::fmt;
use std::str::FromStr;

use rand::SeedableRng;
use rand::rngs::StdRng;

use super::noise::normal;

/// What one Ω of lead adds in °C to a two-wire PT100: its 0.385 Ω per °C turned round (device reference section 13.4).
const CELSIUS_PER_OHM: f64 = 2.6;
/// The tolerance is what no probe exceeds; most are much better.
const DEVIATIONS_IN_TOLERANCE: f64 = 3.0;

/// Tolerance class of a PT100 after IEC 60751.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ProbeClass {
    /// 0.15 °C and 0.2 % of the temperature.
    #[default]
    A,
    /// 0.30 °C and 0.5 % of the temperature.
    B,
}

/// Not the name of a class.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown probe class `{0}`: one of A, B")]
pub struct ProbeClassError(String);

/// What the transmitter finds at its input.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Resistance {
    /// That of a PT100 at this temperature in °C.
    Of(f64),
    /// Endless.
    Open,
    /// None.
    Short,
}

/// One probe: where in its class's tolerance it lies, and its leads.
#[derive(Debug)]
pub(super) struct Probe {
    class: ProbeClass,
    share: f64,
    lead_ohm: f64,
}

impl ProbeClass {
    /// The largest error at a temperature, in °C.
    pub fn tolerance(self, temperature: f64) -> f64 {
        match self {
            Self::A => 0.15 + 0.002 * temperature.abs(),
            Self::B => 0.30 + 0.005 * temperature.abs(),
        }
    }
}

impl Probe {
    pub(super) fn new(class: ProbeClass, lead_ohm: f64, seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let share = normal(&mut rng, 1.0 / DEVIATIONS_IN_TOLERANCE).clamp(-1.0, 1.0);
        Self { class, share, lead_ohm }
    }

    /// What a sound probe at `temperature` with `more_lead_ohm` in its leads seems to measure, in °C.
    pub(super) fn seems(&self, temperature: f64, more_lead_ohm: f64) -> f64 {
        let error = self.share * self.class.tolerance(temperature);
        temperature + error + (self.lead_ohm + more_lead_ohm) * CELSIUS_PER_OHM
    }
}

impl fmt::Display for ProbeClass {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::A => "A",
            Self::B => "B",
        })
    }
}

impl FromStr for ProbeClass {
    type Err = ProbeClassError;

    fn from_str(text: &str) -> Result<Self, ProbeClassError> {
        match text {
            "A" | "a" => Ok(Self::A),
            "B" | "b" => Ok(Self::B),
            _ => Err(ProbeClassError(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tolerances_are_those_of_the_reference() {
        assert!((ProbeClass::A.tolerance(-18.0) - 0.186).abs() < 1e-9);
        assert!((ProbeClass::B.tolerance(-18.0) - 0.390).abs() < 1e-9);
    }

    #[test]
    fn no_probe_is_worse_than_its_class_and_class_b_is_worse_than_class_a() {
        for (class, usual) in [(ProbeClass::A, 0.03), (ProbeClass::B, 0.06)] {
            let errors = (0..500).map(|seed| (Probe::new(class, 0.0, seed).seems(-18.0, 0.0) + 18.0).abs());
            let errors: Vec<_> = errors.collect();
            assert!(errors.iter().all(|error| *error <= class.tolerance(-18.0)), "class {class}");
            assert!(errors.iter().sum::<f64>() / 500.0 > usual, "class {class}");
        }
    }

    #[test]
    fn leads_make_a_two_wire_probe_warmer() {
        let bare = Probe::new(ProbeClass::A, 0.0, 4).seems(3.5, 0.0);
        let wired = Probe::new(ProbeClass::A, 0.5, 4);
        assert!((wired.seems(3.5, 0.0) - bare - 1.3).abs() < 1e-9);
        assert!((wired.seems(3.5, 1.0) - bare - 3.9).abs() < 1e-9);
    }

    #[test]
    fn classes_are_written_and_read_alike() {
        for class in [ProbeClass::A, ProbeClass::B] {
            assert_eq!(class.to_string().parse(), Ok(class));
        }
        assert_eq!("C".parse::<ProbeClass>().unwrap_err().to_string(), "unknown probe class `C`: one of A, B");
    }
}
