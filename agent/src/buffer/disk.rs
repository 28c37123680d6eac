//! sled, kept at arm's length: one tree, the sync that survives a power cut, and every panic caught.
//!
//! Two traps shape this file. sled's `flush` does not fsync on Linux, so [`Disk::sync`] syncs the file itself, and
//! [`Disk::open`] the directory. And one flipped bit makes sled refuse or panic, so every call runs under `catch_unwind` and damage is an
//! outcome ([`DiskError::Damaged`]) apart from a disk that is merely full ([`DiskError::Io`]).
//!
//! An append is one value under one key, the entry and behind it its statement: sled writes a batch of several keys in two
//! goes, each with a wait of its own for the disk.

use std::fs::{self, File};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use nix::sys::prctl;
use nix::sys::statvfs::statvfs;
use sled::IVec;

use super::frame;
use super::hang::HangWatch;
use crate::history_mark::HistoryMark;

/// sled's page cache, in bytes: a gateway has little memory and the buffer is read in order.
const CACHE_BYTES: u64 = 1024 * 1024;
/// The file in which sled keeps everything.
pub(super) const FILE: &str = "db";
/// How the names of snapshots end that sled has not finished.
const UNFINISHED: &str = ".generating";
/// The directory in which sled keeps what is too large for the file.
pub(super) const BLOBS: &str = "blobs";
/// How often a store that this process has just closed is tried again, and after which pause: up to a second.
const OPEN_ATTEMPTS: u32 = 50;
const OPEN_PAUSE: Duration = Duration::from_millis(20);
/// Where the state of the current epoch is kept: after every index, which begin with a zero byte.
const META_KEY: &[u8] = &[0xff];
/// Where it is kept, by IMEI, until when sensors need no reading of their history: after every index too.
const MARK_KEYS: &[u8] = &[0xfe];
/// How late a timer of sled's threads may be, in ns: a minute. Seven of them look for work once a second, for ever; work that
/// comes wakes them at once all the same.
const TIMER_SLACK_NS: u64 = 60_000_000_000;

/// Why the store could not be used.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// The system refused: full, read-only, gone. What is there may be fine.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The store contradicts itself or panicked: it cannot be used again.
    #[error("damaged: {0}")]
    Damaged(String),
}

/// What one write changes, all of it or nothing.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// Entries to remove.
    pub removed: Vec<u64>,
    /// Entries to write.
    pub written: Vec<(u64, Vec<u8>)>,
    /// The new state of the current epoch.
    pub meta: Option<Vec<u8>>,
    /// What to keep of sensors, and what to forget.
    pub marks: Vec<HistoryMark>,
}

/// The room for the store, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Free for the agent's user.
    pub free_bytes: u64,
    /// Of the whole file system.
    pub total_bytes: u64,
    /// What the store's file takes.
    pub file_bytes: u64,
}

impl Room {
    /// The room for the store in `dir`; none if the system does not tell.
    #[allow(clippy::useless_conversion)] // where words have 32 bits, the system's numbers are shorter
    pub fn of(dir: &Path) -> Option<Self> {
        let system = statvfs(dir).ok()?;
        let block = u64::from(system.fragment_size());
        Some(Self {
            free_bytes: u64::from(system.blocks_available()) * block,
            total_bytes: u64::from(system.blocks()) * block,
            file_bytes: dir.join(FILE).metadata().ok()?.len(),
        })
    }
}

/// An open store.
pub struct Disk {
    dir: PathBuf,
    /// sled's file once more, to sync it: sled's own handle is out of reach.
    file: File,
    /// None only while it is dropped.
    db: Option<sled::Db>,
    watch: HangWatch,
}

impl Disk {
    /// Opens or makes the store in `dir`; what `watch` notes are the calls that may hang.
    ///
    /// # Errors
    /// The system refuses, or the store is damaged.
    pub fn open(dir: &Path, watch: HangWatch) -> Result<Self, DiskError> {
        forget_unfinished(dir)?;
        let config =
            sled::Config::new().path(dir).cache_capacity(CACHE_BYTES).mode(sled::Mode::LowSpace).flush_every_ms(None);
        let db = open_released(&config)?;
        let file = File::open(dir.join(FILE))?;
        let disk = Self { dir: dir.to_owned(), file, db: Some(db), watch };
        // The directory is new after the first start and after damage, and so are the files in it: a power cut must not take
        // them away. While it is open sled makes no more.
        File::open(dir.parent().unwrap_or(Path::new(".")))?.sync_all()?;
        File::open(dir)?.sync_all()?;
        Ok(disk)
    }

