//! Golden dialogues: the text format of `transcripts/*.txt`, and matching of device bytes against it.
//!
//! Written by hand from the device reference, so that a simulator and a driver can be held against the same words.
//! Knows nothing of either. One step a line, blank lines and lines that begin with `#` are comments:
//!
//! ```text
//! = unlocked             state at the start: `powered` (boot text follows), `locked` or `unlocked` (boot and first
//!                        uplink are over, the modem sleeps, nothing is on its way); must come first
//! % profile cb-1.1.4     the firmware; nb-1.1 unless it is said, before the first step
//! % set quirks.q7=false  a key of that profile that is different here
//! > AT+TDC=?             the host sends this line; the line end is the replayer's choice, CR is safest
//! < 7200¶¶OK¶¶           the device sends these bytes; `<` lines that follow each other are one
//! @ 70..210 ms           when the last of these bytes came, counted from the end of the host line, or from the end of
//!                        the step before when the device spoke by itself
//! . 2 s                  the device is silent for that long
//! ~ 300 s                that much time passes, whatever is said
//! ! set network attached the simulator is told this; whoever replays against something else does it by hand
//! ```
//!
//! In device bytes `¶` is CR LF, `\r` and `\n` are what they say, `\x1a` is the byte with that number. Three parts differ
//! from run to run; what is written is the sample a replayer sends when it plays the device: `[123]` at the beginning of
//! a device line is any counter, `{9.216}` is any number with as many decimals, `{~some words}` is any text without a
//! line end.

use std::time::Duration;

use crate::control::{Command, CommandError};

/// The firmware of a transcript that names none: the one in the kitchens.
const PROFILE: &str = "nb-1.1";

/// A year is longer than any dialogue; more could not be added up any more.
const TIME_MAX: Duration = Duration::from_secs(365 * 86_400);

/// A dialogue.
#[derive(Debug, Clone, PartialEq)]
pub struct Transcript {
    /// State at the start.
    pub start: Start,
    /// The firmware profile.
    pub profile: String,
    /// Keys of the profile that are different, as in `quirks.q7=false`.
    pub changes: Vec<String>,
    /// What happens, in order.
    pub steps: Vec<Step>,
    /// The line of the text on which each step begins, from 1.
    pub lines: Vec<usize>,
}

/// State of the device when a dialogue begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// Power was applied this moment.
    Powered,
    /// Boot and first uplink are over, nobody has logged in.
    Locked,
    /// As [`Start::Locked`], and the password was typed.
    Unlocked,
}

/// One step of a dialogue.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// The host sends this line.
    Host(String),
    /// The device sends these bytes.
    Device(Pattern),
    /// The last of these bytes came within these times.
    Within(Duration, Duration),
    /// The device is silent for that long.
    Silence(Duration),
    /// That much time passes, whatever is said.
    Pass(Duration),
    /// The simulator is told this.
    Told(Command),
}

/// Device bytes with the parts that differ from run to run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pattern(Vec<Token>);

/// A part of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Exact(Vec<u8>),
    Number(String),
    Text(String),
}

/// How far bytes agree with a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Match {
    /// All of the pattern, in that many bytes.
    Complete(usize),
    /// So far; more bytes are needed.
    Partial,
    /// Not from this byte on.
    Mismatch(usize),
}

/// A transcript that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct TranscriptError {
    /// Line of the file, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub reason: String,
}

impl Transcript {
    /// Reads a transcript's text.
    pub fn parse(text: &str) -> Result<Self, TranscriptError> {
        let mut transcript = None;
        for (number, line) in (1..).zip(text.lines()) {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let (mark, rest) = line.split_once(' ').unwrap_or((line, ""));
            let read = match (mark, &mut transcript) {
                ("=", None) => Start::parse(rest.trim()).map(|start| transcript = Some(Self::starting(start))),
                (_, None) | ("=", Some(_)) => Err("the state comes first, and once".to_owned()),
                ("%", Some(transcript)) => transcript.is_about(rest.trim()),
                (_, Some(transcript)) => transcript.push(number, mark, rest),
            };
            read.map_err(|reason| TranscriptError { line: number, reason })?;
        }
        transcript.ok_or_else(|| TranscriptError { line: 1, reason: "the state is missing".to_owned() })
    }

