//! `AT+TIMESTAMP`: the sensor's own clock, by which it dates its history.
//!
//! It is asked for as `2025-03-09 T14:30:05` and set in Unix seconds (device reference 6.1). It loses the time at a reset
//! and says something of 1970 or 2021 until it is set again (device reference 11).

use std::fmt;

use kitchen_contract::time::Timestamp;

use super::command::{Setting, Value};

/// 2024-01-01T00:00:00Z: a clock that says less has never been set, and the device refuses to be set to less.
const SET_FROM_UNIX_MS: i64 = 1_704_067_200_000;
/// So far a clock that has just been set may be from what it was set to, in ms: the way there and back, and whole seconds.
const READ_BACK_WITHIN_MS: u64 = 10_000;

/// What the sensor's clock says, in whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SensorClock(pub Timestamp);

impl SensorClock {
    /// Whether it was set since the device started, and so says something.
    pub fn is_set(self) -> bool {
        self.0.unix_ms() > SET_FROM_UNIX_MS
    }
}

impl fmt::Display for SensorClock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0.unix_ms() / 1000)
    }
}

impl Value for SensorClock {
    const NAME: &'static str = "TIMESTAMP";

    fn parse(text: &str) -> Option<Self> {
        let (date, time) = text.split_once(" T")?;
        if date.len() != 10 || time.len() != 8 {
            return None;
        }
        format!("{date}T{time}.000Z").parse().ok().map(Self)
    }
}

impl Setting for SensorClock {
    fn agrees(&self, found: &Self) -> bool {
        found.0.ms_since(self.0).unsigned_abs() <= READ_BACK_WITHIN_MS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_and_set_as_the_device_has_it() {
        let clock = SensorClock::parse("2025-03-09 T14:30:05").unwrap();
        assert_eq!(
            (clock.0.to_string().as_str(), clock.to_string().as_str()),
            ("2025-03-09T14:30:05.000Z", "1741530605")
        );
        assert!(clock.is_set() && !SensorClock::parse("2021-02-03 T00:00:09").unwrap().is_set());
        for damaged in ["2025-03-09T14:30:05", "2025-3-9 T14:30:05", "2025-03-09 T14:30:0", "2025-03-39 T14:30:05", ""]
        {
            assert_eq!(SensorClock::parse(damaged), None, "{damaged}");
        }
    }
}
