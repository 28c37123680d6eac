//! Why a replay ended before the transcript did.

use super::Difference;
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
    #[error("ended here")]
    Interrupted,
}
