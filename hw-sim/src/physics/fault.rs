//! What can be wrong between the probe and the sensor's input, and how it is written.

use std::fmt;
use std::str::FromStr;

/// A fault of the probe, the transmitter or the current loop.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ProbeFault {
    /// The loop is broken: no current.
    WireBreak,
    /// The loop's wires touch: the current is limited by the supply only, and the input clips.
    LoopShort,
    /// A wire of the PT100 is broken: the transmitter goes to its burn-out current.
    Pt100Open,
    /// The PT100's wires touch: the transmitter reports failure low.
    Pt100Short,
    /// The probe walks away from the truth, in °C per hour since the fault came.
    Drift(f64),
    /// Interference on the loop: standard deviation of one conversion in mA.
    Noise(f64),
    /// The transmitter hangs: it puts out for ever what it put out when the fault came.
    Stuck,
    /// The loop's wires are swapped. The transmitter's protection diode blocks; a trace of current flows backwards.
    Reversed,
    /// A calibrator in the transmitter's place holds this current in mA; negative when connected backwards.
    Current(f64),
    /// Resistance in the leads of a two-wire PT100, in Ω.
    Lead(f64),
}

/// A fault without its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ProbeFaultKind {
    /// See [`ProbeFault::WireBreak`].
    WireBreak,
    /// See [`ProbeFault::LoopShort`].
    LoopShort,
    /// See [`ProbeFault::Pt100Open`].
    Pt100Open,
    /// See [`ProbeFault::Pt100Short`].
    Pt100Short,
    /// See [`ProbeFault::Drift`].
    Drift,
    /// See [`ProbeFault::Noise`].
    Noise,
    /// See [`ProbeFault::Stuck`].
    Stuck,
    /// See [`ProbeFault::Reversed`].
    Reversed,
    /// See [`ProbeFault::Current`].
    Current,
    /// See [`ProbeFault::Lead`].
    Lead,
}

/// Not a fault, or not its value: says what would be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ProbeFaultError(String);

/// How the value of a fault is written, and between which bounds it makes sense.
struct ValueForm {
    key: &'static str,
    unit: &'static str,
    lowest: f64,
    highest: f64,
    example: &'static str,
}

impl ProbeFault {
    /// Makes a fault from its name and what was written after it, as in `drift` and `rate=0.5`. The key may also be
    /// `value` or the fault's own name.
    pub fn parse(name: &str, values: &[(&str, &str)]) -> Result<Self, String> {
        let kind: ProbeFaultKind = name.parse().map_err(|ProbeFaultError(text)| text)?;
        let Some(form) = kind.value_form() else {
            return match values {
                [] => Ok(kind.with_value(0.0)),
                [(key, _), ..] => Err(format!("`{name}` takes no value, got `{key}`")),
            };
        };
        match values {
            [(key, text)] if [form.key, "value", name].contains(key) => Ok(kind.with_value(form.value(name, text)?)),
            [(key, _)] => Err(format!("`{name}` has no `{key}`: {}", form.help(name))),
            [] => Err(format!("`{name}` needs its value in {}: {}", form.unit, form.help(name))),
            _ => Err(format!("`{name}` takes one value, got {}: {}", values.len(), form.help(name))),
        }
    }

    /// The fault without its value.
    pub fn kind(&self) -> ProbeFaultKind {
        match self {
            Self::WireBreak => ProbeFaultKind::WireBreak,
            Self::LoopShort => ProbeFaultKind::LoopShort,
            Self::Pt100Open => ProbeFaultKind::Pt100Open,
            Self::Pt100Short => ProbeFaultKind::Pt100Short,
            Self::Drift(_) => ProbeFaultKind::Drift,
            Self::Noise(_) => ProbeFaultKind::Noise,
            Self::Stuck => ProbeFaultKind::Stuck,
            Self::Reversed => ProbeFaultKind::Reversed,
            Self::Current(_) => ProbeFaultKind::Current,
            Self::Lead(_) => ProbeFaultKind::Lead,
        }
    }

    /// The value, of those that have one.
    pub fn value(&self) -> Option<f64> {
        match *self {
            Self::Drift(value) | Self::Noise(value) | Self::Current(value) | Self::Lead(value) => Some(value),
            _ => None,
        }
    }
}

impl ProbeFaultKind {
    /// Every kind.
    pub const ALL: [Self; 10] = [
        Self::WireBreak,
        Self::LoopShort,
        Self::Pt100Open,
        Self::Pt100Short,
        Self::Drift,
        Self::Noise,
        Self::Stuck,
        Self::Reversed,
        Self::Current,
        Self::Lead,
    ];

