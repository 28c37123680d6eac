//! A round gets its numbers and goes to disk; at the limit the oldest is given up and put on record.

use kitchen_contract::id::{Epoch, KitchenId};
use kitchen_contract::record::{Body, Event};
use kitchen_contract::time::{Clock as Trust, Timestamp};

use super::contents::Losses;
use super::disk::Changes;
use super::entry::{Draft, Entry, Held};
use super::error::BufferError;
use super::frame::{FrameError, Identity};
use super::queue::{Buffer, InDoubt, Limits, Run};
use crate::clock::wall::Stamp;
use crate::history_mark::HistoryMark;

/// What is evicted beyond the need, as a fraction of the limits: so that one gap record stands for many records.
const EVICTION_SHARE: u64 = 64;
/// What one gap record takes in a frame, in bytes, rounded up.
const GAP_BYTES: u64 = 256;

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

/// What has to go to make room.
#[derive(Default)]
struct Eviction {
    removed: Vec<(u64, Option<Identity>, usize)>,
    records: u64,
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
        let bytes = self.entry(&run, round, drafts.clone()).to_frame().len() as u64;
        let mut losses = self.losses.clone();
        losses.give_up(&self.epoch, dropped_from(&run), round.dropped);
        let eviction = self.evict(drafts.len() as u64, bytes, &mut losses)?;
        drafts.extend(losses.into_gaps().into_iter().map(|body| Draft::new(round.now, body)));
        let marks = round.drafts.iter().filter_map(|draft| draft.mark.clone()).collect();
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
        Entry { epoch: self.epoch.clone(), kitchen_id: round.kitchen_id.clone(), records, clock }
    }

    /// Chooses the oldest entries to give up so that `records` and `bytes` more fit. Nothing is removed yet.
    fn evict(&mut self, records: u64, bytes: u64, losses: &mut Losses) -> Result<Eviction, BufferError> {
        let Limits { records_max, bytes_max } = self.limits;
        let mut eviction = Eviction::default();
        if self.contents.records + records <= records_max && self.contents.bytes + bytes <= bytes_max {
            return Ok(eviction);
        }
        let records_goal = records_max - records_max / EVICTION_SHARE;
        let bytes_goal = bytes_max - bytes_max / EVICTION_SHARE;
        let mut next = 0;
        let mut bytes_held = self.contents.bytes;
        loop {
            let gaps = losses.gaps() as u64;
            let records_then = (self.contents.records + records + gaps).saturating_sub(eviction.records);
            if records_then <= records_goal && bytes_held + bytes + gaps * GAP_BYTES <= bytes_goal {
                break;
            }
            let found = self.disk()?.at_or_after(next);
            let Some((index, frame)) = found.map_err(|error| self.failed(error))? else { break };
            next = index + 1;
            bytes_held = bytes_held.saturating_sub(frame.len() as u64);
            let identity = match Entry::from_frame(&frame) {
                Ok(entry) => {
                    losses.evict(&entry);
                    Some(entry.identity())
                }
                Err(FrameError::Payload(identity)) => {
                    losses.damage(&identity.epoch, identity.from, identity.to);
                    Some(identity)
                }
                Err(FrameError::Header) => None,
            };
            eviction.records += identity.as_ref().map_or(0, |identity| u64::from(identity.records));
            eviction.removed.push((index, identity, frame.len()));
        }
        Ok(eviction)
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
        let frame = appended.entry.to_frame();
        let frame_len = frame.len();
        let changes = Changes {
            removed: eviction.removed.iter().map(|(index, ..)| *index).collect(),
            written: vec![(run.base + appended.from(), frame)],
            meta: Some(self.meta_frame(&new_run)),
            marks,
        };
        let disk = self.disk()?;
        let written = disk.write(&changes).and_then(|()| disk.sync());
        // The entry names them now, in doubt or not. What is lost while it is in doubt is for the next one to name.
        self.losses = Losses::default();
        if let Err(error) = written {
            self.in_doubt = Some(InDoubt { changes, appended, reason: error.to_string() });
            return self.commit_again(error);
        }
        for (index, identity, bytes) in &eviction.removed {
            if let Some(identity) = identity {
                self.contents.remove(index - identity.from.min(*index), identity, *bytes);
            }
        }
        self.contents.add(run.base, &appended.entry.identity(), frame_len);
        self.note_appended(&appended);
        Ok(appended)
    }

    /// A damaged store is replaced and takes the write at once; a full disk is reported.
    fn commit_again(&mut self, error: super::disk::DiskError) -> Result<Appended, BufferError> {
        let damaged = matches!(error, super::disk::DiskError::Damaged(_));
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
    }
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
