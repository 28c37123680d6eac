//! `AT+ROC`: report on change.
//!
//! The driver uses mode 1 (compare with the last reported value) on the current only: in mode 2 every poll would renew the
//! reference, and a slow drift would hide (design, section 4). Fields are checked here because the device cuts them to 8
//! or 16 bits without a word.

use std::fmt;
use std::time::Duration;

use super::command::{OutOfRange, Setting, Value};
use super::number;

/// The largest threshold that the device takes.
const THRESHOLD_UA_MAX: u64 = 20_000;
/// The fewest and the most numbers in the device's answer: modes 0 to 2, mode 3.
const FIELDS: std::ops::RangeInclusive<usize> = 4..=6;

/// What the sensor watches by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportOnChange {
    fields: Vec<u32>,
}

impl ReportOnChange {
    /// Watch nothing.
    pub const OFF: Self = Self { fields: Vec::new() };

    /// Look every `every_s` seconds; report when the current has moved by `threshold_ua` µA since the last report.
    ///
    /// # Errors
    /// Outside 1 to 65535 s or 1 to 20000 µA.
    pub fn on(every_s: u64, threshold_ua: u64) -> Result<Self, OutOfRange> {
        let every = field(every_s, u16::MAX.into(), "s")?;
        let threshold = field(threshold_ua, THRESHOLD_UA_MAX, "µA")?;
        Ok(Self { fields: vec![1, every, threshold, 0] })
    }

    /// How often the sensor looks, if it does.
    pub fn every(&self) -> Option<Duration> {
        let every_s = self.fields.get(1).copied().filter(|_| !self.is_off())?;
        Some(Duration::from_secs(every_s.into()))
    }

    fn is_off(&self) -> bool {
        self.fields.first().is_none_or(|mode| *mode == 0)
    }
}

/// A field that is not 0, because 0 would switch the watching off.
fn field(number: u64, max: u64, unit: &'static str) -> Result<u32, OutOfRange> {
    let error = OutOfRange { name: "ROC", number, min: 1, max, unit };
    if !(1..=max).contains(&number) {
        return Err(error);
    }
    u32::try_from(number).map_err(|_| error)
}

impl fmt::Display for ReportOnChange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.fields.is_empty() {
            return formatter.write_str("0,0,0,0");
        }
        let fields: Vec<String> = self.fields.iter().map(u32::to_string).collect();
        formatter.write_str(&fields.join(","))
    }
}

impl Value for ReportOnChange {
    const NAME: &'static str = "ROC";

    fn parse(text: &str) -> Option<Self> {
        let fields: Option<Vec<u32>> = text.split(',').map(number::whole).collect();
        fields.filter(|fields| FIELDS.contains(&fields.len())).map(|fields| Self { fields })
    }
}

impl Setting for ReportOnChange {
    /// Off is off, whatever thresholds are left behind: no flash is worn for them.
    fn agrees(&self, found: &Self) -> bool {
        (self.is_off() && found.is_off()) || self.fields == found.fields
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_device_would_wrap_is_refused_here() {
        assert!(ReportOnChange::on(300, 320).is_ok());
        assert!(ReportOnChange::on(65_535, 20_000).is_ok());
        for (every, threshold) in [(0, 320), (65_536, 320), (70_000, 320), (300, 0), (300, 20_001), (300, 65_537)] {
            assert!(ReportOnChange::on(every, threshold).is_err(), "{every},{threshold}");
        }
    }

    #[test]
    fn compared_as_numbers_and_off_is_off() {
        let found = |text| ReportOnChange::parse(text).unwrap();
        let wanted = ReportOnChange::on(300, 320).unwrap();
        assert!(wanted.agrees(&found("1,300,320,0")));
        assert!(!wanted.agrees(&found("2,300,320,0")));
        assert!(!wanted.agrees(&found("0,300,320,0")));
        assert!(ReportOnChange::OFF.agrees(&found("0,300,320,0")));
        assert!(!ReportOnChange::OFF.agrees(&found("3,0,1,12000,0,200")));
        for text in ["", "1", "1,300,320", "1,300,x,0", "1,300,320,0,1,2,3", "1, 300,320,0"] {
            assert_eq!(ReportOnChange::parse(text), None, "{text}");
        }
    }
}
