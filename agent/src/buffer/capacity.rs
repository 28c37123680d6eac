//! How much must fit for how long, and for how long what is left will do. Pure.

use std::time::Duration;

use super::queue::Limits;

/// Days that must fit, unless it is said: a year, and some to spare.
pub const DAYS_DEFAULT: u64 = 366;
/// Bytes that are left free on the file system, unless it is said: 64 MiB.
pub const FREE_BYTES_MIN_DEFAULT: u64 = 64 * 1024 * 1024;
/// What a record takes in frames, in bytes: in blocks a third of it, in rounds of one up to four times.
const RECORD_BYTES: u64 = 96;
/// Beside the readings there are events: one in so many.
const EVENT_SHARE: u64 = 16;
/// The smallest buffer that makes sense: a few envelopes, a few rounds of 32 faults.
pub const RECORDS_MIN: u64 = 1_000;
/// And its frames, with what a store takes of itself.
pub const BYTES_MIN: u64 = 1024 * 1024;
const DAY_S: u64 = 24 * 60 * 60;

/// Readings that sensors polled at these intervals take in a day.
pub fn readings_per_day(intervals: impl IntoIterator<Item = Duration>) -> u64 {
    intervals.into_iter().map(|interval| DAY_S.div_ceil(interval.as_secs().max(1))).sum()
}

/// Limits under which so many days of a site's readings fit.
pub fn limits_for(days: u64, readings_per_day: u64) -> Limits {
    let readings = days.saturating_mul(readings_per_day);
    let records_max = readings.saturating_add(readings / EVENT_SHARE).max(RECORDS_MIN);
    let bytes_max = records_max.saturating_mul(RECORD_BYTES).max(BYTES_MIN);
    Limits { records_max, bytes_max, free_bytes_min: FREE_BYTES_MIN_DEFAULT }
}

/// In how many hours the limits are reached if nothing is acknowledged from now on; none if nothing comes. Held are so many
/// records, and bytes of their frames.
pub fn hours_left((records, bytes): (u64, u64), limits: Limits, readings_per_day: u64) -> Option<u64> {
    let each = bytes.checked_div(records).unwrap_or(0).clamp(1, RECORD_BYTES);
    let by_bytes = limits.bytes_max.saturating_sub(bytes) / each;
    let records = limits.records_max.saturating_sub(records).min(by_bytes);
    records.saturating_mul(24).checked_div(readings_per_day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(hours: Option<u64>) -> u64 {
        hours.unwrap() / 24
    }

    #[test]
    fn a_year_of_the_site_fits() {
        let per_day = readings_per_day([Duration::from_secs(60), Duration::from_secs(60), Duration::from_secs(900)]);
        assert_eq!(per_day, 1440 + 1440 + 96);
        let limits = limits_for(DAYS_DEFAULT, per_day);
        assert!(limits.records_max >= 366 * per_day && limits.bytes_max >= limits.records_max * 60);
        assert!(days(hours_left((0, 0), limits, per_day)) >= 366);
    }

    #[test]
    fn what_waits_shortens_what_is_left_by_whichever_limit_comes_first() {
        let limits = Limits { records_max: 10_000, bytes_max: 1_000_000, free_bytes_min: 0 };
        assert_eq!(hours_left((4_000, 40_000), limits, 2_400), Some(60));
        assert_eq!(hours_left((4_000, 952_000), limits, 2_400), Some(5));
        assert_eq!(hours_left((10_000, 0), limits, 2_400), Some(0));
        assert_eq!(hours_left((10, 0), limits, 0), None);
    }
}
