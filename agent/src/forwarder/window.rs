//! Envelopes that are under way: sent, and not yet acknowledged by the sink. Pure.

use std::collections::VecDeque;
use std::time::Duration;

use kitchen_contract::id::{Epoch, KitchenId};
use kitchen_contract::ranges::SeqRanges;

use crate::observation::Moment;

/// Envelopes under way at most: enough to hide a round trip, few enough to resend after a loss.
pub const ENVELOPES_MAX: usize = 8;

/// What an envelope held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The kitchen it is for.
    pub kitchen_id: KitchenId,
    /// The epoch of its records.
    pub epoch: Epoch,
    /// Their sequence numbers.
    pub seqs: SeqRanges,
    /// The append index of the last one: where to read on.
    pub last_index: u64,
}

/// An envelope of which the sink has taken anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The append index of its last record.
    pub last_index: u64,
    /// How many it held.
    pub records: u64,
    /// Since it was sent, or since the line was free of what was before.
    pub within: Duration,
}

/// The envelopes under way, in the order they were sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Window {
    under_way: VecDeque<(Sent, Moment)>,
    /// When the sink last acknowledged any of them: what is behind has not waited before.
    acknowledged_at: Option<Moment>,
}

impl Window {
    /// An envelope was sent.
    pub fn push(&mut self, sent: Sent, now: Moment) {
        self.under_way.push_back((sent, now));
    }

    /// The sink has acknowledged; the first envelope of which that took anything.
    pub fn acknowledge(&mut self, epoch: &Epoch, ranges: &SeqRanges, now: Moment) -> Option<Taken> {
        let mut first = None;
        let free_at = self.acknowledged_at.unwrap_or_default();
        for (sent, sent_at) in self.under_way.iter_mut().filter(|(sent, _)| sent.epoch == *epoch) {
            let left = sent.seqs.without(ranges);
            if left.count() < sent.seqs.count() {
                let within = now.0.saturating_sub(free_at.max(*sent_at).0);
                first.get_or_insert(Taken { last_index: sent.last_index, records: sent.seqs.count(), within });
            }
            sent.seqs = left;
        }
        self.under_way.retain(|(sent, _)| !sent.seqs.is_empty());
        self.acknowledged_at = first.map(|_| now).or(self.acknowledged_at);
        first
    }

    /// The oldest envelope under way.
    pub fn oldest(&self) -> Option<&Sent> {
        self.under_way.front().map(|(sent, _)| sent)
    }

    /// The first envelope that holds any of these.
    pub fn holding(&self, epoch: &Epoch, ranges: &SeqRanges) -> Option<&Sent> {
        let holds = |sent: &&Sent| sent.epoch == *epoch && sent.seqs.without(ranges).count() < sent.seqs.count();
        self.under_way.iter().map(|(sent, _)| sent).find(holds)
    }

    /// When the oldest envelope has waited for `patience`: since it was sent, or since the line was free of what was before.
    pub fn expires(&self, patience: Duration) -> Option<Moment> {
        let (_, sent_at) = self.under_way.front()?;
        let waits_since = self.acknowledged_at.map_or(*sent_at, |acknowledged_at| acknowledged_at.max(*sent_at));
        Some(Moment(waits_since.0 + patience))
    }

    /// An envelope is not under way any more.
    pub fn forget(&mut self, gone: &Sent) {
        self.under_way.retain(|(sent, _)| sent != gone);
    }

    /// Records under way.
    pub fn records(&self) -> u64 {
        self.under_way.iter().map(|(sent, _)| sent.seqs.count()).sum()
    }

    /// Envelopes under way.
    pub fn envelopes(&self) -> usize {
        self.under_way.len()
    }

    /// Nothing is under way any more: all will be sent again.
    pub fn clear(&mut self) {
        self.under_way.clear();
    }
}
