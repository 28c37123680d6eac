//! Asks a running agent how it is.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::document::Document;

/// The longest answer: that of the most sensors has a twentieth of it.
const ANSWER_BYTES_MAX: u64 = 1024 * 1024;
/// How long an agent may take; one that is well takes milliseconds.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// Why the agent could not be asked.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum AskError {
    /// Nobody listens.
    #[error("no agent answers on `{}`", .socket.display())]
    #[diagnostic(
        code(status::no_agent),
        help("is the service running? `systemctl status kitchen-agent`; why not: `journalctl -u kitchen-agent -n 50`")
    )]
    NoAgent {
        /// Where.
        socket: PathBuf,
    },
    /// The agent, or the system for it, does not let us ask.
    #[error("no permission to ask the agent on `{}`", .socket.display())]
    #[diagnostic(code(status::denied), help("run it as root or as the agent's user: `sudo kitchen-agent status`"))]
    Denied {
        /// Where.
        socket: PathBuf,
    },
    /// It is there and says nothing.
    #[error("the agent does not answer within {} s", ANSWER_WITHIN.as_secs())]
    #[diagnostic(
        code(status::no_answer),
        help(
            "it may be busy, ask again; if that goes on: `systemctl restart kitchen-agent` (nothing on disk is lost)"
        )
    )]
    NoAnswer,
    /// It says something else.
    #[error("the agent's answer is not understood: {reason}")]
    #[diagnostic(
        code(status::not_understood),
        help("an agent of another version may still run: `systemctl restart kitchen-agent`")
    )]
    NotUnderstood {
        /// Why.
        reason: String,
    },
    /// The system gives no connection.
    #[error("cannot ask the agent on `{}`", .socket.display())]
    #[diagnostic(code(status::failed), help("see `journalctl -u kitchen-agent -n 50`"))]
    Failed {
        /// Where.
        socket: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// What the agent that listens on `socket` says.
///
/// # Errors
/// There is none, it does not let us ask, or does not answer as it should.
pub fn ask(socket: &Path) -> Result<Document, AskError> {
    let failed = |source| failure(socket, source);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let answer = runtime.block_on(async { timeout(ANSWER_WITHIN, read(socket)).await });
    let text = answer.map_err(|_| AskError::NoAnswer)?.map_err(failed)?;
    understand(socket, &text)
}

async fn read(socket: &Path) -> io::Result<Vec<u8>> {
    let stream = UnixStream::connect(socket).await?;
    let mut text = Vec::new();
    stream.take(ANSWER_BYTES_MAX + 1).read_to_end(&mut text).await?;
    Ok(text)
}

fn understand(socket: &Path, text: &[u8]) -> Result<Document, AskError> {
    let not_understood = |reason| Err(AskError::NotUnderstood { reason });
    if text.is_empty() && !may_ask(socket) {
        return Err(AskError::Denied { socket: socket.to_owned() });
    }
    if text.is_empty() {
        return not_understood("it is empty".to_owned());
    }
    if text.len() as u64 > ANSWER_BYTES_MAX {
        return not_understood(format!("it is longer than {ANSWER_BYTES_MAX} bytes"));
    }
    serde_json::from_slice(text).or_else(|error| not_understood(error.to_string()))
}

/// An agent that closes without a word has looked at who asks, or is ending.
fn may_ask(socket: &Path) -> bool {
    let user = nix::unistd::geteuid();
    user.is_root() || fs::metadata(socket).is_ok_and(|file| file.uid() == user.as_raw())
}

fn failure(socket: &Path, source: io::Error) -> AskError {
    let socket = socket.to_owned();
    match source.kind() {
        ErrorKind::NotFound | ErrorKind::ConnectionRefused => AskError::NoAgent { socket },
        ErrorKind::PermissionDenied => AskError::Denied { socket },
        _ => AskError::Failed { socket, source },
    }
}
