//! From a line to a request, by the firmware's substring rules (device reference section 5.1).

use super::command::{Command, TABLE};

/// What a line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Request {
    /// `AT` alone.
    Attention,
    /// `AT?` alone.
    List,
    /// A command of the table.
    Command(Command, Form),
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
    pub(super) fn parse(line: &str) -> Self {
        match line {
            "AT" => return Self::Attention,
            "AT?" => return Self::List,
            _ => {}
        }
        match TABLE.into_iter().find(|command| line.contains(command.name())) {
            Some(command) => Self::Command(command, Form::parse(line)),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, command: Command, form: Form) {
        assert_eq!(Request::parse(line), Request::Command(command, form), "{line}");
    }

    #[test]
    fn the_four_forms() {
        check("AT+TDC=?", Command::Tdc, Form::Get);
        check("AT+TDC=1500", Command::Tdc, Form::Set("1500".into()));
        check("AT+TDC?", Command::Tdc, Form::Help);
        check("AT+TDC", Command::Tdc, Form::Run);
    }

    #[test]
    fn names_match_anywhere_and_the_table_order_decides() {
        check("xxAT+TDC=?yy", Command::Tdc, Form::Get);
        check("AT+ROC=?AT+TDC", Command::Tdc, Form::Get);
        check("AT+ROC=AT+MODEL", Command::Model, Form::Set("AT+MODEL".into()));
        check("AT+TDC=5?", Command::Tdc, Form::Set("5?".into()));
    }

    #[test]
    fn case_matters_and_the_rest_goes_to_the_modem() {
        for line in ["at+tdc=?", "", " AT", "AT+", "AT+FOO=1", "AT??"] {
            assert_eq!(Request::parse(line), Request::Unknown, "{line}");
        }
        assert_eq!(Request::parse("AT"), Request::Attention);
        assert_eq!(Request::parse("AT?"), Request::List);
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
