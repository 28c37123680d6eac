//! `AT+CLOCKLOG`: how often the sensor measures for its own history (device reference 6.4).
//!
//! Its 32 rows are what fills a hole after the gateway was off. They begin at the full hour, not after the first uplink,
//! which a sensor without a SIM never has; and none goes along with uplinks, because the gateway reads them here.

use std::fmt;
use std::time::Duration;

use super::command::{OutOfRange, Setting, Value};
use super::number;

/// The device keeps the minutes in one byte and cuts more without a word.
const MINUTES_MAX: u64 = 255;

/// How often the sensor measures for its own history. A new setting takes effect when its clock is set, or with a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryLog {
    switch: u32,
    second_of_hour: u32,
    minutes: u32,
    entries: u32,
}

impl HistoryLog {
    /// No history.
    pub const OFF: Self = Self { switch: 0, second_of_hour: 0, minutes: 0, entries: 0 };

    /// A row every so many minutes.
    ///
    /// # Errors
    /// Outside 1 to 255.
    pub fn every(minutes: u64) -> Result<Self, OutOfRange> {
        let error = OutOfRange { name: "CLOCKLOG", number: minutes, min: 1, max: MINUTES_MAX, unit: "min" };
        if !(1..=MINUTES_MAX).contains(&minutes) {
            return Err(error);
        }
        let minutes = u32::try_from(minutes).map_err(|_| error)?;
        Ok(Self { switch: 1, minutes, ..Self::OFF })
    }

    /// The time between two rows; none if there are none.
    pub fn interval(self) -> Option<Duration> {
        (!self.is_off()).then(|| Duration::from_secs(u64::from(self.minutes) * 60))
    }

    const fn is_off(self) -> bool {
        self.switch == 0 || self.minutes == 0
    }
}

impl fmt::Display for HistoryLog {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{},{},{},{}", self.switch, self.second_of_hour, self.minutes, self.entries)
    }
}

impl Value for HistoryLog {
    const NAME: &'static str = "CLOCKLOG";

    fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split(',').map(number::whole);
        let mut next = || numbers.next().flatten();
        let parsed = Self { switch: next()?, second_of_hour: next()?, minutes: next()?, entries: next()? };
        numbers.next().is_none().then_some(parsed)
    }
}

impl Setting for HistoryLog {
    fn agrees(&self, found: &Self) -> bool {
        self == found || (self.is_off() && found.is_off())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_device_would_cut_is_refused_here() {
        assert_eq!(HistoryLog::every(15).unwrap().to_string(), "1,0,15,0");
        assert_eq!(HistoryLog::OFF.to_string(), "0,0,0,0");
        assert!(HistoryLog::every(0).is_err() && HistoryLog::every(256).is_err() && HistoryLog::every(255).is_ok());
    }

    #[test]
    fn its_answer_is_read_to_the_letter_and_off_has_two_forms() {
        let found = HistoryLog::parse("1,65535,15,8").unwrap();
        assert_eq!((found.interval(), found.to_string().as_str()), (Some(Duration::from_secs(900)), "1,65535,15,8"));
        assert!(!HistoryLog::every(15).unwrap().agrees(&found));
        assert!(HistoryLog::OFF.agrees(&HistoryLog::parse("1,65535,0,0").unwrap()));
        for damaged in ["1,65535,15", "1,65535,15,8,", "1,65535,15,08", "1,,15,8", ""] {
            assert_eq!(HistoryLog::parse(damaged), None, "{damaged}");
        }
    }
}