    /// Writes an entry with its statement; on disk only after [`Disk::sync`].
    ///
    /// # Errors
    /// The system refuses, or the store is damaged.
    pub fn append(&self, index: u64, entry: &[u8], statement: &[u8]) -> Result<(), DiskError> {
        let value = [entry, statement].concat();
        self.watch.during(|| guarded(|| self.db().insert(index.to_be_bytes(), value))).map(drop)
    }

    /// Writes all changes; on disk only after [`Disk::sync`].
    ///
    /// # Errors
    /// The system refuses, or the store is damaged.
    pub fn write(&self, changes: &Changes) -> Result<(), DiskError> {
        let mut batch = sled::Batch::default();
        for index in &changes.removed {
            batch.remove(&index.to_be_bytes());
        }
        for (index, bytes) in &changes.written {
            batch.insert(&index.to_be_bytes(), bytes.as_slice());
        }
        if let Some(meta) = &changes.meta {
            batch.insert(META_KEY, meta.as_slice());
        }
        for mark in &changes.marks {
            let key = [MARK_KEYS, mark.imei.as_str().as_bytes()].concat();
            match mark.to_bytes() {
                Some(bytes) => batch.insert(key, bytes),
                None => batch.remove(key),
            }
        }
        self.watch.during(|| guarded(|| self.db().apply_batch(batch)))
    }

    /// Returns once everything written survives a power cut.
    ///
    /// # Errors
    /// The system refuses, or the store is damaged.
    pub fn sync(&self) -> Result<(), DiskError> {
        self.watch.during(|| {
            guarded(|| self.db().flush())?;
            Ok(self.file.sync_data()?)
        })
    }

    /// The statement that was last written by something else than an append.
    ///
    /// # Errors
    /// The system refuses, or the store is damaged.
    pub fn meta(&self) -> Result<Option<IVec>, DiskError> {
        guarded(|| self.db().get(META_KEY))
    }

    /// What is kept of sensors.
    ///
    /// # Errors
    /// The system refuses, or the store is damaged.
    pub fn marks(&self) -> Result<Vec<HistoryMark>, DiskError> {
        let read = |(key, bytes): (IVec, IVec)| HistoryMark::from_bytes(&key[MARK_KEYS.len()..], &bytes);
        guarded(|| self.db().scan_prefix(MARK_KEYS).filter_map(|item| item.map(read).transpose()).collect())
    }

    /// The last entry that begins at or before `index`.
    ///
    /// # Errors
    /// The system refuses, or the store is damaged.
    pub fn at_or_before(&self, index: u64) -> Result<Option<(u64, IVec)>, DiskError> {
        guarded(|| self.db().range(..=index.to_be_bytes()).next_back().transpose()).map(|found| found.and_then(indexed))
    }

    /// The first entry that begins at or after `index`.
    ///
    /// # Errors
    /// The system refuses, or the store is damaged.
    pub fn at_or_after(&self, index: u64) -> Result<Option<(u64, IVec)>, DiskError> {
        let first = index.to_be_bytes();
        guarded(|| self.db().range(&first[..]..MARK_KEYS).next().transpose()).map(|found| found.and_then(indexed))
    }

    /// Calls `visit` with every entry in order.
    ///
    /// # Errors
    /// The system refuses, or the store is damaged.
    pub fn scan(&self, mut visit: impl FnMut(u64, &[u8])) -> Result<(), DiskError> {
        self.values_from(0, |index, value| visit(index, frame::split(value).0))
    }

    /// Calls `visit` with the statement of every append from `index` on, in order.
    ///
    /// # Errors
    /// The system refuses, or the store is damaged.
    pub fn statements(&self, index: u64, mut visit: impl FnMut(&[u8])) -> Result<(), DiskError> {
        self.values_from(index, |_, value| match frame::split(value).1 {
            [] => {}
            statement => visit(statement),
        })
    }

