//! Why a replay ended before the transcript did.

use super::Difference;
use crate::control::Command;
use crate::control::socket::SocketError;
use crate::pty::PortError;
use crate::serial::SerialError;

/// Why a replay ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReplayError {
    /// The other side said something else.
    #[error("{0}")]
    Different(Difference),
    #[error(transparent)]
    Link(#[from] PortError),
    #[error(transparent)]
    Port(#[from] SerialError),
    #[error(transparent)]
    Socket(#[from] SocketError),
    #[error("the simulator refused `{command}`: {reason}")]
    Refused { command: String, reason: String },
    #[error("the simulator has to be told `{0}`\n\nhint: give its control socket with --control")]
    Untold(Command),
    #[error("ended here")]
    Interrupted,
}
