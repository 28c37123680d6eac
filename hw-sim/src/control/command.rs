//! What a simulator can be told, as a line of text and as a value.
//!
//! One grammar for the control socket, the console, fault files and transcripts. What a line means is decided here, what
//! happens then is not.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use super::fault::{Fault, FaultName};
use super::grammar;
use crate::device::{Network, Press};
use crate::line::quoted;

/// Something a simulator is told.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// The ACT button.
    Press(Press),
    /// The RESET button.
    Reset,
    /// SW1 at ISP, or back.
    Isp(bool),
    /// The supply goes away for so long.
    PowerCut(Duration),
    /// The adapter is pulled out.
    Unplug,
    /// The adapter is put in again, at another path if one is given.
    Replug(Option<PathBuf>),
    /// The wires break, or are mended.
    Silence(bool),
    /// The probe is held at so many °C, or left to its kitchen unit.
    Temperature(Option<f64>),
    /// What the modem finds.
    Network(Network),
    /// The signal strength, or a wandering one.
    Csq(Option<u8>),
    /// A bench supply of so many volts, or the battery.
    Battery(Option<f64>),
    /// Another PIN.
    Pin(String),
    /// The unit's door.
    Door {
        /// Or close it.
        open: bool,
    },
    /// The unit's compressor.
    Compressor {
        /// Or repair it.
        fails: bool,
    },
    /// A defrost begins.
    Defrost,
    /// Goods are put in.
    Restock,
    /// The unit's mains.
    Mains(bool),
    /// Something goes wrong.
    Fault {
        /// What.
        fault: Fault,
        /// For how long; none: until cleared.
        lasts: Option<Duration>,
    },
    /// That is over, or all that is wrong.
    Clear(Option<FaultName>),
    /// How it is, as JSON.
    Status,
    /// Which commands there are.
    Help,
}

/// Why a command is not carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// It is not understood.
    #[error("{0}")]
    Syntax(String),
    /// It is the adapter's, and the simulation has none: its owner has to do it.
    #[error("`{0}` is for a sensor on a port: there is no adapter here")]
    Adapter(String),
    /// It makes no sense now.
    #[error("{0}")]
    Refused(String),
}

impl Command {
    /// Every command, in one line.
    pub fn help() -> String {
        grammar::usage()
    }

    /// Whether it is for the adapter between sensor and host, not for the sensor.
    pub fn is_for_adapter(&self) -> bool {
        matches!(self, Self::Unplug | Self::Replug(_) | Self::Fault { fault: Fault::Unplug | Fault::Replug(_), .. })
    }
}

impl FromStr for Command {
    type Err = CommandError;

    fn from_str(text: &str) -> Result<Self, CommandError> {
        grammar::parse(text).map_err(CommandError::Syntax)
    }
}

/// As it is read again.
impl fmt::Display for Command {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Press(press) => write!(out, "press {}", grammar::name_in(&grammar::PRESSES, press)),
            Self::Reset => out.write_str("reset"),
            Self::Isp(isp) => write!(out, "isp {}", on_off(*isp)),
            Self::PowerCut(time) => write!(out, "power-cut {}", time.as_secs_f64()),
            Self::Unplug => out.write_str("unplug"),
            Self::Replug(None) => out.write_str("replug"),
            Self::Replug(Some(path)) => write!(out, "replug {}", quoted(&path.display().to_string())),
            Self::Silence(silent) => write!(out, "silence {}", on_off(*silent)),
            Self::Temperature(celsius) => write!(out, "set temperature {}", or_auto(celsius.as_ref())),
            Self::Network(network) => write!(out, "set network {network}"),
            Self::Csq(csq) => write!(out, "set csq {}", or_auto(csq.as_ref())),
            Self::Battery(volts) => write!(out, "set battery {}", or_auto(volts.as_ref())),
            Self::Pin(pin) => write!(out, "set pin {}", quoted(pin)),
            Self::Door { open } => write!(out, "door {}", if *open { "open" } else { "close" }),
            Self::Compressor { fails } => write!(out, "compressor {}", if *fails { "fail" } else { "repair" }),
            Self::Defrost => out.write_str("defrost"),
            Self::Restock => out.write_str("restock"),
            Self::Mains(on) => write!(out, "mains {}", on_off(*on)),
            Self::Fault { fault, lasts: None } => write!(out, "fault {fault}"),
            Self::Fault { fault, lasts: Some(time) } => write!(out, "fault {fault} for={}", time.as_secs_f64()),
            Self::Clear(None) => out.write_str("clear"),
            Self::Clear(Some(name)) => write!(out, "clear {name}"),
            Self::Status => out.write_str("status"),
            Self::Help => out.write_str("help"),
        }
    }
}

fn on_off(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

fn or_auto(value: Option<&impl ToString>) -> String {
    value.map_or_else(|| "auto".to_owned(), ToString::to_string)
}
