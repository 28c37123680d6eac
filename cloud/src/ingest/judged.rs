//! What the alarm engine said of a stored reading: the proof that it was judged.

use kitchen_contract::alarm::{AlertType, Verdict};
use serde::{Deserialize, Serialize};

/// The verdict on a stored reading. The stored form is the kebab-case name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Judged {
    /// Within the limits.
    InRange,
    /// Warmer than the upper limit.
    High,
    /// Colder than the lower limit.
    Low,
    /// No value.
    Fault,
    /// A value, but no limits are set.
    NoLimits,
}

impl From<Verdict> for Judged {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::InRange => Self::InRange,
            Verdict::Beyond(AlertType::HighTemp) => Self::High,
            Verdict::Beyond(AlertType::LowTemp) => Self::Low,
            Verdict::Fault(_) => Self::Fault,
            Verdict::NoLimits => Self::NoLimits,
        }
    }
}
