//! What kind of line a line is (device reference 3.1, 5.2, 8.4).
//!
//! Every line is exactly one of these, whatever its bytes; nothing is decided here about what a command was answered.

use super::number;

/// One line from the device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// Nothing but the line end; part of the reply blocks.
    Empty,
    /// The end of a command that was done.
    Ok,
    /// `AT_PARAM_ERROR` and its like: the end of a command that was refused.
    ParameterError,
    /// `ERROR`: the modem's answer to a line that the device did not know.
    ModemError,
    /// A message of the login.
    Password(Password),
    /// The device starts: everything before is over.
    Boot,
    /// Control of the Bluetooth module, `RDY`, the rest of the banner: never a reply.
    Noise,
    /// `+CSQ: 17,0` and its like from the modem: an answer only to a line that was meant for it.
    Modem(Vec<u8>),
    /// A message with the counter in front: `[52340]text`.
    Event(Event),
    /// Anything else: a value, or damage.
    Text(Vec<u8>),
}

/// What the login says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Password {
    /// Unlocked.
    Correct,
    /// Locked, and the line was no password.
    Incorrect,
    /// Locked again because the time was up.
    Timeout,
}

/// A message with the device's counter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Milliseconds since the device started, without the time it slept.
    pub counter_ms: u32,
    /// What follows the bracket.
    pub text: Vec<u8>,
}

impl Line {
    /// The kind of these bytes.
    pub fn classify(bytes: &[u8]) -> Self {
        match bytes {
            b"" => Self::Empty,
            b"OK" => Self::Ok,
            b"ERROR" => Self::ModemError,
            _ if bytes.starts_with(b"AT_") && bytes.ends_with(b"ERROR") => Self::ParameterError,
            _ if bytes.starts_with(b"DRAGINO ") => Self::Boot,
            _ if is_noise(bytes) => Self::Noise,
            _ if bytes.starts_with(b"+") => Self::Modem(bytes.to_vec()),
            _ => match split_counter(bytes) {
                Some((counter_ms, text)) => event(counter_ms, text),
                None => Self::Text(bytes.to_vec()),
            },
        }
    }
}

/// Lines without a counter that are no reply.
fn is_noise(bytes: &[u8]) -> bool {
    const WHOLE: [&[u8]; 4] = [b"AT", b"SLEEP", b"RDY", b"Downstream parameter error"];
    const BEGINNINGS: [&[u8]; 5] =
        [b"AT+NAME", b"AT+PWRM2", b"Image Version: ", b"NB-IoT Stack", b"Protocol in Used: "];
    WHOLE.contains(&bytes) || BEGINNINGS.iter().any(|beginning| bytes.starts_with(beginning))
}

/// `[123]text` in its two parts.
fn split_counter(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let rest = bytes.strip_prefix(b"[")?;
    let bracket = rest.iter().position(|byte| *byte == b']')?;
    let counter = std::str::from_utf8(&rest[..bracket]).ok()?;
    Some((number::whole(counter)?, &rest[bracket + 1..]))
}

fn event(counter_ms: u32, text: &[u8]) -> Line {
    match text {
        b"Password Correct" => Line::Password(Password::Correct),
        b"Password Incorrect" => Line::Password(Password::Incorrect),
        b"Password timeout" => Line::Password(Password::Timeout),
        _ if text.starts_with(b"reboot error:") => Line::Boot,
        _ => Line::Event(Event { counter_ms, text: text.to_vec() }),
    }
}

/// Bytes of the line as a log may show them: no control byte, no broken UTF-8, no escape sequence survives.
pub fn escaped(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], expected: Line) {
        assert_eq!(Line::classify(bytes), expected, "{}", escaped(bytes));
    }

    #[test]
    fn each_shape_of_the_reference_has_its_kind() {
        check(b"", Line::Empty);
        check(b"OK", Line::Ok);
        check(b"ERROR", Line::ModemError);
        check(b"AT_PARAM_ERROR", Line::ParameterError);
        check(b"AT_BUSY_ERROR", Line::ParameterError);
        check(b"[54102]Password Correct", Line::Password(Password::Correct));
        check(b"[52340]Password Incorrect", Line::Password(Password::Incorrect));
        check(b"[52340]Password timeout", Line::Password(Password::Timeout));
        check(b"DRAGINO NB bootloader v1.3", Line::Boot);
        check(b"DRAGINO PS-NB NB-IoT Sensor Node", Line::Boot);
        check(b"[616]reboot error:POR/PDR!", Line::Boot);
        check(b"[0]x", Line::Event(Event { counter_ms: 0, text: b"x".to_vec() }));
        check(b"7200", Line::Text(b"7200".to_vec()));
    }

    #[test]
    fn bluetooth_and_modem_lines_are_never_replies() {
        for bytes in ["AT", "AT+NAME861234509876543", "AT+PWRM2", "SLEEP", "RDY", "Image Version: v1.1.2"] {
            check(bytes.as_bytes(), Line::Noise);
        }
        check(b"+CSQ: 17,0", Line::Modem(b"+CSQ: 17,0".to_vec()));
    }

    #[test]
    fn what_nearly_fits_is_only_text() {
        for bytes in [
            &b"OK "[..],
            b"OK\n",
            b"ok",
            b"OKOK",
            b"[]x",
            b"[12x",
            b"[1a]x",
            b"12]x",
            b" [12]x",
            b"[99999999999]x",
            b"[012]x",
            b"Password Correct",
            b"\x00",
            b"\xff\xfe",
        ] {
            check(bytes, Line::Text(bytes.to_vec()));
        }
        assert_eq!(escaped(b"\x1b[2J\x00\xff"), "\\x1b[2J\\x00\\xff");
    }
}
