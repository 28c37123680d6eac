//! The virtual serial port: a pty whose slave is linked at a path of ours.
//!
//! It behaves as an adapter does: bytes for nobody are lost, and a client that opens the port finds nothing a previous
//! client left unread. Closing it is the adapter being pulled out: a client reads end of file, and writing gives EIO.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{ErrorKind, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::{grantpt, posix_openpt, ptsname_r, unlockpt};
use nix::sys::termios::{self, BaudRate, FlushArg, SetArg};
use tokio::io::unix::AsyncFd;

/// How soon a new client is noticed, at the latest.
const LOOK_FOR_CLIENT: Duration = Duration::from_millis(10);
/// Where every pty's slave is.
const SLAVES: &str = "/dev/pts";

/// Why the virtual port cannot exist.
#[derive(Debug, thiserror::Error)]
pub enum PortError {
    /// Something else is at the link's path.
    #[error("`{}` exists and is not a symbolic link\n\nhint: choose another path, or move that file away", .0.display())]
    Occupied(PathBuf),
    /// A link is there, and no simulator has made it.
    #[error(
        "`{}` is a link to `{}`, not to a pseudo terminal\n\nhint: choose another path, or remove that link",
        path.display(), target.display()
    )]
    Foreign {
        /// The link.
        path: PathBuf,
        /// Where it leads.
        target: PathBuf,
    },
    /// The link leads to a simulator that is alive.
    #[error("`{}` belongs to another simulator\n\nhint: end that one, or choose another path", .0.display())]
    InUse(PathBuf),
    /// The link cannot be made.
    #[error("cannot make the link `{}`: {source}\n\nhint: its folder must exist and be writable", path.display())]
    Link {
        /// Where.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The system gives no pty, or took it away.
    #[error("cannot open a pseudo terminal: {0}")]
    Pty(std::io::Error),
}

/// One plugged-in adapter.
#[derive(Debug)]
pub(crate) struct Port {
    master: File,
    /// Present while a client has the slave open.
    watch: Option<AsyncFd<File>>,
    slave: PathBuf,
    link: PathBuf,
    _claim: UnixListener,
}

impl Port {
    /// Makes the pty and the link. Needs a tokio runtime.
    pub(crate) fn open(link: &Path) -> Result<Self, PortError> {
        refuse_other_files(link)?;
        let claim = claim(link)?;
        let (master, slave) = open_pty().map_err(PortError::Pty)?;
        set_raw_9600(&open_slave(&slave).map_err(PortError::Pty)?).map_err(pty_error)?;
        point_link_at(&slave, link).map_err(|source| PortError::Link { path: link.to_owned(), source })?;
        // The slave is closed here: only while clients have it open can the master tell that there is one.
        Ok(Self { master, watch: None, slave, link: link.to_owned(), _claim: claim })
    }

    /// The device path behind the link.
    pub(crate) fn slave(&self) -> &Path {
        &self.slave
    }

    /// Waits for bytes from a client, however many clients come and go. Cancel safe. An error means the pty is of no
    /// use any more and has to be replaced.
    pub(crate) async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, PortError> {
        loop {
            let Some(watch) = &self.watch else {
                self.wait_for_client().await?;
                continue;
            };
            let mut guard = watch.readable().await.map_err(PortError::Pty)?;
            match guard.try_io(|master| master.get_ref().read(buffer)) {
                Ok(Ok(count)) => return Ok(count),
                Ok(Err(error)) if error.raw_os_error() == Some(Errno::EIO as i32) => self.forget_client()?,
                Ok(Err(error)) => return Err(PortError::Pty(error)),
                Err(_would_block) => {}
            }
        }
    }

    /// Hands bytes to the client, if there is one and it keeps up; what it does not take is lost.
    pub(crate) fn deliver(&mut self, bytes: &[u8]) -> Result<(), PortError> {
        if self.watch.is_none() && self.client_is_there() {
            self.watch()?;
        }
        if self.watch.is_some() && self.client_is_there() {
            match self.master.write(bytes) {
                Ok(count) if count == bytes.len() => {}
                taken => tracing::debug!(offered = bytes.len(), ?taken, "client does not read, bytes lost"),
            }
        }
        Ok(())
    }

    /// Waits for a client, if there is none.
    pub(crate) async fn client(&mut self) -> Result<(), PortError> {
        if self.watch.is_none() { self.wait_for_client().await } else { Ok(()) }
    }

    /// Waits until no client is there; what is still written to the port is forgotten.
    pub(crate) async fn no_client(&mut self) -> Result<(), PortError> {
        let mut buffer = [0; 256];
        while self.client_is_there() {
            tokio::select! {
                forgotten = self.read(&mut buffer) => drop(forgotten?),
                () = tokio::time::sleep(LOOK_FOR_CLIENT) => {}
            }
        }
        Ok(())
    }

