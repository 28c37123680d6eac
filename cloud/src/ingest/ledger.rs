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
    /// Stored and judged.
    pub(super) ranges: SeqRanges,
    /// Kept aside; they may still come to be stored, when they are sent again and what was missing has been registered.
    #[serde(default)]
    pub(super) aside: SeqRanges,
}

impl Ledger {
    /// The ledger of an epoch of which nothing has been heard.
    pub(super) fn new(gateway_id: GatewayId, epoch: Epoch) -> Self {
        Self { gateway_id, customer_id: None, epoch, ranges: SeqRanges::new(), aside: SeqRanges::new() }
    }

    /// Notes what is kept aside; whether anything of it is new.
    pub(super) fn note_aside(&mut self, rejected: &[Rejected]) -> bool {
        let before = self.aside.clone();
        for Rejected { range: (from, to), .. } in rejected {
            self.aside.insert((*from).max(1), (*to).min(SEQ_MAX));
        }
        self.aside != before
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
}
