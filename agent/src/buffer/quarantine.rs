//! Frames that cannot be read, kept apart for whoever wants to know why.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Frames kept; of more, the oldest is deleted.
const FRAMES_MAX: usize = 64;

/// Keeps the bytes of the frame that lay at `index` of the store in `dir`, in `<dir>.quarantine`; where.
///
/// # Errors
/// The disk does not take it.
pub fn keep(dir: &Path, index: u64, bytes: &[u8]) -> io::Result<PathBuf> {
    let mut name = dir.as_os_str().to_owned();
    name.push(".quarantine");
    let quarantine = PathBuf::from(name);
    fs::create_dir_all(&quarantine)?;
    let mut kept: Vec<PathBuf> = fs::read_dir(&quarantine)?.flatten().map(|found| found.path()).collect();
    // The names rise with the index.
    kept.sort();
    for oldest in kept.iter().take((kept.len() + 1).saturating_sub(FRAMES_MAX)) {
        fs::remove_file(oldest)?;
    }
    let file = quarantine.join(format!("{index:020}.frame"));
    fs::write(&file, bytes)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_kept() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("buffer");
        for index in 1..=FRAMES_MAX as u64 + 5 {
            assert_eq!(fs::read(keep(&dir, index, &index.to_be_bytes()).unwrap()).unwrap(), index.to_be_bytes());
        }
        let kept = fs::read_dir(root.path().join("buffer.quarantine")).unwrap().count();
        assert_eq!(kept, FRAMES_MAX);
        assert!(!root.path().join("buffer.quarantine/00000000000000000005.frame").exists());
    }
}
