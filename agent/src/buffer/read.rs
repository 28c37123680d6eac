//! The oldest records that are wanted, for one envelope. Reading frees nothing.

use kitchen_contract::id::{Epoch, KitchenId};
use kitchen_contract::written::WrittenRecord;

use super::entry::Sendable;
use super::error::BufferError;
use super::frame;
use super::queue::Buffer;

/// How much is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadLimits {
    /// Records.
    pub records_max: usize,
    /// Bytes of the records' JSON; a single record may be larger.
    pub bytes_max: usize,
}

/// Records of one epoch and kitchen.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// The run of the agent.
    pub epoch: Epoch,
    /// The kitchen.
    pub kitchen_id: KitchenId,
    /// At least one, in rising order.
    pub records: Vec<WrittenRecord>,
    /// Where to read on: the append index of the last record.
    pub last_index: u64,
}

impl Batch {
    /// What of it lies at append indexes up to `until`; none if nothing does.
    #[must_use]
    pub fn up_to(mut self, until: u64) -> Option<Self> {
        let base = self.last_index - self.records.last()?.seq();
        self.records.retain(|record| base + record.seq() <= until);
        self.last_index = base + self.records.last()?.seq();
        Some(self)
    }
}

/// What a read found.
#[derive(Clone, Debug, PartialEq)]
pub enum Read {
    /// Records.
    Batch(Batch),
    /// Nothing there.
    Empty,
    /// What comes next waits for a clock.
    Unsettled,
}

impl Buffer {
    /// The oldest records after the append index `after` (0: from the beginning).
    ///
    /// A frame that turns out to be damaged is skipped, counted and put on record with the next append.
    ///
    /// # Errors
    /// The disk cannot be read now.
    pub fn read(&mut self, after: u64, limits: ReadLimits) -> Result<Read, BufferError> {
        let mut gathering = Gathering { after, limits, bytes: 0, batch: None };
        let mut next = self.entry_at_or_before(after)?;
        loop {
            let found = self.disk()?.at_or_after(next).map_err(|error| self.failed(error))?;
            let Some((index, frame)) = found else { break };
            next = index + 1;
            if gathering.needs_none_of(&frame) {
                continue;
            }
            if gathering.is_full_for(&frame) {
                break;
            }
            let Ok(sendable) = Sendable::from_frame(&frame, after) else {
                self.skip(index)?;
                // An intact copy may be there now.
                next = index;
                continue;
            };
            if !gathering.take(sendable) {
                return Ok(gathering.batch.map_or(Read::Unsettled, Read::Batch));
            }
        }
        Ok(gathering.batch.map_or(Read::Empty, Read::Batch))
    }

    /// The index of the last entry that begins at or before `index`, or `index` itself.
    pub(super) fn entry_at_or_before(&mut self, index: u64) -> Result<u64, BufferError> {
        let found = self.disk()?.at_or_before(index).map_err(|error| self.failed(error))?;
        Ok(found.map_or(index, |(index, _)| index))
    }

    /// Sorts out a frame that cannot be read: the store is opened again, which looks for an intact copy. What is intact and
    /// still makes no sense is taken out.
    pub(super) fn skip(&mut self, index: u64) -> Result<(), BufferError> {
        let intact = match self.next_entry(index)? {
            Some((found, bytes)) if found == index => frame::decode(&bytes).ok().map(|(identity, _)| identity),
            Some(_) | None => return Ok(()),
        };
        self.close_store();
        self.disk()?;
        let Some(identity) = intact else { return Ok(()) };
        let Some(disk) = self.disk.take() else { return Err(BufferError::Closed) };
        let taken = self.take_out(&disk, index).and_then(|()| self.count(&disk));
        self.disk = Some(disk);
        self.losses.damage(&identity.epoch, identity.from, identity.to);
        self.unnamed.insert(identity.index(), identity.last_index());
        self.counters.lost += u64::from(identity.records);
        taken.map(drop).map_err(|error| self.failed(error))
    }
}

/// A batch as it grows.
struct Gathering {
    after: u64,
    limits: ReadLimits,
    bytes: usize,
    batch: Option<Batch>,
}

impl Gathering {
    /// What is wanted begins behind this entry; its header says so.
    fn needs_none_of(&self, frame: &[u8]) -> bool {
        frame::header(frame).is_some_and(|(identity, _)| identity.last_index() <= self.after)
    }

    /// There are records already, and no room for so many more.
    fn is_full_for(&self, frame: &[u8]) -> bool {
        let more = frame::header(frame).map_or(0, |(identity, _)| identity.records as usize);
        self.batch.as_ref().is_some_and(|batch| batch.records.len() + more > self.limits.records_max)
    }

    /// Takes what can be sent of an entry; false where it does not belong or fit, or waits for a clock.
    fn take(&mut self, sendable: Sendable) -> bool {
        let Sendable { epoch, base, kitchen_id, records, waits } = sendable;
        let bytes = records.iter().map(bytes_of).sum();
        if self.batch.is_some() && !self.has_room_for(records.len(), bytes) {
            return false;
        }
        let place = (&epoch, &kitchen_id, base);
        records.into_iter().all(|record| self.take_record(place, record)) && !waits
    }

    /// A whole entry fits: what is acknowledged as a whole is freed as a whole.
    fn has_room_for(&self, more: usize, bytes: usize) -> bool {
        let records = self.batch.as_ref().map_or(0, |batch| batch.records.len());
        records + more <= self.limits.records_max && self.bytes + bytes <= self.limits.bytes_max
    }

    fn take_record(&mut self, (epoch, kitchen_id, base): (&Epoch, &KitchenId, u64), record: WrittenRecord) -> bool {
        let (index, bytes) = (base + record.seq(), bytes_of(&record));
        let fits = self.has_room_for(1, bytes);
        let batch = self.batch.get_or_insert_with(|| Batch {
            epoch: epoch.clone(),
            kitchen_id: kitchen_id.clone(),
            records: Vec::new(),
            last_index: index,
        });
        let belongs = batch.epoch == *epoch && batch.kitchen_id == *kitchen_id;
        let rises = index > batch.last_index;
        let taken = belongs && (fits && rises || batch.records.is_empty());
        if taken {
            self.bytes += bytes;
            batch.last_index = index;
            batch.records.push(record);
        }
        taken
    }
}

/// What a record takes in an envelope.
fn bytes_of(record: &WrittenRecord) -> usize {
    record.json().get().len() + 1
}
