//! Why a command ended without an answer, and the exit code that says so.

use std::io::ErrorKind;
use std::path::PathBuf;

use crate::control::ScenarioError;
use crate::control::socket::SocketError;
use crate::pty::PortError;
use crate::replay::ReplayError;
use crate::sensor::SensorError;
use crate::serial::SerialError;
use crate::transcript::TranscriptError;

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
    Link(#[from] PortError),
    #[error("cannot {what} `{}`: {source}{hint}", path.display())]
    File { what: &'static str, path: PathBuf, source: std::io::Error, hint: &'static str },
    #[error("{}, {source}\n\nhint: `hw-sim replay --help` shows the format", path.display())]
    Transcript { path: PathBuf, source: TranscriptError },
    /// Each problem on a line of its own.
    #[error(
        "cannot use the scenario `{}`:\n{source}\n\nhint: a step is `[[at]]` with `after = \"90s\"` and `run = \"COMMAND\"`; \
         `hw-sim ctl` takes the same commands", path.display()
    )]
    Scenario { path: PathBuf, source: ScenarioError },
    /// The dialogue went otherwise, or could not go on.
    #[error("{}, line {line}: {source}", path.display())]
    Replay { path: PathBuf, line: usize, source: ReplayError },
    #[error(transparent)]
    Socket(#[from] SocketError),
    #[error("nobody reads what is printed any more: standard output is closed")]
    Unheard,
    #[error("cannot run: {0}")]
    System(std::io::Error),
    /// The simulator understood, and said no.
    #[error("{0}")]
    Refused(String),
}

/// The port, the sockets and the files have errors of their own: a pipe without a reader is standard output.
impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            ErrorKind::BrokenPipe => Self::Unheard,
            _ => Self::System(error),
        }
    }
}

impl Failure {
    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Self::Refused(_) | Self::Replay { source: ReplayError::Different(_), .. } => EXIT_REFUSED,
            _ => EXIT_COULD_NOT,
        }
    }
}
