//! `AT+12VT`: how long the transmitter is powered before it is read, in milliseconds.

use std::fmt;
use std::time::Duration;

use super::command::{OutOfRange, Setting, Value};
use super::number;

/// The longest time that firmware of this generation takes; older ones end at 65535 and answer with an error.
const MAX_MS: u32 = 180_000;

/// Power for the transmitter; 0 is none at all, for one with a supply of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WarmUp(u32);

impl WarmUp {
    /// That many milliseconds.
    ///
    /// # Errors
    /// Over 180000. (65535 exactly is taken by the device for "always on", which does no harm.)
    pub fn new(milliseconds: u64) -> Result<Self, OutOfRange> {
        let error = OutOfRange { name: "12VT", number: milliseconds, min: 0, max: MAX_MS.into(), unit: "ms" };
        let milliseconds = u32::try_from(milliseconds).map_err(|_| error.clone())?;
        if milliseconds <= MAX_MS { Ok(Self(milliseconds)) } else { Err(error) }
    }

    /// As a duration.
    pub fn duration(self) -> Duration {
        Duration::from_millis(self.0.into())
    }
}

impl fmt::Display for WarmUp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0)
    }
}

impl Value for WarmUp {
    const NAME: &'static str = "12VT";

    fn parse(text: &str) -> Option<Self> {
        number::whole(text).map(Self)
    }
}

impl Setting for WarmUp {
    fn agrees(&self, found: &Self) -> bool {
        self == found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_most_three_minutes() {
        assert!([0, 500, 6000, 180_000].into_iter().all(|ms| WarmUp::new(ms).is_ok()));
        assert!([180_001, u64::MAX].into_iter().all(|ms| WarmUp::new(ms).is_err()));
    }
}
