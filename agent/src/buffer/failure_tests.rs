//! The buffer on a disk that refuses, is full or gives back rubbish.

use std::fs;
use std::path::Path;

use kitchen_contract::record::{Body, Gap, GapReason};

use super::disk::DiskError;
use super::tests::{ROOMY, epoch, round, seqs};
use super::*;

/// The disk refuses everything until [`restore_disk`]: in place of the store's directory there is a file.
fn refuse_disk(dir: &Path) {
    fs::rename(dir.join("buffer"), dir.join("away")).unwrap();
    fs::write(dir.join("buffer"), "").unwrap();
}

fn restore_disk(dir: &Path) {
    fs::remove_file(dir.join("buffer")).unwrap();
    fs::rename(dir.join("away"), dir.join("buffer")).unwrap();
}

fn gaps(appended: &Appended) -> Vec<Gap> {
    let gap = |held: &entry::Held| match &held.body {
        Body::Gap(gap) => Some(gap.clone()),
        Body::Reading(_) | Body::Event(_) => None,
    };
    appended.entry.records.iter().filter_map(gap).collect()
}

#[test]
fn what_is_lost_while_a_write_is_in_doubt_is_named_by_the_next_and_only_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut buffer = Buffer::open(dir.path(), ROOMY, epoch(1)).unwrap();
    buffer.append(&round([1])).unwrap();
    buffer.losses.damage(&epoch(9), 3, 4);
    refuse_disk(dir.path());
    assert!(buffer.append(&round([2])).is_err());
    restore_disk(dir.path());
    buffer.failed(DiskError::Damaged("test".to_owned()));
    let gap = |epoch, from, to| Gap { epoch, from, to, reason: GapReason::Damaged };
    assert_eq!(gaps(&buffer.append(&round([2])).unwrap()), [gap(epoch(9), 3, 4)]);
    assert_eq!(gaps(&buffer.append(&round([3])).unwrap()), [gap(epoch(1), 1, 2)]);
    assert_eq!(seqs(&mut buffer)[&epoch(1)], [3, 4, 5, 6]);
}
