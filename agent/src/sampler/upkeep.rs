//! What is to be done about the sensor's clock and its history, and when. Pure; times are since the agent's start.
//!
//! A hole in our readings is filled from the sensor's history: read as soon as the sensor is back, because its 32 rows go
//! on turning, and before its clock is touched, because the rows are dated by it; placed as soon as our own time is known.
//! The clock is set after that, and compared once a day.

use std::collections::VecDeque;
use std::time::Duration;

use crate::device::error::DeviceError;
use crate::device::history::History;

/// How often the sensor's clock is compared with ours.
const COMPARE_EVERY: Duration = Duration::from_secs(24 * 60 * 60);
/// When to try again what failed.
const FAILED_AGAIN: Duration = Duration::from_secs(60 * 60);
/// When to try again what the sensor's firmware does not know: it may have been updated.
const NOT_KNOWN_AGAIN: Duration = Duration::from_secs(24 * 60 * 60);
/// Holes that wait to be filled; of more, the oldest is given up. The history would not reach further back.
const HOLES_MAX: usize = 8;

/// A time without readings of our own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missed {
    /// The last reading before it; none if that was before the agent's start.
    pub from: Option<Duration>,
    /// The first reading after it.
    pub to: Duration,
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
    last: Option<Duration>,
    missed: VecDeque<Missed>,
    history: Option<History>,
    /// Greeted and not yet measured: whether there is a hole is not known.
    greeted: bool,
    set_due: Duration,
    not_before: Duration,
}

impl Upkeep {
    /// Of a sensor of which a longer time without a reading is a hole.
    pub fn new(longest: Duration) -> Self {
        Self {
            longest,
            last: None,
            missed: VecDeque::new(),
            history: None,
            greeted: true,
            set_due: Duration::ZERO,
            not_before: Duration::ZERO,
        }
    }

    /// The sensor was greeted: it may have restarted, and its clock with it.
    pub fn greeted(&mut self) {
        (self.greeted, self.set_due) = (true, Duration::ZERO);
    }

    /// A measurement of it arrived.
    pub fn measured(&mut self, at: Duration) {
        self.greeted = false;
        let from = self.last.replace(at);
        if from.is_some_and(|from| at.saturating_sub(from) <= self.longest) {
            return;
        }
        if self.missed.len() == HOLES_MAX {
            self.missed.pop_front();
        }
        self.missed.push_back(Missed { from, to: at });
    }

    /// The next thing to do. What needs our own time waits until that is known.
    pub fn next(&self, now: Duration, time_known: bool) -> Option<Chore> {
        if self.history.is_some() && time_known {
            Some(Chore::Place)
        } else if self.greeted || now < self.not_before {
            None
        } else if self.history.is_none() && !self.missed.is_empty() {
            Some(Chore::Read)
        } else if time_known && now >= self.set_due {
            Some(Chore::Set)
        } else {
            None
        }
    }

    /// The history was read.
    pub fn read(&mut self, history: History) {
        self.history = Some(history);
    }

    /// What was read, and the holes that it may fill.
    pub fn take(&mut self) -> Option<(History, Vec<Missed>)> {
        let history = self.history.take()?;
        let filled = self.missed.iter().take_while(|missed| missed.to <= history.asked).count();
        Some((history, self.missed.drain(..filled).collect()))
    }

    /// History and clock are set.
    pub fn set(&mut self, now: Duration) {
        self.set_due = now + COMPARE_EVERY;
    }

    /// It could not be done.
    pub fn failed(&mut self, now: Duration, error: &DeviceError) {
        let again = if matches!(error, DeviceError::NotKnown { .. }) { NOT_KNOWN_AGAIN } else { FAILED_AGAIN };
        self.not_before = now + again;
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

    #[test]
    fn the_history_is_read_before_the_clock_is_set() {
        let mut upkeep = Upkeep::new(LONGEST);
        assert_eq!(upkeep.next(at(0), false), None);
        upkeep.measured(at(5));
        assert_eq!(upkeep.next(at(5), true), Some(Chore::Read));
        upkeep.read(history(6));
        assert_eq!(upkeep.next(at(10), false), None, "nobody knows our own time");
        assert_eq!(upkeep.next(at(500), true), Some(Chore::Place));
        assert_eq!(upkeep.take(), Some((history(6), vec![Missed { from: None, to: at(5) }])));
        assert_eq!(upkeep.next(at(501), true), Some(Chore::Set));
        upkeep.set(at(502));
        assert_eq!(upkeep.next(at(503), true), None);
        assert_eq!(upkeep.next(at(502) + COMPARE_EVERY, true), Some(Chore::Set));
    }

    #[test]
    fn what_came_after_the_reading_waits_for_the_next() {
        let mut upkeep = Upkeep::new(LONGEST);
        upkeep.measured(at(5));
        upkeep.read(history(6));
        for seconds in [60, 120, 240, 361] {
            upkeep.measured(at(seconds));
        }
        upkeep.take().unwrap();
        assert_eq!(upkeep.next(at(400), true), Some(Chore::Read));
        upkeep.read(history(401));
        let missed = Missed { from: Some(at(240)), to: at(361) };
        assert_eq!(upkeep.take().unwrap().1, [missed]);
    }

    #[test]
    fn a_restart_sets_again_and_a_failure_waits() {
        let mut upkeep = Upkeep::new(LONGEST);
        upkeep.measured(at(5));
        upkeep.read(history(6));
        upkeep.take().unwrap();
        upkeep.set(at(10));
        upkeep.greeted();
        assert_eq!(upkeep.next(at(20), true), None, "there may be a hole");
        upkeep.measured(at(20));
        assert_eq!(upkeep.next(at(20), true), Some(Chore::Set));
        let (port, command) = (String::new(), String::new());
        upkeep.failed(at(20), &DeviceError::Damaged { port: port.clone(), command: command.clone() });
        assert_eq!(upkeep.next(at(3619), true), None);
        assert_eq!(upkeep.next(at(3620), true), Some(Chore::Set));
        upkeep.failed(at(4000), &DeviceError::NotKnown { port, command });
        assert_eq!(upkeep.next(at(80_000), true), None);
        assert_eq!(upkeep.next(at(90_401), true), Some(Chore::Set));
    }

    #[test]
    fn holes_are_bounded() {
        let mut upkeep = Upkeep::new(LONGEST);
        (0..20).for_each(|number| upkeep.measured(at(number * 1000)));
        upkeep.read(history(100_000));
        let missed = upkeep.take().unwrap().1;
        assert_eq!((missed.len(), missed[0].to), (HOLES_MAX, at(12_000)));
    }
}
