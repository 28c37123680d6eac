//! What a command was answered: its lines up to the `OK` or error that ends them (device reference 5.2).
//!
//! Values are not taken by position: a get has its value in the one line that is to the letter such a value, so a notice,
//! an echo or damage beside it does no harm, and two candidates are none.

use super::command::Value;
use super::history::Row;
use super::line::Line;
use super::raw::{self, RawLine};

/// The most text lines that a reply may have: the history's 32 rows, with some of somebody else's between.
const LINES_MAX: usize = 40;
/// The most lines that a reply to a line of any text may have; the log is the longest, 10 kB.
pub const RAW_LINES_MAX: usize = 1_000;

/// How a reply ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// `OK`.
    Ok,
    /// `AT_PARAM_ERROR` or its like.
    ParameterError,
    /// `ERROR` from the modem: the device did not recognise the line.
    ModemError,
}

/// A whole reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Its lines, without empty ones and the one that ended it.
    pub lines: Vec<Vec<u8>>,
    /// How it ended.
    pub end: End,
}

/// The reply so far.
#[derive(Clone, Debug, Default)]
pub struct ReplyCollector {
    lines: Vec<Vec<u8>>,
    /// What was sent, if it was a line of any text.
    raw: Option<RawLine>,
}

impl ReplyCollector {
    /// For the reply to a line of any text.
    pub fn of_raw(line: &RawLine) -> Self {
        Self { lines: Vec::new(), raw: Some(line.clone()) }
    }

    /// Takes one line; the reply, if this ended it. Events, noise and password messages are somebody else's.
    pub fn take(&mut self, line: &Line) -> Option<Reply> {
        let end = match line {
            Line::Ok => End::Ok,
            Line::ParameterError => End::ParameterError,
            Line::ModemError => End::ModemError,
            Line::Empty
            | Line::Password(_)
            | Line::Boot
            | Line::Noise
            | Line::Modem(_)
            | Line::Event(_)
            | Line::Text(_) => {
                self.collect(line);
                return None;
            }
        };
        Some(Reply { lines: std::mem::take(&mut self.lines), end })
    }

    fn collect(&mut self, line: &Line) {
        let (text, lines_max) = match (&self.raw, line) {
            (None, Line::Text(text)) => (Some(text.as_slice()), LINES_MAX),
            (None, _) => (None, LINES_MAX),
            (Some(raw), _) => (raw.answer(line), RAW_LINES_MAX),
        };
        // Nothing else stands inside an answer: it begins anew behind a log line, and with a block of its own.
        let elsewhere = text.is_none() && self.raw.is_some() && matches!(line, Line::Event(_));
        if elsewhere || (self.raw.is_some() && text.is_some_and(raw::begins_block)) {
            self.lines.clear();
        }
        if let Some(text) = text.filter(|_| self.lines.len() < lines_max) {
            self.lines.push(text.to_vec());
        }
    }
}

impl Reply {
    /// The value that was asked for, if exactly one line is one.
    pub fn value<V: Value>(&self) -> Option<V> {
        let mut values = self.lines.iter().filter_map(|line| V::parse(std::str::from_utf8(line).ok()?));
        let value = values.next().filter(|_| self.end == End::Ok)?;
        values.next().is_none().then_some(value)
    }

    /// The rows of history in it; what is damaged is left out.
    pub fn rows(&self) -> Vec<Row> {
        self.lines.iter().filter_map(|line| Row::parse(std::str::from_utf8(line).ok()?)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::at::report_interval::ReportInterval;

    fn check(lines: &[&str], expected: Option<Option<u64>>) {
        let mut collector = ReplyCollector::default();
        let reply = lines.iter().find_map(|line| collector.take(&Line::classify(line.as_bytes())));
        let value = reply.map(|reply| reply.value::<ReportInterval>());
        assert_eq!(value, expected.map(|value| value.map(|value| ReportInterval::new(value).unwrap())), "{lines:?}");
    }

    #[test]
    fn the_value_is_the_one_line_that_is_one() {
        check(&["7200", "", "OK", ""], Some(Some(7200)));
        check(&["[1]Signal Strength:17", "AT+PWRM2", "7200", "+CSQ: 1,0", "", "OK"], Some(Some(7200)));
        check(&["AT+TDC=?", "7200", "", "OK"], Some(Some(7200)));
        check(&["Attention:Take effect after ATZ", "7200", "", "OK"], Some(Some(7200)));
    }

    #[test]
    fn nothing_is_guessed() {
        check(&["7200", ""], None);
        check(&["", "OK"], Some(None));
        check(&["72x0", "", "OK"], Some(None));
        check(&["7200", "1500", "", "OK"], Some(None));
        check(&["7200", "", "AT_PARAM_ERROR"], Some(None));
        check(&["7200", "", "ERROR"], Some(None));
    }
}
