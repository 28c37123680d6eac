//! Why a command ended without an answer, and the exit code that says so.

use crate::control::socket::SocketError;
use crate::sensor::SensorError;
use crate::serial::SerialError;

/// Could not ask: usage, profile, port, socket, file.
pub(super) const EXIT_COULD_NOT: u8 = 2;
/// Asked, and the answer was no.
pub(super) const EXIT_REFUSED: u8 = 1;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error(transparent)]
    Sensor(#[from] SensorError),
    #[error(transparent)]
    Port(#[from] SerialError),
    #[error(transparent)]
    Socket(#[from] SocketError),
    #[error("cannot run: {0}")]
    System(#[from] std::io::Error),
    /// The simulator understood, and said no.
    #[error("{0}")]
    Refused(String),
}

impl Failure {
    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Self::Refused(_) => EXIT_REFUSED,
            _ => EXIT_COULD_NOT,
        }
    }
}
