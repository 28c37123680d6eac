//! What the store's file says by itself, read before sled opens it.
//!
//! A flipped bit can make sled 0.34 drop everything written after it, without a word, and wipe that from the file. What is
//! left looks like an older, consistent store. The frames that say how far an epoch got are still readable before sled
//! opens the file: held against what sled finds afterwards, they show what was lost.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use kitchen_contract::id::Epoch;
use kitchen_contract::time::Timestamp;

use super::frame::{self, HEADER_BYTES, Identity, MAGIC, OVERHEAD_BYTES};
use super::meta::Meta;

/// How much of the file is looked at at a time, in bytes.
const WINDOW_BYTES: usize = 64 * 1024;
/// What a frame that says how far an epoch got takes at most, in bytes: it must be found across two windows.
const META_FRAME_BYTES_MAX: usize = OVERHEAD_BYTES + 128;

/// How far an epoch got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    /// The append index before its first record.
    pub base: u64,
    /// Its epoch.
    pub epoch: Epoch,
    /// Its last sequence number.
    pub last_seq: u64,
}

/// Every intact statement in a file of how far an epoch got.
#[derive(Clone, Debug, Default)]
pub struct Reaches {
    /// By append index.
    stated: BTreeMap<u64, Reach>,
    latest: Option<Timestamp>,
    entries: bool,
}

impl Reach {
    /// The frame header that states it, with nothing inside.
    pub fn identity(&self) -> Identity {
        Identity { epoch: self.epoch.clone(), from: self.base, to: self.last_seq, records: 0, unsettled: 0 }
    }

    /// Reads the statement back; none if the header is that of an entry.
    pub fn of(identity: &Identity) -> Option<Self> {
        let Identity { epoch, from, to, records, .. } = identity;
        (*records == 0).then(|| Self { base: *from, epoch: epoch.clone(), last_seq: *to })
    }

    /// The append index of the last record.
    pub fn index(&self) -> u64 {
        self.base.saturating_add(self.last_seq)
    }
}

impl Reaches {
    /// Looks through a file; one that does not exist says nothing.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn read(file: &Path) -> io::Result<Self> {
        let mut reaches = Self::default();
        if !file.try_exists()? {
            return Ok(reaches);
        }
        let mut file = File::open(file)?;
        let mut window = vec![0; WINDOW_BYTES];
        let mut kept = 0;
        loop {
            let read = file.read(&mut window[kept..])?;
            let filled = kept + read;
            reaches.look(&window[..filled]);
            if read == 0 {
                return Ok(reaches);
            }
            kept = filled.min(META_FRAME_BYTES_MAX - 1);
            window.copy_within(filled - kept..filled, 0);
        }
    }

    /// The latest synced timestamp stated.
    pub fn latest(&self) -> Option<Timestamp> {
        self.latest
    }

    /// Whether there is an entry, or what is left of one; it may have been freed long ago.
    pub fn entries(&self) -> bool {
        self.entries
    }

    /// How far every epoch got, where sled has nothing any more.
    pub fn all_lost(self) -> Vec<Reach> {
        furthest(self.stated.into_values())
    }

    /// What was stated after `found`, which is what sled has; empty where only the last statement is missing, as after a
    /// kill in the middle of an append.
    pub fn lost_after(self, found: Option<&Reach>) -> Vec<Reach> {
        let newer = found.map_or(0, |found| found.index() + 1);
        let missing: Vec<Reach> =
            self.stated.into_iter().filter(|(index, _)| *index >= newer).map(|(_, reach)| reach).collect();
        if missing.len() < 2 {
            return Vec::new();
        }
        furthest(missing)
    }

    fn look(&mut self, bytes: &[u8]) {
        for at in 0..bytes.len().saturating_sub(HEADER_BYTES - 1) {
            if bytes[at..].starts_with(&MAGIC)
                && let Some(identity) = frame::identity(&bytes[at..])
            {
                self.take(&identity, &bytes[at..]);
            }
        }
    }

    fn take(&mut self, identity: &Identity, bytes: &[u8]) {
        let Some(reach) = Reach::of(identity) else {
            self.entries = true;
            return;
        };
        self.stated.insert(reach.index(), reach);
        self.latest = self.latest.max(Meta::from_frame(bytes).and_then(|meta| meta.latest));
    }
}

/// The furthest of each epoch, oldest first; they come in rising order.
fn furthest(reaches: impl IntoIterator<Item = Reach>) -> Vec<Reach> {
    let by_base: BTreeMap<u64, Reach> = reaches.into_iter().map(|reach| (reach.base, reach)).collect();
    by_base.into_values().collect()
}
