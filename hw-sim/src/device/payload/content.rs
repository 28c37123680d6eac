//! Everything that any form of the payload needs; each form takes what it knows.

use super::super::history::Record;
use super::probe::Probe;

/// One uplink.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Payload {
    /// 15 digits.
    pub(crate) imei: String,
    /// Up to 15 digits.
    pub(crate) imsi: String,
    /// The model's name, as in `AT+MODEL`.
    pub(crate) model: String,
    /// The model's number.
    pub(crate) model_byte: u8,
    /// The version in decimal: 106 is 1.0.6.
    pub(crate) version_byte: u8,
    /// Battery in mV.
    pub(crate) battery_mv: u16,
    /// Signal quality, 0 to 31 or 99.
    pub(crate) csq: u8,
    /// The digital inputs.
    pub(crate) inputs: Inputs,
    /// What report on change has found.
    pub(crate) alarms: Alarms,
    /// `AT+PROBE`.
    pub(crate) probe: Probe,
    /// Where the unit is; all zero without GNSS.
    pub(crate) position: Position,
    /// The current in µA as it is printed: rounded.
    pub(crate) idc_printed: u16,
    /// The voltage in mV as it is printed: rounded.
    pub(crate) vdc_printed: u16,
    /// The measurement, truncated, and its time.
    pub(crate) sample: Record,
    /// Older ones, newest first, zero records for unused places included.
    pub(crate) history: Vec<Record>,
}

/// The digital inputs: levels, and whether the interrupt pin caused this uplink.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Inputs {
    /// Level of IN1.
    pub(crate) in1: bool,
    /// Level of IN2.
    pub(crate) in2: bool,
    /// Level of GPIO_EXTI.
    pub(crate) exti_level: bool,
    /// Whether GPIO_EXTI caused this uplink.
    pub(crate) exti_flag: bool,
}

/// The alarms of both channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Alarms {
    /// Of the current.
    pub(crate) idc: Option<Alarm>,
    /// Of the voltage.
    pub(crate) vdc: Option<Alarm>,
}

/// Why a check of report on change has hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Alarm {
    /// Modes 1 and 2: the value went up.
    Increase,
    /// Modes 1 and 2: the value went down.
    Decrease,
    /// Mode 3: the value is below its limit.
    Low,
    /// Mode 3: the value is above its limit.
    High,
}

/// A GNSS position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Position {
    /// Latitude in millionths of a degree.
    pub(crate) latitude_e6: i32,
    /// Longitude in millionths of a degree.
    pub(crate) longitude_e6: i32,
    /// Unix time of the fix.
    pub(crate) unix_s: u32,
}

impl Alarm {
    /// The byte in HEX; it cannot tell up from below, nor down from above.
    pub(crate) fn byte(alarm: Option<Self>) -> u8 {
        match alarm {
            None => 0,
            Some(Self::Increase | Self::Low) => 1,
            Some(Self::Decrease | Self::High) => 2,
        }
    }

    /// The word in JSON, without the channel's name.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Increase => "INC",
            Self::Decrease => "DEC",
            Self::Low => "LOW",
            Self::High => "HIGH",
        }
    }
}
