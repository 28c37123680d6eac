//! A device's flash in a file, so that its settings and records outlive the program.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::device::{Device, Flash, FlashError};

/// Why a memory file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MemoryError {
    /// The system refuses.
    #[error("cannot {what} the memory `{}`: {source}", path.display())]
    Io {
        /// Read or write.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Not a memory of ours.
    #[error("`{}` is no memory of a sensor: {source}\n\nhint: choose another path, or move that file away", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// Another firmware's, or an impossible setting.
    #[error("`{}`: {source}", path.display())]
    Flash {
        /// The file.
        path: PathBuf,
        /// Why.
        source: FlashError,
    },
}

/// A memory file and how much of the flash is in it.
#[derive(Debug)]
pub(crate) struct MemoryFile {
    path: PathBuf,
    kept: u64,
}

impl MemoryFile {
    /// Restores the device from the file, if there is one, and keeps it there from now on.
    pub(crate) fn open(path: &Path, device: &mut Device) -> Result<Self, MemoryError> {
        if let Some(flash) = read(path)? {
            device.restore(&flash).map_err(|source| MemoryError::Flash { path: path.to_owned(), source })?;
        }
        let mut file = Self { path: path.to_owned(), kept: device.flash_writes() };
        file.write(device)?;
        Ok(file)
    }

    /// Writes what has changed since the last time, whole or not at all.
    pub(crate) fn keep(&mut self, device: &Device) -> Result<(), MemoryError> {
        if device.flash_writes() == self.kept { Ok(()) } else { self.write(device) }
    }

    fn write(&mut self, device: &Device) -> Result<(), MemoryError> {
        let path = self.path.clone();
        let json = serde_json::to_vec_pretty(&device.flash())
            .map_err(|source| MemoryError::Format { path: path.clone(), source })?;
        let new = path.with_extension("new");
        fs::write(&new, json).and_then(|()| fs::rename(&new, &path)).map_err(|source| MemoryError::Io {
            what: "write",
            path,
            source,
        })?;
        self.kept = device.flash_writes();
        Ok(())
    }
}

fn read(path: &Path) -> Result<Option<Flash>, MemoryError> {
    match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|source| MemoryError::Format { path: path.to_owned(), source }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(source) => Err(MemoryError::Io { what: "read", path: path.to_owned(), source }),
    }
}
