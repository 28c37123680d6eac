//! The control socket: a Unix stream socket that takes one command a line and answers one line to each.
//!
//! `ok`, `ok TEXT` or `error REASON`. What a command means is not decided here: every line goes to
//! [`Controller::command`]. Only the owner of the socket's file may connect.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::{AbortHandle, JoinSet};

use crate::sensor::Controller;

/// Clients at the same time: a person, a few scripts.
const CONNECTIONS_MAX: usize = 8;
/// The longest command; a path is the longest word in one.
const LINE_BYTES_MAX: usize = 1024;
/// The longest answer a client takes; a status is far shorter.
const ANSWER_BYTES_MAX: u64 = 64 * 1024;
/// A simulator answers in milliseconds.
const ANSWER_PATIENCE: Duration = Duration::from_secs(5);
/// Only the owner: whoever can connect can change what the sensor says.
const MODE: u32 = 0o600;

/// The system takes 107, and the socket is first made under another name: with two dots and the process's number.
const PATH_BYTES_MAX: usize = 98;

/// Why a control socket cannot be offered or reached.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SocketError {
    #[error("`{}` exists and is not a socket\n\nhint: choose another path, or move that file away", .0.display())]
    Occupied(PathBuf),
    #[error("another simulator is listening at `{}`\n\nhint: end it, or choose another path", .0.display())]
    InUse(PathBuf),
    #[error("`{}` is a socket of another program: {source}\n\nhint: choose another path", path.display())]
    Foreign { path: PathBuf, source: std::io::Error },
    #[error(
        "cannot make the socket `{}`: {source}\n\nhint: its folder must exist and be writable, and the path have at \
         most {PATH_BYTES_MAX} bytes", path.display()
    )]
    Make { path: PathBuf, source: std::io::Error },
    #[error(
        "no simulator at `{}`: {source}\n\nhint: start one with `hw-sim run --control {}`", path.display(),
        path.display()
    )]
    Reach { path: PathBuf, source: std::io::Error },
    #[error("the simulator at `{}` gave no answer\n\nhint: is it a socket of `hw-sim run --control`?", .0.display())]
    NoAnswer(PathBuf),
}

/// A listening socket; its file goes when this is dropped.
#[derive(Debug)]
pub(crate) struct ControlSocket {
    listener: UnixListener,
    file: SocketFile,
}

/// The socket's file, known by its inode: another simulator may have taken the path over.
#[derive(Debug)]
struct SocketFile {
    path: PathBuf,
    inode: u64,
}

/// A socket being served; dropping this ends it.
#[derive(Debug)]
pub(crate) struct Serving {
    task: AbortHandle,
    _file: SocketFile,
}

impl ControlSocket {
    /// Makes the socket, in the place of one that nobody listens at any more. Needs a tokio runtime.
    pub(crate) fn open(path: &Path) -> Result<Self, SocketError> {
        refuse_what_is_there(path)?;
        let (listener, file) = bind(path).map_err(|source| SocketError::Make { path: path.to_owned(), source })?;
        Ok(Self { listener, file })
    }

    /// Answers in the background until the result is dropped.
    pub(crate) fn serve(self, controller: Controller) -> Serving {
        let Self { listener, file } = self;
        let task = tokio::spawn(accept(listener, controller)).abort_handle();
        Serving { task, _file: file }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if fs::symlink_metadata(&self.path).is_ok_and(|metadata| metadata.ino() == self.inode)
            && let Err(error) = fs::remove_file(&self.path)
        {
            tracing::warn!(socket = %self.path.display(), %error, "cannot remove the control socket");
        }
    }
}

fn refuse_what_is_there(path: &Path) -> Result<(), SocketError> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if !metadata.file_type().is_socket() => Err(SocketError::Occupied(path.to_owned())),
        Ok(_) => match std::os::unix::net::UnixStream::connect(path) {
            Ok(_) => Err(SocketError::InUse(path.to_owned())),
            // Nobody listens, or whoever did has just removed it.
            Err(error) if matches!(error.kind(), ErrorKind::ConnectionRefused | ErrorKind::NotFound) => Ok(()),
            Err(source) => Err(SocketError::Foreign { path: path.to_owned(), source }),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(source) => Err(SocketError::Make { path: path.to_owned(), source }),
    }
}

/// Binds under another name and renames: the path is never there with the wrong mode, and a stale one is replaced.
fn bind(path: &Path) -> std::io::Result<(UnixListener, SocketFile)> {
    let name = path.file_name().ok_or(ErrorKind::InvalidInput)?;
    let temporary = path.with_file_name(format!(".{}.{}", name.to_string_lossy(), std::process::id()));
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&temporary)?;
    fs::set_permissions(&temporary, fs::Permissions::from_mode(MODE))?;
    fs::rename(&temporary, path)?;
    let inode = fs::symlink_metadata(path)?.ino();
    Ok((listener, SocketFile { path: path.to_owned(), inode }))
}

