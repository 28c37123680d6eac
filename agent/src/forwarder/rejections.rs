//! What the sink has set aside, as events for the record. Pure.
//!
//! The events are records too: a sink that sets everything aside would set them aside as well, and each would make the next.
//! So they are gathered, and told at most once a minute. What the recorder has no place for now waits until it has.

use std::collections::{BTreeMap, VecDeque};
use std::mem;
use std::time::Duration;

use kitchen_contract::ack::{RejectReason, Rejected};
use kitchen_contract::id::Epoch;
use kitchen_contract::ranges::SeqRanges;
use kitchen_contract::record::Event;

use crate::observation::Moment;

/// Between two times that events are made.
const TELL_EVERY: Duration = Duration::from_secs(60);
/// Ranges of one epoch and reason that are told one by one; more become one.
const RANGES_MAX: usize = 16;
/// Epochs and reasons that are gathered, far more than there ever are at once. Of others it is only counted that they were.
const KINDS_MAX: usize = 64;

/// What is to be told.
#[derive(Clone, Debug, Default)]
pub struct Rejections {
    /// What came since events were made last.
    pending: BTreeMap<(Epoch, RejectReason), SeqRanges>,
    /// Events that are not in the record yet. No more are made before they are.
    made: VecDeque<Event>,
    told: Option<Moment>,
    untold: u64,
}

impl Rejections {
    /// Records have been set aside.
    pub fn note(&mut self, epoch: &Epoch, rejected: &Rejected) {
        let Rejected { range: (from, to), reason } = *rejected;
        let kind = (epoch.clone(), reason);
        if self.pending.len() >= KINDS_MAX && !self.pending.contains_key(&kind) {
            self.untold += count(from, to);
            return;
        }
        let ranges = self.pending.entry(kind).or_default();
        ranges.insert(from, to);
        let whole = ranges.iter().next().zip(ranges.last());
        if let Some((first, last)) = whole.filter(|_| ranges.iter().count() > RANGES_MAX) {
            ranges.insert(first.0, last);
        }
    }

    /// The next event to record now. What is taken is told: the place for it must be there.
    pub fn take_due(&mut self, now: Moment) -> Option<Event> {
        if self.made.is_empty() && !self.pending.is_empty() && self.is_time(now) {
            self.told = Some(now);
            for ((epoch, reason), ranges) in mem::take(&mut self.pending) {
                let event = |(from, to)| Event::RecordsRejected { epoch: epoch.clone(), from, to, reason };
                self.made.extend(ranges.iter().map(event));
            }
        }
        self.made.pop_front()
    }

    /// Records that were set aside and of which no event will tell.
    pub fn untold(&self) -> u64 {
        self.untold
    }

    /// Records that were set aside and of which no event has told yet.
    pub fn waiting(&self) -> u64 {
        let made = self.made.iter().map(|event| match event {
            Event::RecordsRejected { from, to, .. } => count(*from, *to),
            _ => 0,
        });
        made.sum::<u64>() + self.pending.values().map(SeqRanges::count).sum::<u64>()
    }

    fn is_time(&self, now: Moment) -> bool {
        self.told.is_none_or(|told| now.0 >= told.0 + TELL_EVERY)
    }
}

fn count(from: u64, to: u64) -> u64 {
    to.saturating_sub(from).saturating_add(1)
}

#[cfg(test)]
mod tests {
    use kitchen_contract::ack::RejectReason::UnknownDevice;

    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment(Duration::from_secs(seconds))
    }

    fn epoch(number: u8) -> Epoch {
        Epoch::from_entropy([number; 15])
    }

    fn rejected(from: u64, to: u64) -> Rejected {
        Rejected { range: (from, to), reason: UnknownDevice }
    }

    fn event(from: u64, to: u64) -> Event {
        Event::RecordsRejected { epoch: epoch(1), from, to, reason: UnknownDevice }
    }

    fn taken(rejections: &mut Rejections, now: Moment) -> Vec<Event> {
        std::iter::from_fn(|| rejections.take_due(now)).collect()
    }

    #[test]
    fn the_first_is_told_at_once_and_more_once_a_minute() {
        let mut rejections = Rejections::default();
        assert_eq!(taken(&mut rejections, at(0)), []);
        rejections.note(&epoch(1), &rejected(3, 4));
        assert_eq!(taken(&mut rejections, at(1)), [event(3, 4)]);
        rejections.note(&epoch(1), &rejected(5, 5));
        rejections.note(&epoch(1), &rejected(6, 9));
        rejections.note(&epoch(1), &rejected(20, 20));
        assert_eq!(taken(&mut rejections, at(60)), []);
        assert_eq!(taken(&mut rejections, at(61)), [event(5, 9), event(20, 20)]);
        (0..17).for_each(|number| rejections.note(&epoch(1), &rejected(100 + 2 * number, 100 + 2 * number)));
        assert_eq!(taken(&mut rejections, at(200)), [event(100, 132)]);
    }

    #[test]
    fn what_the_recorder_has_no_place_for_waits_until_it_has() {
        let mut rejections = Rejections::default();
        rejections.note(&epoch(1), &rejected(1, 1));
        rejections.note(&epoch(1), &rejected(5, 6));
        assert_eq!(rejections.take_due(at(1)), Some(event(1, 1)));
        // Full from here on, for hours.
        (0..10_000).for_each(|number| rejections.note(&epoch(1), &rejected(10 + 2 * number, 10 + 2 * number)));
        assert!(rejections.waiting() >= 10_002, "{}", rejections.waiting());
        let events = taken(&mut rejections, at(10_000));
        let after: Vec<_> = events[1..].iter().collect();
        assert_eq!((&events[0], after.len() <= RANGES_MAX), (&event(5, 6), true));
        let told = |number: u64| {
            let holds = |event: &&Event| matches!(event, Event::RecordsRejected { from, to, .. } if (*from..=*to).contains(&number));
            events.iter().any(|event| holds(&event))
        };
        assert!((0..10_000).all(|number| told(10 + 2 * number)));
        assert_eq!((rejections.waiting(), rejections.untold()), (0, 0));
    }

    #[test]
    fn what_is_beyond_all_bounds_is_counted() {
        let mut rejections = Rejections::default();
        for number in 0..100 {
            rejections.note(&epoch(number), &rejected(1, 10));
        }
        assert_eq!(rejections.untold(), 36 * 10);
        assert_eq!(taken(&mut rejections, at(1)).len(), KINDS_MAX);
    }
}
