//! When the unit's door is open: short openings by chance, long ones by schedule, and somebody holding it.

use std::time::Duration;

use rand::RngExt;
use rand::rngs::StdRng;

/// Shortest and longest short door opening, in seconds: someone takes one thing out.
const SHORT_OPENING_S: (f64, f64) = (4.0, 14.0);

/// A scheduled door opening, in device time since power-on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DoorOpening {
    /// The door opens.
    pub from: Duration,
    /// The door is closed again.
    pub to: Duration,
}

/// The door of one unit.
#[derive(Debug)]
pub(super) struct Doors {
    every_s: f64,
    rng: StdRng,
    next_opening_s: f64,
    open_until_s: f64,
    held_open: bool,
    /// In the order of their beginnings; those before `first` are over.
    scheduled: Vec<DoorOpening>,
    first: usize,
}

impl Doors {
    /// A door that is opened by chance each `every_s` seconds on average.
    pub(super) fn new(every_s: f64, rng: StdRng, mut scheduled: Vec<DoorOpening>) -> Self {
        scheduled.sort_by_key(|opening| opening.from);
        let (next_opening_s, open_until_s) = (0.0, 0.0);
        let mut doors = Self { every_s, rng, next_opening_s, open_until_s, held_open: false, scheduled, first: 0 };
        doors.next_opening_s = doors.pause();
        doors
    }

    /// Opens the door until it is closed.
    pub(super) fn hold(&mut self, open: bool) {
        self.held_open = open;
    }

    /// Opens the door for that long from now on.
    pub(super) fn open_until(&mut self, until_s: f64) {
        self.open_until_s = self.open_until_s.max(until_s);
    }

    /// Asked for each step exactly once: the chance openings are drawn here.
    pub(super) fn are_open(&mut self, now_s: u64) -> bool {
        let seconds = now_s as f64;
        if seconds >= self.next_opening_s {
            let until_s = seconds + self.rng.random_range(SHORT_OPENING_S.0..SHORT_OPENING_S.1);
            self.open_until(until_s);
            self.next_opening_s = until_s + self.pause();
        }
        self.held_open || seconds < self.open_until_s || self.scheduled_at(Duration::from_secs(now_s))
    }

    fn scheduled_at(&mut self, now: Duration) -> bool {
        while self.scheduled.get(self.first).is_some_and(|opening| opening.to <= now) {
            self.first += 1;
        }
        self.scheduled[self.first..].iter().take_while(|opening| opening.from <= now).any(|opening| now < opening.to)
    }

    /// Openings are independent of each other, so the pauses are exponential.
    fn pause(&mut self) -> f64 {
        let uniform: f64 = self.rng.random_range(f64::EPSILON..1.0);
        -uniform.ln() * self.every_s
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    fn opening(from: u64, to: u64) -> DoorOpening {
        DoorOpening { from: Duration::from_secs(from), to: Duration::from_secs(to) }
    }

    #[test]
    fn schedules_may_overlap_and_come_in_any_order() {
        let scheduled = vec![opening(50, 60), opening(10, 40), opening(20, 25)];
        let mut doors = Doors::new(f64::INFINITY, StdRng::seed_from_u64(1), scheduled);
        let open: Vec<u64> = (0..100).filter(|now_s| doors.are_open(*now_s)).collect();
        assert_eq!(open, (10..40).chain(50..60).collect::<Vec<_>>());
    }

    #[test]
    fn a_held_door_is_open_until_it_is_closed() {
        let mut doors = Doors::new(f64::INFINITY, StdRng::seed_from_u64(1), Vec::new());
        doors.hold(true);
        assert!(doors.are_open(0) && doors.are_open(9000));
        doors.hold(false);
        assert!(!doors.are_open(9001));
    }

    #[test]
    fn chance_opens_it_as_often_as_asked_for_a_few_seconds_each() {
        let mut doors = Doors::new(1_000.0, StdRng::seed_from_u64(1), Vec::new());
        let open_s = (0..1_000_000).filter(|now_s| doors.are_open(*now_s)).count();
        assert!((8_000..10_500).contains(&open_s), "{open_s}");
    }
}
