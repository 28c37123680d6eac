//! Writes what passed between a host and a device as a transcript, byte by byte and with its times. Pure.
//!
//! What `transcript` reads, with these rules of our own:
//!
//! - A device's burst ends when the line is quiet for [`BURST_GAP`] or the host's line is complete. Then comes its time,
//!   exactly: `@ 72..72 ms`. A burst is written as its lines; `[123]` at the beginning of one stays a wildcard.
//! - `~ 1500 ms` before a host line: so long after the step before it was begun.
//! - A host line ends in CR. Another end is written out: `> AT\n`, `> AT\r\n`, and `> AT\c` for none at all.
//! - `\xNN` stands for what cannot be printed, and for what would be read as something else: `{`, `}`, `\`, a blank at
//!   the end.
//!
//! Both directions at once cannot be written down in one: then a host line comes behind what was heard before its end.

use std::time::Duration;

/// Longer than the pauses of an adapter that hands a block over in chunks, shorter than any thought of a device.
const BURST_GAP: Duration = Duration::from_millis(30);
/// One character at 9600 baud: a client writes a line at once, but that is when its end is sent.
pub(crate) const CHARACTER: Duration = Duration::from_nanos(1_041_667);
/// A client that writes CR and LF writes both within this time.
const LINE_END_GAP: Duration = Duration::from_millis(20);

/// A host that never ends its line is written in pieces of this length, a device that never pauses likewise: a recording
/// of noise must not fill the memory.
const PIECE_BYTES_MAX: usize = 4096;

/// What is not written yet. Times are since the beginning of the recording.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    step_end: Duration,
    heard: Vec<u8>,
    heard_at: Duration,
    typed: Vec<u8>,
    typed_from: Duration,
    typed_until: Duration,
}

impl Recorder {
    /// The device's bytes; returns what is to be appended to the transcript.
    pub(crate) fn device(&mut self, at: Duration, bytes: &[u8]) -> String {
        let text = self.quiet(at) + &self.end_line(b'\r');
        self.heard.extend(bytes);
        self.heard_at = at;
        if self.heard.len() < PIECE_BYTES_MAX { text } else { text + &self.end_burst() }
    }

    /// The host's bytes; returns what is to be appended.
    pub(crate) fn host(&mut self, at: Duration, bytes: &[u8]) -> String {
        let mut text = self.quiet(at);
        for byte in bytes {
            if *byte != b'\n' {
                text += &self.end_line(b'\r');
            }
            if self.typed.is_empty() {
                (self.typed_from, self.typed_until) = (at, at);
            }
            self.typed.push(*byte);
            self.typed_until = at.max(self.typed_until + CHARACTER);
            text += &self.end_line(b'\n');
            if self.typed.len() >= PIECE_BYTES_MAX {
                text += &self.write_line();
            }
        }
        text
    }

    /// Time passes; returns what has ended by then.
    pub(crate) fn quiet(&mut self, at: Duration) -> String {
        let mut text = String::new();
        if at > self.typed_until + LINE_END_GAP {
            text += &self.end_line(b'\r');
        }
        if at > self.heard_at + BURST_GAP {
            text += &self.end_burst();
        }
        text
    }

    /// Nothing follows.
    pub(crate) fn finish(&mut self) -> String {
        let text = self.end_line(b'\r') + &self.end_burst();
        match self.typed.is_empty() {
            true => text,
            false => text + &self.write_line(),
        }
    }

    fn end_line(&mut self, end: u8) -> String {
        if self.typed.last() == Some(&end) { self.write_line() } else { String::new() }
    }

    /// The line waited at most for its LF, so what was heard meanwhile came before it.
    fn write_line(&mut self) -> String {
        let mut text = self.end_burst();
        let pause = self.typed_from.saturating_sub(self.step_end).as_millis();
        if pause > 0 {
            text += &format!("~ {pause} ms\n");
        }
        let line = host_text(&self.typed);
        text += format!("> {line}").trim_end();
        text.push('\n');
        self.step_end = self.step_end.max(self.typed_until);
        self.typed.clear();
        text
    }

    fn end_burst(&mut self) -> String {
        if self.heard.is_empty() {
            return String::new();
        }
        let lines = self.heard.split_inclusive(|byte| *byte == b'\n');
        let mut text: String = lines.map(|line| format!("< {}\n", device_text(line))).collect();
        let time = self.heard_at.saturating_sub(self.step_end).as_millis();
        text += &format!("@ {time}..{time} ms\n");
        self.step_end = self.step_end.max(self.heard_at);
        self.heard.clear();
        text
    }
}

