//! What is watched: the limits of a measuring point, the customer's `alertThresholds`.

use serde::{Deserialize, Serialize};

use crate::unit::Celsius;

/// The limits of a measuring point in °C, as the customer writes them: `{ "min": 0, "max": 8 }`. A value **on** a limit is
/// in range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Wire", into = "Wire")]
pub struct Limits {
    min: Option<Celsius>,
    max: Option<Celsius>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    min: Option<Celsius>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max: Option<Celsius>,
}

/// Why two numbers are no limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LimitsError {
    /// Nothing would ever be out of range.
    #[error("limits need `min`, `max` or both")]
    Neither,
    /// Everything would always be out of range.
    #[error("`min` must be below `max`")]
    Crossed,
}

/// What an alert is about. The wire form is the customer's: `HIGH_TEMP`, `LOW_TEMP`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AlertType {
    /// Warmer than `max`.
    HighTemp,
    /// Colder than `min`.
    LowTemp,
}

impl AlertType {
    /// The customer's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HighTemp => "HIGH_TEMP",
            Self::LowTemp => "LOW_TEMP",
        }
    }
}

impl Limits {
    /// Limits from a lower bound, an upper bound or both.
    ///
    /// # Errors
    /// Neither given, or `min` not below `max`.
    pub fn new(min: Option<Celsius>, max: Option<Celsius>) -> Result<Self, LimitsError> {
        match (min, max) {
            (None, None) => Err(LimitsError::Neither),
            (Some(min), Some(max)) if min >= max => Err(LimitsError::Crossed),
            (Some(_), None) | (None, Some(_)) | (Some(_), Some(_)) => Ok(Self { min, max }),
        }
    }

    /// Which limit a temperature is beyond, and that limit.
    pub fn exceeded(&self, temperature: Celsius) -> Option<(AlertType, Celsius)> {
        let high = self.max.filter(|max| temperature > *max).map(|max| (AlertType::HighTemp, max));
        let low = self.min.filter(|min| temperature < *min).map(|min| (AlertType::LowTemp, min));
        high.or(low)
    }
}

impl TryFrom<Wire> for Limits {
    type Error = LimitsError;

    fn try_from(wire: Wire) -> Result<Self, LimitsError> {
        Self::new(wire.min, wire.max)
    }
}

impl From<Limits> for Wire {
    fn from(limits: Limits) -> Self {
        Self { min: limits.min, max: limits.max }
    }
}
