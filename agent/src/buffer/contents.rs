//! What the buffer holds, counted, and what it gives up at the limit. Pure.
//!
//! Entries sort by an append index that counts records over all runs: the index of a record is the `base` of its epoch
//! plus its sequence number. So (epoch, seq) leads to its entry without any map of records in memory.

use std::collections::BTreeMap;

use kitchen_contract::id::Epoch;
use kitchen_contract::ranges::SeqRanges;
use kitchen_contract::record::{Body, Gap, GapReason};

use super::entry::Held;
use super::frame::Identity;

/// Counts of what is held, kept in step with the disk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// Records not yet acknowledged.
    pub records: u64,
    /// Bytes of their frames.
    pub bytes: u64,
    /// Records that wait for a clock.
    pub unsettled: u64,
    /// The append indexes that entries span; single ones inside may have been acknowledged.
    pub held: SeqRanges,
    /// By base, every epoch that has or had entries in this run.
    epochs: BTreeMap<u64, Epoch>,
}

impl Contents {
    /// An entry was written.
    pub fn add(&mut self, identity: &Identity, bytes: usize) {
        self.records += u64::from(identity.records);
        self.unsettled += u64::from(identity.unsettled);
        self.bytes += bytes as u64;
        self.held.insert(identity.index(), identity.last_index());
        self.epochs.entry(identity.base).or_insert_with(|| identity.epoch.clone());
    }

    /// An entry was removed.
    pub fn remove(&mut self, identity: &Identity, bytes: usize) {
        self.records = self.records.saturating_sub(u64::from(identity.records));
        self.unsettled = self.unsettled.saturating_sub(u64::from(identity.unsettled));
        self.bytes = self.bytes.saturating_sub(bytes as u64);
        self.held.remove(identity.index(), identity.last_index());
    }

    /// The base of an epoch; none if nothing of it was ever held in this run.
    pub fn base_of(&self, epoch: &Epoch) -> Option<u64> {
        self.epochs.iter().find(|(_, of)| *of == epoch).map(|(base, _)| *base)
    }
}

/// What will never come, gathered before it is written as gap records.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Losses {
    /// By epoch, the first and the last one given up: what was ordinary in between has gone, by delivery or eviction.
    evicted: BTreeMap<Epoch, (u64, u64)>,
    /// Given up in memory, at the end of the epoch.
    dropped: BTreeMap<Epoch, SeqRanges>,
    damaged: BTreeMap<Epoch, SeqRanges>,
    carried: Vec<Gap>,
}

impl Losses {
    /// A record is given up at the limit. What a gap record says must not be lost with it.
    pub fn evict(&mut self, epoch: &Epoch, held: &Held) {
        self.evict_range(epoch, held.seq, held.seq);
        if let Body::Gap(gap) = &held.body {
            match gap.reason {
                GapReason::Evicted => self.evict_range(&gap.epoch, gap.from, gap.to),
                GapReason::Damaged => drop(self.damage(&gap.epoch, gap.from, gap.to)),
                GapReason::Unknown => self.carried.push(gap.clone()),
            }
        }
    }

    /// Records that were given up before they got here: `count` numbers from `from` on.
    pub fn give_up(&mut self, epoch: &Epoch, from: u64, count: u64) {
        if count > 0 {
            self.dropped.entry(epoch.clone()).or_default().insert(from, from + (count - 1));
        }
    }

    /// Records whose frame is damaged; how many of them were not known to be.
    pub fn damage(&mut self, epoch: &Epoch, from: u64, to: u64) -> u64 {
        let damaged = self.damaged.entry(epoch.clone()).or_default();
        let before = damaged.count();
        damaged.insert(from, to);
        damaged.count() - before
    }

    /// How many gap records it takes to say so.
    pub fn gaps(&self) -> usize {
        let ranges = self.dropped.values().chain(self.damaged.values()).map(|ranges| ranges.iter().count());
        self.carried.len() + self.evicted.len() + ranges.sum::<usize>()
    }

    /// The gap records to write.
    pub fn into_gaps(self) -> Vec<Body> {
        let Self { evicted, dropped, damaged, carried } = self;
        let mut gaps = carried;
        let gap = |epoch: &Epoch, (from, to), reason| Gap { epoch: epoch.clone(), from, to, reason };
        gaps.extend(evicted.iter().map(|(epoch, span)| gap(epoch, *span, GapReason::Evicted)));
        for (losses, reason) in [(dropped, GapReason::Evicted), (damaged, GapReason::Damaged)] {
            for (epoch, ranges) in &losses {
                gaps.extend(ranges.iter().map(|range| gap(epoch, range, reason)));
            }
        }
        gaps.into_iter().map(Body::Gap).collect()
    }

    fn evict_range(&mut self, epoch: &Epoch, from: u64, to: u64) {
        let span = self.evicted.entry(epoch.clone()).or_insert((from, to));
        *span = (span.0.min(from), span.1.max(to));
    }
}
