//! The buffer itself: opened, and made ready again after a failure.
//!
//! A write that failed is in doubt: it may or may not have reached the disk. It is kept in memory with its numbers, the
//! store is closed, and nothing is appended or settled before exactly the same write has been repeated on the reopened
//! store. So an identity never stands for two contents. Reading and freeing go on meanwhile, or a full disk would stay full.
//! Only where not one block is free can sled not even open its file: then everything waits until somebody makes room.
//! A damaged store is set aside and a fresh one begins in the same epoch.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use kitchen_contract::alarm::Limits as Thresholds;
use kitchen_contract::id::{DeviceId, Epoch};
use kitchen_contract::ranges::SeqRanges;
use kitchen_contract::record::EpochEnd;
use kitchen_contract::time::Timestamp;

use super::append::Appended;
use super::contents::{Contents, Losses};
use super::disk::{Changes, Disk, DiskError};
use super::error::BufferError;
use super::evict::Ordinary;
use super::frame;
use super::hang::HangWatch;
use super::raw::Stated;
use super::{format, repair};
use crate::at::identity::Imei;
use crate::clock::earlier::RunClock;
use crate::history_mark::HistoryMark;

/// How much is held before the oldest is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Records.
    pub records_max: u64,
    /// Bytes of frames; the store's own files take about twice as much.
    pub bytes_max: u64,
    /// Bytes that are left free on the file system, but a tenth of it at most; with less, the store does not grow.
    pub free_bytes_min: u64,
}

/// What happened that nobody asked for, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Records given up at the limit.
    pub evicted: u64,
    /// Of these, faults, excursions and events.
    pub evicted_last: u64,
    /// Frames whose checksum failed; what was in them may have been brought back.
    pub damaged: u64,
    /// Records brought back that the store had lost.
    pub recovered: u64,
    /// Records that were damaged and are lost.
    pub lost: u64,
    /// Stores set aside.
    pub set_aside: u64,
}

/// The place of the current epoch in the append index; known once the store was opened.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub(super) base: u64,
    pub(super) last_seq: u64,
    pub(super) previous: Option<EpochEnd>,
    pub(super) latest: Option<Timestamp>,
}

/// A write that may or may not have reached the disk.
#[derive(Clone, Debug)]
pub(super) struct InDoubt {
    pub(super) changes: Changes,
    pub(super) appended: Appended,
    pub(super) reason: String,
}

/// The gateway's only queue. Everything in it blocks: it lives on a thread of its own, see [`super::Keeper`].
pub struct Buffer {
    pub(super) dir: PathBuf,
    pub(super) limits: Limits,
    pub(super) epoch: Epoch,
    /// Where this run lies in the time that the system has been on.
    pub(super) clock: Option<RunClock>,
    pub(super) run: Option<Run>,
    pub(super) disk: Option<Disk>,
    pub(super) contents: Contents,
    pub(super) in_doubt: Option<InDoubt>,
    /// An append that was in doubt and has reached the disk since; the repeated call takes it.
    pub(super) resolved: Option<Appended>,
    /// What the store's files stated before it was opened, until it is open.
    pub(super) stated: Option<Stated>,
    /// The store is one of this agent's format.
    format_known: bool,
    /// Of the store's calls.
    pub(super) hang_watch: HangWatch,
    /// Of the last statement written.
    pub(super) number: u64,
    /// The last statement written, behind an entry or under its key.
    pub(super) stated_last: Option<Vec<u8>>,
    /// By sensor, the marks that are only written behind entries.
    pub(super) marks_behind: BTreeMap<Imei, HistoryMark>,
    /// To be written as gap records with the next append.
    pub(super) losses: Losses,
    /// The append indexes of what is damaged and lost and in no gap record yet: it is stated as held until it is.
    pub(super) unnamed: SeqRanges,
    /// Stores set aside from which nothing more is wanted, once their losses are on record.
    pub(super) asides_read: Vec<PathBuf>,
    pub(super) counters: Counters,
    /// The limits of the measuring points: beyond them is an excursion, which is kept longest.
    pub(super) thresholds: BTreeMap<DeviceId, Thresholds>,
    /// How far ordinary records have been given up.
    pub(super) ordinary: Ordinary,
    /// Before this index there is nothing left to merge.
    pub(super) packed_to: u64,
    /// Held while this process owns the data directory.
    _lock: File,
}

