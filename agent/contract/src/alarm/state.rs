//! What the engine remembers of one measuring point between two readings.

use serde::{Deserialize, Serialize};

use crate::alarm::rule::AlertType;
use crate::time::Timestamp;

/// The engine's memory of one measuring point.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AlarmState {
    /// The time of the latest reading judged so far; an earlier one is late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judged_until: Option<Timestamp>,
    /// The excursion that is open now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open: Option<Excursion>,
    /// The excursion that late readings are telling of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late: Option<Excursion>,
}

/// A span out of limits; with the measuring point it identifies the alert that people see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Excursion {
    /// Beyond which limit.
    #[serde(rename = "type")]
    pub alert_type: AlertType,
    /// The time of its first reading.
    pub since: Timestamp,
}
