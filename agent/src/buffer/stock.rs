//! The store is opened: what is there is counted, what is missing is brought back, and what cannot be is put on record.

use std::io;
use std::path::Path;

use kitchen_contract::ranges::SeqRanges;
use kitchen_contract::record::EpochEnd;

use super::contents::Contents;
use super::disk::{Changes, Disk, DiskError};
use super::frame::{self, FrameError};
use super::meta::{Meta, Reach};
use super::queue::{Buffer, InDoubt, Run};
use super::raw::Stated;
use super::{quarantine, repair, rescue};

/// So many append indexes are left free for a store that was set aside and cannot be read yet.
const UNREAD_INDEXES: u64 = 1 << 40;

impl Buffer {
    /// The open store for a moment; one that is not put back is closed, and opened again by the next call.
    pub(super) fn take_store(&mut self) -> Result<Disk, DiskError> {
        if let Some(disk) = self.disk.take() {
            return Ok(disk);
        }
        if self.stated.is_none() {
            self.stated = Some(look(&self.dir)?);
        }
        let disk = Disk::open(&self.dir, self.hang_watch.clone())?;
        // What is read from here on may be sent, so it must not fall back.
        disk.sync()?;
        self.take_stock(&disk, self.stated.clone().unwrap_or_default())?;
        self.stated = None;
        Ok(disk)
    }

    /// Counts what is there, brings back what is missing, and finds where this epoch begins.
    fn take_stock(&mut self, disk: &Disk, mut stated: Stated) -> Result<(), DiskError> {
        let known = self.recall(disk)?;
        known.clone().into_iter().for_each(|meta| stated.note(meta));
        let damaged = self.count(disk)?;
        let mut lost = self.bring_back(&self.dir.clone(), disk, (&stated, &damaged))?;
        let known = known.map(|meta| meta.reach);
        let known_index = known.as_ref().map_or(0, Reach::index);
        // A kill in the middle of an append leaves a statement of records that nobody was told of. A process that runs knows
        // what it has told.
        let cut_short = self.run.is_none() && stated.is_one_append_after(known_index);
        if cut_short {
            lost.remove(known_index + 1, u64::MAX);
        }
        let ended = known.filter(|_| cut_short && self.contents.held.last() <= Some(known_index));
        self.note_lost(&lost, &stated);
        let all_read = self.take_asides(disk, &mut stated)?;
        rescue::discard(&self.dir)?;
        self.number = self.number.max(stated.newest.as_ref().map_or(0, |newest| newest.number));
        if self.run.is_none() {
            let base = stated.last_index + if all_read { 0 } else { UNREAD_INDEXES };
            let ended = ended.or_else(|| stated.furthest());
            let previous = ended.map(|Reach { epoch, last_seq, .. }| EpochEnd { epoch, last_seq });
            self.run = Some(Run { base, last_seq: 0, previous, latest: stated.latest });
        }
        Ok(())
    }

    /// Counts what is there, and takes out what fails its checksum: it may be brought back intact. What that held, as far as
    /// its headers tell.
    pub(super) fn count(&mut self, disk: &Disk) -> Result<SeqRanges, DiskError> {
        let mut contents = Contents::default();
        let (mut bad, mut named) = (Vec::new(), SeqRanges::new());
        disk.scan(|index, bytes| match frame::decode(bytes) {
            Ok((identity, _)) => contents.add(&identity, bytes.len()),
            Err(error) => {
                bad.push(index);
                if let FrameError::Payload(identity) = error {
                    named.insert(identity.index(), identity.last_index());
                }
            }
        })?;
        self.contents = contents;
        for index in bad {
            self.take_out(disk, index)?;
        }
        Ok(named)
    }

