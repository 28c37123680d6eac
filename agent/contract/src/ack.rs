//! The sink's acknowledgement: exactly what is stored **and judged**, and what was set aside.
//!
//! Only this frees a record on the gateway; a broker's PUBACK proves neither. Repeatable. An ack without ranges answers
//! every birth and heartbeat that asks, so that a gateway without a clock has `serverTime` before its first record is sent.

use serde::{Deserialize, Serialize};

use crate::id::Epoch;
use crate::ranges::SeqRanges;
use crate::time::Timestamp;

/// What the sink has done with records of one epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ack {
    /// Major version of the contract.
    pub v: u32,
    /// The epoch whose records are named.
    pub epoch: Epoch,
    /// Stored and judged.
    pub ranges: SeqRanges,
    /// Kept aside, never to be sent again.
    #[serde(default)]
    pub rejected: Vec<Rejected>,
    /// The sink's clock after it got what it answers.
    pub server_time: Timestamp,
    /// The question of the birth or heartbeat that this answers; absent from an ack of records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers: Option<u64>,
    /// Until then the cloud watches this gateway and notifies people itself; absent if it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease_until: Option<Timestamp>,
}

/// Records that the sink has kept aside because it cannot take them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// First and last sequence number.
    pub range: (u64, u64),
    /// Why.
    pub reason: RejectReason,
}

/// Why records were kept aside. The wire form is the kebab-case name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RejectReason {
    /// The contract's major version is not known to the sink.
    UnknownVersion,
    /// The body is not what the header promises.
    MalformedBody,
    /// This record cannot be read.
    MalformedRecord,
    /// The measuring point is not registered.
    UnknownDevice,
    /// Gateway, kitchen or device did not belong together at the reading's time.
    NotAssigned,
    /// The timestamp lies in the future.
    FutureTimestamp,
    /// A reason newer than this contract.
    #[serde(other)]
    Unknown,
}
