//! Birth, heartbeat and last will: what a gateway says of itself, signed.
//!
//! A heartbeat names the epoch and its last sequence number, so a cut tail of the record contradicts it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::VERSION;
use crate::envelope::{OpenError, SealError};
use crate::id::{DeviceId, Epoch, GatewayId};
use crate::signature::{self, DeviceKey, GatewayKey, SignatureError};
use crate::time::Timestamp;

/// The largest status message, in bytes.
pub const STATUS_BYTES_MAX: usize = 5 * 1024;

/// What a gateway says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// Major version of the contract.
    pub v: u32,
    /// The gateway that signs.
    pub gateway_id: GatewayId,
    /// The run of the agent.
    pub epoch: Epoch,
    /// On which occasion.
    pub kind: StatusKind,
    /// The last sequence number of this epoch that is on the gateway's disk; 0 before the first.
    pub last_seq: u64,
    /// Records on the gateway's disk that the sink has not acknowledged.
    pub backlog: u64,
    /// The gateway's own clock, trusted or not; absent while it cannot be right (before the agent was built).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<Timestamp>,
    /// Version of the agent.
    pub agent_version: String,
    /// The configuration in effect, as a hash without its secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_hash: Option<String>,
    /// Of a birth, the sensors: which one hangs where, as far as it has been found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sensors: Vec<StatusSensor>,
    /// What happened that nobody asked for, since the agent started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counters: Option<StatusCounters>,
    /// The answer repeats this number, so that the gateway knows what was answered, and when it had asked. Without it there
    /// is no answer: a last will asks nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<u64>,
}

/// A measuring point and its sensor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusSensor {
    /// The measuring point.
    pub device_id: DeviceId,
    /// The sensor that was found there, or must hang there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imei: Option<String>,
    /// Whether it can be read.
    pub ready: bool,
}

/// Everything that was dropped, damaged, or done again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusCounters {
    /// Records given up because the buffer was full.
    pub evicted: u64,
    /// Observations given up in memory because the disk took nothing.
    pub dropped: u64,
    /// Buffered entries whose checksum failed.
    pub damaged: u64,
    /// Records brought back that the store had lost.
    pub recovered: u64,
    /// Records that were damaged and are lost.
    pub lost: u64,
    /// Stores set aside because they were damaged.
    pub set_aside: u64,
    /// Connections that were made.
    pub connections: u64,
    /// Attempts to connect that came to nothing.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub failed_attempts: u64,
    /// Envelopes sent again because they were not acknowledged.
    pub resent: u64,
    /// Records that the sink has kept aside.
    pub rejected: u64,
    /// Envelopes that the sink did not take.
    pub refused: u64,
    /// Of the records that the sink has kept aside, those of which no event tells.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub rejected_untold: u64,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// The occasion of a status message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum StatusKind {
    /// After every connect.
    Birth,
    /// At intervals while connected.
    Heartbeat,
    /// Left with the broker, which sends it when the connection dies.
    LastWill,
    /// An occasion newer than this contract.
    #[serde(other)]
    Unknown,
}

impl Status {
    /// The signed bytes, ready for the wire.
    ///
    /// # Errors
    /// (Never seen) no canonical form.
    pub fn seal(&self, key: &DeviceKey) -> Result<Vec<u8>, SealError> {
        let Value::Object(mut document) = serde_json::to_value(self)? else {
            return Err(SealError::Empty);
        };
        signature::sign(&mut document, key)?;
        Ok(serde_json::to_vec(&document)?)
    }
}

/// A status as received: readable, its signature not yet checked.
#[derive(Clone, Debug)]
pub struct OpenedStatus {
    status: Status,
    document: Map<String, Value>,
}

impl OpenedStatus {
    /// Reads JSON and fields.
    ///
    /// # Errors
    /// Too large, not JSON, fields missing, or a major version unknown here.
    pub fn read(bytes: &[u8]) -> Result<Self, OpenError> {
        if bytes.len() > STATUS_BYTES_MAX {
            return Err(OpenError::TooLarge);
        }
        let document = signature::canonical_document(bytes).map_err(OpenError::Json)?;
        let status = Status::deserialize(Value::Object(document.clone()))
            .map_err(|error| OpenError::Header(error.to_string()))?;
        if status.v != VERSION {
            return Err(OpenError::Header(format!("version {} is not known here, only {VERSION}", status.v)));
        }
        Ok(Self { status, document })
    }

    /// Which gateway claims to speak; needed to find its key.
    pub fn gateway_id(&self) -> &GatewayId {
        &self.status.gateway_id
    }

    /// The status, once its signature stands.
    ///
    /// # Errors
    /// Missing, malformed, or not of this key.
    pub fn verified(self, key: &GatewayKey) -> Result<Status, SignatureError> {
        signature::verify(&self.document, key)?;
        Ok(self.status)
    }
}
