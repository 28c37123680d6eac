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

/// The envelopes under way, in the order they were sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Window {
    under_way: VecDeque<(Sent, Moment)>,
}

impl Window {
    /// An envelope was sent.
    pub fn push(&mut self, sent: Sent, now: Moment) {
        self.under_way.push_back((sent, now));
    }

    /// The sink has acknowledged; where the first envelope ends of which that took anything.
    pub fn acknowledge(&mut self, epoch: &Epoch, ranges: &SeqRanges) -> Option<u64> {
        let mut first = None;
        for (sent, _) in self.under_way.iter_mut().filter(|(sent, _)| sent.epoch == *epoch) {
            let left = sent.seqs.without(ranges);
            if left.count() < sent.seqs.count() {
                first.get_or_insert(sent.last_index);
            }
            sent.seqs = left;
        }
        self.under_way.retain(|(sent, _)| !sent.seqs.is_empty());
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

    /// When the oldest envelope has waited for `patience`.
    pub fn expires(&self, patience: Duration) -> Option<Moment> {
        self.under_way.front().map(|(_, sent_at)| Moment(sent_at.0 + patience))
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
