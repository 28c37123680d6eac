//! A set of sequence numbers as closed ranges: what an ack names, what the ledger holds, what a buffer still waits for.

use serde::{Deserialize, Serialize};

/// Sequence numbers as disjoint, rising, non-adjacent closed ranges; on the wire `[[from,to],…]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<(u64, u64)>", into = "Vec<(u64, u64)>")]
pub struct SeqRanges(Vec<(u64, u64)>);

impl SeqRanges {
    /// The empty set.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds `from..=to`; an empty range (`to < from`) adds nothing.
    pub fn insert(&mut self, from: u64, to: u64) {
        if to < from {
            return;
        }
        let start = self.0.partition_point(|range| range.1.saturating_add(1) < from);
        let end = self.0.partition_point(|range| range.0 <= to.saturating_add(1));
        let touched = &self.0[start..end];
        let from = touched.first().map_or(from, |range| range.0.min(from));
        let to = touched.last().map_or(to, |range| range.1.max(to));
        self.0.splice(start..end, [(from, to)]);
    }

    /// Takes `from..=to` out; an empty range (`to < from`) takes nothing.
    pub fn remove(&mut self, from: u64, to: u64) {
        if to < from {
            return;
        }
        let start = self.0.partition_point(|range| range.1 < from);
        let end = self.0.partition_point(|range| range.0 <= to);
        let touched = &self.0[start..end];
        let before = touched.first().filter(|range| range.0 < from).map(|range| (range.0, from - 1));
        let after = touched.last().filter(|range| range.1 > to).map(|range| (to + 1, range.1));
        self.0.splice(start..end, before.into_iter().chain(after));
    }

    /// Whether `seq` is in the set.
    pub fn contains(&self, seq: u64) -> bool {
        let index = self.0.partition_point(|range| range.1 < seq);
        self.0.get(index).is_some_and(|range| range.0 <= seq)
    }

    /// Whether all of `from..=to` are in the set.
    pub fn contains_all(&self, from: u64, to: u64) -> bool {
        let index = self.0.partition_point(|range| range.1 < from);
        self.0.get(index).is_some_and(|range| range.0 <= from && range.1 >= to)
    }

    /// The ranges, rising.
    pub fn iter(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.0.iter().copied()
    }

    /// How many numbers are in the set.
    pub fn count(&self) -> u64 {
        self.0.iter().map(|(from, to)| to - from + 1).sum()
    }

    /// The largest number in the set.
    pub fn last(&self) -> Option<u64> {
        self.0.last().map(|range| range.1)
    }

    /// Whether nothing is in the set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The numbers of this set that are not in `taken`.
    #[must_use]
    pub fn without(&self, taken: &Self) -> Self {
        let mut left = self.clone();
        taken.iter().for_each(|(from, to)| left.remove(from, to));
        left
    }

    /// The numbers of `1..=last` that are not in the set: the holes of a sequence.
    pub fn holes(&self) -> Self {
        let mut holes = Vec::new();
        let mut next = 1;
        for (from, to) in self.iter() {
            if next < from {
                holes.push((next, from - 1));
            }
            next = to.saturating_add(1);
        }
        Self(holes)
    }
}

impl From<Vec<(u64, u64)>> for SeqRanges {
    fn from(ranges: Vec<(u64, u64)>) -> Self {
        let mut set = Self::new();
        for (from, to) in ranges {
            set.insert(from, to);
        }
        set
    }
}

impl From<SeqRanges> for Vec<(u64, u64)> {
    fn from(set: SeqRanges) -> Self {
        set.0
    }
}

impl FromIterator<u64> for SeqRanges {
    fn from_iter<I: IntoIterator<Item = u64>>(numbers: I) -> Self {
        let mut set = Self::new();
        for seq in numbers {
            set.insert(seq, seq);
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn behaves_as_a_set_of_numbers(changes in prop::collection::vec((0u8..3, 1u64..60, 0u64..8), 0..40)) {
            let mut model = BTreeSet::new();
            let mut ranges = SeqRanges::new();
            for (kind, from, len) in changes {
                let to = (from + len).saturating_sub(1);
                if kind == 0 {
                    model.retain(|number| !(from..from + len).contains(number));
                    ranges.remove(from, to);
                } else {
                    model.extend(from..from + len);
                    ranges.insert(from, to);
                }
            }
            for seq in 0..80 {
                prop_assert_eq!(ranges.contains(seq), model.contains(&seq));
            }
            for (from, to) in [(1, 1), (3, 9), (10, 40)] {
                prop_assert_eq!(ranges.contains_all(from, to), (from..=to).all(|number| model.contains(&number)));
            }
            prop_assert_eq!(ranges.count(), model.len() as u64);
            prop_assert_eq!(ranges.last(), model.last().copied());
            prop_assert!(ranges.0.windows(2).all(|pair| pair[0].1 + 1 < pair[1].0));
            let last = model.last().copied().unwrap_or(0);
            prop_assert_eq!(ranges.holes().count() + ranges.count(), last);
        }

        #[test]
        fn what_is_left_is_the_difference(
            seqs in prop::collection::btree_set(1u64..60, 0..40),
            taken in prop::collection::btree_set(1u64..60, 0..40),
        ) {
            let set = |numbers: &BTreeSet<u64>| numbers.iter().copied().collect::<SeqRanges>();
            let expected: SeqRanges = seqs.difference(&taken).copied().collect();
            prop_assert_eq!(set(&seqs).without(&set(&taken)), expected);
        }
    }
}
