//! Why a reading has no temperature.
//!
//! The current bands are NAMUR NE 43 (device reference 13.2); the rest is what can go wrong between probe and agent.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why there is no temperature. The wire form is the kebab-case name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SensorFault {
    /// Below 0.5 mA: wire broken, no supply, fuse.
    LoopOpen,
    /// Up to 3.6 mA: the transmitter reports a failure (fail-low), usually a broken probe.
    TransmitterFailLow,
    /// Between 3.6 and 3.8 mA: not defined by NE 43.
    UndefinedLow,
    /// Up to 3.8 mA while the configured warm-up is too short for the transmitter: its start-up current.
    StartUpCurrent,
    /// Between 20.5 and 21.0 mA: not defined by NE 43.
    UndefinedHigh,
    /// From 21.0 mA: the transmitter reports a failure (fail-high).
    TransmitterFailHigh,
    /// From about 21.3 mA: the board's converter is at its end; nothing above can be told apart.
    InputClipped,
    /// The serial port is not there, or another program holds it.
    NoPort,
    /// The sensor did not answer in time.
    NoAnswer,
    /// The sensor refuses the configured PIN.
    WrongPin,
    /// The sensor's answer was damaged on the line.
    DamagedReply,
    /// Another sensor than the configured one (other IMEI) hangs on the port.
    WrongSensor,
    /// Near the converter's end and never twice the same: the current flows the wrong way, and its sign is lost.
    ReversedPolarity,
    /// The same raw value for hours, below the noise of any live loop: the transmitter or the converter is stuck.
    FrozenValue,
    /// A fault newer than this contract.
    #[serde(other)]
    Unknown,
}

impl SensorFault {
    /// What a person should read.
    pub const fn text(self) -> &'static str {
        match self {
            Self::LoopOpen => "no current: wire broken or no supply",
            Self::TransmitterFailLow => "transmitter reports a failure (low): check the probe",
            Self::UndefinedLow => "current between 3.6 and 3.8 mA: no valid value",
            Self::StartUpCurrent => "start-up current: the warm-up is too short",
            Self::UndefinedHigh => "current between 20.5 and 21.0 mA: no valid value",
            Self::TransmitterFailHigh => "transmitter reports a failure (high): check the probe",
            Self::InputClipped => "current above what the sensor can measure",
            Self::NoPort => "serial port missing or in use",
            Self::NoAnswer => "sensor does not answer",
            Self::WrongPin => "sensor refuses the PIN",
            Self::DamagedReply => "answer damaged on the line",
            Self::WrongSensor => "another sensor hangs on this port",
            Self::ReversedPolarity => "loop current flows backwards: swap the two wires",
            Self::FrozenValue => "value stands still: transmitter or sensor is stuck",
            Self::Unknown => "a fault this version does not know",
        }
    }
}

impl fmt::Display for SensorFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.text())
    }
}