    fn push(&mut self, number: usize, mark: &str, rest: &str) -> Result<(), String> {
        push_step(&mut self.steps, mark, rest)?;
        if self.lines.len() < self.steps.len() {
            self.lines.push(number);
        }
        Ok(())
    }

    fn starting(start: Start) -> Self {
        Self { start, profile: PROFILE.to_owned(), changes: Vec::new(), steps: Vec::new(), lines: Vec::new() }
    }

    fn is_about(&mut self, text: &str) -> Result<(), String> {
        if !self.steps.is_empty() {
            return Err("the firmware is said before the first step".to_owned());
        }
        match text.split_once(' ') {
            Some(("profile", name)) => name.clone_into(&mut self.profile),
            Some(("set", change)) => self.changes.push(change.to_owned()),
            _ => return Err("it is `% profile NAME` or `% set KEY=VALUE`".to_owned()),
        }
        Ok(())
    }
}

impl Start {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "powered" => Ok(Self::Powered),
            "locked" => Ok(Self::Locked),
            "unlocked" => Ok(Self::Unlocked),
            _ => Err("the state is powered, locked or unlocked".to_owned()),
        }
    }
}

fn push_step(steps: &mut Vec<Step>, mark: &str, rest: &str) -> Result<(), String> {
    match (mark, steps.last_mut()) {
        (">", _) => steps.push(Step::Host(rest.to_owned())),
        ("<", Some(Step::Device(pattern))) => pattern.0.extend(tokens(rest)?),
        ("<", _) => steps.push(Step::Device(Pattern(tokens(rest)?))),
        ("@", Some(Step::Device(_))) => steps.push(within(rest)?),
        ("@", _) => return Err("a time window belongs to device bytes".to_owned()),
        (".", _) => steps.push(Step::Silence(duration(rest)?)),
        ("~", _) => steps.push(Step::Pass(duration(rest)?)),
        ("!", _) => steps.push(Step::Told(rest.parse().map_err(|error: CommandError| error.to_string())?)),
        _ => return Err("a line begins with =, %, >, <, @, ., ~, ! or #".to_owned()),
    }
    Ok(())
}

fn within(text: &str) -> Result<Step, &'static str> {
    let (from, to_and_unit) = text.split_once("..").ok_or("a time window is written 70..210 ms")?;
    let unit = to_and_unit.rsplit_once(' ').ok_or("a time has a unit, ms or s")?.1;
    let (from, to) = (duration(&format!("{from} {unit}"))?, duration(to_and_unit)?);
    if from <= to { Ok(Step::Within(from, to)) } else { Err("a time window begins before it ends") }
}

fn duration(text: &str) -> Result<Duration, &'static str> {
    let (number, unit) = text.trim().split_once(' ').ok_or("a time has a unit, ms or s")?;
    let number: u64 = number.parse().map_err(|_| "a time is a whole number")?;
    let time = match unit {
        "ms" => Duration::from_millis(number),
        "s" => Duration::from_secs(number),
        _ => return Err("a time is in ms or s"),
    };
    if time <= TIME_MAX { Ok(time) } else { Err("a time is a year at most") }
}

/// The counter of `[n]` is a number between exact brackets.
fn tokens(text: &str) -> Result<Vec<Token>, &'static str> {
    let mut tokens = Vec::new();
    let mut rest = text;
    if let Some((counter, after)) = text.strip_prefix('[').and_then(|inner| inner.split_once(']'))
        && counter.bytes().all(|byte| byte.is_ascii_digit())
    {
        tokens.extend([Token::Exact(b"[".to_vec()), Token::Number(counter.to_owned()), Token::Exact(b"]".to_vec())]);
        rest = after;
    }
    while let Some((exact, wild)) = rest.split_once('{') {
        let (inner, after) = wild.split_once('}').ok_or("a { without its }")?;
        tokens.push(Token::Exact(unescape(exact)));
        tokens.push(match inner.strip_prefix('~') {
            Some(text) => Token::Text(text.to_owned()),
            None if is_number(inner) => Token::Number(inner.to_owned()),
            None => return Err("in { } stands a number, or ~ and any text"),
        });
        rest = after;
    }
    tokens.push(Token::Exact(unescape(rest)));
    Ok(tokens)
}

