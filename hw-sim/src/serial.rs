//! A serial port as a client opens it: a real adapter, or the link of a simulator. Raw, 9600 8N1, ours alone.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::termios::{self, BaudRate, ControlFlags, SetArg};
use tokio::io::unix::AsyncFd;

/// Why a port cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SerialError {
    #[error("there is no port `{}`\n\nhint: is the adapter plugged in, or `hw-sim run --link` running?", .0.display())]
    Missing(PathBuf),
    #[error("`{}` is held by another program\n\nhint: `fuser {}` says which one", .0.display(), .0.display())]
    Held(PathBuf),
    #[error("no permission for `{}`\n\nhint: join its group, as a rule `dialout`, and log in again", .0.display())]
    Denied(PathBuf),
    #[error("`{}` is not a serial port", .0.display())]
    NotAPort(PathBuf),
    #[error("`{}` was unplugged", .0.display())]
    HungUp(PathBuf),
    #[error("port `{}`: {source}", path.display())]
    System { path: PathBuf, source: std::io::Error },
}

/// An open port.
#[derive(Debug)]
pub(crate) struct SerialPort {
    file: AsyncFd<File>,
    path: PathBuf,
}

impl SerialPort {
    /// Opens, locks and sets it up. Needs a tokio runtime.
    pub(crate) fn open(path: &Path) -> Result<Self, SerialError> {
        let flags = OFlag::O_NOCTTY | OFlag::O_NONBLOCK;
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(flags.bits())
            .open(path)
            .map_err(|error| explain(path, error))?;
        set_up(&file).map_err(|errno| explain(path, errno.into()))?;
        // The lock that picocom and the serialport crate take, too.
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => SerialError::Held(path.to_owned()),
            TryLockError::Error(error) => explain(path, error),
        })?;
        #[expect(deprecated, reason = "sound for a File, which owns its descriptor; the successor is unsafe")]
        let file = AsyncFd::new(file).map_err(|error| explain(path, error))?;
        Ok(Self { file, path: path.to_owned() })
    }

    /// Where it was opened.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Waits for bytes. Cancel safe.
    pub(crate) async fn read(&self, buffer: &mut [u8]) -> Result<usize, SerialError> {
        loop {
            let mut guard = self.file.readable().await.map_err(|error| explain(&self.path, error))?;
            match guard.try_io(|file| file.get_ref().read(buffer)) {
                Ok(Ok(0)) => return Err(SerialError::HungUp(self.path.clone())),
                Ok(Ok(count)) => return Ok(count),
                Ok(Err(error)) => return Err(explain(&self.path, error)),
                Err(_would_block) => {}
            }
        }
    }

    /// Sends all of it, as fast as the line takes it.
    pub(crate) async fn write_all(&self, mut bytes: &[u8]) -> Result<(), SerialError> {
        while !bytes.is_empty() {
            let mut guard = self.file.writable().await.map_err(|error| explain(&self.path, error))?;
            match guard.try_io(|file| file.get_ref().write(bytes)) {
                Ok(Ok(count)) => bytes = &bytes[count..],
                Ok(Err(error)) => return Err(explain(&self.path, error)),
                Err(_would_block) => {}
            }
        }
        Ok(())
    }
}

fn set_up(file: &File) -> nix::Result<()> {
    let mut settings = termios::tcgetattr(file)?;
    termios::cfmakeraw(&mut settings);
    settings.control_flags.remove(ControlFlags::PARENB | ControlFlags::CSTOPB | ControlFlags::CRTSCTS);
    settings.control_flags.insert(ControlFlags::CLOCAL | ControlFlags::CREAD | ControlFlags::CS8);
    termios::cfsetspeed(&mut settings, BaudRate::B9600)?;
    termios::tcsetattr(file, SetArg::TCSANOW, &settings)
}

fn explain(path: &Path, source: std::io::Error) -> SerialError {
    let path = path.to_owned();
    match (source.kind(), source.raw_os_error().map(Errno::from_raw)) {
        (ErrorKind::NotFound, _) | (_, Some(Errno::ENXIO | Errno::ENODEV)) => SerialError::Missing(path),
        (ErrorKind::PermissionDenied, _) => SerialError::Denied(path),
        (_, Some(Errno::EBUSY)) => SerialError::Held(path),
        (_, Some(Errno::ENOTTY | Errno::EISDIR)) => SerialError::NotAPort(path),
        (_, Some(Errno::EIO)) => SerialError::HungUp(path),
        _ => SerialError::System { path, source },
    }
}
