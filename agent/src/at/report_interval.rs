//! `AT+TDC`: the sensor's own reporting interval, in seconds.

use std::fmt;
use std::time::Duration;

use super::command::{OutOfRange, Setting, Value};
use super::number;

/// Below, the device answers with an error.
const MIN_S: u32 = 60;
/// Above, the device would cut the number to 24 bits.
const MAX_S: u32 = 0xFF_FFFF;

/// How often the sensor reports by itself. A new interval takes effect when the running one has expired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportInterval(u32);

impl ReportInterval {
    /// That many seconds.
    ///
    /// # Errors
    /// Outside 60 to 16777215.
    pub fn new(seconds: u64) -> Result<Self, OutOfRange> {
        let error = OutOfRange { name: "TDC", number: seconds, min: MIN_S.into(), max: MAX_S.into(), unit: "s" };
        let seconds = u32::try_from(seconds).map_err(|_| error.clone())?;
        if (MIN_S..=MAX_S).contains(&seconds) { Ok(Self(seconds)) } else { Err(error) }
    }
}

impl ReportInterval {
    /// As a time.
    pub fn duration(self) -> Duration {
        Duration::from_secs(self.0.into())
    }
}

impl fmt::Display for ReportInterval {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0)
    }
}

impl Value for ReportInterval {
    const NAME: &'static str = "TDC";

    fn parse(text: &str) -> Option<Self> {
        number::whole(text).map(Self)
    }
}

impl Setting for ReportInterval {
    fn agrees(&self, found: &Self) -> bool {
        self == found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_device_would_wrap_or_refuse_is_refused_here() {
        assert!([60, 7200, 0xFF_FFFF].into_iter().all(|seconds| ReportInterval::new(seconds).is_ok()));
        assert!([0, 59, 0x100_0000, u64::MAX].into_iter().all(|seconds| ReportInterval::new(seconds).is_err()));
        let message = ReportInterval::new(45).unwrap_err().to_string();
        assert_eq!(message, "`AT+TDC` takes 60 to 16777215 s, not 45");
    }
}
