//! The device's clock and its four ways to write a time (device reference sections 6.1, 6.4, 9.3 and 11).
//!
//! All times are Unix seconds in UTC. Nothing here knows a time zone: what the network delivers is taken for UTC.

use std::time::Duration;

use super::parser::atoi;

const DAY_S: i64 = 86_400;
/// `AT+TIMESTAMP` takes nothing up to the beginning of 2024.
const TIMESTAMP_FLOOR_S: i64 = 1_704_067_200;
/// A number that the firmware reads is a signed one of 32 bits; a longer one stops here.
const TIMESTAMP_CEILING_S: i64 = i32::MAX as i64;
/// Years with more digits than this have no text in any of the forms.
const YEAR_MAX: i64 = 9_999;

/// A form in which the firmware writes a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimeText {
    /// `2025-03-09 T14:30:05`: the answer to `AT+TIMESTAMP=?`, blank included.
    Command,
    /// `2025/3/9 14:30:05`: a row of `AT+CDP`.
    Row,
    /// `2025/03/09 14:30:05`: the JSON of the -NB line.
    Slashes,
    /// `2025-03-09T14:30:05Z`: the JSON of newer PS-CB firmware.
    Iso,
}

impl TimeText {
    /// Writes a time.
    pub(crate) fn of(self, unix_s: i64) -> String {
        let (year, month, day) = date_of(unix_s.div_euclid(DAY_S));
        let second_of_day = unix_s.rem_euclid(DAY_S);
        let (hour, minute, second) = (second_of_day / 3600, second_of_day / 60 % 60, second_of_day % 60);
        let time = format!("{hour:02}:{minute:02}:{second:02}");
        match self {
            Self::Command => format!("{year:04}-{month:02}-{day:02} T{time}"),
            Self::Row => format!("{year}/{month}/{day} {time}"),
            Self::Slashes => format!("{year:04}/{month:02}/{day:02} {time}"),
            Self::Iso => format!("{year:04}-{month:02}-{day:02}T{time}Z"),
        }
    }

    /// Reads a time in exactly this form: whatever would be written differently is refused.
    pub(crate) fn parse(self, text: &str) -> Option<i64> {
        let digits = text.split(|character: char| !character.is_ascii_digit()).filter(|digits| !digits.is_empty());
        let numbers: Vec<i64> = digits.map(|digits| digits.parse().ok()).collect::<Option<_>>()?;
        let [year, month, day, hour, minute, second] = numbers.try_into().ok()?;
        if [year, month, day, hour, minute, second].into_iter().any(|number| number > YEAR_MAX) {
            return None;
        }
        let unix_s = day_number(year, month, day) * DAY_S + hour * 3600 + minute * 60 + second;
        (self.of(unix_s) == text).then_some(unix_s)
    }
}

/// What the firmware takes for the time. It lives in RAM: a reset begins with a new one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DeviceClock {
    base_unix_s: i64,
    base_at: Duration,
}

impl DeviceClock {
    /// A clock that counts from the profile's `epoch_before_sync`, beginning at the boot.
    pub(super) fn at_boot(epoch_before_sync: i64, booted_at: Duration) -> Self {
        Self { base_unix_s: epoch_before_sync, base_at: booted_at }
    }

    /// Sets the clock, by the network or by hand.
    pub(super) fn set(&mut self, now: Duration, unix_s: i64) {
        *self = Self { base_unix_s: unix_s, base_at: now };
    }

    /// The time in Unix seconds, right or wrong.
    pub(super) fn now(&self, now: Duration) -> i64 {
        self.base_unix_s + now.saturating_sub(self.base_at).as_secs() as i64
    }
}

/// The value of `AT+TIMESTAMP=`, or none when the firmware refuses it.
pub(super) fn parse_timestamp(value: &str) -> Option<i64> {
    let unix_s = atoi(value).min(TIMESTAMP_CEILING_S);
    (unix_s > TIMESTAMP_FLOOR_S).then_some(unix_s)
}

/// Days since 1970 of a date of the Gregorian calendar. A year begins in March here, so that the leap day is its last.
fn day_number(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The inverse of `day_number`: year, month and day.
fn date_of(day_number: i64) -> (i64, i64, i64) {
    let days = day_number + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let month = (shifted_month + 2) % 12 + 1;
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day_of_year - (153 * shifted_month + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FORMS: [TimeText; 4] = [TimeText::Command, TimeText::Row, TimeText::Slashes, TimeText::Iso];

    fn check(unix_s: i64, expected: [&str; 4]) {
        assert_eq!(FORMS.map(|form| form.of(unix_s)), expected);
        assert_eq!(FORMS.map(|form| form.parse(&form.of(unix_s))), [Some(unix_s); 4]);
    }

    #[test]
    fn the_forms_are_written_to_the_letter() {
        let texts = ["2025-03-09 T14:30:05", "2025/3/9 14:30:05", "2025/03/09 14:30:05", "2025-03-09T14:30:05Z"];
        check(0x67cd_a5ed, texts);
        check(0, ["1970-01-01 T00:00:00", "1970/1/1 00:00:00", "1970/01/01 00:00:00", "1970-01-01T00:00:00Z"]);
        let leap = ["2024-02-29 T23:59:59", "2024/2/29 23:59:59", "2024/02/29 23:59:59", "2024-02-29T23:59:59Z"];
        check(1_709_251_199, leap);
    }

    #[test]
    fn only_the_exact_form_is_read() {
        for text in ["", "2025-03-09T14:30:05", "2025-3-9T14:30:05Z", "2025-02-30T00:00:00Z", "2025-03-09T24:00:00Z"] {
            assert_eq!(TimeText::Iso.parse(text), None, "{text}");
        }
        assert_eq!(TimeText::Iso.parse("99999999999-03-09T14:30:05Z"), None);
        assert_eq!(TimeText::Row.parse("2025/03/09 14:30:05"), None);
    }

    #[test]
    fn the_clock_counts_from_its_epoch_until_it_is_set() {
        let at = Duration::from_millis;
        let mut clock = DeviceClock::at_boot(1_609_459_200, at(10_500));
        assert_eq!(clock.now(at(71_400)), 1_609_459_260);
        clock.set(at(80_000), 1_741_530_605);
        assert_eq!(clock.now(at(82_999)), 1_741_530_607);
        assert_eq!(clock.now(at(0)), 1_741_530_605);
    }

    #[test]
    fn a_timestamp_lies_after_the_beginning_of_2024() {
        let cases = [("1704067200", None), ("1704067201x", Some(1_704_067_201)), ("now", None), ("-1", None)];
        for (value, expected) in cases {
            assert_eq!(parse_timestamp(value), expected, "{value}");
        }
        assert_eq!(parse_timestamp("99999999999"), Some(2_147_483_647));
    }

    proptest! {
        #[test]
        fn writing_and_reading_are_inverse(unix_s in 0_i64..250_000_000_000) {
            for form in FORMS {
                prop_assert_eq!(form.parse(&form.of(unix_s)), Some(unix_s));
            }
        }

        #[test]
        fn each_day_follows_the_day_before(day in -1_000_000_i64..1_000_000) {
            let (year, month, date) = date_of(day);
            prop_assert_eq!(day_number(year, month, date), day);
            let tomorrow = date_of(day + 1);
            prop_assert!(tomorrow == (year, month, date + 1) || (tomorrow.2 == 1 && date >= 28));
        }

        #[test]
        fn no_text_panics(text in ".{0,40}") {
            for form in FORMS {
                let _ = form.parse(&text);
            }
        }
    }
}
