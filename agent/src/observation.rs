//! What a sensor task hands to the recorder: something worth a record, and when it arrived.

use std::time::Duration;

use kitchen_contract::record::Body;

use crate::clock::wall::Stamp;
use crate::history_mark::HistoryMark;

/// Time since the agent started, the system's sleep included. Immune to every step of the wall clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub Duration);

/// Something worth a record. The recorder gives it its place in the sequence, its wall time and its disk.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// When it arrived; of a reading, when its value line arrived.
    pub at: Moment,
    /// When it was measured, where that was long before: a row of the sensor's history. Else the recorder says.
    pub stamp: Option<Stamp>,
    /// What it is.
    pub body: Body,
    /// Of a reading: what it means for the sensor's history.
    pub mark: Option<HistoryMark>,
}
