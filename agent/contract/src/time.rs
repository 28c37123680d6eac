//! The wire's timestamp (UTC, milliseconds) and how far the clock behind it can be trusted.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A moment in UTC with milliseconds, 1970 to 9998. On the wire always `2026-01-11T10:30:00.000Z`: a fixed width, so that
/// keys made of it sort by time.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Timestamp(i64);

/// 9998-12-31T23:59:59.999Z in Unix milliseconds: the last whole year of four digits that every time crate can hold.
const UNIX_MS_MAX: i64 = 253_370_764_799_999;

/// Characters of the wire form.
const WIRE_LEN: usize = "2026-01-11T10:30:00.000Z".len();

/// Why a text or number is not a timestamp.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a timestamp like 2026-01-11T10:30:00.000Z")]
pub struct TimestampError(String);

impl Timestamp {
    /// A moment from Unix milliseconds.
    ///
    /// # Errors
    /// Before 1970 or after 9998.
    pub fn from_unix_ms(unix_ms: i64) -> Result<Self, TimestampError> {
        if (0..=UNIX_MS_MAX).contains(&unix_ms) { Ok(Self(unix_ms)) } else { Err(TimestampError(unix_ms.to_string())) }
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub const fn unix_ms(self) -> i64 {
        self.0
    }

    /// This moment moved by `delta_ms`, held inside 1970 to 9998.
    pub fn saturating_add_ms(self, delta_ms: i64) -> Self {
        Self(self.0.saturating_add(delta_ms).clamp(0, UNIX_MS_MAX))
    }

    /// Milliseconds from `earlier` to this moment; negative if it is later.
    pub const fn ms_since(self, earlier: Self) -> i64 {
        self.0 - earlier.0
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        let bytes = text.as_bytes();
        let shaped = bytes.len() == WIRE_LEN && bytes[10] == b'T' && bytes[19] == b'.' && bytes[WIRE_LEN - 1] == b'Z';
        let parsed = shaped.then(|| text.parse::<jiff::Timestamp>().ok()).flatten();
        parsed
            .and_then(|moment| Self::from_unix_ms(moment.as_millisecond()).ok())
            .filter(|moment| moment.to_string() == text)
            .ok_or_else(|| TimestampError(text.to_owned()))
    }
}

impl TryFrom<String> for Timestamp {
    type Error = TimestampError;

    fn try_from(text: String) -> Result<Self, TimestampError> {
        text.parse()
    }
}

impl From<Timestamp> for String {
    fn from(timestamp: Timestamp) -> String {
        timestamp.to_string()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moment = jiff::Timestamp::from_millisecond(self.0).expect("invariant: 1970 to 9998 is inside jiff's range");
        write!(formatter, "{moment:.3}")
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self}")
    }
}

/// How far the gateway's clock can be trusted at a timestamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Clock {
    /// Compared with a time source, within the contract's second.
    Synced,
    /// Not compared, or not lately.
    Estimated {
        /// The clock is off by at most this many milliseconds; absent while nothing bounds it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bound_ms: Option<u64>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wire_form_has_one_width_and_reads_back() {
        for (unix_ms, wire) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_768_127_400_000, "2026-01-11T10:30:00.000Z"),
            (UNIX_MS_MAX, "9998-12-31T23:59:59.999Z"),
        ] {
            let timestamp = Timestamp::from_unix_ms(unix_ms).unwrap();
            assert_eq!(timestamp.to_string(), wire);
            assert_eq!(wire.parse(), Ok(timestamp));
        }
    }

    #[test]
    fn other_forms_are_refused() {
        for text in [
            "2026-01-11T10:30:00Z",
            "2026-01-11T10:30:00.000+04",
            "2026-01-11 10:30:00.000Z",
            "2026-02-30T10:30:00.000Z",
            "2026-12-31T23:59:60.000Z",
            "",
        ] {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
        assert!(Timestamp::from_unix_ms(-1).is_err());
        assert!(Timestamp::from_unix_ms(UNIX_MS_MAX + 1).is_err());
    }
}
