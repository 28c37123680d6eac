//! What the files of a store say by themselves, without sled: every frame whose header is intact, wherever it lies.
//!
//! A flipped bit can make sled 0.34 refuse its file, or drop everything written after it, without a word, and wipe that from
//! the file. Frames say themselves what they are: read before sled opens the file, they show what was there. What lies in
//! the files may be stale: freed or rewritten long ago. Only the newest statement ([`Meta`]) says what is held.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use kitchen_contract::id::Epoch;
use kitchen_contract::ranges::SeqRanges;
use kitchen_contract::time::Timestamp;

use super::disk;
use super::error::EIO;
use super::frame::{self, HEADER_BYTES, Identity, MAGIC};
use super::meta::{META_FRAME_BYTES_MAX, Meta, Reach};
use super::rescue;

/// How much of a file is looked at at a time, in bytes.
const WINDOW_BYTES: usize = 256 * 1024;
/// What of a file cannot be read is passed over in steps of so many bytes.
const BLOCK_BYTES: usize = 4096;
/// No frame is longer, by far.
const FRAME_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Where a frame lies whose header is intact.
pub struct Place<'a> {
    file: &'a File,
    at: u64,
    len: usize,
}

impl Place<'_> {
    #[cfg(test)]
    pub(super) fn contains(&self, at: u64) -> bool {
        (self.at..self.at + self.len as u64).contains(&at)
    }

    /// The bytes of the frame; none if they cannot be read or the payload is damaged.
    pub fn frame(&self) -> Option<Vec<u8>> {
        let mut bytes = vec![0; self.len.min(FRAME_BYTES_MAX)];
        self.file.read_exact_at(&mut bytes, self.at).ok()?;
        frame::decode(&bytes).is_ok().then_some(bytes)
    }
}

