//! What is given up at the limit so that the newest is always taken.
//!
//! Ordinary readings go first, the oldest of them first. Faults, excursions and events go last, unless they fill half of the
//! buffer: a sensor that has been dead for months must not push out the good one beside it. A round of giving up makes room
//! for many appends, so that one gap record stands for many records.

use std::collections::BTreeMap;

use kitchen_contract::alarm::Limits as Thresholds;
use kitchen_contract::id::DeviceId;
use kitchen_contract::record::Body;

use super::contents::{Contents, Losses};
use super::disk::{Changes, Disk};
use super::entry::{Entry, Held};
use super::error::BufferError;
use super::frame::Identity;
use super::queue::{Buffer, Limits};

/// What is evicted beyond the need, as a fraction of the limits.
const EVICTION_SHARE: u64 = 64;
/// What one gap record takes in a frame, in bytes, rounded up.
const GAP_BYTES: u64 = 256;
/// What is kept to the last may fill this fraction of the records.
const LAST_SHARE: u64 = 2;
/// On a small file system, this fraction of it is left free at least, whatever is configured.
const FREE_SHARE: u64 = 10;
/// The store's file takes so many times the bytes of the frames in it.
const FILE_PER_FRAME: u64 = 2;

/// When a record is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// A temperature within its limits, or of a measuring point without limits; a gap record, whose word is carried on.
    Ordinary,
    /// An excursion, a fault, an event.
    Last,
}

/// The tier of a record, by the limits of the measuring points.
pub fn tier(body: &Body, thresholds: &BTreeMap<DeviceId, Thresholds>) -> Tier {
    match body {
        Body::Reading(reading) => match reading.value {
            Ok(value) => {
                let limits = thresholds.get(&reading.device_id);
                let beyond = limits.is_some_and(|limits| limits.exceeded(value).is_some());
                if beyond { Tier::Last } else { Tier::Ordinary }
            }
            Err(_) => Tier::Last,
        },
        Body::Gap(_) => Tier::Ordinary,
        Body::Event(_) => Tier::Last,
    }
}

/// What is to be taken up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Need {
    pub(super) records: u64,
    pub(super) bytes: u64,
}

/// How far the ordinary ones have been given up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ordinary {
    /// There are none in entries before this index.
    from: u64,
    /// So many records are in these.
    others: u64,
}

/// What has to go to make room.
#[derive(Default)]
pub(super) struct Eviction {
    /// By index, the entries of which something goes.
    touched: BTreeMap<u64, Touched>,
    /// Records and bytes held then.
    left: (u64, u64),
    /// Records given up, and those among them that were kept to the last.
    pub(super) records: u64,
    pub(super) last: u64,
    pub(super) ordinary: Ordinary,
    /// Where to look on for ordinary ones.
    next: u64,
    /// Entries before this index have gone as a whole.
    gone_to: u64,
}

/// An entry as it is, and what stays of it.
struct Touched {
    identity: Identity,
    bytes: usize,
    left: Option<(Entry, Vec<u8>)>,
}

impl Eviction {
    /// The counts once it is done.
    pub(super) fn apply(&self, contents: &mut Contents) {
        for Touched { identity, bytes, left } in self.touched.values() {
            contents.remove(identity, *bytes);
            if let Some((entry, frame)) = left {
                contents.add(&entry.identity(), frame.len());
            }
        }
    }

    /// What is to be written.
    pub(super) fn changes(&self) -> Changes {
        let mut changes = Changes::default();
        for (index, Touched { left, .. }) in &self.touched {
            let stays = left.as_ref().map(|(entry, frame)| (entry.index(), frame.clone()));
            if stays.as_ref().is_none_or(|(stays, _)| stays != index) {
                changes.removed.push(*index);
            }
            changes.written.extend(stays);
        }
        changes
    }

    fn is_enough(&self, need: Need, goal: Limits, losses: &Losses) -> bool {
        let gaps = losses.gaps() as u64;
        let (records, bytes) = self.left;
        records + need.records + gaps <= goal.records_max && bytes + need.bytes + gaps * GAP_BYTES <= goal.bytes_max
    }

    /// Gives up the records of an entry that `goes` chooses; the entry was `bytes` long.
    fn give_up(
        &mut self,
        (index, entry, bytes): (u64, Entry, usize),
        losses: &mut Losses,
        goes: impl Fn(&Held) -> bool,
    ) {
        let (gone, stays): (Vec<_>, Vec<_>) = entry.records.iter().cloned().partition(|held| goes(held));
        gone.iter().for_each(|held| losses.evict(&entry.epoch, held));
        let identity = entry.identity();
        let left = Some(Entry { records: stays, ..entry }).filter(|entry| !entry.records.is_empty());
        let left = left.map(|entry| (entry.clone(), entry.to_frame()));
        let left_bytes = left.as_ref().map_or(0, |(_, frame)| frame.len());
        self.records += gone.len() as u64;
        self.left.0 -= gone.len() as u64;
        self.left.1 = (self.left.1 + left_bytes as u64).saturating_sub(bytes as u64);
        match self.touched.get_mut(&index) {
            Some(touched) => touched.left = left,
            None => drop(self.touched.insert(index, Touched { identity, bytes, left })),
        }
    }
}

