//! How much the line takes at once: found out, as nobody says. Pure.
//!
//! An envelope has to be through before the patience with it ends. On a line of 1 KB/s that is 10 KB, while 120 KiB are
//! usual when catching up. So the first one is small; the next is twice as large where it was through soon, and a quarter
//! where it came to nothing. What is found out is kept from one connection to the next.

use std::time::Duration;

use kitchen_contract::envelope::ENVELOPE_RECORDS_MAX;

use super::passed_over::ATTEMPTS_MAX;

/// What was through within this is followed by twice as much: that takes no half of the patience.
const SOON: Duration = Duration::from_secs(2);
/// The first envelope: 7.5 KiB.
const HALVINGS_AT_FIRST: u32 = 4;
/// One more attempt, two more halvings.
const HALVINGS_PER_ATTEMPT: u32 = 2;
/// 500 records to one.
pub const HALVINGS_MAX: u32 = 9;

/// What is known of the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    halvings: u32,
}

impl Default for Line {
    fn default() -> Self {
        Self { halvings: HALVINGS_AT_FIRST }
    }
}

impl Line {
    /// A line that takes everything.
    #[cfg(test)]
    pub const FAST: Self = Self { halvings: 0 };

    /// How often to halve a large envelope that has failed so often; as often as may be, what is in it is to blame.
    pub fn halvings(self, attempts: u32) -> u32 {
        let tried = if attempts < ATTEMPTS_MAX { attempts * HALVINGS_PER_ATTEMPT } else { 0 };
        (self.halvings + tried).min(HALVINGS_MAX)
    }

    /// An envelope of so many records got through in that time, after so many attempts that failed.
    pub fn took(&mut self, records: u64, within: Duration, attempts: u32) {
        let size = ENVELOPE_RECORDS_MAX as u64 >> self.halvings;
        if attempts > 0 {
            self.halvings = self.halvings(attempts);
        } else if within <= SOON && records >= size / 2 {
            self.halvings = self.halvings.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_got_through_is_kept_and_grows_where_it_was_soon() {
        let mut line = Line::default();
        assert_eq!([0, 1, 2, 3].map(|attempts| line.halvings(attempts)), [4, 6, 8, 4]);
        line.took(3, Duration::ZERO, 0);
        assert_eq!(line, Line::default(), "a small one tells nothing");
        line.took(31, Duration::from_secs(3), 0);
        assert_eq!(line, Line::default(), "twice as much may be too much");
        line.took(31, SOON, 0);
        assert_eq!(line.halvings(0), 3);
        line.took(8, Duration::from_secs(9), 1);
        assert_eq!(line.halvings(0), 5);
        (0..9).for_each(|_| line.took(500, SOON, 0));
        assert_eq!(line, Line::FAST);
        (0..10).for_each(|_| line.took(1, SOON, 2));
        assert_eq!(line.halvings(2), HALVINGS_MAX);
    }
}
