//! What the sink has acknowledged goes; what waited for a clock is settled, once and for good.
//!
//! Freeing is not synced: after a power cut it may come back and is then sent and acknowledged again. Settling is synced,
//! because a timestamp must not change once it may have been sent.

use kitchen_contract::id::Epoch;
use kitchen_contract::ranges::SeqRanges;

use super::contents::Contents;
use super::disk::Changes;
use super::entry::{Entry, Held};
use super::error::BufferError;
use super::evict::Ordinary;
use super::frame::{self, Identity};
use super::queue::Buffer;
use crate::clock::earlier::{self, Place, Waiting};
use crate::clock::wall::{Stamp, WallClock};
use crate::observation::Moment;

/// How many records are settled in one write, and a block more: what that takes in memory.
const SETTLE_RECORDS_MAX: usize = 512;
/// How many entries are freed in one write.
const FREE_ENTRIES_MAX: usize = 64;

/// What is to be freed by the next write, and what is held then.
struct Freeing {
    changes: Changes,
    contents: Contents,
    entries: usize,
}

impl Freeing {
    fn of(contents: &Contents) -> Self {
        Self { changes: Changes::default(), contents: contents.clone(), entries: 0 }
    }

    /// One more entry, as far as it is acknowledged; false if it cannot be read.
    fn take(&mut self, (index, bytes): (u64, &[u8]), ranges: &SeqRanges) -> bool {
        let Some((before, _)) = frame::header(bytes) else { return false };
        let left = if ranges.contains_all(before.from, before.to) {
            None
        } else {
            let Ok(mut entry) = Entry::from_frame(bytes) else { return false };
            entry.records.retain(|held| !ranges.contains(held.seq));
            if entry.records.len() == before.records as usize {
                return true;
            }
            Some(entry).filter(|entry| !entry.records.is_empty())
        };
        self.entries += 1;
        self.contents.remove(&before, bytes.len());
        if let Some(entry) = &left {
            let (after, frame) = (entry.identity(), entry.to_frame());
            self.contents.add(&after, frame.len());
            self.changes.written.push((after.index(), frame));
        }
        if left.is_none_or(|entry| entry.index() != index) {
            self.changes.removed.push(index);
        }
        true
    }
}

impl Buffer {
    /// Frees the records of `epoch` in `ranges`; returns how many were still held.
    ///
    /// # Errors
    /// The disk does not take it now; nothing is freed then, the records are sent and acknowledged again.
    pub fn acknowledge(&mut self, epoch: &Epoch, ranges: &SeqRanges) -> Result<u64, BufferError> {
        self.disk()?;
        let held_before = self.contents.records;
        let Some(base) = self.contents.base_of(epoch) else { return Ok(0) };
        let (mut freeing, mut next) = (Freeing::of(&self.contents), 0);
        for (from, to) in ranges.iter() {
            // An entry may reach into several ranges, and is freed of all of them at once.
            next = self.entry_at_or_before(base.saturating_add(from))?.max(next);
            while let Some((index, bytes)) = self.next_entry(next)? {
                if index > base.saturating_add(to) {
                    break;
                }
                next = index + 1;
                if frame::decode(&bytes).is_ok_and(|(identity, _)| identity.epoch == *epoch) {
                    self.free(&mut freeing, (index, &bytes), ranges)?;
                }
            }
        }
        self.write_freed(&mut freeing)?;
        // A damaged entry may have been replaced by an intact copy.
        Ok(held_before.saturating_sub(self.contents.records))
    }

    /// Gives a time to every record that waits for one; returns how many. Does nothing without a `serverTime`.
    ///
    /// # Errors
    /// The disk does not take it now; what is not settled stays as it was.
    pub fn settle(&mut self, clock: &WallClock) -> Result<u64, BufferError> {
        self.ready()?;
        let waiting_before = self.contents.unsettled;
        if waiting_before == 0 {
            return Ok(0);
        }
        let (epochs, waiting): (Vec<_>, Vec<_>) = self.earlier_runs()?.into_iter().unzip();
        let Some(places) = earlier::place(clock, self.clock.as_ref(), &waiting) else { return Ok(0) };
        let earlier: Vec<(Epoch, Place)> = epochs.into_iter().zip(places).collect();
        let mut next = 0;
        loop {
            let (changes, after) = self.settled_entries(next, clock, &earlier)?;
            if changes.written.is_empty() {
                break;
            }
            self.rewrite(&changes)?;
            next = after;
        }
        Ok(waiting_before - self.contents.unsettled)
    }

    pub(super) fn next_entry(&mut self, index: u64) -> Result<Option<(u64, sled::IVec)>, BufferError> {
        self.disk()?.at_or_after(index).map_err(|error| self.failed(error))
    }