/// Digits, and a point with digits behind it at the most.
fn is_number(text: &str) -> bool {
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    text.split_once('.').map_or_else(|| is_digits(text), |(whole, decimals)| is_digits(whole) && is_digits(decimals))
}

/// The bytes a host line of a transcript stands for: what a recording wrote, and the plain lines of people,
/// which end in CR. `\c` at the end stands for no line end.
pub fn host_bytes(line: &str) -> Vec<u8> {
    if let Some(unfinished) = line.strip_suffix("\\c") {
        return unescape(unfinished);
    }
    let mut bytes = unescape(line);
    if !bytes.ends_with(b"\r") && !bytes.ends_with(b"\n") {
        bytes.push(b'\r');
    }
    bytes
}

/// Escapes to bytes; a backslash before anything else is a backslash.
pub(crate) fn unescape(text: &str) -> Vec<u8> {
    let text = text.replace('¶', "\r\n");
    let mut parts = text.split('\\');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let number = part.strip_prefix('x').and_then(|hex| u8::from_str_radix(hex.get(..2)?, 16).ok());
        let (byte, length) = match (part.as_bytes().first(), number) {
            (Some(b'r'), _) => (b'\r', 1),
            (Some(b'n'), _) => (b'\n', 1),
            (_, Some(number)) => (number, 3),
            _ => (b'\\', 0),
        };
        bytes.push(byte);
        bytes.extend(&part.as_bytes()[length..]);
    }
    bytes
}

impl Pattern {
    /// Bytes a device could send: the text as written.
    pub fn sample(&self) -> Vec<u8> {
        let bytes = |token: &Token| match token {
            Token::Exact(bytes) => bytes.clone(),
            Token::Number(text) | Token::Text(text) => text.clone().into_bytes(),
        };
        self.0.iter().flat_map(bytes).collect()
    }

    /// Compares bytes from their beginning.
    pub fn compare(&self, bytes: &[u8]) -> Match {
        let mut position = 0;
        for token in &self.0 {
            match token.compare(&bytes[position..]) {
                Match::Complete(count) => position += count,
                Match::Partial => return Match::Partial,
                Match::Mismatch(at) => return Match::Mismatch(position + at),
            }
        }
        Match::Complete(position)
    }
}

impl Token {
    fn compare(&self, bytes: &[u8]) -> Match {
        match self {
            Self::Exact(expected) => compare_exact(expected, bytes),
            Self::Number(sample) => compare_number(sample, bytes),
            Self::Text(_) => match bytes.iter().position(|byte| matches!(byte, b'\r' | b'\n')) {
                Some(0) => Match::Mismatch(0),
                Some(length) => Match::Complete(length),
                None => Match::Partial,
            },
        }
    }
}

fn compare_exact(expected: &[u8], bytes: &[u8]) -> Match {
    match expected.iter().zip(bytes).position(|(expected, byte)| expected != byte) {
        Some(at) => Match::Mismatch(at),
        None if bytes.len() < expected.len() => Match::Partial,
        None => Match::Complete(expected.len()),
    }
}

