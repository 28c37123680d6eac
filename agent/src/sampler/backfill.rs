//! Which rows of the sensor's own history fill a hole in ours. Pure.
//!
//! The sensor measured on while the gateway was off or the cable out. Its clock says when, compared with ours at the moment
//! of reading: so it need not be exactly right, only have run through. A row is taken once, in order, only inside the hole
//! and not beside a reading that we took ourselves; what the sensor measured before its clock was set is nobody's time.

use std::time::Duration;

use kitchen_contract::time::{Clock, Timestamp};

use crate::at::history::Row;
use crate::at::sensor_clock::SensorClock;
use crate::device::history::CORRECTED_BY;
use crate::device::pace::Pace;

/// So near to a reading of our own, by the sensor's time, a row says nothing new.
const BESIDE: Duration = Duration::from_secs(30);
/// The sensor's clock shows whole seconds, and is asked in some tenths: what that makes uncertain, in ms.
const COMPARED_WITHIN_MS: u64 = 1_500;
/// How far the sensor's clock may run off, in millionths: a cheap crystal from a freezer's wall to a kitchen's ceiling.
const DRIFT_PPM: u64 = 200;

/// A time in which we have no readings; both ends are readings of our own, or the end of the last run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hole {
    /// Its beginning.
    pub from: Timestamp,
    /// Its end.
    pub to: Timestamp,
}

/// Both clocks at the moment when the history was read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Compared {
    /// The sensor's.
    pub sensor: Timestamp,
    /// Ours.
    pub own: Timestamp,
    /// How far ours can be trusted.
    pub own_bound_ms: u64,
    /// How fast the sensor's runs.
    pub pace: Pace,
}

/// A row with its place on our time line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    /// When, by our clock.
    pub timestamp: Timestamp,
    /// How far that can be trusted.
    pub clock: Clock,
    /// What was measured.
    pub row: Row,
}

/// A longer time without a reading of a sensor that is polled at this interval is a hole: a poll is missing, and there is
/// room for a row.
pub fn hole_from(interval: Duration, pace: Pace) -> Duration {
    pace.real_time(interval.max(BESIDE) * 2)
}

/// The rows that fill the hole, the oldest first.
pub fn fill(rows: &[Row], compared: Compared, hole: Hole) -> Vec<Found> {
    let beside_ms = compared.pace.real_time(BESIDE).as_millis() as i64;
    let mut found: Vec<Found> = rows.iter().filter_map(|row| place(row, compared)).collect();
    found.retain(|found| {
        found.timestamp.ms_since(hole.from) >= beside_ms && hole.to.ms_since(found.timestamp) >= beside_ms
    });
    found.sort_by_key(|found| found.timestamp);
    found.dedup_by_key(|found| found.timestamp);
    found
}

fn place(row: &Row, Compared { sensor, own, own_bound_ms, pace }: Compared) -> Option<Found> {
    let age = Duration::from_millis(u64::try_from(sensor.ms_since(row.at)).ok()?);
    if !SensorClock(row.at).is_set() {
        return None;
    }
    let age_ms = pace.real_time(age).as_millis() as u64;
    let bound_ms = own_bound_ms + COMPARED_WITHIN_MS + CORRECTED_BY.as_millis() as u64 + age_ms * DRIFT_PPM / 1_000_000;
    let clock = Clock::Estimated { bound_ms: Some(bound_ms) };
    Some(Found { timestamp: own.saturating_add_ms(-(age_ms as i64)), clock, row: *row })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::speed::Speed;

    fn utc(text: &str) -> Timestamp {
        format!("2026-12-01T{text}.000Z").parse().unwrap()
    }

    fn row(text: &str) -> Row {
        Row::parse(&format!("{text} idc_input=10.976 vdc_input=0.012")).unwrap()
    }

    /// The sensor's clock is two seconds ahead of ours.
    fn filled(rows: &[&str]) -> Vec<String> {
        let rows: Vec<Row> = rows.iter().map(|text| row(text)).collect();
        let compared =
            Compared { sensor: utc("12:00:02"), own: utc("12:00:00"), own_bound_ms: 20, pace: Pace::new(Speed::REAL) };
        let hole = Hole { from: utc("10:00:00"), to: utc("11:30:00") };
        let found = fill(&rows, compared, hole);
        assert!(found.iter().all(|found| matches!(found.clock, Clock::Estimated { bound_ms: Some(61_520..=64_000) })));
        found.into_iter().map(|found| found.timestamp.to_string()[11..19].to_owned()).collect()
    }

    #[test]
    fn only_the_hole_is_filled_in_order_and_once() {
        let rows = [
            "2026/12/1 11:00:02",
            "2026/12/1 10:15:02",
            "1970/1/1 00:00:00",
            "2026/12/1 10:15:02",
            "2026/12/1 09:45:02",
            "2026/12/1 11:45:02",
            "2026/12/1 10:00:20",
            "2026/12/1 11:29:40",
        ];
        assert_eq!(filled(&rows), ["10:15:00", "11:00:00"]);
    }

    #[test]
    fn a_clock_that_was_not_set_or_was_set_back_dates_nothing() {
        assert_eq!(filled(&["1970/1/1 10:15:00", "2021/2/3 10:15:00", "2026/12/1 12:00:03"]), [""; 0]);
    }
}
