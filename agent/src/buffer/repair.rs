//! What becomes of a store that failed: set aside under another name, so that a fresh one can begin.
//!
//! Nothing in a directory that was set aside is read or changed again by this agent.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// How many directories are kept aside; the oldest beyond it is deleted, so that repeated damage cannot fill the disk.
const SET_ASIDE_MAX: usize = 4;

/// Renames `dir` to `<dir>.damaged-<n>` and returns the new name.
///
/// # Errors
/// The system refuses to rename.
pub fn set_aside(dir: &Path) -> io::Result<PathBuf> {
    let mut kept = kept_aside(dir)?;
    let next = kept.last().map_or(1, |(number, _)| number + 1);
    let aside = numbered(dir, next);
    fs::rename(dir, &aside)?;
    kept.push((next, aside.clone()));
    let surplus = kept.len().saturating_sub(SET_ASIDE_MAX);
    for (_, oldest) in kept.drain(..surplus) {
        tracing::error!(dir = %oldest.display(), "deleting the oldest damaged buffer to bound the disk");
        fs::remove_dir_all(oldest)?;
    }
    Ok(aside)
}

fn kept_aside(dir: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let prefix = format!("{}.damaged-", dir.file_name().unwrap_or_default().to_string_lossy());
    let parent = dir.parent().unwrap_or(Path::new("."));
    let mut kept = Vec::new();
    for found in fs::read_dir(parent)? {
        let name = found?.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix(&prefix)?.parse().ok());
        kept.extend(number.map(|number| (number, parent.join(name))));
    }
    kept.sort();
    Ok(kept)
}

fn numbered(dir: &Path, number: u64) -> PathBuf {
    let mut name = dir.as_os_str().to_owned();
    name.push(format!(".damaged-{number}"));
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_set_aside_are_numbered_and_bounded() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("buffer");
        for number in 1..=6 {
            fs::create_dir(&dir).unwrap();
            assert_eq!(set_aside(&dir).unwrap(), root.path().join(format!("buffer.damaged-{number}")));
        }
        let mut left: Vec<_> = fs::read_dir(root.path()).unwrap().map(|found| found.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["buffer.damaged-3", "buffer.damaged-4", "buffer.damaged-5", "buffer.damaged-6"]);
    }
}
