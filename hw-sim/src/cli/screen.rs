//! What a person sees of a dialogue: the device's text, what was typed, and notes of the simulator's own.

use std::io::{IsTerminal, Stdout, Write};

const DIM: &str = "\x1b[2m";
const BOLD: &str = "\x1b[1m";
const YELLOW: &str = "\x1b[33m";
const PLAIN: &str = "\x1b[0m";

/// Standard output, in lines.
#[derive(Debug)]
pub(super) struct Screen<W = Stdout> {
    out: W,
    colour: bool,
    /// Nothing stands on the current line.
    fresh: bool,
    /// A CR that was not followed by anything yet.
    carriage: bool,
}

impl Screen {
    /// Colour only on a terminal, and not with `NO_COLOR` (no-color.org).
    pub(super) fn stdout() -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let out = std::io::stdout();
        let colour = wanted && out.is_terminal();
        Self::new(out, colour)
    }
}

impl<W: Write> Screen<W> {
    fn new(out: W, colour: bool) -> Self {
        Self { out, colour, fresh: true, carriage: false }
    }

    /// Bytes of the device, as they come: CR LF ends a line, what cannot be printed is written `\xNN`.
    pub(super) fn device(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        let mut text = String::new();
        for byte in bytes {
            let carriage = std::mem::replace(&mut self.carriage, *byte == b'\r');
            if carriage && *byte != b'\n' {
                text.push_str("\\r");
            }
            match byte {
                b'\r' => continue,
                b'\n' => text.push('\n'),
                b' '..=b'~' => text.push(char::from(*byte)),
                other => text.push_str(&format!("\\x{other:02x}")),
            }
        }
        if let Some(last) = text.chars().last() {
            self.fresh = last == '\n';
        }
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }

    /// A line that was typed where nobody could see it.
    pub(super) fn typed(&mut self, line: &str) -> std::io::Result<()> {
        self.line(BOLD, &format!("> {line}"))
    }

    /// A remark of ours, not of the device.
    pub(super) fn note(&mut self, text: &str) -> std::io::Result<()> {
        text.lines().try_for_each(|line| self.line(DIM, &format!("-- {line}")))
    }

    /// Something was refused or is missing.
    pub(super) fn warn(&mut self, text: &str) -> std::io::Result<()> {
        text.lines().filter(|line| !line.is_empty()).try_for_each(|line| self.line(YELLOW, &format!("-- {line}")))
    }

    /// The user's Enter has moved the cursor to a fresh line.
    pub(super) fn entered(&mut self) {
        self.fresh = true;
    }

    fn line(&mut self, colour: &str, text: &str) -> std::io::Result<()> {
        if !std::mem::replace(&mut self.fresh, true) {
            writeln!(self.out)?;
        }
        match self.colour {
            true => writeln!(self.out, "{colour}{text}{PLAIN}")?,
            false => writeln!(self.out, "{text}")?,
        }
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(colour: bool, act: impl Fn(&mut Screen<Vec<u8>>)) -> String {
        let mut screen = Screen::new(Vec::new(), colour);
        act(&mut screen);
        String::from_utf8(screen.out).unwrap()
    }

    #[test]
    fn line_ends_are_lines_and_the_unprintable_is_visible() {
        let text = shown(false, |screen| {
            screen.device(b"7200\r").unwrap();
            screen.device(b"\n\r\nOK\r\n\x1a\rx").unwrap();
        });
        assert_eq!(text, "7200\n\nOK\n\\x1a\\rx");
    }

    #[test]
    fn a_note_begins_on_a_line_of_its_own() {
        let text = shown(false, |screen| {
            screen.device(b"[1]half a li").unwrap();
            screen.note("unplugged").unwrap();
            screen.typed("AT").unwrap();
        });
        assert_eq!(text, "[1]half a li\n-- unplugged\n> AT\n");
    }

    #[test]
    fn colour_is_only_added_around_our_own_words() {
        assert_eq!(shown(true, |screen| screen.note("a").unwrap()), "\x1b[2m-- a\x1b[0m\n");
        assert_eq!(shown(true, |screen| screen.device(b"a").unwrap()), "a");
    }
}
