//! What is known of one epoch of a gateway: which sequence numbers are stored, and which were kept aside.
//!
//! An epoch's ledger is split into blocks of [`BLOCK_SEQS`] numbers, an item each: however stored and rejected records
//! alternate, an item has a bound, and an envelope touches the one or two blocks that it falls into.

use std::collections::BTreeMap;

use kitchen_contract::ack::Rejected;
use kitchen_contract::id::{CustomerId, Epoch, GatewayId};
use kitchen_contract::ranges::SeqRanges;
use kitchen_contract::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Numbers in a block: at worst every other one is stored and the rest kept aside, which is some 90 KB of JSON.
pub(super) const BLOCK_SEQS: u64 = 4096;
/// Places in each gateway's ring of what was signed but cannot be taken. The gateway frees such records, so they are the
/// only copy until someone registers what was missing: ten days (what a received item stays at least) of an envelope every
/// 26 s. Then the oldest is overwritten, and counted.
pub(super) const QUARANTINE_SLOTS: u64 = 32_768;
/// Days that a received item stays in the store at least.
pub(super) const HOT_DAYS: i64 = 10;

/// Milliseconds of a day.
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// One block of an epoch's ledger, as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Block {
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
    /// When the first of what is noted under `aside` was put into the ring; absent while nothing is.
    #[serde(default)]
    pub(super) aside_since: Option<RingPlace>,
}

/// A moment in the life of a gateway's ring of what is kept aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RingPlace {
    /// The sink's clock.
    pub(super) at: Timestamp,
    /// How much had gone into the ring by then.
    pub(super) count: u64,
}

/// The blocks of one epoch that a delivery falls into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ledger {
    blocks: BTreeMap<u64, Block>,
}

impl Ledger {
    /// A ledger of these blocks; the numbers of all others must not be asked for.
    pub(super) const fn new(blocks: BTreeMap<u64, Block>) -> Self {
        Self { blocks }
    }

    /// The block that a sequence number falls into.
    pub(super) const fn block_of(seq: u64) -> u64 {
        seq / BLOCK_SEQS
    }

    /// What is stored, in all blocks at hand.
    pub(super) fn stored(&self) -> SeqRanges {
        let ranges: Vec<_> = self.blocks.values().flat_map(|block| block.ranges.iter()).collect();
        ranges.into()
    }

    /// Notes what is stored.
    pub(super) fn note_stored(&mut self, seq: u64) {
        self.block(seq).ranges.insert(seq, seq);
    }

    /// Notes what is kept aside at a place in the ring; whether anything of it is new.
    pub(super) fn note_aside(&mut self, rejected: &[Rejected], place: RingPlace) -> bool {
        self.forget_what_is_gone(place);
        let mut new = false;
        for seq in rejected.iter().flat_map(|rejected| rejected.range.0..=rejected.range.1) {
            let block = self.block(seq);
            if !block.aside.contains(seq) {
                block.aside.insert(seq, seq);
                block.aside_since.get_or_insert(place);
                new = true;
            }
        }
        new
    }

    /// The blocks by their number, to be written.
    pub(super) fn into_blocks(self) -> impl Iterator<Item = (u64, Block)> {
        self.blocks.into_iter()
    }

    /// A note must not outlive the copy it stands for, or what comes again would be rejected and kept nowhere. Once the
    /// oldest copy of a block may be gone, all its notes go: what comes again is kept again.
    fn forget_what_is_gone(&mut self, now: RingPlace) {
        for block in self.blocks.values_mut() {
            if block.aside_since.is_some_and(|since| since.may_be_gone(now)) {
                (block.aside, block.aside_since) = (SeqRanges::new(), None);
            }
        }
    }

    fn block(&mut self, seq: u64) -> &mut Block {
        self.blocks
            .get_mut(&Self::block_of(seq))
            .expect("invariant: the blocks of a delivery are read before it is sorted")
    }
}

impl Block {
    /// The block of an epoch of which nothing has been heard.
    pub(super) const fn new(gateway_id: GatewayId, epoch: Epoch) -> Self {
        Self {
            gateway_id,
            customer_id: None,
            epoch,
            ranges: SeqRanges::new(),
            aside: SeqRanges::new(),
            aside_since: None,
        }
    }
}

impl RingPlace {
    /// Whether what was put here has expired or been overwritten by now.
    const fn may_be_gone(self, now: Self) -> bool {
        now.at.ms_since(self.at) >= HOT_DAYS * DAY_MS || now.count.saturating_sub(self.count) >= QUARANTINE_SLOTS
    }
}

#[cfg(test)]
mod tests {
    use kitchen_contract::ack::RejectReason;

    use super::*;

    fn ledger(blocks: std::ops::Range<u64>) -> Ledger {
        let block = || Block::new("gw-1".parse().unwrap(), "cepoch".parse().unwrap());
        Ledger::new(blocks.map(|number| (number, block())).collect())
    }

    fn place(days: i64, count: u64) -> RingPlace {
        RingPlace { at: Timestamp::from_unix_ms(1_768_127_400_000 + days * DAY_MS).unwrap(), count }
    }

    fn rejected(from: u64, to: u64) -> [Rejected; 1] {
        [Rejected { range: (from, to), reason: RejectReason::UnknownDevice }]
    }

    #[test]
    fn what_was_kept_aside_before_is_not_new() {
        let mut ledger = ledger(0..1);
        for (range, new) in [((3, 5), true), ((3, 5), false), ((5, 6), true), ((6, 2), false), ((1, 6), true)] {
            assert_eq!(ledger.note_aside(&rejected(range.0, range.1), place(0, 0)), new, "{range:?}");
        }
    }

    #[test]
    fn a_note_does_not_outlive_the_copy_in_the_ring() {
        for (later, new) in [(place(9, 9), false), (place(10, 9), true), (place(9, QUARANTINE_SLOTS), true)] {
            let mut ledger = ledger(0..1);
            assert!(ledger.note_aside(&rejected(3, 5), place(0, 0)));
            // The first copy of a block is what its notes last as long as.
            assert!(ledger.note_aside(&rejected(6, 6), place(5, 5)));
            assert_eq!(ledger.note_aside(&rejected(3, 5), later), new, "{later:?}");
            assert!(!ledger.note_aside(&rejected(3, 5), later));
        }
    }

    #[test]
    fn a_block_has_a_bound_however_stored_and_rejected_alternate() {
        let mut ledger = ledger(1..3);
        let first = BLOCK_SEQS;
        for seq in (first..3 * BLOCK_SEQS).step_by(2) {
            ledger.note_stored(seq);
            assert!(ledger.note_aside(&rejected(seq + 1, seq + 1), place(0, 0)));
        }
        assert_eq!(ledger.stored().count(), BLOCK_SEQS);
        for (number, block) in ledger.into_blocks() {
            assert_eq!(block.ranges.count() + block.aside.count(), BLOCK_SEQS, "{number}");
            assert!(serde_json::to_vec(&block).unwrap().len() < 100_000, "{number}");
        }
    }
}
