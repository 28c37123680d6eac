//! When the next poll is due, and whether the last one has been answered. Pure; times are since the agent's start.
//!
//! Polls lie on a grid that never shifts, however late an answer comes. A poll waits for the sensor as long as it may still
//! answer; at the latest when the next one is due, it is closed. Polls that pass while one is being measured are one with
//! it.

use std::time::Duration;

/// The grid and the poll that is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    interval: Duration,
    next: Duration,
    open: bool,
}

impl Schedule {
    /// The first poll is due at once.
    pub const fn new(now: Duration, interval: Duration) -> Self {
        Self { interval, next: now, open: false }
    }

    /// When the next poll is due.
    pub const fn next(&self) -> Duration {
        self.next
    }

    /// Whether a poll is due and not answered.
    pub const fn is_open(&self) -> bool {
        self.open
    }

    /// Opens the poll that is due by now, if one is. True if an older one was still open: it will not be answered any more.
    pub fn advance(&mut self, now: Duration) -> bool {
        if now < self.next {
            return false;
        }
        let passed = (now - self.next).as_nanos() / self.interval.as_nanos().max(1) + 1;
        self.next += self.interval.saturating_mul(u32::try_from(passed).unwrap_or(u32::MAX));
        std::mem::replace(&mut self.open, true)
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
        assert!(!schedule.advance(seconds(5)) && schedule.is_open());
        assert_eq!(schedule.next(), seconds(65));
        schedule.answered();
        assert!(!schedule.advance(seconds(64)) && !schedule.is_open());
        assert!(!schedule.advance(seconds(73)) && schedule.is_open());
        assert_eq!(schedule.next(), seconds(125));
    }

    #[test]
    fn an_open_poll_is_closed_by_the_next_one_and_passed_ones_are_one() {
        let mut schedule = Schedule::new(seconds(0), seconds(60));
        assert!(!schedule.advance(seconds(0)));
        assert!(schedule.advance(seconds(60)));
        assert!(schedule.advance(seconds(400)));
        assert_eq!(schedule.next(), seconds(420));
        assert!(schedule.is_open());
    }
}