    /// The kind's name in commands and files.
    pub fn name(self) -> &'static str {
        match self {
            Self::WireBreak => "wire-break",
            Self::LoopShort => "loop-short",
            Self::Pt100Open => "pt100-open",
            Self::Pt100Short => "pt100-short",
            Self::Drift => "drift",
            Self::Noise => "noise",
            Self::Stuck => "stuck",
            Self::Reversed => "reversed",
            Self::Current => "current",
            Self::Lead => "lead",
        }
    }

    fn value_form(self) -> Option<ValueForm> {
        let form = |key, unit, (lowest, highest), example| Some(ValueForm { key, unit, lowest, highest, example });
        match self {
            Self::Drift => form("rate", "°C per hour", (-1000.0, 1000.0), "0.5"),
            Self::Noise => form("ma", "mA", (0.0, 20.0), "0.2"),
            Self::Current => form("ma", "mA", (-30.0, 30.0), "3.59"),
            Self::Lead => form("ohm", "Ω", (0.0, 1000.0), "0.4"),
            _ => None,
        }
    }

    /// The value is ignored by kinds that have none.
    fn with_value(self, value: f64) -> ProbeFault {
        match self {
            Self::WireBreak => ProbeFault::WireBreak,
            Self::LoopShort => ProbeFault::LoopShort,
            Self::Pt100Open => ProbeFault::Pt100Open,
            Self::Pt100Short => ProbeFault::Pt100Short,
            Self::Drift => ProbeFault::Drift(value),
            Self::Noise => ProbeFault::Noise(value),
            Self::Stuck => ProbeFault::Stuck,
            Self::Reversed => ProbeFault::Reversed,
            Self::Current => ProbeFault::Current(value),
            Self::Lead => ProbeFault::Lead(value),
        }
    }
}

impl ValueForm {
    fn help(&self, name: &str) -> String {
        format!("write `{name} {}={}`", self.key, self.example)
    }

    /// The comparison also refuses NaN.
    fn value(&self, name: &str, text: &str) -> Result<f64, String> {
        let value = text.parse::<f64>().ok().filter(|value| (self.lowest..=self.highest).contains(value));
        value.ok_or_else(|| format!("`{name}` wants {} to {} {}, got `{text}`", self.lowest, self.highest, self.unit))
    }
}

impl fmt::Display for ProbeFaultKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for ProbeFaultKind {
    type Err = ProbeFaultError;

    fn from_str(text: &str) -> Result<Self, ProbeFaultError> {
        Self::ALL.into_iter().find(|kind| kind.name() == text).ok_or_else(|| {
            let known = Self::ALL.map(Self::name).join(", ");
            ProbeFaultError(format!("unknown fault `{text}`: one of {known}"))
        })
    }
}

/// As [`ProbeFault::from_str`] reads it: `wire-break`, `drift rate=0.5`.
impl fmt::Display for ProbeFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind();
        match (self.value(), kind.value_form()) {
            (Some(value), Some(form)) => write!(formatter, "{kind} {}={value}", form.key),
            _ => write!(formatter, "{kind}"),
        }
    }
}

/// Reads `wire-break`, `drift rate=0.5` and, for short, `drift=0.5`.
impl FromStr for ProbeFault {
    type Err = ProbeFaultError;

    fn from_str(text: &str) -> Result<Self, ProbeFaultError> {
        let mut words = text.split_whitespace();
        let first = words.next().unwrap_or_default();
        let short = first.split_once('=');
        let name = short.map_or(first, |(name, _)| name);
        let pair = |word: &'_ str| word.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()));
        let pairs: Option<Vec<_>> = short.map(|_| first).into_iter().chain(words).map(pair).collect();
        let pairs = pairs.ok_or_else(|| ProbeFaultError(format!("expected NAME or NAME KEY=VALUE, got `{text}`")))?;
        let pairs: Vec<_> = pairs.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        Self::parse(name, &pairs).map_err(ProbeFaultError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_error(text: &str, expected: &str) {
        assert_eq!(text.parse::<ProbeFault>().unwrap_err().to_string(), expected);
    }

    #[test]
    fn every_fault_is_written_and_read_alike() {
        for kind in ProbeFaultKind::ALL {
            let fault = kind.with_value(2.25);
            assert_eq!(fault.kind(), kind);
            assert_eq!(fault.to_string().parse(), Ok(fault), "{fault}");
        }
    }

    #[test]
    fn a_value_may_go_by_three_keys() {
        for key in ["rate", "value", "drift"] {
            assert_eq!(ProbeFault::parse("drift", &[(key, "-0.5")]), Ok(ProbeFault::Drift(-0.5)));
        }
        assert_eq!("current=3.59".parse(), Ok(ProbeFault::Current(3.59)));
        assert_eq!("lead ohm=0.4".parse(), Ok(ProbeFault::Lead(0.4)));
    }

    #[test]
    fn errors_say_what_would_be_right() {
        check_error("drift", "`drift` needs its value in °C per hour: write `drift rate=0.5`");
        check_error("drift ma=3", "`drift` has no `ma`: write `drift rate=0.5`");
        check_error("drift rate=1 rate=2", "`drift` takes one value, got 2: write `drift rate=0.5`");
        check_error("current ma=NaN", "`current` wants -30 to 30 mA, got `NaN`");
        check_error("noise ma=-1", "`noise` wants 0 to 20 mA, got `-1`");
        check_error("stuck ma=3", "`stuck` takes no value, got `ma`");
        check_error("drift fast", "expected NAME or NAME KEY=VALUE, got `drift fast`");
        let unknown = "wirebreak".parse::<ProbeFault>().unwrap_err().to_string();
        assert!(unknown.starts_with("unknown fault `wirebreak`: one of wire-break, loop-short"), "{unknown}");
    }
}
