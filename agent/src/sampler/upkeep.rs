//! What is to be done about the sensor's clock and its history, and when. Pure; times are since the agent's start.
//!
//! A hole in our readings is filled from the sensor's history: read as soon as the sensor is back, because its 32 rows go
//! on turning, and before its clock is touched, because the rows are dated by it; placed as soon as our own time is known.
//! The clock is set after that, and compared once a day.

use std::collections::VecDeque;
use std::time::Duration;

use kitchen_contract::time::Timestamp;

use crate::device::error::DeviceError;
use crate::device::history::History;

/// So many readings of the history wait until our own time is known.
const HISTORIES_MAX: usize = 4;
/// With a hole that cannot be filled for so long, what is measured meanwhile is not kept apart from it across a restart.
const OPEN_MAX: Duration = Duration::from_secs(15 * 60);
/// How often the sensor's clock is compared with ours.
const COMPARE_EVERY: Duration = Duration::from_secs(24 * 60 * 60);
/// When to try again what failed.
const FAILED_AGAIN: Duration = Duration::from_secs(60 * 60);
/// When to try again what the sensor does not know or does not take: its firmware may have been updated.
const NOT_TAKEN_AGAIN: Duration = Duration::from_secs(24 * 60 * 60);
/// Holes that wait to be filled; of more, the oldest is given up. The history would not reach further back.
const HOLES_MAX: usize = 8;

/// A time without readings of our own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missed {
    /// The last reading before it.
    pub from: Last,
    /// The first reading after it.
    pub to: Duration,
}

/// A last reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Last {
    /// Of an earlier run of the agent.
    Earlier(Timestamp),
    /// Of this run.
    Own(Duration),
}

/// Whether all of the sensor is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Up to its last reading.
    Whole,
    /// A hole is to be filled.
    Open,
    /// A hole could not be filled for long.
    LongOpen,
}

/// One thing to do, a few seconds each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chore {
    /// Read the history.
    Read,
    /// Record what of it fills holes.
    Place,
    /// Set how the history is kept, and the clock.
    Set,
}

/// What has been done and what is still to do.
#[derive(Clone, Debug)]
pub struct Upkeep {
    /// A longer time without a reading is a hole.
    longest: Duration,
    last: Option<Last>,
    missed: VecDeque<Missed>,
    /// When the first reading came after a hole that is still open.
    open_since: Option<Duration>,
    histories: VecDeque<History>,
    /// Greeted and not yet measured: whether there is a hole is not known.
    greeted: bool,
    read_due: Duration,
    set_due: Duration,
    set_failed: bool,
}

impl Upkeep {
    /// Of a sensor of which a longer time without a reading is a hole; and until when earlier runs have all of it.
    pub fn new(longest: Duration, earlier: Option<Timestamp>) -> Self {
        Self {
            longest,
            last: earlier.map(Last::Earlier),
            missed: VecDeque::new(),
            open_since: None,
            histories: VecDeque::new(),
            greeted: true,
            read_due: Duration::ZERO,
            set_due: Duration::ZERO,
            set_failed: false,
        }
    }

    /// The sensor was greeted: it may have restarted, and its clock with it.
    pub fn greeted(&mut self) {
        (self.greeted, self.set_due) = (true, Duration::ZERO);
    }

    /// A measurement of it arrived.
    pub fn measured(&mut self, at: Duration) {
        self.greeted = false;
        let hole = self.last.replace(Last::Own(at)).filter(|last| match last {
            Last::Earlier(_) => true,
            Last::Own(last) => at.saturating_sub(*last) > self.longest,
        });
        if let Some(from) = hole {
            if self.missed.len() == HOLES_MAX {
                self.missed.pop_front();
            }
            self.missed.push_back(Missed { from, to: at });
        }
        let whole = self.missed.is_empty() && self.histories.is_empty();
        self.open_since = if whole { None } else { self.open_since.or(Some(at)) };
    }

