//! `[buffer]`: what is kept while the cloud does not acknowledge.

use super::reader::Section;
use super::sections::Sensor;
use crate::buffer::Limits;
use crate::buffer::capacity::{BYTES_MIN, DAYS_DEFAULT, RECORDS_MIN, limits_for, readings_per_day};

/// The longest time that can be asked for, in days: ten years.
const DAYS_MAX: u64 = 3_660;

/// Reads the section; without a limit of its own it follows from the days and the intervals of `sensors`.
pub(super) fn read(mut section: Section<'_>, sensors: &[Sensor]) -> Limits {
    let days = section.or("days", DAYS_DEFAULT);
    if !(1..=DAYS_MAX).contains(&days) {
        section.refuse("days", format!("must be 1 to {DAYS_MAX}"));
    }
    let per_day = readings_per_day(sensors.iter().map(|sensor| sensor.plan.interval));
    let by_days = limits_for(days, per_day);
    let records_max = section.or("records_max", by_days.records_max);
    let bytes_max = section.or("bytes_max", by_days.bytes_max);
    let free_bytes_min = section.or("free_bytes_min", by_days.free_bytes_min);
    for (key, value, min) in [("records_max", records_max, RECORDS_MIN), ("bytes_max", bytes_max, BYTES_MIN)] {
        if value < min {
            section.refuse(key, format!("must be at least {min}"));
        }
    }
    section.finish();
    Limits { records_max, bytes_max, free_bytes_min }
}
