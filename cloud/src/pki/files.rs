//! Files that are there whole or not at all, and secret where they must be. Blocking.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Who may read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Only its owner (0600).
    Secret,
    /// Everybody who gets into the directory (0644).
    Public,
}

/// Makes a directory and its parents, with mode 0700; one that exists is left as it is.
///
/// # Errors
/// The file system's.
pub fn make_private_dir(dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

/// Writes a file under a temporary name, syncs it, and gives it its name: after a crash the old or the new content is
/// there, never a part.
///
/// # Errors
/// The file system's.
pub fn write_atomically(path: &Path, access: Access, content: &[u8]) -> io::Result<()> {
    let temporary = temporary(path);
    let mode = match access {
        Access::Secret => 0o600,
        Access::Public => 0o644,
    };
    remove_if_there(&temporary)?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&temporary)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    File::open(path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")))?.sync_all()
}

fn temporary(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    path.with_file_name(name)
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}