impl Buffer {
    /// Takes the data directory for this process and opens the store in it; `epoch` is that of this run.
    ///
    /// A full disk is no error here: the buffer is then opened by a later call.
    ///
    /// # Errors
    /// The directory cannot be used, another process owns it, or a newer agent has written it.
    pub fn open(data_dir: &Path, limits: Limits, epoch: Epoch) -> Result<Self, BufferError> {
        Self::open_watched(data_dir, limits, epoch, HangWatch::default())
    }

    /// [`Buffer::open`] for one who looks whether a call hangs, this one too; `hang_watch` tells.
    ///
    /// # Errors
    /// As [`Buffer::open`].
    pub fn open_watched(
        data_dir: &Path,
        limits: Limits,
        epoch: Epoch,
        hang_watch: HangWatch,
    ) -> Result<Self, BufferError> {
        let lock = lock(data_dir)?;
        let mut buffer = Self {
            dir: data_dir.join("buffer"),
            limits,
            epoch,
            clock: None,
            run: None,
            disk: None,
            contents: Contents::default(),
            in_doubt: None,
            resolved: None,
            stated: None,
            format_known: false,
            hang_watch,
            number: 0,
            stated_last: None,
            marks_behind: BTreeMap::new(),
            losses: Losses::default(),
            unnamed: SeqRanges::new(),
            asides_read: Vec::new(),
            counters: Counters::default(),
            thresholds: BTreeMap::new(),
            ordinary: Ordinary::default(),
            packed_to: 0,
            _lock: lock,
        };
        match buffer.ready() {
            Err(error @ BufferError::NewerFormat { .. }) => Err(error),
            Err(error) => {
                tracing::error!(%error, "the buffer cannot be opened yet");
                Ok(buffer)
            }
            Ok(()) => Ok(buffer),
        }
    }

    /// Says where this run lies in the time that the system has been on, before the first append.
    pub fn begin(&mut self, clock: Option<RunClock>) {
        self.clock = clock;
    }

    /// Says what is an excursion, before the first append.
    pub fn watch(&mut self, thresholds: BTreeMap<DeviceId, Thresholds>) {
        self.thresholds = thresholds;
    }

    /// The epoch of this run.
    pub fn epoch(&self) -> &Epoch {
        &self.epoch
    }

    /// What is held.
    pub fn contents(&self) -> &Contents {
        &self.contents
    }

    /// What happened that nobody asked for.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// The last sequence number of this epoch on disk; 0 before the first.
    pub fn last_seq(&self) -> u64 {
        self.run.as_ref().map_or(0, |run| run.last_seq)
    }

    /// The append index of the newest record that was ever on disk.
    pub fn newest(&self) -> u64 {
        self.run.as_ref().map_or(0, |run| run.base + run.last_seq)
    }

    /// The latest synced timestamp on disk.
    pub fn latest(&self) -> Option<Timestamp> {
        self.run.as_ref().and_then(|run| run.latest)
    }

    /// Why the disk has not taken the last append; none if it has.
    pub fn refused(&self) -> Option<&str> {
        self.in_doubt.as_ref().map(|in_doubt| in_doubt.reason.as_str())
    }

    /// Makes the store ready for a write: opens it, repeats a write in doubt, sets a damaged one aside.
    ///
    /// # Errors
    /// The disk does not take it now; a later call tries again.
    pub fn ready(&mut self) -> Result<(), BufferError> {
        self.ensure_format()?;
        self.twice(Self::repeat_in_doubt)
    }

    /// Does it again on a fresh store if the first turn found a damaged one; if that is damaged too, the disk is to blame.
    fn twice(&mut self, attempt: fn(&mut Self) -> Result<(), DiskError>) -> Result<(), BufferError> {
        let first = attempt(self);
        let outcome = match first {
            Err(DiskError::Damaged(reason)) => {
                self.replace_store(&reason)?;
                attempt(self)
            }
            other => other,
        };
        outcome.map_err(|error| self.disk_error(&error.to_string()))
    }

    /// Notes a failed call on the store: it is closed, and set aside if it is damaged. The next call starts over.
    pub(super) fn failed(&mut self, error: DiskError) -> BufferError {
        self.close_store();
        match error {
            DiskError::Io(error) => self.disk_error(&error.to_string()),
            DiskError::Damaged(reason) => match self.replace_store(&reason) {
                Ok(()) => self.disk_error(&reason),
                Err(error) => error,
            },
        }
    }

    /// The open store, to read and to free; a write may still be in doubt.
    ///
    /// # Errors
    /// The store cannot be opened now; a later call tries again.
    pub(super) fn disk(&mut self) -> Result<&Disk, BufferError> {
        self.ensure_format()?;
        self.twice(Self::open_store)?;
        self.disk.as_ref().ok_or(BufferError::Closed)
    }

