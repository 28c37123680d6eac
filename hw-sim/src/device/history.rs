//! The local history: 32 records in a ring of flash, which a reset leaves alone (device reference section 6.4).

use std::collections::VecDeque;

use super::calendar::TimeText;
use super::payload::{Probe, thousandths};
use crate::physics::Sample;

/// Records of the ring.
pub(super) const RECORDS: usize = 32;

/// One stored sample. All zero is an unused place, dated 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Record {
    /// Current in µA.
    pub(crate) idc_ua: u16,
    /// Voltage in mV.
    pub(crate) vdc_mv: u16,
    /// Unix time of the sample.
    pub(crate) unix_s: u32,
}

/// What an uplink sends for places that hold no record (quirk Q14).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unused {
    /// Zeros, dated 1970: what the firmware does.
    Zeros,
    /// Nothing.
    Omitted,
}

/// The ring.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct History {
    /// Oldest first.
    records: VecDeque<Record>,
}

impl Record {
    /// A sample as it is stored: truncated to µA and mV; a time before 1970 does not fit and becomes 0.
    pub(crate) fn new(sample: &Sample, unix_s: i64) -> Self {
        Self { idc_ua: sample.idc_ua(), vdc_mv: sample.vdc_mv(), unix_s: unix_s.clamp(0, u32::MAX.into()) as u32 }
    }

    /// The row that `AT+CDP` prints, without its line end.
    fn row(&self, probe: Probe) -> String {
        let time = TimeText::Row.of(self.unix_s.into());
        let values = format!("idc_input={} vdc_input={}", thousandths(self.idc_ua), thousandths(self.vdc_mv));
        format!("{time} {values}{}", probe.row_suffix(self.idc_ua))
    }
}

impl History {
    /// Stores a record; the 33rd takes the place of the oldest.
    pub(super) fn push(&mut self, record: Record) {
        if self.records.len() == RECORDS {
            self.records.pop_front();
        }
        self.records.push_back(record);
    }

    /// The stored records, newest first.
    pub(super) fn newest_first(&self) -> impl Iterator<Item = Record> {
        self.records.iter().rev().copied()
    }

    /// What an uplink with `count` entries carries, newest first.
    pub(super) fn entries(&self, count: u8, unused: Unused) -> Vec<Record> {
        let stored = self.newest_first();
        match unused {
            Unused::Zeros => stored.chain(std::iter::repeat(Record::default())).take(count.into()).collect(),
            Unused::Omitted => stored.take(count.into()).collect(),
        }
    }

    /// The 32 rows of `AT+CDP`. The firmware walks the ring from the place it will write next, so the unused places
    /// come first and the newest record last.
    pub(super) fn rows(&self, probe: Probe) -> Vec<String> {
        let unused = RECORDS - self.records.len();
        let places = std::iter::repeat_n(Record::default(), unused).chain(self.records.iter().copied());
        places.map(|record| record.row(probe)).collect()
    }

    /// `AT+CDP=0` and a factory reset.
    pub(super) fn clear(&mut self) {
        self.records.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RECORD: Record = Record { idc_ua: 8704, vdc_mv: 12, unix_s: 0x67cd_a264 };

    fn history(records: impl IntoIterator<Item = Record>) -> History {
        let mut history = History::default();
        records.into_iter().for_each(|record| history.push(record));
        history
    }

    fn check_rows(probe: &str, first: &str, last: &str) {
        let rows = history([RECORD]).rows(Probe::parse(probe));
        assert_eq!(rows.len(), RECORDS);
        assert_eq!((rows[0].as_str(), rows[31].as_str()), (first, last), "{probe}");
    }

    #[test]
    fn rows_are_written_to_the_letter() {
        let unused = "1970/1/1 00:00:00 idc_input=0.000 vdc_input=0.000";
        let used = "2025/3/9 14:15:00 idc_input=8.704 vdc_input=0.012";
        check_rows("0000", unused, used);
        check_rows("000a", &format!("{unused} water_deep:0.000"), &format!("{used} water_deep:294.000"));
        check_rows("0101", &format!("{unused} pressure:0.000"), &format!("{used} pressure:176.400"));
        let differential = [unused, used].map(|row| format!("{row} differential_pressure::"));
        check_rows("0202", &format!("{}0.000", differential[0]), &format!("{}58.800", differential[1]));
    }

    #[test]
    fn an_uplink_carries_the_newest_and_zeros_for_unused_places() {
        let history = history([Record { unix_s: 1, ..RECORD }, RECORD]);
        let zero = Record::default();
        assert_eq!(history.entries(1, Unused::Zeros), [RECORD]);
        assert_eq!(history.entries(3, Unused::Zeros), [RECORD, Record { unix_s: 1, ..RECORD }, zero]);
        assert_eq!(history.entries(3, Unused::Omitted).len(), 2);
        assert_eq!(history.entries(0, Unused::Zeros), []);
    }

    #[test]
    fn values_are_truncated() {
        let sample = Sample { idc_ma: 9.2169, vdc_v: 0.0129, battery_v: 3.5 };
        assert_eq!(Record::new(&sample, -5), Record { idc_ua: 9216, vdc_mv: 12, unix_s: 0 });
    }

    #[test]
    fn cleared_is_empty() {
        let mut history = history([RECORD; 40]);
        history.clear();
        assert_eq!(history, History::default());
    }

    proptest! {
        #[test]
        fn the_ring_keeps_the_newest_32(times in prop::collection::vec(any::<u32>(), 0..100)) {
            let records: Vec<Record> = times.iter().map(|unix_s| Record { unix_s: *unix_s, ..RECORD }).collect();
            let expected: Vec<Record> = records.iter().rev().take(RECORDS).copied().collect();
            let history = history(records);
            prop_assert_eq!(history.newest_first().collect::<Vec<_>>(), expected);
            prop_assert_eq!(history.rows(Probe::default()).len(), RECORDS);
        }
    }
}
