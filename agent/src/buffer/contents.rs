//! What the buffer holds, counted, and what it gives up at the limit. Pure.
//!
//! Entries sort by an append index that counts records over all runs: the index of a record is the `base` of its epoch
//! plus its sequence number. So (epoch, seq) leads to its entry without any map of records in memory.

use std::collections::BTreeMap;

use kitchen_contract::id::Epoch;
use kitchen_contract::ranges::SeqRanges;
use kitchen_contract::record::{Body, Gap, GapReason};

use super::entry::Entry;
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
    /// By base, every epoch that has or had entries in this run.
    epochs: BTreeMap<u64, Span>,
}

/// Between which numbers an epoch's records are held; those inside may have been acknowledged one by one.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Span {
    epoch: Epoch,
    from: u64,
    to: u64,
}

impl Contents {
    /// An entry was written; `base` is that of its epoch.
    pub fn add(&mut self, base: u64, identity: &Identity, bytes: usize) {
        self.records += u64::from(identity.records);
        self.unsettled += u64::from(identity.unsettled);
        self.bytes += bytes as u64;
        let new = || Span { epoch: identity.epoch.clone(), from: identity.from, to: identity.to };
        let span = self.epochs.entry(base).or_insert_with(new);
        span.from = span.from.min(identity.from);
        span.to = span.to.max(identity.to);
    }

    /// An entry was removed.
    pub fn remove(&mut self, base: u64, identity: &Identity, bytes: usize) {
        self.records = self.records.saturating_sub(u64::from(identity.records));
        self.unsettled = self.unsettled.saturating_sub(u64::from(identity.unsettled));
        self.bytes = self.bytes.saturating_sub(bytes as u64);
        if let Some(span) = self.epochs.get_mut(&base).filter(|span| span.from == identity.from) {
            span.from = identity.to + 1;
        }
    }

    /// The base of an epoch; none if nothing of it was ever held in this run.
    pub fn base_of(&self, epoch: &Epoch) -> Option<u64> {
        self.epochs.iter().find(|(_, span)| span.epoch == *epoch).map(|(base, _)| *base)
    }

    /// Everything held is lost with its store.
    pub fn lost(&self, losses: &mut Losses) {
        for span in self.epochs.values().filter(|span| span.from <= span.to) {
            losses.damage(&span.epoch, span.from, span.to);
        }
    }
}

/// What will never come, gathered before it is written as gap records.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Losses {
    evicted: BTreeMap<Epoch, SeqRanges>,
    damaged: BTreeMap<Epoch, SeqRanges>,
    carried: Vec<Gap>,
}

impl Losses {
    /// An entry is given up: its records, and the gap records among them, which must not be lost with it.
    pub fn evict(&mut self, entry: &Entry) {
        for held in &entry.records {
            self.evicted.entry(entry.epoch.clone()).or_default().insert(held.seq, held.seq);
            if let Body::Gap(gap) = &held.body {
                self.carry(gap);
            }
        }
    }

    /// Records that were given up before they got here: `count` numbers from `from` on.
    pub fn give_up(&mut self, epoch: &Epoch, from: u64, count: u64) {
        if count > 0 {
            self.evicted.entry(epoch.clone()).or_default().insert(from, from + (count - 1));
        }
    }

    /// Records whose frame is damaged.
    pub fn damage(&mut self, epoch: &Epoch, from: u64, to: u64) {
        self.damaged.entry(epoch.clone()).or_default().insert(from, to);
    }

    /// Whether nothing was lost.
    pub fn is_empty(&self) -> bool {
        self.evicted.is_empty() && self.damaged.is_empty() && self.carried.is_empty()
    }

    /// How many gap records it takes to say so.
    pub fn gaps(&self) -> usize {
        let ranges = self.evicted.values().chain(self.damaged.values()).map(|ranges| ranges.iter().count());
        self.carried.len() + ranges.sum::<usize>()
    }

    /// The gap records to write: one per epoch, reason and range.
    pub fn into_gaps(self) -> Vec<Body> {
        let named = [(self.evicted, GapReason::Evicted), (self.damaged, GapReason::Damaged)];
        let mut gaps = self.carried;
        for (losses, reason) in named {
            for (epoch, ranges) in losses {
                gaps.extend(ranges.iter().map(|(from, to)| Gap { epoch: epoch.clone(), from, to, reason }));
            }
        }
        gaps.into_iter().map(Body::Gap).collect()
    }

    fn carry(&mut self, gap: &Gap) {
        match gap.reason {
            GapReason::Evicted => self.evicted.entry(gap.epoch.clone()).or_default().insert(gap.from, gap.to),
            GapReason::Damaged => self.damage(&gap.epoch, gap.from, gap.to),
            GapReason::Unknown => self.carried.push(gap.clone()),
        }
    }
}
