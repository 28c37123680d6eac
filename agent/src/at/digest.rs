//! From bytes in arbitrary chunks to lines.
//!
//! Takes one byte at a time, so how the serial adapter cut the stream cannot matter. Bytes stay bytes: what they mean is
//! [`mod@super::line`]'s business. Holds at most [`LINE_BYTES_MAX`] bytes whatever arrives.

/// The longest line that is kept, in bytes; the device's longest is a payload text with 32 records, some 1800. A longer one
/// is dropped up to its end.
pub const LINE_BYTES_MAX: usize = 2_048;

/// What one more byte has made of the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Digested {
    /// Not enough bytes yet.
    Incomplete,
    /// A line, without the CR LF that ended it. One that ended in LF alone, or in CR alone, keeps that at its end: the device
    /// never sends the one inside a measurement, and the other is an echo of what was typed.
    Line(Vec<u8>),
    /// A line ended that was longer than [`LINE_BYTES_MAX`]; the next one begins clean.
    Overlong,
}

/// The line so far.
#[derive(Clone, Debug, Default)]
pub struct LineDigest {
    line: Vec<u8>,
    overlong: bool,
}

impl LineDigest {
    /// Takes one byte.
    pub fn push(&mut self, byte: u8) -> Digested {
        if byte == b'\n' {
            return self.end();
        }
        if self.line.last() == Some(&b'\r') && !self.overlong {
            return Digested::Line(std::mem::replace(&mut self.line, vec![byte]));
        }
        if self.line.len() < LINE_BYTES_MAX {
            self.line.push(byte);
        } else {
            self.overlong = true;
        }
        Digested::Incomplete
    }

    /// Forgets the line so far: what follows has nothing to do with it.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    fn end(&mut self) -> Digested {
        let Self { mut line, overlong } = std::mem::take(self);
        if overlong {
            return Digested::Overlong;
        }
        if line.pop_if(|byte| *byte == b'\r').is_none() {
            line.push(b'\n');
        }
        Digested::Line(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(input: &[u8], expected: &[Digested]) {
        let mut digest = LineDigest::default();
        let found: Vec<Digested> =
            input.iter().map(|byte| digest.push(*byte)).filter(|found| *found != Digested::Incomplete).collect();
        assert_eq!(found, expected);
    }

    fn line(text: &str) -> Digested {
        Digested::Line(text.as_bytes().to_vec())
    }

    #[test]
    fn lines_end_in_cr_lf_and_a_lone_lf_shows() {
        check(b"1500\r\n\r\nOK\r\n\r\nrest", &[line("1500"), line(""), line("OK"), line("")]);
        check(b"a\nb\rc\r\n", &[line("a\n"), line("b\r"), line("c")]);
        check(b"\x00\xff\x1b[2J\r\n", &[Digested::Line(b"\x00\xff\x1b[2J".to_vec())]);
    }

    #[test]
    fn an_overlong_line_is_dropped_and_the_next_one_is_whole() {
        let mut input = vec![b'A'; 100_000];
        input.extend(b"\r\nOK\r\n");
        check(&input, &[Digested::Overlong, line("OK")]);
    }
}