/// Digits, and a point with as many digits behind it as in the sample, if it has one.
fn compare_number(sample: &str, bytes: &[u8]) -> Match {
    let Some((_, sample_decimals)) = sample.split_once('.') else { return compare_digits(bytes) };
    let Match::Complete(whole) = compare_digits(bytes) else { return compare_digits(bytes) };
    if bytes[whole] != b'.' {
        return Match::Mismatch(whole);
    }
    match compare_digits(&bytes[whole + 1..]) {
        Match::Complete(decimals) if decimals == sample_decimals.len() => Match::Complete(whole + 1 + decimals),
        Match::Complete(_) | Match::Mismatch(_) => Match::Mismatch(whole + 1),
        Match::Partial => Match::Partial,
    }
}

/// Digits end where something else follows them.
fn compare_digits(bytes: &[u8]) -> Match {
    match bytes.iter().position(|byte| !byte.is_ascii_digit()) {
        Some(0) => Match::Mismatch(0),
        Some(count) => Match::Complete(count),
        None => Match::Partial,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, bytes: &str, expected: Match) {
        assert_eq!(Pattern(tokens(pattern).unwrap()).compare(bytes.as_bytes()), expected, "{pattern} {bytes:?}");
    }

    #[test]
    fn every_kind_of_step_is_read() {
        let text = "# a comment\n= locked\n% profile cb-1.1.4\n% set quirks.q7=false\n> AT\n< [1]a¶\n< b\n@ 70..210 ms\n\
                    . 2 s\n~ 300 s\n! unplug\n";
        let transcript = Transcript::parse(text).unwrap();
        assert_eq!(transcript.start, Start::Locked);
        assert_eq!((transcript.profile.as_str(), transcript.changes.len()), ("cb-1.1.4", 1));
        assert_eq!(transcript.lines, [5, 6, 8, 9, 10, 11]);
        assert_eq!(transcript.steps[0], Step::Host("AT".into()));
        assert!(matches!(&transcript.steps[1], Step::Device(pattern) if pattern.sample() == b"[1]a\r\nb"));
        assert_eq!(transcript.steps[2], Step::Within(Duration::from_millis(70), Duration::from_millis(210)));
    }

    #[test]
    fn nonsense_names_its_line() {
        for (text, line) in [
            ("> AT\n", 1),
            ("= open\n", 1),
            ("= locked\n@ 1..2 ms\n", 2),
            ("= locked\n< {1\n", 2),
            ("", 1),
            ("= locked\n% profil x\n", 2),
            ("= locked\n> AT\n% profile x\n", 3),
            ("= locked\n! explode\n", 2),
            ("= locked\n< {OK}\n", 2),
            ("= locked\n< {1.2.3}\n", 2),
            ("= locked\n~ 18446744073709551615 s\n", 2),
            ("= locked\n. 31536001 s\n", 2),
            ("= locked\n< a\n@ 1..18446744073709551615 ms\n", 3),
            ("= locked\n< a\n@ 9..1 ms\n", 3),
        ] {
            assert_eq!(Transcript::parse(text).unwrap_err().line, line, "{text}");
        }
    }

    #[test]
    fn exact_bytes() {
        check("¶OK¶¶", "\r\nOK\r\n\r\n[7]", Match::Complete(8));
        check("¶OK¶¶", "\r\nOK\r\n", Match::Partial);
        check("¶OK¶¶", "\r\nERROR\r\n", Match::Mismatch(2));
    }

    #[test]
    fn escapes_are_bytes() {
        assert_eq!(unescape("a¶\\r\\n\\x1a\\xff\\x7b"), b"a\r\n\r\n\x1a\xff{");
        assert_eq!(unescape("\\xzz\\x1\\q\\"), b"\\xzz\\x1\\q\\");
    }

    #[test]
    fn counters_numbers_and_texts() {
        check("[12]a¶", "[987654]a\r\n", Match::Complete(11));
        check("[12]a¶", "[]a\r\n", Match::Mismatch(1));
        check("{3.572} V", "3.6 V", Match::Mismatch(2));
        check("is:{15}.", "is:86.", Match::Complete(6));
        check("{3.572} V", "12.001 V", Match::Complete(8));
        check("{3.572} V", "12.001", Match::Partial);
        check("a: {~help}¶", "a: other words\r\n", Match::Complete(16));
    }
}