    /// Frees what of one entry is acknowledged; what is missing is kept under the index of its first record.
    fn free(
        &mut self,
        freeing: &mut Freeing,
        (index, bytes): (u64, &[u8]),
        ranges: &SeqRanges,
    ) -> Result<(), BufferError> {
        if !freeing.take((index, bytes), ranges) {
            self.write_freed(freeing)?;
            self.skip(index)?;
            *freeing = Freeing::of(&self.contents);
        }
        if freeing.entries >= FREE_ENTRIES_MAX { self.write_freed(freeing) } else { Ok(()) }
    }

    fn write_freed(&mut self, freeing: &mut Freeing) -> Result<(), BufferError> {
        if freeing.entries == 0 {
            return Ok(());
        }
        // What is stated as held would be looked for.
        let mut held = freeing.contents.held.clone();
        self.unnamed.iter().for_each(|(from, to)| held.insert(from, to));
        let meta = self.run.clone().map(|run| self.statement(&run, held, Vec::new()));
        self.write(Changes { meta, ..std::mem::take(&mut freeing.changes) })?;
        self.contents = freeing.contents.clone();
        self.only_append();
        self.ordinary = Ordinary::default();
        freeing.entries = 0;
        Ok(())
    }

    /// The earlier runs that left unsettled records, the oldest first.
    fn earlier_runs(&mut self) -> Result<Vec<(Epoch, Waiting)>, BufferError> {
        let mut runs: Vec<(Epoch, Waiting)> = Vec::new();
        let mut next = 0;
        while let Some((index, bytes)) = self.next_unsettled(next)? {
            next = index + 1;
            let Ok(entry) = Entry::from_frame(&bytes) else { continue };
            let Some(ended) = entry.records.iter().filter_map(waiting_since).max() else { continue };
            match runs.last_mut() {
                Some((epoch, run)) if *epoch == entry.epoch => run.ended = run.ended.max(ended),
                _ if entry.epoch != self.epoch => runs.push((entry.epoch, Waiting { clock: entry.clock, ended })),
                _ => {}
            }
        }
        Ok(runs)
    }

    /// The next entry from `index` on in which a record waits for a clock.
    fn next_unsettled(&mut self, index: u64) -> Result<Option<(u64, sled::IVec)>, BufferError> {
        let mut next = index;
        while let Some((index, bytes)) = self.next_entry(next)? {
            if frame::decode(&bytes).is_ok_and(|(identity, _)| identity.unsettled > 0) {
                return Ok(Some((index, bytes)));
            }
            next = index + 1;
        }
        Ok(None)
    }

    /// The next few waiting entries, settled, and where to go on.
    fn settled_entries(
        &mut self,
        from: u64,
        clock: &WallClock,
        earlier: &[(Epoch, Place)],
    ) -> Result<(Changes, u64), BufferError> {
        let mut changes = Changes::default();
        let mut next = from;
        let mut records = 0;
        while records < SETTLE_RECORDS_MAX {
            let Some((index, bytes)) = self.next_unsettled(next)? else { break };
            next = index + 1;
            let Ok(mut entry) = Entry::from_frame(&bytes) else { continue };
            let place = earlier.iter().find(|(epoch, _)| *epoch == entry.epoch).map(|(_, place)| place);
            for held in &mut entry.records {
                held.stamp = settled(held, clock, place);
            }
            entry.clock = None;
            records += entry.records.len();
            changes.written.push((index, entry.to_frame()));
        }
        Ok((changes, next))
    }

    fn rewrite(&mut self, changes: &Changes) -> Result<(), BufferError> {
        let mut replaced: Vec<(Identity, usize)> = Vec::new();
        for (index, _) in &changes.written {
            let old = self.next_entry(*index)?;
            replaced.extend(old.and_then(|(_, bytes)| Some((frame::decode(&bytes).ok()?.0, bytes.len()))));
        }
        self.write(changes.clone())?;
        self.disk()?.sync().map_err(|error| self.failed(error))?;
        for ((identity, bytes), (_, frame)) in replaced.into_iter().zip(&changes.written) {
            self.contents.remove(&identity, bytes);
            self.contents.add(&Identity { unsettled: 0, ..identity }, frame.len());
        }
        Ok(())
    }
}

fn waiting_since(held: &Held) -> Option<Moment> {
    match held.stamp {
        Stamp::Unsettled { at } => Some(at),
        Stamp::Settled { .. } => None,
    }
}

fn settled(held: &Held, clock: &WallClock, earlier: Option<&Place>) -> Stamp {
    let settled = match (waiting_since(held), earlier) {
        (Some(at), Some(place)) => place.stamp(at),
        (Some(at), None) => clock.settle(at),
        (None, _) => None,
    };
    settled.unwrap_or(held.stamp)
}
