//! Which rows of the sensor's own history fill a hole in ours. Pure.
//!
//! The sensor measured on while the gateway was off or the cable out. Its clock says when, compared with ours at the moment
//! of reading: so it need not be exactly right, only have run through. A row is taken once, in order, only inside the hole
//! and not beside a reading that we took ourselves; what the sensor measured before its clock was set is nobody's time.

use std::time::Duration;

use kitchen_contract::time::{Clock, Timestamp};

use crate::at::history::Row;

/// 2024-01-01T00:00:00Z: a sensor's clock that says less has never been set (device reference 11).
const CLOCK_SET_FROM_UNIX_MS: i64 = 1_704_067_200_000;
/// So near to a reading of our own a row says nothing new.
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compared {
    /// The sensor's.
    pub sensor: Timestamp,
    /// Ours.
    pub own: Timestamp,
    /// How far ours can be trusted.
    pub own_bound_ms: u64,
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

/// The rows that fill the hole, the oldest first.
pub fn fill(rows: &[Row], compared: Compared, hole: Hole) -> Vec<Found> {
    let beside_ms = BESIDE.as_millis() as i64;
    let mut found: Vec<Found> = rows.iter().filter_map(|row| place(row, compared)).collect();
    found.retain(|found| {
        found.timestamp.ms_since(hole.from) >= beside_ms && hole.to.ms_since(found.timestamp) >= beside_ms
    });
    found.sort_by_key(|found| found.timestamp);
    found.dedup_by_key(|found| found.timestamp);
    found
}

fn place(row: &Row, Compared { sensor, own, own_bound_ms }: Compared) -> Option<Found> {
    let age_ms = sensor.ms_since(row.at);
    if row.at.unix_ms() < CLOCK_SET_FROM_UNIX_MS || age_ms < 0 {
        return None;
    }
    let drift_ms = age_ms.unsigned_abs() * DRIFT_PPM / 1_000_000;
    let bound_ms = own_bound_ms + COMPARED_WITHIN_MS + drift_ms;
    let clock = Clock::Estimated { bound_ms: Some(bound_ms) };
    Some(Found { timestamp: own.saturating_add_ms(-age_ms), clock, row: *row })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(text: &str) -> Timestamp {
        format!("2026-12-01T{text}.000Z").parse().unwrap()
    }

    fn row(text: &str) -> Row {
        Row::parse(&format!("{text} idc_input=10.976 vdc_input=0.012")).unwrap()
    }

    /// The sensor's clock is two seconds ahead of ours.
    fn filled(rows: &[&str]) -> Vec<String> {
        let rows: Vec<Row> = rows.iter().map(|text| row(text)).collect();
        let compared = Compared { sensor: utc("12:00:02"), own: utc("12:00:00"), own_bound_ms: 20 };
        let hole = Hole { from: utc("10:00:00"), to: utc("11:30:00") };
        let found = fill(&rows, compared, hole);
        assert!(found.iter().all(|found| matches!(found.clock, Clock::Estimated { bound_ms: Some(1520..=4000) })));
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
