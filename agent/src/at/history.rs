//! `AT+CDP`: the sensor's own history, 32 rows of what it measured by its own clock (device reference 6.4).
//!
//! A row is `2025/3/9 14:15:00 idc_input=8.704 vdc_input=0.012`, with words about a pressure probe behind it where one is
//! set. Unused rows are of 1970.

use kitchen_contract::record::Absence;
use kitchen_contract::time::Timestamp;
use kitchen_contract::unit::{MilliAmp, Volt};

use super::measurement::Measurement;
use super::number;

/// One row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    /// By the sensor's clock, which is UTC once it has been set.
    pub at: Timestamp,
    /// The loop current.
    pub current: MilliAmp,
    /// The voltage input.
    pub input: Volt,
}

impl Row {
    /// The row in a line of a reply; `None` if it is not to the letter what the device prints.
    pub fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let at = time(words.next()?, words.next()?)?;
        let current = value(words.next()?, "idc_input=")?;
        let input = value(words.next()?, "vdc_input=")?;
        Some(Self { at, current: MilliAmp::new(current).ok()?, input: Volt::new(input).ok()? })
    }
}

impl Row {
    /// As a measurement; of the battery a row says nothing.
    pub fn measurement(&self) -> Measurement {
        Measurement { current: self.current, battery: Err(Absence::NotReported), input: self.input }
    }
}

/// Month and day without a leading zero, the time with two digits each.
fn time(date: &str, clock: &str) -> Option<Timestamp> {
    let mut date = date.split('/').map(number::whole);
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let shaped = clock.len() == 8 && clock.bytes().enumerate().all(|(at, byte)| (byte == b':') == (at % 3 == 2));
    if !shaped || date.next().is_some() {
        return None;
    }
    format!("{year:04}-{month:02}-{day:02}T{clock}.000Z").parse().ok()
}

fn value(word: &str, name: &str) -> Option<f64> {
    let thousandths = number::thousandths(&format!("{} x", word.strip_prefix(name)?), "x")?;
    Some(f64::from(thousandths) / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_read_to_the_letter() {
        let row = Row::parse("2025/3/9 14:15:00 idc_input=8.704 vdc_input=0.012").unwrap();
        assert_eq!(row.at.to_string(), "2025-03-09T14:15:00.000Z");
        assert_eq!((row.current.get(), row.input.get()), (8.704, 0.012));
        assert!(Row::parse("2025/12/31 04:05:06 idc_input=21.333 vdc_input=0.000 water_deep:1.000 m").is_some());
        assert_eq!(Row::parse("1970/1/1 00:00:00 idc_input=0.000 vdc_input=0.000").unwrap().at.unix_ms(), 0);
    }

    #[test]
    fn damage_is_no_row() {
        for text in [
            "",
            "2025/3/9",
            "2025/03/9 14:15:00 idc_input=8.704 vdc_input=0.012",
            "2025/13/9 14:15:00 idc_input=8.704 vdc_input=0.012",
            "2025/2/30 14:15:00 idc_input=8.704 vdc_input=0.012",
            "2025/3/9/1 14:15:00 idc_input=8.704 vdc_input=0.012",
            "2025/3/9 4:15:00 idc_input=8.704 vdc_input=0.012",
            "2025/3/9 24:15:00 idc_input=8.704 vdc_input=0.012",
            "2025/3/9 14:15:0: idc_input=8.704 vdc_input=0.012",
            "2025/3/9 14:15:00 idc_input=8.70 vdc_input=0.012",
            "2025/3/9 14:15:00 idc_inpu=8.704 vdc_input=0.012",
            "2025/3/9 14:15:00 idc_input=87.704 vdc_input=0.012",
            "2025/3/9 14:15:00 idc_input=8.704",
        ] {
            assert_eq!(Row::parse(text), None, "{text}");
        }
    }
}
