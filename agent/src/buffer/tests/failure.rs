//! The buffer on a disk that refuses, is full or gives back rubbish.

use std::fs;
use std::path::Path;
use std::process::Command;

use kitchen_contract::record::{Body, Gap, GapReason};
use kitchen_contract::written::WrittenRecord;

use super::{EVERYTHING, ROOMY, epoch, round, seqs};
use crate::buffer::disk::DiskError;
use crate::buffer::*;

/// The disk refuses everything until [`restore_disk`]: what is open cannot be synced, and in place of the store's directory
/// there is a file.
fn refuse_disk(dir: &Path, buffer: &mut Buffer) {
    buffer.disk.as_mut().unwrap().break_sync();
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
    refuse_disk(dir.path(), &mut buffer);
    assert!(buffer.append(&round([2])).is_err());
    restore_disk(dir.path());
    buffer.failed(DiskError::Damaged("test".to_owned()));
    let gap = |epoch, from, to| Gap { epoch, from, to, reason: GapReason::Damaged };
    assert_eq!(gaps(&buffer.append(&round([2])).unwrap()), [gap(epoch(9), 3, 4)]);
    assert_eq!(gaps(&buffer.append(&round([3])).unwrap()), []);
    assert_eq!(seqs(&mut buffer)[&epoch(1)], [1, 2, 3, 4, 5]);
}

#[test]
fn what_is_read_and_freed_while_a_write_is_in_doubt_stays_so() {
    let dir = tempfile::tempdir().unwrap();
    let mut buffer = Buffer::open(dir.path(), ROOMY, epoch(1)).unwrap();
    buffer.append(&round([1])).unwrap();
    refuse_disk(dir.path(), &mut buffer);
    assert!(buffer.append(&round([2])).is_err());
    restore_disk(dir.path());
    assert_eq!(buffer.acknowledge(&epoch(1), &[1].into_iter().collect()).unwrap(), 1);
    assert!(buffer.in_doubt.is_some());
    assert_eq!(buffer.append(&round([2])).unwrap().from(), 3);
    assert_eq!(seqs(&mut buffer)[&epoch(1)], [2, 3]);
    assert_eq!(buffer.contents().records, 2);
}

#[test]
fn a_snapshot_that_a_full_disk_left_unfinished_is_no_damage() {
    let dir = tempfile::tempdir().unwrap();
    let mut buffer = Buffer::open(dir.path(), ROOMY, epoch(1)).unwrap();
    buffer.append(&round([1])).unwrap();
    drop(buffer);
    fs::write(dir.path().join("buffer").join("snap.00000000FFFFFFFF.generating"), "").unwrap();
    let mut buffer = Buffer::open(dir.path(), ROOMY, epoch(2)).unwrap();
    assert_eq!(seqs(&mut buffer)[&epoch(1)], [1, 2]);
    assert_eq!(buffer.counters().set_aside, 0);
}

/// Set in the process that may write small files only.
const LIMITED: &str = "KITCHEN_TEST_FILES_ARE_LIMITED";

/// The same test runs again in a process that may write files of at most 2 MiB, in blocks of 512 bytes, and does it there;
/// the signal would end it.
#[test]
fn a_full_disk_is_read() {
    if std::env::var_os(LIMITED).is_some() {
        return read_on_a_full_disk();
    }
    let script = r#"trap '' XFSZ; ulimit -f 4096; exec "$0" --exact buffer::tests::failure::a_full_disk_is_read"#;
    let mut shell = Command::new("sh");
    let output = shell.arg("-c").arg(script).arg(std::env::current_exe().unwrap()).env(LIMITED, "1").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
}

fn read_on_a_full_disk() {
    let dir = tempfile::tempdir().unwrap();
    let mut buffer = Buffer::open(dir.path(), ROOMY, epoch(1)).unwrap();
    let mut refused = 0;
    // A store opened again finds some room in its own file, so the first refusal is not the last word.
    while refused < 3 {
        refused = if buffer.append(&round([1; 32])).is_ok() { 0 } else { refused + 1 };
    }
    let Read::Batch(batch) = buffer.read(0, EVERYTHING).unwrap() else { panic!("nothing read") };
    assert_eq!(batch.records.last().map(WrittenRecord::seq), Some(buffer.last_seq()));
}

#[test]
fn what_was_dropped_in_memory_leaves_a_hole_that_a_gap_record_names() {
    let dir = tempfile::tempdir().unwrap();
    let mut buffer = Buffer::open(dir.path(), ROOMY, epoch(1)).unwrap();
    let gap = |from, to| Gap { epoch: epoch(1), from, to, reason: GapReason::Evicted };
    let first = buffer.append(&Round { dropped: 3, ..round([1]) }).unwrap();
    assert_eq!(gaps(&first), [gap(2, 4)]);
    let second = buffer.append(&Round { dropped: 1, ..round([2, 3]) }).unwrap();
    assert_eq!(gaps(&second), [gap(7, 7)]);
    assert_eq!(seqs(&mut buffer)[&epoch(1)], [1, 5, 6, 8, 9, 10]);
    assert_eq!(buffer.acknowledge(&epoch(1), &(1..=9).collect()).unwrap(), 5);
    assert_eq!(seqs(&mut buffer)[&epoch(1)], [10]);
}
