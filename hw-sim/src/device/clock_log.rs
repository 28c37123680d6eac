//! `AT+CLOCKLOG`: when the device samples for its history, and how much of it an uplink carries (device reference
//! section 6.4).

use std::fmt;

use super::parser::numbers;

/// This second of the hour means: begin after the first uplink.
const AFTER_FIRST_UPLINK: u16 = 65_535;
const HOUR_S: i64 = 3_600;
const MINUTE_S: u32 = 60;
/// The ring holds no more.
const ENTRIES_MAX: u8 = 32;

/// The stored setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ClockLog {
    switch: u8,
    second_of_hour: u16,
    interval_s: u32,
    entries: u8,
}

/// What happens to a number that is too large for its field (quirk Q8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Overflow {
    /// Its upper bits are cut off, without an error: what the firmware does.
    Wraps,
    /// It is an error.
    Refused,
}

/// From when the schedule counts, by the device's clock in Unix seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Beginning {
    /// The setting took effect: at a time sync or after a reset. None while the clock has not been set.
    pub(super) in_effect: Option<i64>,
    /// The first uplink after that.
    pub(super) first_uplink: Option<i64>,
}

impl ClockLog {
    /// Reads a set; numbers behind the fourth are ignored.
    pub(super) fn parse(value: &str, overflow: Overflow) -> Option<Self> {
        let numbers = numbers(value);
        let [switch, second_of_hour, interval_min, entries, ..] = numbers.as_slice() else { return None };
        let setting = Self {
            switch: overflow.byte(*switch)?,
            second_of_hour: overflow.word(*second_of_hour)?,
            interval_s: u32::from(overflow.byte(*interval_min)?) * MINUTE_S,
            entries: overflow.byte(*entries)?,
        };
        let begins = matches!(setting.second_of_hour, 0..=3_599 | AFTER_FIRST_UPLINK);
        (begins && setting.entries <= ENTRIES_MAX).then_some(setting)
    }

    /// The clock log of firmware without one, which has `AT+TR` and `AT+NOUD` instead.
    pub(super) fn every(interval_s: u32, entries: u8) -> Self {
        Self { switch: 1, second_of_hour: AFTER_FIRST_UPLINK, interval_s, entries }
    }

    /// History entries that an uplink carries, unless its protocol takes fewer.
    pub(super) fn entries(&self) -> u8 {
        self.entries
    }

    /// The device's time of the next sample after `now`; none while nothing is scheduled.
    ///
    /// The first sample after the first uplink comes one interval later, because that uplink brings its own. The first
    /// at a second of the hour comes at the next such second. All others follow at the interval, also when it does not
    /// divide the hour.
    pub(super) fn next_sample(&self, beginning: Beginning, now: i64) -> Option<i64> {
        let interval_s = i64::from(self.interval_s);
        if self.switch == 0 || interval_s == 0 {
            return None;
        }
        let first = match self.second_of_hour {
            AFTER_FIRST_UPLINK => beginning.first_uplink? + interval_s,
            second => next_second_of_hour(beginning.in_effect?, second),
        };
        let passed = if now < first { 0 } else { (now - first) / interval_s + 1 };
        Some(first + passed * interval_s)
    }
}

impl Beginning {
    /// The clock was set forward by so much: what has begun began at the same moment as before.
    pub(super) fn shift(&mut self, by_s: i64) {
        for begun in [&mut self.in_effect, &mut self.first_uplink].into_iter().flatten() {
            *begun += by_s;
        }
    }
}

impl Overflow {
    fn byte(self, number: i64) -> Option<u8> {
        match self {
            Self::Wraps => Some(number as u8),
            Self::Refused => number.try_into().ok(),
        }
    }

    fn word(self, number: i64) -> Option<u16> {
        match self {
            Self::Wraps => Some(number as u16),
            Self::Refused => number.try_into().ok(),
        }
    }
}

impl fmt::Display for ClockLog {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { switch, second_of_hour, interval_s, entries } = self;
        let interval_min = interval_s / MINUTE_S;
        write!(formatter, "{switch},{second_of_hour},{interval_min},{entries}")
    }
}

