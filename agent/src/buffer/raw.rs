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

use super::frame::{self, HEADER_BYTES, Identity, MAGIC};

/// How much of the file is looked at at a time, in bytes.
const WINDOW_BYTES: usize = 64 * 1024;

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

/// Every intact statement in a file of how far an epoch got, by append index.
#[derive(Clone, Debug, Default)]
pub struct Reaches(BTreeMap<u64, Reach>);

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
            kept = filled.min(HEADER_BYTES - 1);
            window.copy_within(filled - kept..filled, 0);
        }
    }

    /// What was stated after `found`, which is what sled has; empty where only the last statement is missing, as after a
    /// kill in the middle of an append.
    pub fn lost_after(self, found: Option<&Reach>) -> Vec<Reach> {
        let newer = found.map_or(0, |found| found.index() + 1);
        let missing: Vec<Reach> =
            self.0.into_iter().filter(|(index, _)| *index >= newer).map(|(_, reach)| reach).collect();
        if missing.len() < 2 {
            return Vec::new();
        }
        let mut furthest: BTreeMap<u64, Reach> = BTreeMap::new();
        for reach in missing {
            furthest.insert(reach.base, reach);
        }
        furthest.into_values().collect()
    }

    fn look(&mut self, bytes: &[u8]) {
        for at in 0..bytes.len().saturating_sub(HEADER_BYTES - 1) {
            if bytes[at..].starts_with(&MAGIC)
                && let Some(reach) = frame::identity(&bytes[at..]).and_then(|identity| Reach::of(&identity))
            {
                self.0.insert(reach.index(), reach);
            }
        }
    }
}
