//! What is known of one epoch of a gateway: which sequence numbers are stored, and which were kept aside.

use kitchen_contract::ack::Rejected;
use kitchen_contract::id::{CustomerId, Epoch, GatewayId};
use kitchen_contract::ranges::SeqRanges;
use kitchen_contract::record::SEQ_MAX;
use serde::{Deserialize, Serialize};

/// The ledger of one epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Ledger {
    /// Whose epoch it is.
    pub(super) gateway_id: GatewayId,
    /// Whose the gateway was when this was written last.
    #[serde(default)]
    pub(super) customer_id: Option<CustomerId>,
    /// Which epoch.
    pub(super) epoch: Epoch,
    /// Stored and judged; and what was kept aside so long ago that nobody asks for it again.
    pub(super) ranges: SeqRanges,
    /// Kept aside; they may still come to be stored, when they are sent again and what was missing has been registered.
    #[serde(default)]
    pub(super) aside: SeqRanges,
    /// How many of `ranges` were kept aside and never stored.
    #[serde(default)]
    pub(super) closed: u64,
}

/// Ranges kept in `aside`. A sensor that nobody has registered leaves one with every record of the others, for as long as it
/// hangs there, and the ledger is written with every delivery: the oldest are closed. The gateway freed them when they were
/// answered as rejected, so they come again only if that answer was lost, which shows within minutes.
const ASIDE_RANGES_MAX: usize = 1_000;

impl Ledger {
    /// The ledger of an epoch of which nothing has been heard.
    pub(super) fn new(gateway_id: GatewayId, epoch: Epoch) -> Self {
        Self { gateway_id, customer_id: None, epoch, ranges: SeqRanges::new(), aside: SeqRanges::new(), closed: 0 }
    }

    /// Notes what is kept aside; whether anything of it is new.
    pub(super) fn note_aside(&mut self, rejected: &[Rejected]) -> bool {
        let before = self.aside.clone();
        for Rejected { range: (from, to), .. } in rejected {
            self.aside.insert((*from).max(1), (*to).min(SEQ_MAX));
        }
        let news = self.aside != before;
        self.close_oldest();
        news
    }

    fn close_oldest(&mut self) {
        let kept: Vec<_> = self.aside.iter().collect();
        let closed = kept.len().saturating_sub(ASIDE_RANGES_MAX);
        for (from, to) in &kept[..closed] {
            let before = self.ranges.count();
            self.ranges.insert(*from, *to);
            self.closed += self.ranges.count() - before;
        }
        if closed > 0 {
            self.aside = kept[closed..].to_vec().into();
        }
    }
}

#[cfg(test)]
mod tests {
    use kitchen_contract::ack::RejectReason;

    use super::*;

    #[test]
    fn what_was_kept_aside_before_is_not_new() {
        let mut ledger = Ledger::new("gw-1".parse().unwrap(), "cepoch".parse().unwrap());
        let rejected = |from, to| [Rejected { range: (from, to), reason: RejectReason::UnknownDevice }];
        for (range, new) in [((3, 5), true), ((3, 5), false), ((5, 6), true), ((6, 2), false), ((0, 6), true)] {
            assert_eq!(ledger.note_aside(&rejected(range.0, range.1)), new, "{range:?}");
        }
        assert!(ledger.note_aside(&rejected(0, u64::MAX)));
        assert_eq!(ledger.aside.count(), SEQ_MAX);
    }

    #[test]
    fn a_sensor_that_nobody_registers_does_not_make_the_ledger_grow_for_ever() {
        let mut ledger = Ledger::new("gw-1".parse().unwrap(), "cepoch".parse().unwrap());
        for seq in (1..100_000).step_by(2) {
            ledger.ranges.insert(seq, seq);
            assert!(ledger.note_aside(&[Rejected { range: (seq + 1, seq + 1), reason: RejectReason::UnknownDevice }]));
        }
        assert!(
            ledger.aside.iter().count() <= ASIDE_RANGES_MAX && ledger.ranges.iter().count() <= ASIDE_RANGES_MAX + 1
        );
        let stored = ledger.ranges.count() - ledger.closed;
        assert_eq!((stored, stored + ledger.closed + ledger.aside.count()), (50_000, 100_000));
    }
}