/// The first such second of an hour after `time`.
fn next_second_of_hour(time: i64, second: u16) -> i64 {
    time + HOUR_S - (time - i64::from(second)).rem_euclid(HOUR_S)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// 2025-03-09T14:00:00Z
    const TWO_O_CLOCK: i64 = 1_741_528_800;

    fn check_set(value: &str, wraps: Option<&str>, refused: Option<&str>) {
        let set = |overflow| ClockLog::parse(value, overflow).map(|setting| setting.to_string());
        assert_eq!(set(Overflow::Wraps).as_deref(), wraps, "{value}");
        assert_eq!(set(Overflow::Refused).as_deref(), refused, "{value}");
    }

    #[test]
    fn four_numbers_within_their_ranges() {
        for value in ["1,65535,15,8", "1,0,1,32", "0,3599,255,0"] {
            check_set(value, Some(value), Some(value));
        }
        for value in ["", "1,65535,15", "1,3600,15,8", "1,65534,15,8", "1,0,15,33", "1,x,15,8"] {
            check_set(value, None, None);
        }
    }

    #[test]
    fn large_numbers_wrap() {
        check_set("1,65535,256,8", Some("1,65535,0,8"), None);
        check_set("1,65535,300,8", Some("1,65535,44,8"), None);
        check_set("257,65536,15,264", Some("1,0,15,8"), None);
        check_set("1,-1,15,8", Some("1,65535,15,8"), None);
    }

    fn next(setting: &str, beginning: Beginning, now: i64) -> Option<i64> {
        let setting = ClockLog::parse(setting, Overflow::Wraps).unwrap();
        setting.next_sample(beginning, TWO_O_CLOCK + now).map(|time| time - TWO_O_CLOCK)
    }

    #[test]
    fn after_the_first_uplink() {
        let mut beginning = Beginning { in_effect: Some(TWO_O_CLOCK), first_uplink: None };
        assert_eq!(next("1,65535,15,8", beginning, 0), None);
        beginning.first_uplink = Some(TWO_O_CLOCK + 100);
        assert_eq!(next("1,65535,15,8", beginning, 100), Some(1000));
        assert_eq!(next("1,65535,15,8", beginning, 999), Some(1000));
        assert_eq!(next("1,65535,15,8", beginning, 1000), Some(1900));
    }

    #[test]
    fn at_a_second_of_the_hour() {
        let beginning = Beginning { in_effect: Some(TWO_O_CLOCK + 600), first_uplink: None };
        assert_eq!(next("1,900,7,8", beginning, 600), Some(900));
        assert_eq!(next("1,900,7,8", beginning, 900), Some(1320));
        assert_eq!(next("1,600,7,8", beginning, 600), Some(4200));
        assert_eq!(next("1,300,60,8", beginning, 7000), Some(7500));
        assert_eq!(next("1,900,7,8", Beginning::default(), 600), None);
    }

    #[test]
    fn off_or_without_interval_nothing_is_sampled() {
        let beginning = Beginning { in_effect: Some(TWO_O_CLOCK), first_uplink: Some(TWO_O_CLOCK) };
        assert_eq!(next("0,65535,15,8", beginning, 0), None);
        assert_eq!(next("1,65535,0,0", beginning, 0), None);
        assert_eq!(next("1,0,256,8", beginning, 0), None);
    }

    proptest! {
        #[test]
        fn samples_come_one_after_the_other_and_never_too_late(
            second in prop_oneof![0_u16..3_600, Just(AFTER_FIRST_UPLINK)],
            interval_min: u8,
            start in 0_i64..4_000_000_000,
            passed in 0_i64..1_000_000,
        ) {
            let setting = ClockLog { second_of_hour: second, ..ClockLog::every(60 * u32::from(interval_min.max(1)), 8) };
            let beginning = Beginning { in_effect: Some(start), first_uplink: Some(start) };
            let (now, interval_s) = (start + passed, i64::from(setting.interval_s));
            let next = setting.next_sample(beginning, now).unwrap();
            prop_assert!(next > now && next - now <= interval_s.max(HOUR_S));
            prop_assert_eq!(setting.next_sample(beginning, next), Some(next + interval_s));
        }
    }
}
