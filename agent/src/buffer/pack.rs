//! Older rounds are merged into blocks: what waits for days takes a fraction of the room, on disk and in sled's memory.
//!
//! A block is an entry like any other, only longer, and compressed as every long entry is. Old and new are exchanged in one
//! write, which reaches the disk with the next append's sync: whenever it is cut short, one of the two is there.

use super::disk::Changes;
use super::entry::Entry;
use super::error::BufferError;
use super::frame::{self, Identity};
use super::queue::Buffer;

/// Records of a block: two fill an envelope.
pub const BLOCK_RECORDS: usize = 250;
/// With so many, no round more fits for sure.
const FULL_RECORDS: usize = BLOCK_RECORDS - BLOCK_RECORDS / 8;
/// Blocks made at once at most: an append may wait behind it.
const BLOCKS_MAX: usize = 4;

/// Entries in a row that may become one.
#[derive(Default)]
struct Row {
    merged: Option<Entry>,
    parts: Vec<(u64, Identity, usize)>,
}

impl Buffer {
    /// Merges the oldest rounds that are in no block yet, where there are enough for one; how many entries became fewer.
    ///
    /// # Errors
    /// The disk does not take it now; everything stays as it was.
    pub fn pack(&mut self) -> Result<usize, BufferError> {
        let mut fewer = 0;
        for _ in 0..BLOCKS_MAX {
            if self.refused().is_some() {
                break;
            }
            let Some(row) = self.next_row()? else { break };
            fewer += row.parts.len() - 1;
            self.merge(row)?;
        }
        Ok(fewer)
    }

    /// The next entries that make a block: as many as fit, or all up to one that does not belong to them.
    fn next_row(&mut self) -> Result<Option<Row>, BufferError> {
        let mut row = Row::default();
        let mut next = self.packed_to;
        while let Some((index, bytes)) = self.next_entry(next)? {
            // What is full by itself need not be read.
            let entry = Some(&bytes).filter(|bytes| !is_full(bytes)).and_then(|bytes| Entry::from_frame(bytes).ok());
            if entry.as_ref().is_some_and(|entry| row.takes(entry)) {
                next = index + 1;
                row.parts.extend(frame::header(&bytes).map(|(identity, _)| (index, identity, bytes.len())));
                row.push(entry);
            } else if row.parts.len() > 1 {
                return Ok(Some(row));
            } else if row.parts.is_empty() {
                // Full, or damaged, which is the next reader's business.
                next = index + 1;
                self.packed_to = next;
            } else {
                (row, self.packed_to) = (Row::default(), index);
            }
        }
        Ok(Some(row).filter(Row::is_full))
    }

    fn merge(&mut self, row: Row) -> Result<(), BufferError> {
        let (Some(merged), Some((first, ..))) = (row.merged, row.parts.first()) else { return Ok(()) };
        let frame = merged.to_small_frame();
        let bytes = frame.len();
        let removed = row.parts.iter().skip(1).map(|(index, ..)| *index).collect();
        let changes = Changes { removed, written: vec![(*first, frame)], ..Changes::default() };
        self.write(changes)?;
        for (_, identity, bytes) in &row.parts {
            self.contents.remove(identity, *bytes);
        }
        self.contents.add(&merged.identity(), bytes);
        self.packed_to = first + 1;
        Ok(())
    }
}

fn is_full(frame: &[u8]) -> bool {
    frame::header(frame).is_some_and(|(identity, _)| identity.records as usize >= FULL_RECORDS)
}

impl Row {
    fn records(&self) -> usize {
        self.merged.as_ref().map_or(0, |merged| merged.records.len())
    }

    /// No round more fits for sure.
    fn is_full(&self) -> bool {
        self.parts.len() > 1 && self.records() >= FULL_RECORDS
    }

    fn takes(&self, entry: &Entry) -> bool {
        let fits = self.records() + entry.records.len() <= BLOCK_RECORDS;
        fits && self.merged.as_ref().is_none_or(|merged| {
            merged.epoch == entry.epoch && merged.kitchen_id == entry.kitchen_id && merged.clock == entry.clock
        })
    }

    fn push(&mut self, entry: Option<Entry>) {
        match (&mut self.merged, entry) {
            (Some(merged), Some(entry)) => merged.records.extend(entry.records),
            (merged @ None, entry) => *merged = entry,
            (Some(_), None) => {}
        }
    }
}
