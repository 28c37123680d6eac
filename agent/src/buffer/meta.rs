//! The statement that is written together with every change: how far the epoch got, and what is held. Pure.
//!
//! What the store lost is what the newest statement says is held and the store does not have. An append writes its statement
//! behind its entry, as one value; every other change writes it under a key of its own.

use kitchen_contract::id::Epoch;
use kitchen_contract::ranges::SeqRanges;
use kitchen_contract::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::frame::{self, Identity, OVERHEAD_BYTES};
use crate::at::command::Value;
use crate::at::identity::Imei;
use crate::history_mark::{HistoryMark, MARKS_MAX};
use kitchen_contract::id::DeviceId;

/// Ranges in one statement; of more, the oldest are stated as one. Where much was given up, every record that was kept
/// longer is a range.
const RANGES_MAX: usize = 256;
/// What a statement takes as a frame at most, in bytes: two numbers of 20 digits and their signs for every range, an IMEI, an
/// id, a timestamp and their names for every mark.
pub const META_FRAME_BYTES_MAX: usize = OVERHEAD_BYTES + 128 + RANGES_MAX * 44 + MARKS_MAX * 112;

/// How far an epoch got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    /// The append index before its first record.
    pub base: u64,
    /// Its epoch.
    pub epoch: Epoch,
    /// Its last sequence number.
    pub last_seq: u64,
}

/// The state of the buffer after a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meta {
    /// How far the epoch got.
    pub reach: Reach,
    /// The latest synced timestamp.
    pub latest: Option<Timestamp>,
    /// Rises with every statement.
    pub number: u64,
    /// The append indexes of the records held.
    pub held: SeqRanges,
    /// They were too many ranges: in the first one there are others too.
    pub filled: bool,
    /// What the append brought of sensors; of any other change none.
    pub marks: Vec<HistoryMark>,
}

/// The JSON inside the frame; the reach is in the frame's header.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    latest: Option<Timestamp>,
    number: u64,
    held: SeqRanges,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    filled: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    marks: Vec<Mark>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Mark {
    imei: String,
    device_id: DeviceId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
}

impl From<&HistoryMark> for Mark {
    fn from(mark: &HistoryMark) -> Self {
        let HistoryMark { imei, device_id, until } = mark.clone();
        Self { imei: imei.as_str().to_owned(), device_id, until }
    }
}

impl Mark {
    fn read(self) -> Option<HistoryMark> {
        let Self { imei, device_id, until } = self;
        Some(HistoryMark { imei: Imei::parse(&imei)?, device_id, until })
    }
}

impl Reach {
    /// The append index of the last record.
    pub fn index(&self) -> u64 {
        self.base.saturating_add(self.last_seq)
    }

    fn identity(&self) -> Identity {
        let Self { base, epoch, last_seq } = self.clone();
        Identity { epoch, base, from: 0, to: last_seq, records: 0, unsettled: 0 }
    }

    /// What the header of a statement says; none if it is that of an entry.
    pub fn of(identity: &Identity) -> Option<Self> {
        let Identity { epoch, base, to, records, .. } = identity.clone();
        (records == 0).then_some(Self { base, epoch, last_seq: to })
    }
}

impl Meta {
    /// Up to which append index something that is not there may have been given up or freed; 0 is nowhere.
    pub fn unsure_to(&self) -> u64 {
        self.held.iter().next().filter(|_| self.filled).map_or(0, |(_, last)| last)
    }

    /// The frame to keep it as.
    pub fn to_frame(&self) -> Vec<u8> {
        let marks = self.marks.iter().map(Mark::from).collect();
        let held = coarse(&self.held);
        let filled = self.filled || held != self.held;
        let payload = Payload { latest: self.latest, number: self.number, held, filled, marks };
        let json = serde_json::to_vec(&payload).expect("invariant: a statement is JSON");
        frame::encode(&self.reach.identity(), &json)
    }

    /// Reads a frame back; none if it is damaged or that of an entry.
    pub fn from_frame(bytes: &[u8]) -> Option<Self> {
        let (identity, json) = frame::decode(bytes).ok()?;
        let reach = Reach::of(&identity)?;
        let Payload { latest, number, held, filled, marks } = serde_json::from_slice(json).ok()?;
        let marks = marks.into_iter().filter_map(Mark::read).collect();
        Some(Self { reach, latest, number, held, filled, marks })
    }
}

/// At most [`RANGES_MAX`] ranges with all numbers of these inside: the spaces between the oldest are filled.
fn coarse(held: &SeqRanges) -> SeqRanges {
    let mut coarse = held.clone();
    let too_many = held.iter().count().saturating_sub(RANGES_MAX);
    if let (Some((first, _)), Some((_, last))) = (held.iter().next(), held.iter().nth(too_many)) {
        coarse.insert(first, last);
    }
    coarse
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_of_many_ranges_stays_short_and_leaves_none_out() {
        let held: SeqRanges =
            (0..500).flat_map(|number| [number * 10_000_000, number * 10_000_000 + 1 + number % 7]).collect();
        let reach = Reach { base: u64::MAX / 2, epoch: Epoch::from_entropy([7; 15]), last_seq: 9 };
        let mark = |number: usize| HistoryMark {
            imei: Imei::parse(&format!("{:015}", 860_000_000_000_000 + number)).unwrap(),
            device_id: "a-measuring-point-of-25-c".parse().unwrap(),
            until: Timestamp::from_unix_ms(1_800_000_000_000).ok().filter(|_| number > 0),
        };
        let marks: Vec<_> = (0..MARKS_MAX).map(mark).collect();
        let meta = Meta { reach, latest: None, number: u64::MAX, held: held.clone(), filled: false, marks };
        let frame = meta.to_frame();
        assert!(frame.len() <= META_FRAME_BYTES_MAX, "{}", frame.len());
        let read = Meta::from_frame(&frame).unwrap();
        assert_eq!((read.held.iter().count(), read.filled), (RANGES_MAX, true));
        assert!(held.without(&read.held).is_empty());
        assert_eq!((read.reach, read.number, read.marks), (meta.reach, meta.number, meta.marks));
    }
}
