//! A round gets its numbers and goes to disk; at the limit the oldest is given up and put on record.

use std::collections::BTreeMap;

use kitchen_contract::id::{Epoch, KitchenId};
use kitchen_contract::record::{Body, Event};
use kitchen_contract::time::{Clock as Trust, Timestamp};

use super::contents::Losses;
use super::disk::{Changes, DiskError};
use super::entry::{Draft, Entry, Held};
use super::error::BufferError;
use super::evict::{Eviction, Need};
use super::queue::{Buffer, InDoubt, Run};
use crate::clock::wall::Stamp;
use crate::history_mark::HistoryMark;

/// What a draft takes in a frame, in bytes, rounded up.
const DRAFT_BYTES_MAX: u64 = 512;

/// Everything that waited to be recorded at one moment: one entry, one sync.
#[derive(Clone, Debug)]
pub struct Round {
    /// The kitchen as configured now.
    pub kitchen_id: KitchenId,
    /// Now, for what the buffer itself has to put on record.
    pub now: Stamp,
    /// How many observations just before `drafts` were given up in memory; they get numbers, and a gap record that names them.
    pub dropped: u64,
    /// What happened, in order.
    pub drafts: Vec<Draft>,
}

/// A round that is on disk.
#[derive(Clone, Debug, PartialEq)]
pub struct Appended {
    /// The round as kept: what was handed in, and the buffer's own records (agent started, gaps).
    pub entry: Entry,
    /// Records given up to make room.
    pub evicted: u64,
    latest: Option<Timestamp>,
}

impl Appended {
    /// The latest synced timestamp then.
    pub(super) fn latest(&self) -> Option<Timestamp> {
        self.latest
    }

    /// The epoch of the records.
    pub fn epoch(&self) -> &Epoch {
        &self.entry.epoch
    }

    /// The first sequence number.
    pub fn from(&self) -> u64 {
        self.entry.records.first().map_or(0, |held| held.seq)
    }

    /// The last sequence number.
    pub fn to(&self) -> u64 {
        self.entry.records.last().map_or(0, |held| held.seq)
    }
}

impl Buffer {
    /// Puts a round on disk; once this returns, it survives kill -9 and a power cut.
    ///
    /// The first append of a run also records that the agent started, and which epoch came before.
    ///
    /// # Errors
    /// The disk does not take it. The round has not been lost: the next append must bring the same round again, and gets the
    /// result of the first attempt if that has reached the disk meanwhile.
    pub fn append(&mut self, round: &Round) -> Result<Appended, BufferError> {
        self.ready()?;
        if let Some(appended) = self.resolved.take() {
            return Ok(appended);
        }
        let Some(run) = self.run.clone() else { return Err(BufferError::Closed) };
        let mut drafts = self.announcement(&run, round.now);
        drafts.extend(round.drafts.iter().cloned());
        let bytes = drafts.len() as u64 * DRAFT_BYTES_MAX;
        let mut losses = self.losses.clone();
        losses.give_up(&self.epoch, dropped_from(&run), round.dropped);
        let eviction = self.evict(Need { records: drafts.len() as u64, bytes }, &mut losses)?;
        drafts.extend(losses.into_gaps().into_iter().map(|body| Draft::new(round.now, body)));
        let marks = marks_of(&round.drafts);
        let entry = self.entry(&run, round, drafts);
        self.commit(&run, (entry, marks), eviction)
    }

    fn announcement(&self, run: &Run, now: Stamp) -> Vec<Draft> {
        if run.last_seq > 0 {
            return Vec::new();
        }
        let agent_version = env!("CARGO_PKG_VERSION").to_owned();
        let event = Event::AgentStarted { agent_version, previous: run.previous.clone() };
        vec![Draft::new(now, Body::Event(event))]
    }

