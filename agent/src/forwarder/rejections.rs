//! What the sink has set aside, as events for the record. Pure.
//!
//! The events are records too: a sink that sets everything aside would set them aside as well, and each would make the next.
//! So they are gathered, and told at most once a minute.

use std::collections::BTreeMap;
use std::time::Duration;

use kitchen_contract::ack::{RejectReason, Rejected};
use kitchen_contract::id::Epoch;
use kitchen_contract::ranges::SeqRanges;
use kitchen_contract::record::Event;

use crate::observation::Moment;

/// Between two times that events are made.
const TELL_EVERY: Duration = Duration::from_secs(60);
/// Ranges of one epoch and reason that are told one by one; more are told as one.
const RANGES_MAX: usize = 16;

/// What is to be told.
#[derive(Clone, Debug, Default)]
pub struct Rejections {
    pending: BTreeMap<(Epoch, RejectReason), SeqRanges>,
    told: Option<Moment>,
}

impl Rejections {
    /// Records have been set aside.
    pub fn note(&mut self, epoch: &Epoch, rejected: &Rejected) {
        let Rejected { range: (from, to), reason } = *rejected;
        self.pending.entry((epoch.clone(), reason)).or_default().insert(from, to);
    }

    /// The events to record now.
    pub fn take_due(&mut self, now: Moment) -> Vec<Event> {
        if self.pending.is_empty() || self.told.is_some_and(|told| now.0 < told.0 + TELL_EVERY) {
            return Vec::new();
        }
        self.told = Some(now);
        let mut events = Vec::new();
        for ((epoch, reason), ranges) in std::mem::take(&mut self.pending) {
            let ranges: Vec<_> = ranges.iter().collect();
            let whole = ranges.first().zip(ranges.last()).map(|(first, last)| (first.0, last.1));
            let told = if ranges.len() > RANGES_MAX { whole.into_iter().collect() } else { ranges };
            let event = |(from, to)| Event::RecordsRejected { epoch: epoch.clone(), from, to, reason };
            events.extend(told.into_iter().map(event));
        }
        events
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment(Duration::from_secs(seconds))
    }

    #[test]
    fn the_first_is_told_at_once_and_more_once_a_minute() {
        let epoch = Epoch::from_entropy([1; 15]);
        let rejected = |from, to| Rejected { range: (from, to), reason: RejectReason::UnknownDevice };
        let event =
            |from, to| Event::RecordsRejected { epoch: epoch.clone(), from, to, reason: RejectReason::UnknownDevice };
        let mut rejections = Rejections::default();
        assert_eq!(rejections.take_due(at(0)), []);
        rejections.note(&epoch, &rejected(3, 4));
        assert_eq!(rejections.take_due(at(1)), [event(3, 4)]);
        rejections.note(&epoch, &rejected(5, 5));
        rejections.note(&epoch, &rejected(6, 9));
        rejections.note(&epoch, &rejected(20, 20));
        assert_eq!(rejections.take_due(at(60)), []);
        assert_eq!(rejections.take_due(at(61)), [event(5, 9), event(20, 20)]);
        (0..40).for_each(|number| rejections.note(&epoch, &rejected(100 + 2 * number, 100 + 2 * number)));
        assert_eq!(rejections.take_due(at(200)), [event(100, 178)]);
    }
}
