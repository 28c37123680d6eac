//! One entry of the buffer: the records of one sampling round, and the JSON they are kept as. Pure.
//!
//! A record whose time is not settled lies here with the monotonic moment it was taken at; the timestamp in its JSON is a
//! placeholder that never leaves this file.

use kitchen_contract::id::{Epoch, KitchenId};
use kitchen_contract::record::{Body, Record};
use kitchen_contract::time::{Clock, Timestamp};
use kitchen_contract::written::{RecordForm, WrittenRecord};
use miniz_oxide::deflate::compress_to_vec_zlib;
use miniz_oxide::inflate::decompress_to_vec_zlib_with_limit;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use super::frame::{self, FrameError, Identity};
use crate::clock::earlier::RunClock;
use crate::clock::wall::Stamp;
use crate::history_mark::HistoryMark;
use crate::observation::Moment;

/// From this length of its JSON on, an entry is compressed. Less is merged into a block soon, and somebody waits for the
/// write.
const PACKED_FROM_BYTES: usize = 8 * 1024;
/// A reading's JSON is about as long.
const RECORD_BYTES: usize = 320;
/// zlib's level for what somebody waits for.
const COMPRESSION_QUICK: u8 = 1;
/// And for what will lie there for long: records are so alike that more gains nothing.
const COMPRESSION_SMALL: u8 = 6;
/// No entry's JSON is longer, by far.
const UNPACKED_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A record that has no place in the sequence yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// When it happened.
    pub stamp: Stamp,
    /// What it is.
    pub body: Body,
    /// To be kept with it.
    pub mark: Option<HistoryMark>,
}

impl Draft {
    /// A record that marks nothing.
    pub fn new(stamp: Stamp, body: Body) -> Self {
        Self { stamp, body, mark: None }
    }
}

/// A record in the buffer.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    /// Its place in the sequence of the entry's epoch.
    pub seq: u64,
    /// When it happened, settled or not.
    pub stamp: Stamp,
    /// What it is.
    pub body: Body,
}

impl Held {
    /// Its time, once it is settled.
    pub fn timestamp(&self) -> Option<Timestamp> {
        match self.stamp {
            Stamp::Settled { timestamp, .. } => Some(timestamp),
            Stamp::Unsettled { .. } => None,
        }
    }

    /// Whether its time is settled.
    pub fn is_settled(&self) -> bool {
        self.timestamp().is_some()
    }
}

/// The records of one round, all of one epoch and kitchen, in rising order of sequence.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The run of the agent.
    pub epoch: Epoch,
    /// The append index before the run's first record.
    pub base: u64,
    /// The kitchen, as configured when the round was appended.
    pub kitchen_id: KitchenId,
    /// At least one.
    pub records: Vec<Held>,
    /// Where the run lies in the time that the system has been on, while records wait for a time.
    pub clock: Option<RunClock>,
}

/// The JSON inside a frame; the epoch is in the frame's header.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload<R> {
    /// Its records are in their canonical form; before, they were in no certain one.
    #[serde(default)]
    canonical: bool,
    kitchen_id: KitchenId,
    records: Vec<R>,
    /// Sequence number to milliseconds since the start of its run.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    unsettled: BTreeMap<u64, u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    clock: Option<RunClock>,
}

impl Entry {
    /// What the frame's header says of this entry.
    pub fn identity(&self) -> Identity {
        Identity {
            epoch: self.epoch.clone(),
            base: self.base,
            from: self.records.first().map_or(0, |held| held.seq),
            to: self.records.last().map_or(0, |held| held.seq),
            records: self.records.len() as u32,
            unsettled: self.records.iter().filter(|held| !held.is_settled()).count() as u32,
        }
    }

    /// The append index under which it is kept.
    pub fn index(&self) -> u64 {
        self.base + self.records.first().map_or(0, |held| held.seq)
    }

    /// The frame to keep it as, made quickly.
    pub fn to_frame(&self) -> Vec<u8> {
        self.compressed(COMPRESSION_QUICK)
    }

    /// The frame to keep it as, made small.
    pub fn to_small_frame(&self) -> Vec<u8> {
        self.compressed(COMPRESSION_SMALL)
    }

    fn compressed(&self, level: u8) -> Vec<u8> {
        let records: Vec<_> = self.records.iter().map(written).collect();
        let unsettled: BTreeMap<_, _> = self.records.iter().filter_map(waiting_since).collect();
        let clock = self.clock.clone().filter(|_| !unsettled.is_empty());
        let mut json = Vec::with_capacity((records.len() + 1) * RECORD_BYTES);
        let payload = Payload { canonical: true, kitchen_id: self.kitchen_id.clone(), records, unsettled, clock };
        serde_json::to_writer(&mut json, &payload).expect("invariant: records of the contract are JSON");
        let packed = json.len() >= PACKED_FROM_BYTES;
        let payload = if packed { compress_to_vec_zlib(&json, level) } else { json };
        frame::encode(&self.identity(), &payload)
    }