    fn entry(&self, run: &Run, round: &Round, drafts: Vec<Draft>) -> Entry {
        let dropped_from = dropped_from(run);
        let numbers = (run.last_seq + 1..dropped_from).chain(dropped_from + round.dropped..);
        let records = numbers.zip(drafts).map(|(seq, Draft { stamp, body, .. })| Held { seq, stamp, body }).collect();
        let clock = self.clock.clone();
        Entry { epoch: self.epoch.clone(), base: run.base, kitchen_id: round.kitchen_id.clone(), records, clock }
    }

    fn commit(
        &mut self,
        run: &Run,
        (entry, marks): (Entry, Vec<HistoryMark>),
        eviction: Eviction,
    ) -> Result<Appended, BufferError> {
        let latest = entry.records.iter().filter_map(synced).max().or(run.latest);
        let appended = Appended { entry, evicted: eviction.records, latest };
        let new_run = Run { last_seq: appended.to(), latest, ..run.clone() };
        let mut contents = self.contents.clone();
        eviction.apply(&mut contents);
        let frame = appended.entry.to_frame();
        contents.add(&appended.entry.identity(), frame.len());
        let mut changes = Changes { marks, ..eviction.changes() };
        changes.written.push((appended.entry.index(), frame));
        changes.meta = Some(self.statement(&new_run, contents.held.clone(), changes.marks.clone()));
        let written = self.put(&changes);
        // The entry names them now, in doubt or not. What is lost while it is in doubt is for the next one to name.
        self.losses = Losses::default();
        self.counters.evicted_last += eviction.last;
        self.ordinary = eviction.ordinary;
        if let Err(error) = written {
            self.in_doubt = Some(InDoubt { changes, appended, reason: error.to_string() });
            return self.commit_again(error);
        }
        self.contents = contents;
        self.note_appended(&appended);
        Ok(appended)
    }

    /// All of it or nothing; where nothing has to go, as one value under one key.
    fn put(&mut self, changes: &Changes) -> Result<(), DiskError> {
        let disk = self.take_store()?;
        match changes {
            Changes { removed, written, meta: Some(statement), marks } if removed.is_empty() && written.len() == 1 => {
                let (index, entry) = &written[0];
                disk.append(*index, entry, statement)?;
                disk.sync()?;
                self.appended_behind(statement.clone(), marks);
            }
            changes => {
                self.write_to(&disk, changes.clone())?;
                disk.sync()?;
            }
        }
        self.disk = Some(disk);
        Ok(())
    }

    /// A damaged store is replaced and takes the write at once; a full disk is reported.
    fn commit_again(&mut self, error: DiskError) -> Result<Appended, BufferError> {
        let damaged = matches!(error, DiskError::Damaged(_));
        let error = self.failed(error);
        if damaged && self.ready().is_ok() {
            return self.resolved.take().ok_or(error);
        }
        Err(error)
    }

    /// The numbers of an entry are used up, now that it is on disk.
    pub(super) fn note_appended(&mut self, appended: &Appended) {
        if let Some(run) = &mut self.run {
            run.last_seq = appended.to();
            run.latest = appended.latest;
        }
        self.counters.evicted += appended.evicted;
        self.note_named();
    }
}

/// The marks that drafts bring; of each sensor the last.
fn marks_of(drafts: &[Draft]) -> Vec<HistoryMark> {
    let marks = drafts.iter().filter_map(|draft| draft.mark.as_ref());
    let marks: BTreeMap<_, _> = marks.map(|mark| (&mark.imei, mark)).collect();
    marks.into_values().cloned().collect()
}

/// The first number for what was dropped: only the announcement comes before it.
fn dropped_from(run: &Run) -> u64 {
    if run.last_seq == 0 { 2 } else { run.last_seq + 1 }
}

fn synced(held: &Held) -> Option<Timestamp> {
    match held.stamp {
        Stamp::Settled { timestamp, clock: Trust::Synced } => Some(timestamp),
        Stamp::Settled { .. } | Stamp::Unsettled { .. } => None,
    }
}
