//! Answers on the status socket: one document per connection.
//!
//! Who may ask: the agent's own user and root; anybody else is shown out without a word. At most `CONNECTIONS_MAX` are
//! answered at once, the rest wait in the system's queue; a client that does not read costs its place for
//! `ANSWER_WITHIN`. A socket that cannot be made is a line in the log and made later: sampling goes on without.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::{UnixListener, UnixStream};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::socket::{self, Bound, SocketError};
use super::sources::Sources;
use crate::repeats::Repeats;
use crate::report::in_one_line;

/// Answered at once: a person, a monitor, and room.
const CONNECTIONS_MAX: usize = 8;
/// How long a client may take to read its answer. With what the buffer may take it stays below the client's patience.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
/// How soon a socket that could not be made is made again.
const BIND_AGAIN: Duration = Duration::from_secs(30);
/// How often it is looked whether the socket's file is still there.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// How long to wait when the system gives no connection, as without a free file handle.
const ACCEPT_AGAIN: Duration = Duration::from_secs(1);
/// Strangers that are remembered; a gateway has fewer users.
const STRANGERS_MAX: usize = 64;
/// Root may ask whatever it likes.
const ROOT: u32 = 0;

/// Answers on the status socket.
pub struct Server {
    path: PathBuf,
    sources: Sources,
    /// The agent's own user.
    user: u32,
    /// Users that were shown out.
    strangers: Mutex<BTreeSet<u32>>,
}

impl Server {
    /// A server for that path.
    pub fn new(path: PathBuf, sources: Sources) -> Self {
        Self { path, sources, user: nix::unistd::geteuid().as_raw(), strangers: Mutex::default() }
    }

    /// Answers until shutdown, and takes the socket's file away.
    pub async fn run(self, shutdown: CancellationToken) {
        shutdown.run_until_cancelled(self.serve()).await;
    }

    async fn serve(&self) -> Infallible {
        let mut failures = Repeats::default();
        loop {
            match bind(&self.path).await {
                Ok((listener, bound)) => {
                    failures.recovered();
                    info!(socket = %self.path.display(), "the status can be asked");
                    tokio::select! {
                        never = self.attend_all(&listener) => match never {},
                        () = gone(Arc::new(bound)) => warn!(socket = %self.path.display(), "the status socket is gone or was changed: made again"),
                    }
                }
                Err(error) => {
                    if let Some(repeated) = failures.failed(self.sources.clock.now(), &error.to_string()) {
                        let (reason, hint) =
                            (in_one_line(&error), miette::Diagnostic::help(&error).map(|help| help.to_string()));
                        warn!(reason, repeated, hint, "no status socket; sampling goes on, it is tried again");
                    }
                    sleep(BIND_AGAIN).await;
                }
            }
        }
    }

    /// As many at once as there are places.
    async fn attend_all(&self, listener: &UnixListener) -> Infallible {
        let mut places: Vec<Pin<Box<_>>> = (0..CONNECTIONS_MAX).map(|_| Box::pin(self.attend(listener))).collect();
        poll_fn(|context| {
            let ended = places.iter_mut().map(|place| place.as_mut().poll(context));
            ended.fold(Poll::Pending, |_, ended| ended)
        })
        .await
    }

    /// One client after the other.
    async fn attend(&self, listener: &UnixListener) -> Infallible {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    if let Err(error) = self.answer(stream).await {
                        debug!(%error, "a status client got no answer");
                    }
                }
                Err(error) => {
                    debug!(%error, "no connection on the status socket");
                    sleep(ACCEPT_AGAIN).await;
                }
            }
        }
    }

    async fn answer(&self, mut stream: UnixStream) -> io::Result<()> {
        let user = stream.peer_cred()?.uid();
        if user != self.user && user != ROOT {
            self.show_out(user);
            return Ok(());
        }
        let mut text = serde_json::to_vec(&self.sources.document().await)?;
        text.push(b'\n');
        timeout(ANSWER_WITHIN, stream.write_all(&text)).await?
    }

    /// Each is said once, so that nobody can fill the log.
    fn show_out(&self, user: u32) {
        let mut strangers = self.strangers.lock().unwrap_or_else(PoisonError::into_inner);
        if strangers.len() < STRANGERS_MAX && strangers.insert(user) {
            warn!(user, "a user who is neither root nor the agent's asked for the status and got no answer");
        }
    }
}

/// The directory may be on a disk that hangs.
async fn bind(path: &Path) -> Result<(UnixListener, Bound), SocketError> {
    let wanted = path.to_owned();
    let refused = |source| SocketError::Bind { path: path.to_owned(), source };
    let bound = tokio::task::spawn_blocking(move || socket::bind(&wanted)).await;
    let (listener, bound) = bound.map_err(|error| refused(error.into()))??;
    Ok((UnixListener::from_std(listener).map_err(refused)?, bound))
}

/// Returns once the socket's file is not there any more.
async fn gone(bound: Arc<Bound>) {
    loop {
        sleep(LOOK_EVERY).await;
        let looking = Arc::clone(&bound);
        let there = tokio::task::spawn_blocking(move || looking.is_there()).await;
        if !there.unwrap_or(true) {
            return;
        }
    }
}
