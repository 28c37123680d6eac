//! Until when nothing of a sensor is left to be fetched from its own history: kept on disk with the readings. Pure.
//!
//! It moves with every reading, and while a hole is being filled with every row; so the next run of the agent fetches
//! nothing twice, whenever this one ends. It belongs to the sensor at its measuring point: moved to another, a sensor brings
//! nothing of where it was before.

use kitchen_contract::id::DeviceId;
use kitchen_contract::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::at::command::Value;
use crate::at::identity::Imei;

/// Sensors that are remembered; of more, those whose marks are the oldest are forgotten. A gateway has 32 at once.
pub const MARKS_MAX: usize = 256;

/// What is known of one sensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryMark {
    /// The sensor.
    pub imei: Imei,
    /// Where it measured.
    pub device_id: DeviceId,
    /// Until when all is recorded; none when that is not known any more.
    pub until: Option<Timestamp>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    device_id: DeviceId,
    until: Timestamp,
}

impl HistoryMark {
    /// What to keep under its IMEI; none if there is nothing to keep.
    pub fn to_bytes(&self) -> Option<Vec<u8>> {
        let payload = Payload { device_id: self.device_id.clone(), until: self.until? };
        Some(serde_json::to_vec(&payload).expect("invariant: an identifier and a timestamp are JSON"))
    }

    /// Reads it back; none if it is not one.
    pub fn from_bytes(imei: &[u8], bytes: &[u8]) -> Option<Self> {
        let imei = Imei::parse(std::str::from_utf8(imei).ok()?)?;
        let Payload { device_id, until } = serde_json::from_slice(bytes).ok()?;
        Some(Self { imei, device_id, until: Some(until) })
    }
}

/// Splits what was kept into the newest marks and those to be forgotten, as marks without a time.
pub fn newest(mut marks: Vec<HistoryMark>) -> (Vec<HistoryMark>, Vec<HistoryMark>) {
    marks.sort_by_key(|mark| std::cmp::Reverse(mark.until));
    let forgotten = marks.split_off(marks.len().min(MARKS_MAX));
    (marks, forgotten.into_iter().map(|mark| HistoryMark { until: None, ..mark }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(number: u64) -> HistoryMark {
        let until = Timestamp::from_unix_ms(1_800_000_000_000 + number as i64).unwrap();
        let imei = Imei::parse(&format!("{:015}", 860_000_000_000_000 + number)).unwrap();
        HistoryMark { imei, device_id: "fridge-1".parse().unwrap(), until: Some(until) }
    }

    #[test]
    fn what_is_kept_is_read_back_and_rubbish_is_not() {
        let kept = mark(1);
        let bytes = kept.to_bytes().unwrap();
        assert_eq!(HistoryMark::from_bytes(kept.imei.as_str().as_bytes(), &bytes), Some(kept.clone()));
        assert_eq!(HistoryMark::from_bytes(b"86", &bytes), None);
        assert_eq!(HistoryMark::from_bytes(kept.imei.as_str().as_bytes(), &bytes[1..]), None);
        assert_eq!(HistoryMark { until: None, ..kept }.to_bytes(), None);
    }

    #[test]
    fn the_oldest_are_forgotten() {
        let (kept, forgotten) = newest((0..300).map(mark).collect());
        assert_eq!((kept.len(), forgotten.len()), (MARKS_MAX, 44));
        assert_eq!(kept[0], mark(299));
        assert!(forgotten.iter().all(|forgotten| forgotten.until.is_none() && forgotten.imei < mark(44).imei));
    }
}
