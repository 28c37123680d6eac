//! A copy of what is held, made before sled opens its file, so that nothing is lost if sled drops it.
//!
//! Every frame that is intact and held is copied into a file beside sled's; most of the time nothing is held and nothing is
//! copied. Once sled has opened its file, what is missing of the held is brought back from the copy, and from the files of
//! stores that were set aside before. A record is taken in its settled form, if that is anywhere: it may have been sent.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use kitchen_contract::ranges::SeqRanges;

use super::disk::{Changes, Disk, DiskError, Room};
use super::entry::{Entry, Held};
use super::raw::{self, Stated};

/// The copy, in the store's directory.
pub const FILE: &str = "rescue";
/// The copy while it is made.
const UNFINISHED: &str = "rescue.new";
/// What a copy leaves free: sled writes a snapshot before it opens, and a segment of half a MiB soon after.
const SPARE_BYTES: u64 = 2 * 1024 * 1024;
/// Frames brought back in one write.
const WRITE_FRAMES_MAX: usize = 64;

/// Which records are still looked for, by append index.
struct Wanted {
    settled: SeqRanges,
    any: SeqRanges,
}

impl Wanted {
    fn new(indexes: &SeqRanges) -> Self {
        Self { settled: indexes.clone(), any: indexes.clone() }
    }

    fn is_in(&self, index: u64, held: &Held) -> bool {
        if held.is_settled() { self.settled.contains(index) } else { self.any.contains(index) }
    }

    fn found(&mut self, index: u64, held: &Held) {
        self.any.remove(index, index);
        if held.is_settled() {
            self.settled.remove(index, index);
        }
    }
}

/// Copies every intact frame with records that are held from the files of the store in `dir`, behind the statement that says
/// so.
///
/// # Errors
/// The files cannot be opened, or there is no room for the copy; then there is none.
pub fn make(dir: &Path, stated: &Stated) -> io::Result<()> {
    if stated.held().is_empty() {
        return Ok(());
    }
    let room = Room::of(dir).map_or(u64::MAX, |room| room.free_bytes.saturating_sub(SPARE_BYTES));
    copy_within(dir, stated, room)
}

/// The copy, if it takes no more than so many bytes.
pub(super) fn copy_within(dir: &Path, stated: &Stated, bytes_max: u64) -> io::Result<()> {
    let unfinished = dir.join(UNFINISHED);
    let made = write_copy(dir, stated, bytes_max).and_then(|()| fs::rename(&unfinished, dir.join(FILE)));
    if made.is_err() {
        // It would keep sled from opening its file.
        let _gone_or_never_there = fs::remove_file(&unfinished);
    }
    made?;
    File::open(dir)?.sync_all()
}

fn write_copy(dir: &Path, stated: &Stated, bytes_max: u64) -> io::Result<()> {
    let mut copy = BufWriter::new(File::create(dir.join(UNFINISHED))?);
    let mut left = bytes_max;
    let mut write = |frame: &[u8]| {
        left = left.checked_sub(frame.len() as u64).ok_or(io::ErrorKind::StorageFull)?;
        copy.write_all(frame)
    };
    let mut written = stated.newest.as_ref().map_or(Ok(()), |statement| write(&statement.to_frame()));
    visit_wanted(dir, &mut Wanted::new(&stated.held()), |frame| {
        if written.is_ok() {
            written = write(frame);
        }
    })?;
    written?;
    copy.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
}

/// The copy has done its work.
///
/// # Errors
/// It cannot be deleted.
pub fn discard(dir: &Path) -> io::Result<()> {
    for name in [FILE, UNFINISHED] {
        match fs::remove_file(dir.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

/// Writes what the files in `dir` hold of the `missing` append indexes to `disk`; what was found. Nothing of `missing` may
/// be in `disk`.
///
/// # Errors
/// The files cannot be opened, or the disk does not take it.
pub fn bring_back(dir: &Path, disk: &Disk, missing: &SeqRanges) -> Result<SeqRanges, DiskError> {
    let mut left = missing.clone();
    for settled in [true, false] {
        let mut changes = Changes::default();
        let mut written = Ok(());
        raw::frames(dir, |identity, place| {
            let holds = (if settled { identity.records } else { identity.unsettled }) > 0;
            if !holds || !overlaps(&left, identity.index(), identity.last_index()) || written.is_err() {
                return;
            }
            let Some(entry) = place.frame().and_then(|bytes| Entry::from_frame(&bytes).ok()) else { return };
            for piece in pieces(&entry, |index, held| left.contains(index) && held.is_settled() == settled) {
                let (first, last) = (piece.index(), piece.identity().last_index());
                left.remove(first, last);
                changes.written.push((first, piece.to_frame()));
            }
            if changes.written.len() >= WRITE_FRAMES_MAX {
                written = disk.write(&std::mem::take(&mut changes));
            }
        })?;
        written?;
        disk.write(&changes)?;
    }
    Ok(missing.without(&left))
}

fn visit_wanted(dir: &Path, wanted: &mut Wanted, mut take: impl FnMut(&[u8])) -> io::Result<()> {
    raw::frames(dir, |identity, place| {
        let (first, last) = (identity.index(), identity.last_index());
        if identity.records == 0 || !overlaps(&wanted.settled, first, last) {
            return;
        }
        let Some(frame) = place.frame() else { return };
        let Ok(entry) = Entry::from_frame(&frame) else { return };
        let indexed = || entry.records.iter().map(|held| (entry.base + held.seq, held));
        if indexed().any(|(index, held)| wanted.is_in(index, held)) {
            indexed().for_each(|(index, held)| wanted.found(index, held));
            take(&frame);
        }
    })
}

fn overlaps(ranges: &SeqRanges, first: u64, last: u64) -> bool {
    ranges.iter().any(|(from, to)| from <= last && to >= first)
}

/// The chosen records of an entry, as entries without holes, so that none reaches over another one.
fn pieces(entry: &Entry, chosen: impl Fn(u64, &Held) -> bool) -> Vec<Entry> {
    let mut pieces: Vec<Entry> = Vec::new();
    for held in &entry.records {
        if !chosen(entry.base + held.seq, held) {
            continue;
        }
        match pieces.last_mut() {
            Some(piece) if piece.records.last().is_some_and(|last| last.seq + 1 == held.seq) => {
                piece.records.push(held.clone());
            }
            _ => pieces.push(Entry { records: vec![held.clone()], ..entry.clone() }),
        }
    }
    pieces
}