impl Buffer {
    /// Chooses what to give up so that `need` fits. Nothing is removed yet.
    pub(super) fn evict(&mut self, need: Need, losses: &mut Losses) -> Result<Eviction, BufferError> {
        let limits = self.room();
        let left = (self.contents.records, self.contents.bytes);
        let mut eviction = Eviction { left, ordinary: self.ordinary, ..Eviction::default() };
        if left.0 + need.records <= limits.records_max && left.1 + need.bytes <= limits.bytes_max {
            return Ok(eviction);
        }
        let below = |max: u64| max - max / EVICTION_SHARE;
        let goal = Limits { records_max: below(limits.records_max), bytes_max: below(limits.bytes_max), ..limits };
        // Rounds before it may have been merged with later ones.
        eviction.next = self.entry_at_or_before(self.ordinary.from)?;
        while !eviction.is_enough(need, goal, losses) {
            let crowded = eviction.ordinary.others > goal.records_max / LAST_SHARE;
            let found = !crowded && self.evict_ordinary(&mut eviction, losses)?;
            if !found && !self.evict_oldest(&mut eviction, losses)? {
                break;
            }
        }
        Ok(eviction)
    }

    /// Gives up what is ordinary in the next entry; false if there is none.
    fn evict_ordinary(&mut self, eviction: &mut Eviction, losses: &mut Losses) -> Result<bool, BufferError> {
        let Some((index, entry, bytes)) = self.entry_to_evict(eviction.next)? else { return Ok(false) };
        eviction.next = index + 1;
        let last_index = entry.identity().last_index();
        if last_index < eviction.ordinary.from {
            return Ok(true);
        }
        let is_ordinary = |held: &Held| tier(&held.body, &self.thresholds) == Tier::Ordinary;
        let others = entry.records.iter().filter(|held| !is_ordinary(held)).count();
        eviction.ordinary = Ordinary { from: last_index + 1, others: eviction.ordinary.others + others as u64 };
        if others < entry.records.len() {
            eviction.give_up((index, entry, bytes), losses, is_ordinary);
        }
        Ok(true)
    }

    /// Gives up the oldest entry, or what has been left of it; false if there is none.
    fn evict_oldest(&mut self, eviction: &mut Eviction, losses: &mut Losses) -> Result<bool, BufferError> {
        let Some((index, entry, bytes)) = self.entry_to_evict(eviction.gone_to)? else { return Ok(false) };
        eviction.gone_to = index + 1;
        let (entry, bytes) = match eviction.touched.get(&index) {
            Some(Touched { left: Some((left, frame)), .. }) => (left.clone(), frame.len()),
            Some(Touched { left: None, .. }) => return Ok(true),
            None => (entry, bytes),
        };
        let others =
            entry.records.iter().filter(|held| tier(&held.body, &self.thresholds) == Tier::Last).count() as u64;
        eviction.last += others;
        if index < eviction.ordinary.from {
            eviction.ordinary.others = eviction.ordinary.others.saturating_sub(others);
        }
        eviction.give_up((index, entry, bytes), losses, |_| true);
        Ok(true)
    }

    /// The next entry from `index` on, and the length of its frame. One that cannot be read is sorted out first, and the
    /// append is to be brought again.
    fn entry_to_evict(&mut self, index: u64) -> Result<Option<(u64, Entry, usize)>, BufferError> {
        let Some((index, frame)) = self.next_entry(index)? else { return Ok(None) };
        match Entry::from_frame(&frame) {
            Ok(entry) => Ok(Some((index, entry, frame.len()))),
            Err(error) => {
                self.skip(index)?;
                Err(self.disk_error(&error.to_string()))
            }
        }
    }

    /// The limits of now: where the file system has hardly any room left, the store's files may not grow.
    fn room(&self) -> Limits {
        let Some(room) = self.disk.as_ref().and_then(Disk::room) else { return self.limits };
        let spare = self.limits.free_bytes_min.min(room.total_bytes / FREE_SHARE);
        if room.free_bytes >= spare {
            return self.limits;
        }
        Limits { bytes_max: self.limits.bytes_max.min(room.file_bytes / FILE_PER_FRAME), ..self.limits }
    }
}

#[cfg(test)]
mod tests {
    use kitchen_contract::fault::SensorFault;
    use kitchen_contract::record::{Absence, Event, Gap, GapReason, Reading, Trigger};
    use kitchen_contract::unit::Celsius;

    use super::*;

    #[test]
    fn what_people_must_see_is_kept_longest() {
        let device_id: DeviceId = "fridge".parse().unwrap();
        let limits = Thresholds::new(None, Celsius::new(8.0).ok()).unwrap();
        let thresholds = BTreeMap::from([(device_id.clone(), limits)]);
        let reading = |value: Result<f64, SensorFault>| {
            Body::Reading(Reading {
                device_id: device_id.clone(),
                value: value.map(|celsius| Celsius::new(celsius).unwrap()),
                uncertainty: None,
                raw_ma: None,
                battery: Err(Absence::NotReported),
                signal: Err(Absence::NotReported),
                humidity: Err(Absence::NotConfigured),
                trigger: Trigger::Poll,
            })
        };
        let tier = |body: Body| tier(&body, &thresholds);
        assert_eq!(tier(reading(Ok(8.0))), Tier::Ordinary);
        assert_eq!(tier(reading(Ok(8.1))), Tier::Last);
        assert_eq!(tier(reading(Err(SensorFault::LoopOpen))), Tier::Last);
        assert_eq!(tier(Body::Event(Event::ClockStep { step_ms: 1 })), Tier::Last);
        let gap = Gap { epoch: "cold".parse().unwrap(), from: 1, to: 2, reason: GapReason::Evicted };
        assert_eq!(tier(Body::Gap(gap)), Tier::Ordinary);
    }
}