    fn values_from(&self, index: u64, mut visit: impl FnMut(u64, &[u8])) -> Result<(), DiskError> {
        let first = index.to_be_bytes();
        guarded(|| {
            for item in self.db().range(&first[..]..MARK_KEYS) {
                let (key, value) = item?;
                if let Some(index) = index_of(&key) {
                    visit(index, &value);
                }
            }
            Ok(())
        })
    }

    /// From now on no sync succeeds.
    #[cfg(test)]
    pub(super) fn break_sync(&mut self) {
        self.file = File::open("/dev/null").expect("invariant: it is always there");
    }

    /// How much room there is for the store; none if the system does not tell.
    pub fn room(&self) -> Option<Room> {
        Room::of(&self.dir)
    }

    fn db(&self) -> &sled::Db {
        self.db.as_ref().expect("invariant: the store is open until it is dropped")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let db = self.db.take();
        self.watch.during(|| close(db));
    }
}

/// sled writes and fsyncs while it is dropped and panics where the disk refuses that. The file is what it is.
fn close<T>(store: T) {
    if catch_unwind(AssertUnwindSafe(move || drop(store))).is_err() {
        tracing::warn!("the buffer's store panicked while it was closed");
    }
}

/// The entry alone.
fn indexed((key, value): (IVec, IVec)) -> Option<(u64, IVec)> {
    let entry_bytes = frame::split(&value).0.len();
    Some((index_of(&key)?, value.subslice(0, entry_bytes)))
}

fn index_of(key: &[u8]) -> Option<u64> {
    key.try_into().ok().map(u64::from_be_bytes)
}

/// sled 0.34 takes a snapshot that a full disk did not let it finish for its newest, and the store for damaged. It needs none.
fn forget_unfinished(dir: &Path) -> io::Result<()> {
    let Ok(found) = fs::read_dir(dir) else { return Ok(()) };
    for found in found.flatten().filter(|found| found.file_name().to_string_lossy().ends_with(UNFINISHED)) {
        fs::remove_file(found.path())?;
    }
    Ok(())
}

/// Opens the store, waiting for an instance that this process has just closed: sled lets go of its file a little later.
/// Other processes are kept out by the data directory's own lock.
fn open_released(config: &sled::Config) -> Result<sled::Db, DiskError> {
    for _ in 0..OPEN_ATTEMPTS {
        match guarded(|| config.open()) {
            Err(DiskError::Io(error)) if error.to_string().contains("could not acquire lock") => {
                thread::sleep(OPEN_PAUSE);
            }
            outcome => return outcome,
        }
    }
    guarded(|| config.open())
}

/// Makes a call of sled's, and an outcome of whatever comes of it.
pub(super) fn guarded<T>(call: impl FnOnce() -> sled::Result<T>) -> Result<T, DiskError> {
    let patient = || with_patient_threads(call);
    match catch_unwind(AssertUnwindSafe(patient)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(sled::Error::Io(error))) if error.kind() != io::ErrorKind::UnexpectedEof => Err(DiskError::Io(error)),
        Ok(Err(error)) => Err(DiskError::Damaged(error.to_string())),
        Err(panic) => Err(DiskError::Damaged(panic_text(panic.as_ref()))),
    }
}

/// sled starts its threads during any call; a thread inherits the timer slack of the one that starts it.
fn with_patient_threads<T>(call: impl FnOnce() -> T) -> T {
    // Without it all works as well, only less quietly.
    let _not_linux = prctl::set_timerslack(TIMER_SLACK_NS);
    let outcome = call();
    // 0 is the value that the thread began with.
    let _not_linux = prctl::set_timerslack(0);
    outcome
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    format!("the store panicked: {}", text.unwrap_or("without a word"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_panics_while_it_is_dropped_takes_nobody_with_it() {
        struct Panics;
        impl Drop for Panics {
            fn drop(&mut self) {
                panic!("the disk refused the last sync");
            }
        }
        close(Some(Panics));
    }
}
