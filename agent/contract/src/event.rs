//! Events: what happens at a gateway beside its readings, in the same sequence of records.

use serde::{Deserialize, Serialize};

use crate::ack::RejectReason;
use crate::fault::SensorFault;
use crate::id::{DeviceId, Epoch};
use crate::unit::{CelsiusDifference, Gain};

/// Something that happened at the gateway. A type newer than this contract reads as [`Event::Unknown`]; the sink stores
/// the record as it came.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Event {
    /// First record of every epoch: which epoch came before and how far it got on disk.
    AgentStarted {
        /// Version of the agent.
        agent_version: String,
        /// The epoch before and the last sequence number that reached the disk; absent on a fresh buffer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        previous: Option<EpochEnd>,
    },
    /// A sensor answers and is ready to be read.
    SensorFound {
        /// The measuring point.
        device_id: DeviceId,
        /// The sensor that hangs there.
        imei: String,
        /// As `AT+MODEL` gives it, such as `PS-NB,v1.1.2`.
        model: String,
        /// The calibration that is in every temperature from now on; none if there is none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        calibration: Option<Calibration>,
    },
    /// A sensor can no longer be read.
    SensorLost {
        /// The measuring point.
        device_id: DeviceId,
        /// Why.
        fault: SensorFault,
    },
    /// A sensor restarted by itself or was power-cycled.
    SensorReset {
        /// The measuring point.
        device_id: DeviceId,
    },
    /// Another sensor hangs at a measuring point than before.
    SensorSwapped {
        /// The measuring point.
        device_id: DeviceId,
        /// The IMEI that was expected.
        expected: String,
        /// The IMEI that was found.
        found: String,
    },
    /// Something about a measuring point that a person should look at began or ended. Its readings go on. It ends without
    /// a word with the agent's start and with another sensor.
    Diagnostic {
        /// The measuring point.
        device_id: DeviceId,
        /// What.
        diagnostic: Diagnostic,
        /// It began; else it ended.
        active: bool,
    },
    /// The sink has kept records aside; the gateway does not hold them any more.
    RecordsRejected {
        /// Their epoch.
        epoch: Epoch,
        /// The first.
        from: u64,
        /// The last.
        to: u64,
        /// Why.
        reason: RejectReason,
    },
    /// The gateway's wall clock was set.
    ClockStep {
        /// By how much, in milliseconds; positive is forward.
        step_ms: i64,
    },
    /// A type newer than this contract.
    #[serde(other)]
    Unknown,
}

/// What a person should look at, although the readings are good. The wire form is the kebab-case name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Diagnostic {
    /// The temperature moved to that of a room faster than a unit can, and stays: the probe hangs outside.
    ProbeOutside,
    /// A diagnostic newer than this contract.
    #[serde(other)]
    Unknown,
}

impl Diagnostic {
    /// What a person should read.
    pub const fn text(self) -> &'static str {
        match self {
            Self::ProbeOutside => "the probe may hang outside the unit",
            Self::Unknown => "a diagnostic this version does not know",
        }
    }
}

/// How a measuring point was calibrated: temperature = `gain` × what the transmitter's range gives + `offset`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Calibration {
    /// Added, in °C.
    pub offset: CelsiusDifference,
    /// Multiplied first.
    pub gain: Gain,
    /// When, as `2026-11-23`.
    pub date: String,
    /// By whom.
    pub by: String,
}

/// Where an epoch ended, as far as the disk knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EpochEnd {
    /// The epoch.
    pub epoch: Epoch,
    /// Its last sequence number; 0 if it never got to one.
    pub last_seq: u64,
}