    /// Whether all is recorded up to the reading that was measured last, at this moment.
    pub fn standing(&self, at: Duration) -> Standing {
        match self.open_since {
            None => Standing::Whole,
            Some(since) if at.saturating_sub(since) > OPEN_MAX => Standing::LongOpen,
            Some(_) => Standing::Open,
        }
    }

    /// The next thing to do. What needs our own time waits until that is known.
    pub fn next(&self, now: Duration, time_known: bool) -> Option<Chore> {
        if !self.histories.is_empty() && time_known {
            Some(Chore::Place)
        } else if self.greeted {
            None
        } else if self.unread() {
            let reads = now >= self.read_due && self.histories.len() < HISTORIES_MAX;
            reads.then_some(Chore::Read)
        } else {
            (time_known && now >= self.set_due).then_some(Chore::Set)
        }
    }

    /// There is a hole behind what was read last.
    fn unread(&self) -> bool {
        let Some(missed) = self.missed.back() else { return false };
        self.histories.back().is_none_or(|read| read.asked < missed.to)
    }

    /// The history was read.
    pub fn read(&mut self, history: History) {
        self.histories.push_back(history);
    }

    /// What was read first, and the holes that it may fill.
    pub fn take(&mut self) -> Option<(History, Vec<Missed>)> {
        let history = self.histories.pop_front()?;
        let filled = self.missed.iter().take_while(|missed| missed.to <= history.asked).count();
        Some((history, self.missed.drain(..filled).collect()))
    }

    /// History and clock are set.
    pub fn set(&mut self, now: Duration) {
        (self.set_due, self.set_failed) = (now + COMPARE_EVERY, false);
    }

    /// Something of it was set perhaps, and something was not: it is to be set whatever is found.
    pub fn half_set(&self) -> bool {
        self.set_failed
    }

