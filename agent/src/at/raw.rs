//! A line of any text for the console, and which of the lines that come back are its answer (device reference 5.1, 6.7).
//!
//! For people who ask by hand. The driver's own commands are a [`super::command::Command`] each and know what they want;
//! of a line of any text only its form is known. An answer is never broken by a log line (device reference 3, "Atomicity"),
//! so what stands before one belongs to something else.

use super::line::Line;

/// The longest line that may be sent: well below the device's unchecked buffer of 300 bytes.
pub const RAW_BYTES_MAX: usize = 200;

/// One line of printable ASCII, without its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawLine(String);

/// A text cannot be sent as one line. It is not repeated here: it may hold a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
#[error("this cannot be sent to a sensor")]
#[diagnostic(code(device::not_a_line), help("send one line of 1 to {RAW_BYTES_MAX} printable ASCII characters"))]
pub struct NotALine;

impl RawLine {
    /// The text as a line.
    ///
    /// # Errors
    /// It is empty (a bare CR stalls an open console), longer than [`RAW_BYTES_MAX`], or not printable ASCII.
    pub fn parse(text: &str) -> Result<Self, NotALine> {
        let printable = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        let fits = (1..=RAW_BYTES_MAX).contains(&text.len());
        if printable && fits { Ok(Self(text.to_owned())) } else { Err(NotALine) }
    }

    /// The line.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the device measures and prints the block as its answer. It looks for the name anywhere in the line.
    pub fn measures(&self) -> bool {
        self.0.contains("AT+GETSENSORVALUE=0")
    }

    /// Whether the device prints its log as the answer: what it said earlier, blocks and boot text and all.
    pub fn prints_log(&self) -> bool {
        self.0.contains("AT+GETLOG") && !self.0.contains(['=', '?'])
    }

    /// What a line from the device says in answer to this one, if anything.
    pub fn answer<'a>(&self, line: &'a Line) -> Option<&'a [u8]> {
        let text = match line {
            Line::Text(text) => text,
            Line::Modem(text) if self.names(text) => text,
            Line::Event(event) if is_help(&event.text) => &event.text,
            Line::Event(event) if self.measures() && is_measured(&event.text) => &event.text,
            _ => return None,
        };
        Some(text.trim_ascii()).filter(|text| !text.is_empty())
    }

    /// The modem begins its answer to `AT+CSQ` with `+CSQ:`, and its messages with a name that nobody asked for.
    fn names(&self, text: &[u8]) -> bool {
        let name = text.split(|byte| *byte == b':').next().unwrap_or_default();
        name.len() > 1 && std::str::from_utf8(name).is_ok_and(|name| self.0.contains(name))
    }
}

/// `AT+TDC     : words`, printed with the counter in front; no log line begins so.
fn is_help(text: &[u8]) -> bool {
    text.starts_with(b"AT")
}

/// The first line of a block; the second form is older firmware's.
const BLOCK_BEGINS: [&[u8]; 2] = [b"BAT:", b"remaining battery ="];
/// Its other lines.
const BLOCK_GOES_ON: [&[u8]; 5] = [b"IN1:", b"IN2:", b"GPIO_EXTI:", b"IDC_Input:", b"VDC_Input:"];

/// A line of a block, whatever its value: a person wants to see one that cannot be, too.
fn is_measured(text: &[u8]) -> bool {
    begins_block(text) || BLOCK_GOES_ON.iter().any(|beginning| text.starts_with(beginning))
}

/// Whether a text is the first line of a block.
pub(super) fn begins_block(text: &[u8]) -> bool {
    BLOCK_BEGINS.iter().any(|beginning| text.starts_with(beginning))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(sent: &str, line: &[u8], expected: Option<&[u8]>) {
        let raw = RawLine::parse(sent).unwrap();
        assert_eq!(raw.answer(&Line::classify(line)), expected, "{sent} {}", line.escape_ascii());
    }

    #[test]
    fn an_answer_is_told_from_what_the_device_says_by_itself() {
        check("AT+TDC=?", b"7200", Some(b"7200"));
        check("AT+CFG", b"AT+MODEL=PS-NB,v1.1.2", Some(b"AT+MODEL=PS-NB,v1.1.2"));
        check("AT+TDC?", b"[70418]AT+TDC     : words", Some(b"AT+TDC     : words"));
        check("AT+GETSENSORVALUE=0", b"[100]BAT:3.572 V", Some(b"BAT:3.572 V"));
        check("AT+GETSENSORVALUE=0", b"[100]IDC_Input:24.500 mA", Some(b"IDC_Input:24.500 mA"));
        check("AT+CSQ", b"+CSQ: 17,0", Some(b"+CSQ: 17,0"));
        check(
            "AT+TIMESTAMP=1",
            b"value needs to be greater than 1704067200\n",
            Some(b"value needs to be greater than 1704067200"),
        );
        for (sent, line) in [
            ("AT+TDC=?", &b""[..]),
            ("AT+TDC=?", b"\r"),
            ("AT+TDC=?", b"OK"),
            ("AT+TDC=?", b"AT+PWRM2"),
            ("AT+TDC=?", b"RDY"),
            ("AT+CSQ", b"+QIND: SMS DONE"),
            ("AT+CSQ", b"+"),
            ("AT+TDC=?", b"[100]BAT:3.572 V"),
            ("AT+GETSENSORVALUE=0", b"[100]Exit sleep mode"),
            ("AT+TDC=?", b"[100]Password Incorrect"),
        ] {
            check(sent, line, None);
        }
    }

    #[test]
    fn only_a_run_prints_the_log() {
        let prints = |text| RawLine::parse(text).unwrap().prints_log();
        assert!(prints("AT+GETLOG") && prints("xAT+GETLOGx"));
        assert!(!prints("AT+GETLOG=0") && !prints("AT+GETLOG?") && !prints("AT+GETLOG=?") && !prints("AT+CFG"));
    }

    #[test]
    fn only_one_printable_line_is_sent() {
        for text in ["AT", " AT+TDC=?", "x", &"x".repeat(RAW_BYTES_MAX)] {
            assert_eq!(RawLine::parse(text).unwrap().as_str(), text);
        }
        for text in ["", "AT\r", "AT\n", "AT\0", "AT\u{7f}", "\u{1b}[2J", "é", &"x".repeat(RAW_BYTES_MAX + 1)] {
            assert_eq!(RawLine::parse(text), Err(NotALine), "{text:?}");
        }
    }
}