    /// Once in a run, before anything else touches the store.
    fn ensure_format(&mut self) -> Result<(), BufferError> {
        if !self.format_known {
            format::ensure(self.dir.parent().unwrap_or(Path::new(".")), &self.dir, &self.hang_watch)?;
            self.format_known = true;
        }
        Ok(())
    }

    fn open_store(&mut self) -> Result<(), DiskError> {
        let disk = self.take_store()?;
        self.disk = Some(disk);
        Ok(())
    }

    /// Repeats the write in doubt, if there is one. If that fails the store is closed: sled takes nothing after an error.
    fn repeat_in_doubt(&mut self) -> Result<(), DiskError> {
        let disk = self.take_store()?;
        if let Some(in_doubt) = self.in_doubt.clone() {
            // What was freed meanwhile would come back with the failed write, and the disk would stay full.
            disk.sync()?;
            let changes = self.stated_anew(&disk, &in_doubt)?;
            self.write_to(&disk, changes)?;
            disk.sync()?;
            // Nobody knows how much of it the counts held already.
            self.count(&disk)?;
        }
        if let Some(InDoubt { appended, .. }) = self.in_doubt.take() {
            self.note_appended(&appended);
            self.resolved = Some(appended);
        }
        self.disk = Some(disk);
        Ok(())
    }

    /// The write in doubt, with a statement of what is held after it: some may have been freed meanwhile.
    fn stated_anew(&mut self, disk: &Disk, in_doubt: &InDoubt) -> Result<Changes, DiskError> {
        let InDoubt { changes, appended, .. } = in_doubt.clone();
        let Some(run) = self.run.clone() else { return Ok(changes) };
        let held = held_after(&self.contents.held, disk, &changes)?;
        let run = Run { last_seq: appended.to(), latest: appended.latest(), ..run };
        Ok(Changes { meta: Some(self.statement(&run, held, Vec::new())), ..changes })
    }

    /// What a write in doubt would remove or write anew has changed since: it only appends.
    pub(super) fn only_append(&mut self) {
        if let Some(InDoubt { changes, appended, .. }) = &mut self.in_doubt {
            let index = appended.entry.index();
            changes.removed.clear();
            changes.written.retain(|(at, _)| *at == index);
            self.ordinary = Ordinary::default();
        }
    }

    fn replace_store(&mut self, reason: &str) -> Result<(), BufferError> {
        self.close_store();
        self.only_append();
        let aside = repair::set_aside(&self.dir).map_err(|error| self.disk_error(&error.to_string()))?;
        let records = self.contents.records;
        tracing::error!(%reason, aside = %aside.display(), records, "the buffer is damaged: set aside, a fresh one begins");
        self.counters.set_aside += 1;
        self.contents = Contents::default();
        self.stated = None;
        Ok(())
    }

    pub(super) fn close_store(&mut self) {
        self.disk = None;
    }

    pub(super) fn disk_error(&self, reason: &str) -> BufferError {
        BufferError::Disk { dir: self.dir.clone(), reason: reason.to_owned() }
    }
}

/// What of `held` is held once `changes` are written.
fn held_after(held: &SeqRanges, disk: &Disk, changes: &Changes) -> Result<SeqRanges, DiskError> {
    let mut held = held.clone();
    for index in changes.removed.iter().chain(changes.written.iter().map(|(index, _)| index)) {
        let there = disk.at_or_after(*index)?.filter(|(found, _)| found == index);
        if let Some((identity, _)) = there.and_then(|(_, bytes)| frame::header(&bytes)) {
            held.remove(identity.index(), identity.last_index());
        }
    }
    for (identity, _) in changes.written.iter().filter_map(|(_, bytes)| frame::header(bytes)) {
        held.insert(identity.index(), identity.last_index());
    }
    Ok(held)
}

fn lock(data_dir: &Path) -> Result<File, BufferError> {
    let data_dir_error = |source| BufferError::data_dir(data_dir, source);
    DirBuilder::new().recursive(true).mode(0o700).create(data_dir).map_err(data_dir_error)?;
    let path = data_dir.join("lock");
    let file = match fs::OpenOptions::new().create(true).truncate(false).write(true).open(&path) {
        // Sampling goes on until it can be written again; a lock needs no writing.
        Err(error) if error.kind() == io::ErrorKind::ReadOnlyFilesystem => File::open(path),
        opened => opened,
    };
    let file = file.map_err(data_dir_error)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(BufferError::Locked { dir: data_dir.to_owned() }),
        Err(TryLockError::Error(source)) => Err(data_dir_error(source)),
    }
}
