//! What a person sees of a sensor's task.

use std::fmt;
use std::time::Duration;

use kitchen_contract::id::DeviceId;
use miette::Diagnostic as _;
use tokio::sync::watch;

use crate::at::identity::Imei;
use crate::device::error::DeviceError;
use crate::observation::Moment;

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

/// Everything that is shown of a sensor's task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SensorShown {
    /// Where the task is.
    pub state: SensorState,
    /// Since when it measures, or since when it does not; attempts in between change nothing.
    pub since: Moment,
    /// What is wrong, until it measures without.
    pub problem: Option<SensorProblem>,
    /// The sensor that was let in last, and its port.
    pub found: Option<(Imei, String)>,
}

/// What is wrong with a sensor, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SensorProblem {
    /// What.
    pub text: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl SensorShown {
    /// Nothing has been tried yet.
    pub fn new() -> Self {
        let state = SensorState::WaitingForPort;
        Self { state, since: Moment(Duration::ZERO), problem: None, found: None }
    }

    /// The task goes on to `state`, with what is wrong there.
    pub(super) fn go(&mut self, now: Duration, (state, problem): (SensorState, Option<&DeviceError>)) {
        if state.is_measuring() != self.state.is_measuring() {
            self.since = Moment(now);
        }
        if state.is_measuring() || problem.is_some() {
            self.problem = problem.map(SensorProblem::from);
        }
        self.state = state;
    }
}

impl Default for SensorShown {
    fn default() -> Self {
        Self::new()
    }
}

impl From<&DeviceError> for SensorProblem {
    fn from(error: &DeviceError) -> Self {
        Self { text: error.to_string(), hint: error.help().map(|help| help.to_string()) }
    }
}

/// Shows a change; a new state is an event for the log, the same again is not.
pub(super) fn show(shown: &watch::Sender<SensorShown>, device_id: &DeviceId, change: impl FnOnce(&mut SensorShown)) {
    shown.send_if_modified(|shown| {
        let before = shown.clone();
        change(shown);
        if shown.state != before.state {
            tracing::info!(device.id = %device_id, state = %shown.state, "sensor state");
        }
        *shown != before
    });
}

impl SensorState {
    /// Whether polls bring values.
    pub fn is_measuring(&self) -> bool {
        matches!(self, Self::Ready | Self::NotConfigured { .. })
    }

    /// Whether polls bring values of a sensor that is set as configured.
    pub fn is_ready(&self) -> bool {
        matches!(self, Self::Ready)
    }

    /// One word for it, for machines.
    pub fn word(&self) -> &'static str {
        match self {
            Self::WaitingForPort => "waiting-for-port",
            Self::PortInUse => "port-in-use",
            Self::PortDenied => "port-denied",
            Self::PortFailed => "port-failed",
            Self::LoggingIn => "logging-in",
            Self::WrongPin => "wrong-pin",
            Self::NoAnswer => "no-answer",
            Self::Damaged => "damaged",
            Self::Configuring => "configuring",
            Self::Ready => "ready",
            Self::NotConfigured { .. } => "not-configured",
            Self::WrongSensor { .. } => "wrong-sensor",
        }
    }
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
