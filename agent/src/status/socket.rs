//! The socket's file: made, found again, and taken away. Everything here blocks, if only for a moment.
//!
//! A socket that nobody listens on is left from a run that was killed, and replaced. What is no socket is never touched.

use std::fs::{self, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// The longest path, in bytes: the system has room for 108, one of them for the end.
pub const PATH_BYTES_MAX: usize = 107;
/// Who may connect: the owner (and root).
const MODE: u32 = 0o600;

/// Why there is no status socket.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum SocketError {
    /// Something else is at its place.
    #[error("`{}` is not a socket, so it is left alone", .path.display())]
    #[diagnostic(code(status::not_a_socket), help("move it away, or set `[status] socket` to another path"))]
    NotASocket {
        /// Where.
        path: PathBuf,
    },
    /// Another program answers there.
    #[error("another program listens on `{}`", .path.display())]
    #[diagnostic(code(status::in_use), help("set `[status] socket` to another path; two agents cannot share one"))]
    InUse {
        /// Where.
        path: PathBuf,
    },
    /// The system has no room for it.
    #[error("the path `{}` is too long for a socket: {} bytes, not {PATH_BYTES_MAX}", .path.display(), .path.as_os_str().len())]
    #[diagnostic(code(status::path_too_long), help("set `[status] socket` to a shorter path, such as below `/run`"))]
    TooLong {
        /// Where.
        path: PathBuf,
    },
    /// It cannot be made.
    #[error("cannot make the socket `{}`", .path.display())]
    #[diagnostic(
        code(status::bind),
        help("the directory must be there, and the agent's user must be able to write to it")
    )]
    Bind {
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// A socket that is listened on; its file goes with it.
#[derive(Debug)]
pub struct Bound {
    path: PathBuf,
    file: File,
}

/// Which file it is: another one of that name is not ours to remove. A number that is free again goes to the next file, so
/// the time of its last change belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct File {
    device: u64,
    inode: u64,
    changed: (i64, i64),
}

/// Refuses a place where something else than a socket is: a mistake in the configuration, and a person is still there.
///
/// # Errors
/// [`SocketError::NotASocket`].
pub fn check(path: &Path) -> Result<(), SocketError> {
    match fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => Err(SocketError::NotASocket { path: path.to_owned() }),
        // What else may be wrong can come right by itself.
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Makes the socket, in the place of one that is left over.
///
/// # Errors
/// There is no room for it, or the system refuses.
pub fn bind(path: &Path) -> Result<(UnixListener, Bound), SocketError> {
    if path.as_os_str().len() > PATH_BYTES_MAX {
        return Err(SocketError::TooLong { path: path.to_owned() });
    }
    check(path)?;
    if UnixStream::connect(path).is_ok() {
        return Err(SocketError::InUse { path: path.to_owned() });
    }
    listen(path).map_err(|source| SocketError::Bind { path: path.to_owned(), source })
}

fn listen(path: &Path) -> io::Result<(UnixListener, Bound)> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, Permissions::from_mode(MODE))?;
    listener.set_nonblocking(true)?;
    let bound = Bound { path: path.to_owned(), file: file(path)? };
    Ok((listener, bound))
}

fn file(path: &Path) -> io::Result<File> {
    let found = fs::symlink_metadata(path)?;
    Ok(File { device: found.dev(), inode: found.ino(), changed: (found.ctime(), found.ctime_nsec()) })
}

impl Bound {
    /// Whether the file is still there as it was made: whatever cleans up directories may have taken it, or somebody has
    /// let others in.
    pub fn is_there(&self) -> bool {
        file(&self.path).is_ok_and(|found| found == self.file)
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        if self.is_there() {
            drop(fs::remove_file(&self.path));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_is_left_over_is_replaced_and_one_that_is_listened_on_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("status.sock");
        let (listener, bound) = bind(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, MODE);
        assert!(matches!(bind(&path), Err(SocketError::InUse { .. })));
        drop(listener);
        // Keeps the number of the file from being given to the next one.
        fs::hard_link(&path, dir.path().join("kept")).unwrap();
        let (_listener, second) = bind(&path).unwrap();
        assert!(!bound.is_there() && second.is_there());
        drop(bound);
        assert!(second.is_there(), "an earlier one takes only its own file away");
        drop(second);
        assert!(!path.exists());
    }

    #[test]
    fn what_is_no_socket_is_never_touched() {
        let dir = tempfile::tempdir().unwrap();
        let (file, link, folder) = (dir.path().join("file"), dir.path().join("link"), dir.path().join("folder"));
        fs::write(&file, "precious").unwrap();
        std::os::unix::fs::symlink("nowhere", &link).unwrap();
        fs::create_dir(&folder).unwrap();
        for path in [&file, &link, &folder] {
            assert!(matches!(bind(path), Err(SocketError::NotASocket { .. })), "{}", path.display());
            assert!(fs::symlink_metadata(path).is_ok());
        }
    }

    #[test]
    fn the_system_takes_a_path_of_the_greatest_length_and_none_longer() {
        let dir = tempfile::tempdir().unwrap();
        let room = PATH_BYTES_MAX - dir.path().as_os_str().len() - 1;
        assert!(bind(&dir.path().join("s".repeat(room))).is_ok());
        assert!(matches!(bind(&dir.path().join("s".repeat(room + 1))), Err(SocketError::TooLong { .. })));
    }
}
