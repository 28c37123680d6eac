//! Where two sides part, so that a person sees it at a glance. Pure.

use std::fmt;
use std::time::Duration;

use crate::record::escape;

/// What was expected and what came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Difference {
    /// Other bytes.
    Bytes {
        /// Who said them.
        who: &'static str,
        /// A sample of what would have been right.
        expected: Vec<u8>,
        /// What was said.
        got: Vec<u8>,
        /// The first byte of `got` that is wrong.
        at: usize,
    },
    /// Nothing more came for that long.
    Missing {
        /// Who did not say it.
        who: &'static str,
        /// A sample of what would have been right.
        expected: Vec<u8>,
        /// What was said.
        got: Vec<u8>,
        /// How long it was waited for.
        waited: Duration,
    },
    /// Something came where nothing was expected.
    Unexpected {
        /// What was said.
        got: Vec<u8>,
    },
    /// The right bytes at the wrong time.
    Time {
        /// When they came.
        taken: Duration,
        /// When they should have come.
        from: Duration,
        /// When they should have come at the latest.
        to: Duration,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes { who, expected, got, at } => {
                writeln!(formatter, "the {who} said something else")?;
                compare_lines(formatter, expected, got, *at)
            }
            Self::Missing { who, expected, got, waited } => {
                let seconds = waited.as_secs_f64();
                writeln!(formatter, "the {who} said nothing more for {seconds:.1} s")?;
                compare_lines(formatter, expected, got, got.len())
            }
            Self::Unexpected { got } => {
                write!(formatter, "the device was to be silent\n  got       {}", visible(got))
            }
            Self::Time { taken, from, to } => {
                let [taken, from, to] = [taken, from, to].map(|time| time.as_millis());
                writeln!(formatter, "the device's words are right, their time is not")?;
                write!(formatter, "  expected  after {from}..{to} ms\n  got       after {taken} ms")
            }
        }
    }
}

/// The line in which they part, and a mark below the first wrong byte. What may differ contains no line end, so both
/// have the same number of lines before it.
fn compare_lines(formatter: &mut fmt::Formatter<'_>, expected: &[u8], got: &[u8], at: usize) -> fmt::Result {
    let line_start = got[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let number = got[..at].iter().filter(|byte| **byte == b'\n').count();
    let expected_line = expected.split_inclusive(|byte| *byte == b'\n').nth(number).unwrap_or_default();
    let got_line = got[line_start..].split_inclusive(|byte| *byte == b'\n').next().unwrap_or_default();
    let column = visible(&got[line_start..at]).chars().count();
    if number > 0 {
        writeln!(formatter, "  in its line {}", number + 1)?;
    }
    writeln!(formatter, "  expected  {}", visible(expected_line))?;
    writeln!(formatter, "  got       {}", visible(got_line))?;
    write!(formatter, "            {:column$}^", "")
}

/// As a transcript writes it.
fn visible(bytes: &[u8]) -> String {
    escape(bytes).replace("\\r\\n", "¶")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(expected: &[u8], got: &[u8], at: usize) -> String {
        let (expected, got) = (expected.to_vec(), got.to_vec());
        Difference::Bytes { who: "device", expected, got, at }.to_string()
    }

    #[test]
    fn the_mark_stands_below_the_first_wrong_byte() {
        assert_eq!(
            shown(b"7200\r\n\r\nOK", b"7201\r\n", 3),
            "the device said something else\n  expected  7200¶\n  got       7201¶\n               ^"
        );
    }

    #[test]
    fn the_line_is_found_behind_lines_of_another_length() {
        assert_eq!(
            shown(b"[1]a\r\n\x1aBAT:3.5 V\r\n", b"[98765]a\r\n\x1aBAT=3.5 V\r\n", 14),
            "the device said something else\n  in its line 2\n  expected  \\x1aBAT:3.5 V¶\n  got       \\x1aBAT=3.5 V¶\n\
             \x20                  ^"
        );
    }

    #[test]
    fn what_is_missing_is_marked_where_it_should_have_been() {
        let (expected, got, waited) = (b"\r\nOK\r\n".to_vec(), b"\r\n".to_vec(), Duration::from_millis(1500));
        let said = Difference::Missing { who: "device", expected, got, waited }.to_string();
        assert_eq!(
            said,
            "the device said nothing more for 1.5 s\n  in its line 2\n  expected  OK¶\n  got       \n            ^"
        );
    }
}
