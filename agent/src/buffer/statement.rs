//! What goes with every write: the newest statement, and the marks of sensors.
//!
//! An append writes its statement and its marks behind its entry; so they must be written elsewhere before that entry goes
//! or is written anew. Every other write does that, whatever it is for: it puts both under keys of their own.

use kitchen_contract::ranges::SeqRanges;

use super::disk::{Changes, Disk, DiskError};
use super::error::BufferError;
use super::meta::{Meta, Reach};
use super::queue::{Buffer, Run};
use crate::history_mark::{self, HistoryMark};

impl Buffer {
    /// The next statement: how far the epoch of `run` got, what is held then, and the marks that an append brings.
    pub(super) fn statement(&mut self, run: &Run, held: SeqRanges, marks: Vec<HistoryMark>) -> Vec<u8> {
        self.number += 1;
        let reach = Reach { base: run.base, epoch: self.epoch.clone(), last_seq: run.last_seq };
        Meta { reach, latest: run.latest, number: self.number, held, filled: false, marks }.to_frame()
    }

    /// Writes to the open store; on disk only after the next sync.
    pub(super) fn write(&mut self, changes: Changes) -> Result<(), BufferError> {
        self.disk()?;
        let Some(disk) = self.disk.take() else { return Err(BufferError::Closed) };
        let written = self.write_to(&disk, changes);
        self.disk = Some(disk);
        written.map_err(|error| self.failed(error))
    }

    /// Writes to a store that is being opened.
    pub(super) fn write_to(&mut self, disk: &Disk, changes: Changes) -> Result<(), DiskError> {
        let changes = self.carrying(changes);
        disk.write(&changes)?;
        self.carried(changes.meta);
        Ok(())
    }

    /// The changes, with what is only written behind entries.
    pub(super) fn carrying(&self, mut changes: Changes) -> Changes {
        changes.meta = changes.meta.or_else(|| self.stated_last.clone());
        // The later of two for a sensor is kept.
        changes.marks.splice(0..0, self.marks_behind.values().cloned());
        changes
    }

    /// What was written has a key of its own now.
    pub(super) fn carried(&mut self, statement: Option<Vec<u8>>) {
        self.stated_last = statement;
        self.marks_behind.clear();
    }

    /// An append has been written behind which all this lies.
    pub(super) fn appended_behind(&mut self, statement: Vec<u8>, marks: &[HistoryMark]) {
        self.stated_last = Some(statement);
        self.marks_behind.extend(marks.iter().map(|mark| (mark.imei.clone(), mark.clone())));
    }

    /// The newest statement in the store; with it, the marks that lie behind entries.
    pub(super) fn recall(&mut self, disk: &Disk) -> Result<Option<Meta>, DiskError> {
        let mut newest = disk.meta()?.and_then(|bytes| Meta::from_frame(&bytes));
        let after = newest.as_ref().map_or(0, |meta| meta.reach.index() + 1);
        let mut marks = Vec::new();
        disk.statements(after, |bytes| {
            let Some(meta) = Meta::from_frame(bytes) else { return };
            marks.extend(meta.marks.iter().map(|mark| (mark.imei.clone(), mark.clone())));
            if newest.as_ref().is_none_or(|newest| newest.number < meta.number) {
                newest = Some(meta);
            }
        })?;
        // What this process remembers is as new, or newer.
        marks.extend(std::mem::take(&mut self.marks_behind));
        self.marks_behind = marks.into_iter().collect();
        self.stated_last = newest.as_ref().map(Meta::to_frame);
        Ok(newest)
    }

    /// Until when each sensor that was seen needs no reading of its history; at most [`MARKS_MAX`](history_mark::MARKS_MAX).
    pub fn history_marks(&mut self) -> Vec<HistoryMark> {
        let Some(disk) = &self.disk else { return Vec::new() };
        let mut marks = disk.marks().unwrap_or_default();
        marks.retain(|mark| !self.marks_behind.contains_key(&mark.imei));
        marks.extend(self.marks_behind.values().filter(|mark| mark.until.is_some()).cloned());
        let (marks, forgotten) = history_mark::newest(marks);
        if !forgotten.is_empty()
            && let Err(error) = self.write(Changes { marks: forgotten, ..Changes::default() })
        {
            tracing::debug!(%error, "marks of old sensors stay for now");
        }
        marks
    }
}