    /// Takes a frame that cannot be read out of the store and keeps it apart.
    pub(super) fn take_out(&mut self, disk: &Disk, index: u64) -> Result<(), DiskError> {
        self.counters.damaged += 1;
        if let Some((_, bytes)) = disk.at_or_after(index)?.filter(|(found, _)| *found == index) {
            let kept = quarantine::keep(&self.dir, index, &bytes);
            tracing::error!(index, ?kept, "a buffered entry is damaged: taken out and kept apart");
        }
        self.write_to(disk, Changes { removed: vec![index], ..Changes::default() })
    }

    /// Brings back what was held and is not there, or was damaged; what cannot be.
    fn bring_back(
        &mut self,
        dir: &Path,
        disk: &Disk,
        (stated, damaged): (&Stated, &SeqRanges),
    ) -> Result<SeqRanges, DiskError> {
        let mut missing = stated.held().without(&self.contents.held);
        let mut unsure = missing.without(damaged);
        unsure.remove(stated.newest.as_ref().map_or(0, Meta::unsure_to) + 1, u64::MAX);
        missing = missing.without(&unsure);
        if let Some(InDoubt { appended, .. }) = &self.in_doubt {
            // It is written again, once the disk takes it; until then what is there must be read and freed.
            let in_doubt = appended.entry.identity();
            missing.remove(in_doubt.index(), in_doubt.last_index());
        }
        if missing.is_empty() {
            return Ok(missing);
        }
        let found = rescue::bring_back(dir, disk, &missing)?;
        if !found.is_empty() {
            // Only then: a full disk can be read, if nothing has to be written first.
            disk.sync()?;
            self.count(disk)?;
            self.counters.recovered += found.count();
            tracing::warn!(records = found.count(), dir = %dir.display(), "records were brought back that the store had lost");
        }
        // Without any statement nobody knows what was held.
        Ok(if stated.newest.is_some() { missing.without(&found) } else { SeqRanges::new() })
    }

    /// Brings back what lies in the stores that were set aside; whether all of them could be read.
    fn take_asides(&mut self, disk: &Disk, stated: &mut Stated) -> Result<bool, DiskError> {
        let mut all_read = true;
        for aside in repair::unread(&self.dir)? {
            let dir = aside.display();
            let of_aside = match Stated::read(&aside) {
                Ok(of_aside) => of_aside,
                Err(error) => {
                    tracing::error!(%dir, %error, "a damaged buffer that was set aside cannot be read; it is tried again at the next start");
                    all_read = false;
                    continue;
                }
            };
            let all = SeqRanges::from(vec![(1, u64::MAX)]);
            let lost = self.bring_back(&aside, disk, (&of_aside, &all))?;
            self.note_lost(&lost, &of_aside);
            if !of_aside.is_empty() {
                // Not before its losses are on record.
                self.asides_read.push(aside);
            }
            stated.merge(of_aside);
        }
        Ok(all_read)
    }

    /// Puts append indexes on record that are lost for good.
    fn note_lost(&mut self, lost: &SeqRanges, stated: &Stated) {
        for (epoch, from, to) in stated.named(lost) {
            let new = self.losses.damage(&epoch, from, to);
            if new > 0 {
                tracing::error!(%epoch, from, to, "records of the buffer are damaged and lost");
            }
            self.counters.lost += new;
        }
        lost.iter().for_each(|(from, to)| self.unnamed.insert(from, to));
    }

    /// What was lost is on record.
    pub(super) fn note_named(&mut self) {
        self.unnamed = SeqRanges::new();
        for aside in std::mem::take(&mut self.asides_read) {
            if let Err(error) = repair::mark_read(&self.dir, &aside) {
                tracing::warn!(dir = %aside.display(), %error, "a salvaged buffer keeps its name");
            }
        }
    }
}

/// What the files of a store state, and a copy of what they hold, before sled touches them.
fn look(dir: &Path) -> io::Result<Stated> {
    let stated = Stated::read(dir)?;
    if let Err(error) = rescue::make(dir, &stated) {
        tracing::warn!(%error, "no copy of what is held can be made before the buffer is opened");
    }
    Ok(stated)
}