/// Dropping the set ends the conversations with the listener.
async fn accept(listener: UnixListener, controller: Controller) {
    let mut conversations = JoinSet::new();
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of descriptors, as a rule: without a pause this would spin.
                tracing::warn!(%error, "control socket");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        while conversations.try_join_next().is_some() {}
        if conversations.len() >= CONNECTIONS_MAX {
            refuse(stream).await;
        } else {
            conversations.spawn(converse(stream, controller.clone()));
        }
    }
}

async fn refuse(mut stream: UnixStream) {
    let answer = format!("error too many connections, at most {CONNECTIONS_MAX}\n");
    // A client that went away does not want to know.
    let _ = stream.try_write(answer.as_bytes());
    let _ = stream.shutdown().await;
}

/// Ends with the client, and with a line that is too long: what follows it could be anything.
async fn converse(stream: UnixStream, controller: Controller) {
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::with_capacity(LINE_BYTES_MAX, read);
    loop {
        let mut line = Vec::new();
        let limit = LINE_BYTES_MAX as u64 + 1;
        if !matches!((&mut read).take(limit).read_until(b'\n', &mut line).await, Ok(count) if count > 0) {
            return;
        }
        let complete = line.len() <= LINE_BYTES_MAX;
        let answer = match std::str::from_utf8(&line) {
            _ if !complete => Err(format!("a command has at most {LINE_BYTES_MAX} bytes")),
            Err(_) => Err("a command is UTF-8 text".to_owned()),
            Ok(line) => controller.command(line.trim()).await,
        };
        let answered = write.write_all(to_line(&answer).as_bytes()).await;
        if answered.is_err() || !complete {
            return;
        }
    }
}

fn to_line(answer: &Result<String, String>) -> String {
    let (word, text) = match answer {
        Ok(text) => ("ok", text),
        Err(reason) => ("error", reason),
    };
    format!("{word} {}", text.replace(['\r', '\n'], " ")).trim_end().to_owned() + "\n"
}

fn from_line(line: &str) -> Option<Result<String, String>> {
    let line = line.strip_suffix('\n')?;
    let (word, text) = line.split_once(' ').unwrap_or((line, ""));
    match word {
        "ok" => Some(Ok(text.to_owned())),
        "error" => Some(Err(text.to_owned())),
        _ => None,
    }
}

/// Sends one command to the simulator at a socket and waits for its answer.
pub(crate) async fn ask(path: &Path, command: &str) -> Result<Result<String, String>, SocketError> {
    let reach = |source| SocketError::Reach { path: path.to_owned(), source };
    let stream = UnixStream::connect(path).await.map_err(reach)?;
    let line = command.replace(['\r', '\n'], " ") + "\n";
    let answer = async {
        let (read, mut write) = stream.into_split();
        let sent = write.write_all(line.as_bytes()).await;
        let mut answer = String::new();
        let read = BufReader::new(read.take(ANSWER_BYTES_MAX)).read_line(&mut answer).await;
        // A simulator that refuses a connection or a long line says why and does not read what follows.
        if answer.is_empty() { sent.and(read).map(|_| answer) } else { Ok(answer) }
    };
    match tokio::time::timeout(ANSWER_PATIENCE, answer).await {
        Ok(Ok(answer)) => from_line(&answer).ok_or_else(|| SocketError::NoAnswer(path.to_owned())),
        Ok(Err(source)) => Err(reach(source)),
        Err(_elapsed) => Err(SocketError::NoAnswer(path.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_survives_the_way_to_a_line_and_back() {
        for answer in [Ok(String::new()), Ok("{\"a\": 1}".to_owned()), Err("no".to_owned())] {
            assert_eq!(from_line(&to_line(&answer)), Some(answer));
        }
        assert_eq!(to_line(&Err("two\nlines".to_owned())), "error two lines\n");
        assert_eq!(from_line("ok"), None);
        assert_eq!(from_line("HTTP/1.1 400\n"), None);
    }

    #[tokio::test]
    async fn a_refusal_is_heard_by_a_client_that_could_not_say_all() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("sock");
        let listener = UnixListener::bind(&path).unwrap();
        let server = tokio::spawn(async move { refuse(listener.accept().await.unwrap().0).await });
        let answer = ask(&path, &"x".repeat(4_000_000)).await.unwrap();
        assert_eq!(answer, Err("too many connections, at most 8".to_owned()));
        server.await.unwrap();
    }
}
