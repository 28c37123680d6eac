//! What a person sees of a sensor's task.

use std::fmt;

use kitchen_contract::id::DeviceId;
use tokio::sync::watch;

use crate::device::error::DeviceError;

/// Where the task is. Sampling goes on in every one of them: a poll that is due becomes a reading with a fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SensorState {
    /// Nothing at the configured path, the sensor on no port, or it was unplugged.
    WaitingForPort,
    /// Another program holds the port.
    PortInUse,
    /// The port may not be opened.
    PortDenied,
    /// The port cannot be opened or written to.
    PortFailed,
    /// The console is being asked to let us in; after a reset this takes up to a minute.
    LoggingIn,
    /// The PIN is refused or missing; it is tried again slowly.
    WrongPin,
    /// The sensor does not answer.
    NoAnswer,
    /// The sensor's answers are damaged.
    Damaged,
    /// Settings are being read and, where they differ, written.
    Configuring,
    /// Measuring.
    Ready,
    /// Measuring, with a setting that the sensor does not take.
    NotConfigured {
        /// Which setting.
        problem: String,
    },
    /// Another sensor than the configured one.
    WrongSensor {
        /// Its IMEI.
        found: String,
    },
}

/// Shows a state; a new one is an event for the log, the same again is not.
pub(super) fn show(shown: &watch::Sender<SensorState>, device_id: &DeviceId, state: SensorState) {
    shown.send_if_modified(|shown| {
        let new = *shown != state;
        if new {
            tracing::info!(device.id = %device_id, %state, "sensor state");
            *shown = state;
        }
        new
    });
}

impl From<&DeviceError> for SensorState {
    fn from(error: &DeviceError) -> Self {
        match error {
            DeviceError::PortMissing { .. } | DeviceError::NotFound { .. } | DeviceError::Unplugged { .. } => {
                Self::WaitingForPort
            }
            DeviceError::PortInUse { .. } => Self::PortInUse,
            DeviceError::PortDenied { .. } => Self::PortDenied,
            DeviceError::PortFailed { .. } | DeviceError::WriteStuck { .. } => Self::PortFailed,
            DeviceError::NoAnswer { .. } => Self::NoAnswer,
            DeviceError::WrongPin { .. } | DeviceError::NoPin { .. } => Self::WrongPin,
            DeviceError::Restarted { .. } => Self::LoggingIn,
            DeviceError::Damaged { .. } | DeviceError::NotKnown { .. } => Self::Damaged,
            DeviceError::Refused { .. } | DeviceError::NotApplied { .. } => {
                Self::NotConfigured { problem: error.to_string() }
            }
            DeviceError::WrongSensor { found, .. } => Self::WrongSensor { found: found.clone() },
        }
    }
}

impl fmt::Display for SensorState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::WaitingForPort => "waiting for the port",
            Self::PortInUse => "port held by another program",
            Self::PortDenied => "no permission to open the port",
            Self::PortFailed => "port does not work",
            Self::LoggingIn => "logging in",
            Self::WrongPin => "PIN refused",
            Self::NoAnswer => "sensor does not answer",
            Self::Damaged => "answers damaged on the line",
            Self::Configuring => "configuring",
            Self::Ready => "ready",
            Self::NotConfigured { problem } => return write!(formatter, "ready, but {problem}"),
            Self::WrongSensor { found } => return write!(formatter, "another sensor on this port: {found}"),
        };
        formatter.write_str(text)
    }
}
