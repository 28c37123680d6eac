//! From a line to a request, by the firmware's substring rules (device reference section 5.1).

use super::catalogue::Entry;

/// What a line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Request {
    /// `AT` alone.
    Attention,
    /// `AT?` alone.
    List,
    /// A command of the table.
    Command(Entry, Form),
    /// Nothing in the table: a line for the modem.
    Unknown,
}

/// The four forms of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Form {
    /// `=?` anywhere.
    Get,
    /// `=` anywhere; what follows the first one.
    Set(String),
    /// `?` anywhere: the help text, not a query.
    Help,
    /// None of these.
    Run,
}

impl Request {
    /// Case-sensitive; the first table entry whose name occurs anywhere in the line wins.
    pub(super) fn parse(line: &str, table: &[Entry]) -> Self {
        match line {
            "AT" => return Self::Attention,
            "AT?" => return Self::List,
            _ => {}
        }
        match table.iter().find(|entry| line.contains(entry.name())) {
            Some(entry) => Self::Command(*entry, Form::parse(line)),
            None => Self::Unknown,
        }
    }
}

impl Form {
    fn parse(line: &str) -> Self {
        if line.contains("=?") {
            Self::Get
        } else if let Some((_, value)) = line.split_once('=') {
            Self::Set(value.to_owned())
        } else if line.contains('?') {
            Self::Help
        } else {
            Self::Run
        }
    }
}

/// The firmware's string for a line: C strings end at NUL, and bytes beyond ASCII match nothing.
pub(super) fn text_of(line: &[u8]) -> String {
    let end = line.iter().position(|byte| *byte == 0).unwrap_or(line.len());
    String::from_utf8_lossy(&line[..end]).into_owned()
}

/// C's `atoi`: leading blanks, a sign, digits; no digits are 0; rubbish behind is ignored. Saturates far beyond any
/// range the firmware checks.
pub(super) fn atoi(text: &str) -> i64 {
    let text = text.trim_start_matches([' ', '\t']);
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let number = digits.bytes().take_while(u8::is_ascii_digit);
    sign * number.fold(0_i64, |sum, digit| sum.saturating_mul(10).saturating_add(i64::from(digit - b'0')))
}

/// Most numbers that any command reads.
const NUMBERS_MAX: usize = 6;

/// C's `sscanf("%d,%d,...")`: as many numbers as there are, up to the first thing that is none.
pub(super) fn numbers(value: &str) -> Vec<i64> {
    let starts_number = |text: &&str| {
        let text = text.trim_start_matches([' ', '\t']);
        text.trim_start_matches(['-', '+']).starts_with(|first: char| first.is_ascii_digit())
    };
    let fields: Vec<&str> = value.split(',').take(NUMBERS_MAX).take_while(starts_number).collect();
    // A field with rubbish behind its digits still counts, but ends the reading.
    let whole =
        |text: &&str| text.trim_start().trim_start_matches(['-', '+']).bytes().all(|byte| byte.is_ascii_digit());
    let count = fields.iter().take_while(|field| whole(field)).count() + 1;
    fields.iter().take(count).map(|field| atoi(field)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Profile;

    fn parse(line: &str) -> Request {
        Request::parse(line, &Profile::load("nb-1.1").unwrap().commands)
    }

    fn check(line: &str, name: &str, form: Form) {
        assert_eq!(parse(line), Request::Command(Entry::find(name).unwrap(), form), "{line}");
    }

    #[test]
    fn the_four_forms() {
        check("AT+TDC=?", "AT+TDC", Form::Get);
        check("AT+TDC=1500", "AT+TDC", Form::Set("1500".into()));
        check("AT+TDC?", "AT+TDC", Form::Help);
        check("AT+TDC", "AT+TDC", Form::Run);
    }

    #[test]
    fn names_match_anywhere_and_the_table_order_decides() {
        check("xxAT+TDC=?yy", "AT+TDC", Form::Get);
        check("AT+ROC=?AT+TDC", "AT+TDC", Form::Get);
        check("AT+ROC=AT+MODEL", "AT+MODEL", Form::Set("AT+MODEL".into()));
        check("AT+TDC=5?", "AT+TDC", Form::Set("5?".into()));
    }

    #[test]
    fn case_matters_and_the_rest_goes_to_the_modem() {
        for line in ["at+tdc=?", "", " AT", "AT+", "AT+FOO=1", "AT??"] {
            assert_eq!(parse(line), Request::Unknown, "{line}");
        }
        assert_eq!(parse("AT"), Request::Attention);
        assert_eq!(parse("AT?"), Request::List);
    }

    #[test]
    fn integers_are_read_as_c_does() {
        for (text, expected) in [("15x", 15), ("", 0), ("abc", 0), (" -3", -3), ("+7,8", 7), ("- 5", 0)] {
            assert_eq!(atoi(text), expected, "{text:?}");
        }
        assert_eq!(atoi("99999999999999999999999"), i64::MAX);
    }

    #[test]
    fn a_line_ends_at_nul() {
        assert_eq!(text_of(b"AT\0+TDC"), "AT");
    }
}
