//! What can go wrong with the buffer, in words for the person in front of it.

use std::io;
use std::path::{Path, PathBuf};

/// What the system says when the medium itself fails; it has no [`io::ErrorKind`] of its own.
pub(super) const EIO: i32 = 5;

/// Why the buffer could not do what it was asked.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum BufferError {
    /// Another process owns the data directory.
    #[error("another process uses the data directory `{}`", .dir.display())]
    #[diagnostic(
        code(buffer::locked),
        help(
            "only one agent can run on a data directory: stop the other one, or give this one its own `gateway.data_dir`"
        )
    )]
    Locked {
        /// The data directory.
        dir: PathBuf,
    },
    /// The data directory cannot be made or entered.
    #[error("cannot use the data directory `{}`: {source}", .dir.display())]
    #[diagnostic(code(buffer::data_dir), help("make the directory and give the agent's user write permission"))]
    DataDir {
        /// The data directory.
        dir: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The disk does not take or give what it should; a full or read-only disk. What was to be written is kept in memory.
    #[error("cannot use the buffer in `{}`: {reason}", .dir.display())]
    #[diagnostic(
        code(buffer::disk),
        help("check free space and mount of the data directory; the agent retries by itself")
    )]
    Disk {
        /// The directory of the store.
        dir: PathBuf,
        /// What the system or the store said.
        reason: String,
    },
    /// A newer agent has written the buffer.
    #[error("the buffer in `{}` has format {found}, this agent knows up to {known}", .dir.display())]
    #[diagnostic(
        code(buffer::newer_format),
        help(
            "install the agent that wrote it, or a newer one; nothing has been changed. To begin anew, move the directory away and keep it: there may be readings in it"
        )
    )]
    NewerFormat {
        /// The data directory.
        dir: PathBuf,
        /// What the directory says.
        found: u32,
        /// The newest that this agent knows.
        known: u32,
    },
    /// The thread that owns the buffer has ended.
    #[error("the buffer is closed")]
    #[diagnostic(code(buffer::closed))]
    Closed,
}

impl BufferError {
    /// Why the data directory cannot be used: the disk, which may come back by itself, or the way the gateway is set up.
    pub fn data_dir(dir: &Path, source: io::Error) -> Self {
        use io::ErrorKind::{QuotaExceeded, ReadOnlyFilesystem, StorageFull};
        let dir = dir.to_owned();
        let disk = matches!(source.kind(), QuotaExceeded | ReadOnlyFilesystem | StorageFull);
        if disk || source.raw_os_error() == Some(EIO) {
            Self::Disk { dir, reason: source.to_string() }
        } else {
            Self::DataDir { dir, source }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_that_fails_is_not_a_mistake_in_the_configuration() {
        let error = |code| BufferError::data_dir(Path::new("data"), io::Error::from_raw_os_error(code));
        let (enospc, erofs, edquot, eacces, enotdir) = (28, 30, 122, 13, 20);
        for code in [EIO, enospc, erofs, edquot] {
            assert!(matches!(error(code), BufferError::Disk { .. }), "{code}");
        }
        for code in [eacces, enotdir] {
            assert!(matches!(error(code), BufferError::DataDir { .. }), "{code}");
        }
    }
}