    /// Nothing announces that a slave was opened, so it is looked at again and again.
    async fn wait_for_client(&mut self) -> Result<(), PortError> {
        while !self.client_is_there() {
            tokio::time::sleep(LOOK_FOR_CLIENT).await;
        }
        self.watch()
    }

    /// A fresh registration for each client: tokio never forgets a hang-up it has seen.
    fn watch(&mut self) -> Result<(), PortError> {
        let master = self.master.try_clone().map_err(PortError::Pty)?;
        #[expect(deprecated, reason = "sound for a File, which owns its descriptor; the successor is unsafe")]
        let watch = AsyncFd::new(master).map_err(PortError::Pty)?;
        self.watch = Some(watch);
        Ok(())
    }

    /// A client has the slave open, or has left something to read.
    fn client_is_there(&self) -> bool {
        let mut descriptors = [PollFd::new(self.master.as_fd(), PollFlags::POLLIN)];
        let polled = poll(&mut descriptors, PollTimeout::ZERO);
        let state = descriptors[0].revents().unwrap_or(PollFlags::empty());
        polled.is_ok() && (state.contains(PollFlags::POLLIN) || !state.contains(PollFlags::POLLHUP))
    }

    /// The last client closed the port: what it left unread is flushed, as a real port's last close does.
    fn forget_client(&mut self) -> Result<(), PortError> {
        self.watch = None;
        // Fails when the client left the port in exclusive mode, which outlives it on a pty.
        let slave = open_slave(&self.slave).map_err(PortError::Pty)?;
        termios::tcflush(&slave, FlushArg::TCIOFLUSH).map_err(pty_error)
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        // Somebody else may have taken the path over.
        if fs::read_link(&self.link).is_ok_and(|target| target == self.slave)
            && let Err(error) = fs::remove_file(&self.link)
        {
            tracing::warn!(link = %self.link.display(), %error, "cannot remove the link");
        }
    }
}

/// The master and the slave's path. No child process inherits the master: it would keep the cable plugged in.
fn open_pty() -> std::io::Result<(File, PathBuf)> {
    let master = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC)?;
    grantpt(&master)?;
    unlockpt(&master)?;
    let slave = ptsname_r(&master)?;
    Ok((File::from(OwnedFd::from(master)), slave.into()))
}

fn open_slave(slave: &Path) -> std::io::Result<File> {
    File::options().read(true).write(true).custom_flags(OFlag::O_NOCTTY.bits()).open(slave)
}

/// Only what a simulator may have left behind gives way.
fn refuse_other_files(link: &Path) -> Result<(), PortError> {
    match fs::symlink_metadata(link) {
        Ok(metadata) if !metadata.file_type().is_symlink() => Err(PortError::Occupied(link.to_owned())),
        Ok(_) => match fs::read_link(link) {
            Ok(target) if !target.starts_with(SLAVES) => Err(PortError::Foreign { path: link.to_owned(), target }),
            _ => Ok(()),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(source) => Err(PortError::Link { path: link.to_owned(), source }),
    }
}

/// Says that the link is ours, for as long as the result lives and this process does: a link that was left behind by a
/// simulator that was killed leads nowhere, or to a terminal of somebody else, and cannot tell. An abstract socket nobody
/// connects to leaves nothing behind.
fn claim(link: &Path) -> Result<UnixListener, PortError> {
    let error = |source| PortError::Link { path: link.to_owned(), source };
    let folder = link.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut hasher = DefaultHasher::new();
    (fs::canonicalize(folder).map_err(error)?, link.file_name()).hash(&mut hasher);
    let name = format!("hw-sim-link-{:016x}", hasher.finish());
    let address = SocketAddr::from_abstract_name(name).map_err(error)?;
    UnixListener::bind_addr(&address).map_err(|source| match source.kind() {
        ErrorKind::AddrInUse => PortError::InUse(link.to_owned()),
        _ => error(source),
    })
}

/// Makes the link under another name and renames it, so that a client never sees a half-made or missing link.
fn point_link_at(slave: &Path, link: &Path) -> std::io::Result<()> {
    let name = link.file_name().ok_or(ErrorKind::InvalidInput)?;
    let temporary = link.with_file_name(format!(".{}.{}.new", name.to_string_lossy(), std::process::id()));
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    std::os::unix::fs::symlink(slave, &temporary)?;
    fs::rename(&temporary, link)
}

fn set_raw_9600(slave: &File) -> nix::Result<()> {
    let mut settings = termios::tcgetattr(slave)?;
    termios::cfmakeraw(&mut settings);
    termios::cfsetspeed(&mut settings, BaudRate::B9600)?;
    termios::tcsetattr(slave, SetArg::TCSANOW, &settings)
}

fn pty_error(errno: Errno) -> PortError {
    PortError::Pty(errno.into())
}