fn host_text(bytes: &[u8]) -> String {
    match bytes {
        [line @ .., b'\r', b'\n'] => escape(line) + "\\r\\n",
        [line @ .., b'\n'] => escape(line) + "\\n",
        // Without its own name an empty line would be one that ends in nothing.
        [line @ .., b'\r'] => escape(line),
        line => escape(line) + "\\c",
    }
}

fn device_text(bytes: &[u8]) -> String {
    match bytes.strip_suffix(b"\r\n") {
        Some(line) => escape(line) + "¶",
        None => escape(bytes),
    }
}

/// Everything so that it is read as itself.
pub(crate) fn escape(bytes: &[u8]) -> String {
    let last = bytes.len().saturating_sub(1);
    let one = |(index, byte): (usize, &u8)| match byte {
        b'\r' => "\\r".to_owned(),
        b'\n' => "\\n".to_owned(),
        b'{' | b'}' | b'\\' => format!("\\x{byte:02x}"),
        b' ' if index == last => "\\x20".to_owned(),
        b' '..=b'~' => char::from(*byte).to_string(),
        other => format!("\\x{other:02x}"),
    };
    bytes.iter().enumerate().map(one).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::transcript::{Step, Transcript, host_bytes};

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_dialogue_is_written_with_its_times() {
        let mut recorder = Recorder::default();
        let mut text = recorder.host(ms(1000), b"604218\r");
        text += &recorder.device(ms(1100), b"[52340]Password Corr");
        text += &recorder.device(ms(1116), b"ect\r\n");
        text += &recorder.host(ms(3000), b"AT\r\n");
        text += &recorder.device(ms(3080), b"\r\nOK\r\n\r\n");
        text += &recorder.device(ms(4000), b"{\x1a ");
        text += &recorder.finish();
        let expected = "~ 1000 ms\n> 604218\n< [52340]Password Correct¶\n@ 108..108 ms\n~ 1884 ms\n> AT\\r\\n\n\
                        < ¶\n< OK¶\n< ¶\n@ 75..75 ms\n< \\x7b\\x1a\\x20\n@ 920..920 ms\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn line_ends_of_the_host_are_kept() {
        for (bytes, line) in
            [(&b"AT\r"[..], "AT"), (b"AT\n", "AT\\n"), (b"AT\r\n", "AT\\r\\n"), (b"AT", "AT\\c"), (b"\r", "")]
        {
            assert_eq!(host_text(bytes), line);
            assert_eq!(host_bytes(line), bytes);
        }
    }

    #[derive(Debug, Clone)]
    enum Said {
        Host(Vec<u8>),
        Device(Vec<u8>),
    }

    fn said() -> impl Strategy<Value = Said> {
        let byte = prop_oneof![any::<u8>(), Just(b'\r'), Just(b'\n'), Just(b'{'), Just(b'\\'), Just(b' '), Just(b'[')];
        let bytes = proptest::collection::vec(byte, 1..12);
        (bytes, any::<bool>()).prop_map(|(bytes, host)| if host { Said::Host(bytes) } else { Said::Device(bytes) })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn every_byte_of_each_direction_is_read_back(all in proptest::collection::vec((0u64..80, said()), 0..20)) {
            let (mut recorder, mut at) = (Recorder::default(), Duration::ZERO);
            let (mut host, mut device) = (Vec::new(), Vec::new());
            let mut text = "= locked\n".to_owned();
            for (pause, said) in all {
                at += ms(pause);
                match said {
                    Said::Host(bytes) => {
                        text += &recorder.host(at, &bytes);
                        host.extend(bytes);
                    }
                    Said::Device(bytes) => {
                        text += &recorder.device(at, &bytes);
                        device.extend(bytes);
                    }
                }
            }
            text += &recorder.finish();
            let (mut host_read, mut device_read) = (Vec::new(), Vec::new());
            for step in Transcript::parse(&text).unwrap().steps {
                match step {
                    Step::Host(line) => host_read.extend(host_bytes(&line)),
                    Step::Device(pattern) => device_read.extend(pattern.sample()),
                    _ => {}
                }
            }
            prop_assert_eq!(host_read, host, "{}", &text);
            prop_assert_eq!(device_read, device, "{}", &text);
        }
    }
}