    /// It could not be done.
    pub fn failed(&mut self, chore: Chore, now: Duration, error: &DeviceError) {
        let not_known = matches!(error, DeviceError::NotKnown { .. });
        let not_taken = not_known || matches!(error, DeviceError::NotApplied { .. } | DeviceError::Refused { .. });
        let again = now + if not_taken { NOT_TAKEN_AGAIN } else { FAILED_AGAIN };
        if chore == Chore::Set {
            (self.set_due, self.set_failed) = (again, true);
            return;
        }
        self.read_due = again;
        if not_known {
            // There is no history.
            self.missed.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::at::command::Value;
    use crate::at::sensor_clock::SensorClock;

    const LONGEST: Duration = Duration::from_secs(120);

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn history(asked: u64) -> History {
        let clock = SensorClock::parse("2026-12-01 T10:00:00").unwrap();
        History { clock, asked: at(asked), rows: Vec::new() }
    }

    fn earlier() -> Timestamp {
        "2026-12-01T08:00:00.000Z".parse().unwrap()
    }

    fn upkeep() -> Upkeep {
        Upkeep::new(LONGEST, Some(earlier()))
    }

    fn damaged() -> DeviceError {
        DeviceError::Damaged { port: String::new(), command: String::new() }
    }

    fn not_known() -> DeviceError {
        DeviceError::NotKnown { port: String::new(), command: String::new() }
    }

    #[test]
    fn the_history_is_read_before_the_clock_is_set() {
        let mut upkeep = upkeep();
        assert_eq!(upkeep.next(at(0), false), None);
        upkeep.measured(at(5));
        assert_eq!(upkeep.next(at(5), true), Some(Chore::Read));
        upkeep.read(history(6));
        assert_eq!(upkeep.next(at(10), false), None, "nobody knows our own time");
        assert_eq!(upkeep.next(at(500), true), Some(Chore::Place));
        let missed = Missed { from: Last::Earlier(earlier()), to: at(5) };
        assert_eq!(upkeep.take(), Some((history(6), vec![missed])));
        assert_eq!(upkeep.next(at(501), true), Some(Chore::Set));
        upkeep.set(at(502));
        assert_eq!(upkeep.next(at(503), true), None);
        assert_eq!(upkeep.next(at(502) + COMPARE_EVERY, true), Some(Chore::Set));
    }

    #[test]
    fn what_came_after_the_reading_is_read_too() {
        let mut upkeep = upkeep();
        upkeep.measured(at(5));
        upkeep.read(history(6));
        for seconds in [60, 120, 240, 361] {
            upkeep.measured(at(seconds));
        }
        assert_eq!(upkeep.next(at(400), false), Some(Chore::Read), "the first waits for our own time");
        upkeep.read(history(401));
        assert_eq!(upkeep.next(at(402), false), None);
        assert_eq!(upkeep.take().unwrap().0, history(6));
        let missed = Missed { from: Last::Own(at(240)), to: at(361) };
        assert_eq!(upkeep.take(), Some((history(401), vec![missed])));
        assert_eq!(upkeep.take(), None);
    }

    #[test]
    fn a_sensor_of_which_nothing_is_known_has_no_hole() {
        let mut upkeep = Upkeep::new(LONGEST, None);
        upkeep.measured(at(5));
        assert_eq!((upkeep.next(at(6), false), upkeep.standing(at(6))), (None, Standing::Whole));
        assert_eq!(upkeep.next(at(6), true), Some(Chore::Set));
    }

    #[test]
    fn with_an_open_hole_it_is_not_whole() {
        let mut upkeep = upkeep();
        for (seconds, standing) in [(5, Standing::Open), (60, Standing::Open), (906, Standing::LongOpen)] {
            upkeep.measured(at(seconds));
            assert_eq!(upkeep.standing(at(seconds)), standing, "{seconds}");
        }
        upkeep.read(history(907));
        upkeep.measured(at(960));
        assert_eq!(upkeep.standing(at(960)), Standing::LongOpen);
        upkeep.take().unwrap();
        upkeep.measured(at(1020));
        assert_eq!(upkeep.standing(at(1020)), Standing::Whole);
    }

    #[test]
    fn a_restart_sets_again_and_a_failure_waits() {
        let mut upkeep = Upkeep::new(LONGEST, None);
        upkeep.measured(at(5));
        upkeep.set(at(10));
        upkeep.greeted();
        assert_eq!(upkeep.next(at(20), true), None, "there may be a hole");
        upkeep.measured(at(20));
        assert_eq!(upkeep.next(at(20), true), Some(Chore::Set));
        assert!(!upkeep.half_set());
        upkeep.failed(Chore::Set, at(20), &damaged());
        assert!(upkeep.half_set());
        assert_eq!(upkeep.next(at(3619), true), None);
        assert_eq!(upkeep.next(at(3620), true), Some(Chore::Set));
        upkeep.failed(Chore::Set, at(4000), &not_known());
        assert_eq!(upkeep.next(at(80_000), true), None);
        assert_eq!(upkeep.next(at(90_401), true), Some(Chore::Set));
    }

    #[test]
    fn a_history_that_cannot_be_read_is_tried_again_and_one_that_is_none_is_given_up() {
        let mut upkeep = upkeep();
        upkeep.measured(at(5));
        upkeep.failed(Chore::Read, at(10), &damaged());
        assert_eq!(upkeep.next(at(3600), true), None, "the rows are dated by the clock as it is");
        assert_eq!(upkeep.next(at(3610), true), Some(Chore::Read));
        upkeep.failed(Chore::Read, at(3611), &not_known());
        assert_eq!(upkeep.next(at(3612), true), Some(Chore::Set));
    }

    #[test]
    fn holes_and_histories_are_bounded() {
        let mut upkeep = upkeep();
        (0..20).for_each(|number| upkeep.measured(at(number * 1000)));
        let mut read = 0;
        while upkeep.next(at(100_000 + read * 1000), false) == Some(Chore::Read) {
            upkeep.read(history(100_000 + read * 1000));
            read += 1;
            upkeep.measured(at(100_000 + read * 1000));
        }
        assert_eq!(read as usize, HISTORIES_MAX);
        let missed = upkeep.take().unwrap().1;
        assert_eq!((missed.len(), missed[0].to), (HOLES_MAX - HISTORIES_MAX, at(16_000)));
    }
}
