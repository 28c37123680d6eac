//! The sink's acknowledgement: exactly what is stored **and judged**, and what was set aside.
//!
//! Only this frees a record on the gateway; a broker's PUBACK proves neither. Repeatable. An ack without ranges answers
//! every birth and heartbeat that asks, so that a gateway without a clock has `serverTime` before its first record is sent.

use serde::{Deserialize, Serialize};

use crate::VERSION;
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
    /// Not taken, and to be sent again: the gateway keeps them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<Refused>,
    /// The sink's clock after it got what it answers.
    pub server_time: Timestamp,
    /// The question of the birth or heartbeat that this answers; absent from an ack of records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers: Option<u64>,
    /// How many records a second of a backlog the gateway may send from now on; absent is no limit. Only in an answer to a
    /// birth or heartbeat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records_per_s: Option<u32>,
    /// Until then the cloud watches this gateway and notifies people itself; absent if it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease_until: Option<Timestamp>,
}

impl Ack {
    /// What has become of records.
    pub fn of_records(epoch: Epoch, ranges: SeqRanges, rejected: Vec<Rejected>, server_time: Timestamp) -> Self {
        let (v, refused) = (VERSION, Vec::new());
        let (records_per_s, answers, lease_until) = (None, None, None);
        Self { v, epoch, ranges, rejected, refused, server_time, answers, records_per_s, lease_until }
    }

    /// The answer to the question of a birth or heartbeat.
    pub fn answer(epoch: Epoch, question: Option<u64>, server_time: Timestamp) -> Self {
        Self { answers: question, ..Self::of_records(epoch, SeqRanges::new(), Vec::new(), server_time) }
    }
}

/// Records that the sink has kept aside because it cannot take them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// First and last sequence number.
    pub range: (u64, u64),
    /// Why.
    pub reason: RejectReason,
}

/// Records that the sink does not take now. MQTT 3.1.1 has no word for that: a broker drops what it refuses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Refused {
    /// First and last sequence number of the envelope.
    pub range: (u64, u64),
    /// Why.
    pub reason: RefuseReason,
    /// After how many seconds to try again; the gateway decides if it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_s: Option<u32>,
}

/// Why records are not taken now. The wire form is the kebab-case name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefuseReason {
    /// The envelope is too large: send smaller ones.
    TooLarge,
    /// The gateway, or its customer, has sent more than it may: send nothing for a while.
    Quota,
    /// The gateway may not speak for this kitchen, or at all: these wait behind the rest.
    NotAuthorised,
    /// A reason newer than this contract.
    #[serde(other)]
    Unknown,
}

impl RefuseReason {
    /// What a person should read.
    pub const fn text(self) -> &'static str {
        match self {
            Self::TooLarge => "too large",
            Self::Quota => "over the quota",
            Self::NotAuthorised => "not authorised",
            Self::Unknown => "for a reason this version does not know",
        }
    }
}

/// Why records were kept aside. The wire form is the kebab-case name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
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
