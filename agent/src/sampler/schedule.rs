//! When the next poll is due, and whether the last one has been answered. Pure; times are since the agent's start.
//!
//! Polls lie on a grid that never shifts, however late an answer comes. Polls that become due while one is open (the
//! console is deaf after a reset, a measurement takes long) are one with it.

use std::time::Duration;

/// The grid and the poll that is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    interval: Duration,
    next: Duration,
    /// When the open poll, or the last one, was due.
    due: Duration,
    open: bool,
}

impl Schedule {
    /// The first poll is due at once.
    pub const fn new(now: Duration, interval: Duration) -> Self {
        Self { interval, next: now, due: now, open: false }
    }

    /// When the next poll is due.
    pub const fn next(&self) -> Duration {
        self.next
    }

    /// When the poll that is open was due.
    pub const fn due(&self) -> Duration {
        self.due
    }

    /// Whether a poll is due and not answered.
    pub const fn is_open(&self) -> bool {
        self.open
    }

    /// Opens the poll that is due by now, if one is.
    pub fn advance(&mut self, now: Duration) {
        if now < self.next {
            return;
        }
        let passed = (now - self.next).as_nanos() / self.interval.as_nanos().max(1) + 1;
        if !self.open {
            self.due = self.next;
        }
        self.next += self.interval.saturating_mul(u32::try_from(passed).unwrap_or(u32::MAX));
        self.open = true;
    }

    /// The open poll has its reading.
    pub fn answered(&mut self) {
        self.open = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn the_first_poll_is_due_at_once_and_the_grid_stays() {
        let mut schedule = Schedule::new(seconds(5), seconds(60));
        schedule.advance(seconds(5));
        assert!(schedule.is_open());
        assert_eq!(schedule.next(), seconds(65));
        schedule.answered();
        schedule.advance(seconds(64));
        assert!(!schedule.is_open());
        schedule.advance(seconds(73));
        assert!(schedule.is_open());
        assert_eq!((schedule.due(), schedule.next()), (seconds(65), seconds(125)));
    }

    #[test]
    fn polls_that_pass_are_one() {
        let mut schedule = Schedule::new(seconds(0), seconds(60));
        schedule.advance(seconds(0));
        schedule.advance(seconds(400));
        assert_eq!(schedule.next(), seconds(420));
        assert!(schedule.is_open());
    }
}