/// Calls `visit` with every frame in the files of the store in `dir`; files that do not exist have none.
///
/// # Errors
/// A file cannot be opened.
pub fn frames(dir: &Path, mut visit: impl FnMut(&Identity, Place<'_>)) -> io::Result<()> {
    windows(dir, |file, at, window| {
        for (offset, identity, len) in headers(window) {
            visit(&identity, Place { file, at: at + offset as u64, len });
        }
    })
}

/// Whether there is any frame of the first version in the files of the store in `dir`.
///
/// # Errors
/// A file cannot be opened.
pub fn holds_version_1(dir: &Path) -> io::Result<bool> {
    let mut holds = false;
    windows(dir, |_, _, window| {
        holds = holds || beginnings(window).any(|at| frame::begins_version_1(&window[at..]));
    })?;
    Ok(holds)
}

/// Everything in which frames may lie.
fn files(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = vec![dir.join(rescue::FILE), dir.join(disk::FILE)];
    match fs::read_dir(dir.join(disk::BLOBS)) {
        Ok(found) => files.extend(found.flatten().map(|found| found.path())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    Ok(files)
}

/// Calls `look` with every part of every file and where it begins; the parts overlap by less than a header.
fn windows(dir: &Path, mut look: impl FnMut(&File, u64, &[u8])) -> io::Result<()> {
    let mut window = vec![0; WINDOW_BYTES];
    for path in files(dir)? {
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        let mut at = 0;
        loop {
            let filled = fill(&file, &mut window, at)?;
            look(&file, at, &window[..filled]);
            if filled < WINDOW_BYTES {
                break;
            }
            at += (WINDOW_BYTES - (HEADER_BYTES - 1)) as u64;
        }
    }
    Ok(())
}

/// Fills the window from `at` on, with zeros where the medium gives nothing; how far, less than all only at the end.
fn fill(file: &File, window: &mut [u8], at: u64) -> io::Result<usize> {
    let left = usize::try_from(file.metadata()?.len().saturating_sub(at)).unwrap_or(usize::MAX);
    let wanted = window.len().min(left);
    let mut filled = 0;
    while filled < wanted {
        match file.read_at(&mut window[filled..wanted], at + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.raw_os_error() == Some(EIO) => {
                let end = wanted.min(filled + BLOCK_BYTES);
                window[filled..end].fill(0);
                filled = end;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

fn headers(bytes: &[u8]) -> impl Iterator<Item = (usize, Identity, usize)> {
    beginnings(bytes).filter_map(|at| frame::header(&bytes[at..]).map(|(identity, len)| (at, identity, len)))
}

/// Where a frame of any version may begin.
fn beginnings(bytes: &[u8]) -> impl Iterator<Item = usize> {
    let first = |at: usize| bytes[at..].iter().position(|byte| *byte == MAGIC[0]).map(|found| at + found);
    std::iter::successors(first(0), move |at| first(at + 1))
}

/// What the files of a store state.
#[derive(Clone, Debug, Default)]
pub struct Stated {
    /// The newest statement.
    pub newest: Option<Meta>,
    /// The append index of the last record that was ever there.
    pub last_index: u64,
    /// Up to which append index the last two appends got that are stated.
    appends: (u64, u64),
    /// The latest synced timestamp.
    pub latest: Option<Timestamp>,
    /// By base, every epoch that is named.
    pub epochs: BTreeMap<u64, Epoch>,
}

impl Stated {
    /// Looks through the files of the store in `dir`.
    ///
    /// # Errors
    /// A file cannot be opened.
    pub fn read(dir: &Path) -> io::Result<Self> {
        let mut stated = Self::default();
        frames(dir, |identity, place| stated.take(identity, &place))?;
        Ok(stated)
    }

    /// Whether nothing was ever there.
    pub fn is_empty(&self) -> bool {
        self.epochs.is_empty()
    }

    /// The append indexes of what is held; of everything, where nothing states it.
    pub fn held(&self) -> SeqRanges {
        match &self.newest {
            Some(newest) => newest.held.clone(),
            None => SeqRanges::from(vec![(1, self.last_index)]),
        }
    }

    /// Whether exactly one append after `index` is stated.
    pub fn is_one_append_after(&self, index: u64) -> bool {
        self.appends.0 == index && self.appends.1 > index
    }

    /// How far the last epoch got of which anything was there.
    pub fn furthest(&self) -> Option<Reach> {
        let (base, epoch) = self.epochs.range(..self.last_index).next_back()?;
        Some(Reach { base: *base, epoch: epoch.clone(), last_seq: self.last_index - base })
    }

    /// Ranges of append indexes as epochs and ranges of their sequence numbers.
    pub fn named(&self, indexes: &SeqRanges) -> Vec<(Epoch, u64, u64)> {
        let mut named = Vec::new();
        let ends = self.epochs.keys().skip(1).copied().chain([u64::MAX]);
        for ((base, epoch), end) in self.epochs.iter().zip(ends) {
            let of_epoch = indexes.iter().map(|(from, to)| (from.max(base + 1), to.min(end)));
            let of_epoch = of_epoch.filter(|(from, to)| from <= to);
            named.extend(of_epoch.map(|(from, to)| (epoch.clone(), from - base, to - base)));
        }
        named
    }

    /// And what the files of another store state.
    pub fn merge(&mut self, other: Self) {
        self.last_index = self.last_index.max(other.last_index);
        self.latest = self.latest.max(other.latest);
        self.epochs.extend(other.epochs);
        other.newest.into_iter().for_each(|meta| self.note(meta));
    }

    /// A statement, wherever it was found.
    pub fn note(&mut self, meta: Meta) {
        let Reach { base, epoch, .. } = meta.reach.clone();
        self.epochs.insert(base, epoch);
        let index = meta.reach.index();
        self.last_index = self.last_index.max(index);
        if index > self.appends.1 {
            self.appends = (self.appends.1, index);
        } else if index < self.appends.1 {
            self.appends.0 = self.appends.0.max(index);
        }
        self.latest = self.latest.max(meta.latest);
        if self.newest.as_ref().is_none_or(|newest| newest.number < meta.number) {
            self.newest = Some(meta);
        }
    }

    fn take(&mut self, identity: &Identity, place: &Place<'_>) {
        if Reach::of(identity).is_none() {
            self.epochs.insert(identity.base, identity.epoch.clone());
            self.last_index = self.last_index.max(identity.last_index());
        } else if place.len <= META_FRAME_BYTES_MAX
            && let Some(meta) = place.frame().and_then(|bytes| Meta::from_frame(&bytes))
        {
            self.note(meta);
        }
    }
}
