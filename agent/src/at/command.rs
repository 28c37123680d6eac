//! The commands that the driver sends: one constructor each, so that no other line leaves the gateway unless a person asks.
//!
//! Sent with CR only, which avoids the device's race between CR and LF (device reference 3). The PIN is no command and never
//! passes through here. Does not know how long an answer may take.

use std::fmt;

use super::raw::RawLine;

/// Ends a line from the host.
pub const LINE_END: u8 = b'\r';

/// A line for the console, without its end. Each but a raw one may be sent twice: asking again changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    line: String,
    /// A person's line, which may hold a secret: it is never shown.
    raw: bool,
}

/// Something that the console can be asked for by name.
pub trait Value: Sized {
    /// The name after `AT+`.
    const NAME: &'static str;

    /// The value in a line of a reply; `None` if it is not to the letter what the device prints.
    fn parse(text: &str) -> Option<Self>;
}

/// A value that can also be set. Its [`Display`](fmt::Display) is what the device takes.
pub trait Setting: Value + fmt::Display {
    /// Whether the device, having `found`, already does what `self` asks for: compared as numbers, not as text.
    fn agrees(&self, found: &Self) -> bool;
}

impl Command {
    /// Is anybody there? Changes nothing, answers `OK`, and so finds the place in the dialogue again.
    pub fn attention() -> Self {
        Self { line: "AT".to_owned(), raw: false }
    }

    /// Measure now and print. Starts no uplink.
    pub fn measure() -> Self {
        Self { line: "AT+GETSENSORVALUE=0".to_owned(), raw: false }
    }

    /// Print the stored rows of the sensor's history.
    pub fn history() -> Self {
        Self { line: "AT+CDP".to_owned(), raw: false }
    }

    /// Delete the stored rows of the sensor's history.
    pub fn forget_history() -> Self {
        Self { line: "AT+CDP=0".to_owned(), raw: false }
    }

    /// Ask for a value. (`AT+X?` would be the help text.)
    pub fn get<V: Value>() -> Self {
        Self { line: format!("AT+{}=?", V::NAME), raw: false }
    }

    /// Set a value.
    pub fn set<S: Setting>(setting: &S) -> Self {
        Self { line: format!("AT+{}={setting}", S::NAME), raw: false }
    }

    /// A person's line, whatever it does.
    pub fn raw(line: &RawLine) -> Self {
        Self { line: line.as_str().to_owned(), raw: true }
    }

    /// The line as sent, without its end.
    pub fn line(&self) -> &str {
        &self.line
    }
}

impl fmt::Display for Command {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.raw { "the line asked" } else { &self.line })
    }
}

/// A number is outside what the device takes. It must be refused here: the device itself wraps silently.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`AT+{name}` takes {min} to {max} {unit}, not {number}")]
pub struct OutOfRange {
    /// The name after `AT+`.
    pub name: &'static str,
    /// What was asked for.
    pub number: u64,
    /// The smallest number that works.
    pub min: u64,
    /// The largest number that works.
    pub max: u64,
    /// The unit of all three.
    pub unit: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::at::identity::{Imei, Model};
    use crate::at::report_interval::ReportInterval;
    use crate::at::report_on_change::ReportOnChange;
    use crate::at::warm_up::WarmUp;

    #[test]
    fn the_lines_are_the_references_to_the_letter() {
        for (command, line) in [
            (Command::attention(), "AT"),
            (Command::measure(), "AT+GETSENSORVALUE=0"),
            (Command::history(), "AT+CDP"),
            (Command::forget_history(), "AT+CDP=0"),
            (Command::get::<Model>(), "AT+MODEL=?"),
            (Command::get::<Imei>(), "AT+DEUI=?"),
            (Command::get::<ReportInterval>(), "AT+TDC=?"),
            (Command::get::<WarmUp>(), "AT+12VT=?"),
            (Command::get::<ReportOnChange>(), "AT+ROC=?"),
            (Command::set(&ReportInterval::new(1500).unwrap()), "AT+TDC=1500"),
            (Command::set(&WarmUp::new(6000).unwrap()), "AT+12VT=6000"),
            (Command::set(&ReportOnChange::on(300, 320).unwrap()), "AT+ROC=1,300,320,0"),
            (Command::set(&ReportOnChange::OFF), "AT+ROC=0,0,0,0"),
        ] {
            assert_eq!(command.line(), line);
        }
    }
}
