//! What becomes of a store that failed: set aside under another name, so that a fresh one can begin.
//!
//! `<dir>.damaged-<n>` is read when the fresh one is opened, and is then called `<dir>.salvaged-<n>`: nothing in it is missing
//! any more. It is left for whoever wants to know why it failed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What is not read yet.
const DAMAGED: &str = "damaged";
/// What has been read.
const SALVAGED: &str = "salvaged";
/// How many are kept that have been read.
const SALVAGED_MAX: usize = 2;

/// Renames `dir` to `<dir>.damaged-<n>` and returns the new name.
///
/// # Errors
/// The system refuses to rename.
pub fn set_aside(dir: &Path) -> io::Result<PathBuf> {
    let last = |kind| numbered(dir, kind).map(|found| found.last().map_or(0, |(number, _)| *number));
    let number = last(DAMAGED)?.max(last(SALVAGED)?) + 1;
    let aside = named(dir, DAMAGED, number);
    fs::rename(dir, &aside)?;
    Ok(aside)
}

/// The stores beside `dir` that were set aside and not read, in their order.
///
/// # Errors
/// The directory that holds them cannot be read.
pub fn unread(dir: &Path) -> io::Result<Vec<PathBuf>> {
    Ok(numbered(dir, DAMAGED)?.into_iter().map(|(_, path)| path).collect())
}

/// All of `aside`, a store beside `dir`, has been read. Of those before, all but a few are deleted.
///
/// # Errors
/// The system refuses to rename.
pub fn mark_read(dir: &Path, aside: &Path) -> io::Result<()> {
    let of = |(number, path): &(u64, PathBuf)| (path == aside).then_some(*number);
    let Some(number) = numbered(dir, DAMAGED)?.iter().find_map(of) else { return Ok(()) };
    fs::rename(aside, named(dir, SALVAGED, number))?;
    let read = numbered(dir, SALVAGED)?;
    for (_, oldest) in read.iter().take(read.len().saturating_sub(SALVAGED_MAX)) {
        if let Err(error) = fs::remove_dir_all(oldest) {
            tracing::warn!(dir = %oldest.display(), %error, "a salvaged buffer cannot be deleted");
        }
    }
    Ok(())
}

fn numbered(dir: &Path, kind: &str) -> io::Result<Vec<(u64, PathBuf)>> {
    let prefix = format!("{}.{kind}-", dir.file_name().unwrap_or_default().to_string_lossy());
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

fn named(dir: &Path, kind: &str, number: u64) -> PathBuf {
    let mut name = dir.as_os_str().to_owned();
    name.push(format!(".{kind}-{number}"));
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(root: &Path) -> Vec<String> {
        let name = |found: io::Result<fs::DirEntry>| found.unwrap().file_name().into_string().unwrap();
        let mut left: Vec<_> = fs::read_dir(root).unwrap().map(name).collect();
        left.sort();
        left
    }

    #[test]
    fn what_is_not_read_stays_and_of_what_is_read_the_newest() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("buffer");
        for number in 1..=6 {
            fs::create_dir(&dir).unwrap();
            let aside = set_aside(&dir).unwrap();
            assert_eq!(aside, root.path().join(format!("buffer.damaged-{number}")));
            assert_eq!(unread(&dir).unwrap().last(), Some(&aside));
            if number != 2 {
                mark_read(&dir, &aside).unwrap();
            }
        }
        assert_eq!(left(root.path()), ["buffer.damaged-2", "buffer.salvaged-5", "buffer.salvaged-6"]);
    }
}
