//! What becomes of a store that failed: set aside under another name, so that a fresh one can begin.
//!
//! Readings that never left the gateway may still lie in a directory that was set aside, for somebody to bring back. This
//! agent does not change it any more, and deletes it only if there is nothing of an entry in it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::disk::Disk;

/// How many directories are kept aside without looking into them; of those before, the ones without any entry are deleted, so
/// that a disk on which every fresh store breaks is not filled.
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
    let surplus = (kept.len() + 1).saturating_sub(SET_ASIDE_MAX);
    for (_, oldest) in kept.drain(..surplus) {
        give_up(&oldest);
    }
    Ok(aside)
}

/// A failure here is no reason to do without a fresh store.
fn give_up(oldest: &Path) {
    let dir = oldest.display();
    if Disk::may_hold_entries(oldest) {
        tracing::error!(
            %dir, kept_max = SET_ASIDE_MAX,
            "too many damaged buffers are kept: copy this one to another disk, then delete it here; there may be readings in it"
        );
    } else if let Err(error) = fs::remove_dir_all(oldest) {
        tracing::error!(%dir, %error, "a damaged buffer without any entry cannot be deleted");
    }
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

    use crate::buffer::frame::{Identity, encode};

    fn left(root: &Path) -> Vec<String> {
        let name = |found: io::Result<fs::DirEntry>| found.unwrap().file_name().into_string().unwrap();
        let mut left: Vec<_> = fs::read_dir(root).unwrap().map(name).collect();
        left.sort();
        left
    }

    #[test]
    fn directories_set_aside_are_numbered_and_empty_ones_bounded() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("buffer");
        for number in 1..=6 {
            fs::create_dir(&dir).unwrap();
            assert_eq!(set_aside(&dir).unwrap(), root.path().join(format!("buffer.damaged-{number}")));
        }
        assert_eq!(left(root.path()), ["buffer.damaged-3", "buffer.damaged-4", "buffer.damaged-5", "buffer.damaged-6"]);
    }

    #[test]
    fn a_directory_with_an_entry_in_it_is_never_deleted() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("buffer");
        let epoch = kitchen_contract::id::Epoch::from_entropy([7; 15]);
        let entry = encode(&Identity { epoch, from: 3, to: 9, records: 5, unsettled: 1 }, b"records");
        for number in 1..=9 {
            fs::create_dir(&dir).unwrap();
            if number <= 2 {
                fs::write(dir.join("db"), [&[0; 70_000][..], &entry].concat()).unwrap();
            }
            set_aside(&dir).unwrap();
        }
        let kept = ["buffer.damaged-1", "buffer.damaged-2"].into_iter().map(str::to_owned);
        let newest = (6..=9).map(|number| format!("buffer.damaged-{number}"));
        assert_eq!(left(root.path()), kept.chain(newest).collect::<Vec<_>>());
    }

    #[test]
    fn one_that_cannot_be_deleted_does_not_stop_the_next() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("buffer");
        fs::write(root.path().join("buffer.damaged-1"), "no directory, so it cannot be deleted as one").unwrap();
        for _ in 0..5 {
            fs::create_dir(&dir).unwrap();
            set_aside(&dir).unwrap();
        }
        assert_eq!(left(root.path())[0], "buffer.damaged-1");
        assert!(!dir.exists());
    }
}
