//! Printed measurements rewritten on their way: another value, another channel, always the same value.
//!
//! A line is kept until its end, then passed on; so it comes later by its own length, and not at all while it is not
//! complete.

use std::ops::Range;

use super::fault::{Channel, LineFault};

/// A longer line is no measurement and passes as it is.
const LINE_BYTES_MAX: usize = 512;
/// What stands in front of a printed value: in the measurement's lines and in the boot text.
const IDC_LABELS: [&str; 2] = ["IDC_Input:", "IDC : "];
/// See [`IDC_LABELS`].
const VDC_LABELS: [&str; 2] = ["VDC_Input:", "VDC: "];

/// The line being printed, and the values that are printed for ever.
#[derive(Debug, Default)]
pub(super) struct Editor {
    held: Vec<u8>,
    frozen: [Option<String>; 2],
}

impl Editor {
    /// Whether this fault is the editor's.
    pub(super) fn edits(fault: &LineFault) -> bool {
        matches!(fault, LineFault::Value { .. } | LineFault::Swapped | LineFault::Frozen)
    }

    /// One byte more; what can be passed on.
    pub(super) fn byte<'a>(&mut self, byte: u8, faults: impl Iterator<Item = &'a LineFault>) -> Vec<u8> {
        self.held.push(byte);
        let complete = byte == b'\n' || self.held.len() >= LINE_BYTES_MAX;
        if !complete {
            return Vec::new();
        }
        match String::from_utf8(self.release()) {
            Ok(line) => faults.fold(line, |line, fault| self.rewrite(line, fault)).into_bytes(),
            Err(error) => error.into_bytes(),
        }
    }

    /// What was kept back.
    pub(super) fn release(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.held)
    }

    /// The next values are the first again.
    pub(super) fn thaw(&mut self) {
        self.frozen = [None, None];
    }

    fn rewrite(&mut self, line: String, fault: &LineFault) -> String {
        match fault {
            LineFault::Value { text, channel } => with_value(line, *channel, text),
            LineFault::Swapped => swapped(&line),
            LineFault::Frozen => {
                [Channel::Idc, Channel::Vdc].into_iter().fold(line, |line, channel| self.freeze(line, channel))
            }
            _ => line,
        }
    }

    /// The first value is remembered, every other becomes it.
    fn freeze(&mut self, line: String, channel: Channel) -> String {
        let Some(number) = number_of(&line, channel) else { return line };
        let first = self.frozen[channel as usize].get_or_insert_with(|| line[number].to_owned());
        with_value(line, channel, first)
    }
}

fn labels(channel: Channel) -> [&'static str; 2] {
    match channel {
        Channel::Idc => IDC_LABELS,
        Channel::Vdc => VDC_LABELS,
    }
}

/// Where the number stands.
fn number_of(line: &str, channel: Channel) -> Option<Range<usize>> {
    let start = labels(channel).iter().find_map(|label| line.find(label).map(|at| at + label.len()))?;
    let length = line[start..].bytes().take_while(|byte| byte.is_ascii_digit() || b"+-.".contains(byte)).count();
    Some(start..start + length)
}

fn with_value(mut line: String, channel: Channel, text: &str) -> String {
    if let Some(number) = number_of(&line, channel) {
        line.replace_range(number, text);
    }
    line
}

/// The values keep their units and get each other's names.
fn swapped(line: &str) -> String {
    let is_measurement = IDC_LABELS.iter().chain(&VDC_LABELS).any(|label| line.contains(label));
    if !is_measurement {
        return line.to_owned();
    }
    line.replace("IDC", "\0").replace("VDC", "IDC").replace('\0', "VDC")
}