    /// Reads a frame back.
    ///
    /// # Errors
    /// Damaged, or intact but not written by this code.
    pub fn from_frame(bytes: &[u8]) -> Result<Self, FrameError> {
        let (identity, payload) = frame::decode(bytes)?;
        let read = unpacked(payload).and_then(|json| Self::from_json(&identity, &json).ok());
        read.ok_or(FrameError::Payload(identity))
    }

    fn from_json(identity: &Identity, json: &[u8]) -> serde_json::Result<Self> {
        let Payload::<&RawValue> { kitchen_id, records, unsettled, clock, .. } = serde_json::from_slice(json)?;
        let records = records.into_iter().map(|record| Ok(held(serde_json::from_str(record.get())?, &unsettled)));
        let records = records.collect::<serde_json::Result<_>>()?;
        Ok(Self { epoch: identity.epoch.clone(), base: identity.base, kitchen_id, records, clock })
    }
}

/// What can be sent of an entry, as it lies in its frame: nothing is read that need not be.
#[derive(Debug)]
pub struct Sendable {
    /// The run of the agent.
    pub epoch: Epoch,
    /// The append index before the run's first record.
    pub base: u64,
    /// The kitchen.
    pub kitchen_id: KitchenId,
    /// Those behind an append index, up to the first that waits for a clock.
    pub records: Vec<WrittenRecord>,
    /// Whether one waits for a clock.
    pub waits: bool,
}

impl Sendable {
    /// What a frame holds behind the append index `after`.
    ///
    /// # Errors
    /// As [`Entry::from_frame`].
    pub fn from_frame(bytes: &[u8], after: u64) -> Result<Self, FrameError> {
        let (identity, payload) = frame::decode(bytes)?;
        let read = unpacked(payload).and_then(|json| Self::from_json(&identity, &json, after).ok());
        read.ok_or(FrameError::Payload(identity))
    }

    fn from_json(identity: &Identity, json: &[u8], after: u64) -> serde_json::Result<Self> {
        let Payload::<&RawValue> { canonical, kitchen_id, records, unsettled, .. } = serde_json::from_slice(json)?;
        let base = identity.base;
        let mut sendable = Self { epoch: identity.epoch.clone(), base, kitchen_id, records: Vec::new(), waits: false };
        for json in records {
            let Place { seq } = serde_json::from_str(json.get())?;
            if base + seq <= after {
                continue;
            }
            sendable.waits = unsettled.contains_key(&seq);
            if sendable.waits {
                break;
            }
            sendable.records.push(if canonical { WrittenRecord::kept(seq, json) } else { written_anew(json)? });
        }
        Ok(sendable)
    }
}

/// All that has to be known of a record to send it.
#[derive(Deserialize)]
struct Place {
    seq: u64,
}

/// A record that an earlier version wrote.
fn written_anew(json: &RawValue) -> serde_json::Result<WrittenRecord> {
    let record: Record = serde_json::from_str(json.get())?;
    WrittenRecord::try_from(&record).map_err(serde::de::Error::custom)
}

/// The record as it is kept, with a placeholder for a time that it has to wait for.
fn written(held: &Held) -> RecordForm<'_> {
    let (timestamp, clock) = match held.stamp {
        Stamp::Settled { timestamp, clock } => (timestamp, clock),
        Stamp::Unsettled { .. } => (placeholder(), Clock::Estimated { bound_ms: None }),
    };
    RecordForm { seq: held.seq, timestamp, clock, body: &held.body }
}

/// The milliseconds since the start of its run at which a record was taken that waits for a clock.
fn waiting_since(held: &Held) -> Option<(u64, u64)> {
    match held.stamp {
        Stamp::Settled { .. } => None,
        Stamp::Unsettled { at } => Some((held.seq, u64::try_from(at.0.as_millis()).unwrap_or(u64::MAX))),
    }
}

/// JSON begins with its brace, what is compressed with zlib's own header.
fn unpacked(payload: &[u8]) -> Option<Cow<'_, [u8]>> {
    if payload.first() == Some(&b'{') {
        return Some(Cow::Borrowed(payload));
    }
    decompress_to_vec_zlib_with_limit(payload, UNPACKED_BYTES_MAX).ok().map(Cow::Owned)
}

fn held(record: Record, unsettled: &BTreeMap<u64, u64>) -> Held {
    let Record { seq, timestamp, clock, body } = record;
    let stamp = match unsettled.get(&seq) {
        Some(at_ms) => Stamp::Unsettled { at: Moment(Duration::from_millis(*at_ms)) },
        None => Stamp::Settled { timestamp, clock },
    };
    Held { seq, stamp, body }
}

fn placeholder() -> Timestamp {
    Timestamp::from_unix_ms(0).expect("invariant: 1970 is a timestamp")
}
