//! The buffer on bytes that are not what was written.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use kitchen_contract::id::Epoch;
use kitchen_contract::ranges::SeqRanges;
use kitchen_contract::record::{Body, EpochEnd, Event, Gap, GapReason, Record};
use kitchen_contract::time::Timestamp;
use miniz_oxide::inflate::decompress_to_vec_zlib;

use super::{ROOMY, copy, epoch, held, round, seqs};
use crate::buffer::meta::Reach;
use crate::buffer::raw::Stated;
use crate::buffer::*;

/// How many bits are flipped, one at a time, unless this variable says it.
const FLIPS: &str = "KITCHEN_BUFFER_FLIPS";
const FLIPS_DEFAULT: usize = 60;

/// A store of 200 rounds of one record, as bytes of its file.
pub(super) fn store_of_200(dir: &Path) -> Vec<u8> {
    let mut buffer = Buffer::open(dir, ROOMY, epoch(1)).unwrap();
    for number in 0..200 {
        buffer.append(&round([number])).unwrap();
    }
    drop(buffer);
    fs::read(dir.join("buffer").join("db")).unwrap()
}

/// A new run on the store of [`store_of_200`].
fn next_run(dir: &Path) -> Buffer {
    let mut buffer = Buffer::open(dir, ROOMY, epoch(2)).unwrap();
    buffer.append(&round([])).unwrap();
    buffer
}

fn gaps(records: &BTreeMap<Epoch, Vec<Record>>) -> Vec<Gap> {
    let gap = |record: &Record| match &record.body {
        Body::Gap(gap) => Some(gap.clone()),
        Body::Reading(_) | Body::Event(_) => None,
    };
    records.values().flatten().filter_map(gap).collect()
}

/// Of [`store_of_200`]: the agent's start, then a step of as many ms as steps came before it.
fn assert_true(records: &[Record]) {
    for record in records {
        match &record.body {
            Body::Event(Event::AgentStarted { .. }) => assert_eq!(record.seq, 1),
            Body::Event(Event::ClockStep { step_ms }) => assert_eq!(record.seq, *step_ms as u64 + 2),
            body => panic!("{body:?}"),
        }
    }
    assert!(records.windows(2).all(|pair| pair[0].seq < pair[1].seq), "in order, and none twice");
}

#[test]
fn a_store_that_cannot_be_opened_is_set_aside_and_all_in_it_brought_back() {
    let dir = tempfile::tempdir().unwrap();
    store_of_200(dir.path());
    let conf = dir.path().join("buffer").join("conf");
    let mut bytes = fs::read(&conf).unwrap();
    bytes[8] ^= 1;
    fs::write(conf, bytes).unwrap();
    let mut buffer = Buffer::open(dir.path(), ROOMY, epoch(2)).unwrap();
    assert_eq!(buffer.latest(), Timestamp::from_unix_ms(199).ok());
    let appended = buffer.append(&round([1])).unwrap();
    let Body::Event(Event::AgentStarted { previous, .. }) = &appended.entry.records[0].body else { panic!() };
    assert_eq!(previous, &Some(EpochEnd { epoch: epoch(1), last_seq: 201 }));
    let records = held(&mut buffer);
    assert_true(&records[&epoch(1)]);
    assert_eq!((records[&epoch(1)].len(), records[&epoch(2)].len(), gaps(&records)), (201, 2, vec![]));
    assert_eq!((buffer.counters().set_aside, buffer.counters().recovered), (1, 201));
    assert!(dir.path().join("buffer.salvaged-1").join("db").exists());
    drop(buffer);
    let mut again = Buffer::open(dir.path(), ROOMY, epoch(3)).unwrap();
    assert_eq!(held(&mut again), records, "what was brought back is not brought back again");
}

#[test]
fn a_store_that_fails_while_it_is_used_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut buffer = Buffer::open(dir.path(), ROOMY, epoch(1)).unwrap();
    for number in 0..30 {
        buffer.append(&round([number])).unwrap();
    }
    buffer.acknowledge(&epoch(1), &(5..=10).collect()).unwrap();
    for number in 30..60 {
        buffer.failed(disk::DiskError::Damaged("test".to_owned()));
        buffer.append(&round([number])).unwrap();
    }
    let records = held(&mut buffer);
    assert_true(&records[&epoch(1)]);
    let seqs: Vec<u64> = records[&epoch(1)].iter().map(|record| record.seq).collect();
    assert_eq!(seqs, (1..5).chain(11..=61).collect::<Vec<_>>());
    assert_eq!(buffer.contents().records, 55);
    let kept = fs::read_dir(dir.path()).unwrap().flatten().filter(|found| found.path().is_dir()).count();
    assert_eq!(kept, 3, "the store and two of those before");
}

/// Which numbers lie in frames that the byte at `at` of the store's file belongs to.
fn hit(store: &Path, at: u64) -> SeqRanges {
    let mut hit = SeqRanges::new();
    raw::frames(store, |identity, place| {
        if place.contains(at) {
            let from = if Reach::of(identity).is_some() { identity.to } else { identity.from };
            hit.insert(from, identity.to);
        }
    })
    .unwrap();
    hit
}

/// Not one record is false or there twice, and none is missing whose own frame is intact.
#[test]
fn a_flipped_bit_costs_at_most_the_frame_that_it_hits() {
    let flips = std::env::var(FLIPS).map_or(FLIPS_DEFAULT, |flips| flips.parse().unwrap());
    let whole = tempfile::tempdir().unwrap();
    let bytes = store_of_200(whole.path());
    let written = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    let (mut lost, mut recovered) = (0, 0);
    for flip in 0..flips {
        let dir = tempfile::tempdir().unwrap();
        copy(whole.path(), dir.path());
        // Spread over all that was written, and over all bits.
        let at = flip * (written / flips) + flip % 7;
        let mut bytes = bytes.clone();
        bytes[at] ^= 1 << (flip % 8);
        fs::write(dir.path().join("buffer").join("db"), bytes).unwrap();
        let mut buffer = next_run(dir.path());
        let records = held(&mut buffer);
        let found = records.get(&epoch(1)).cloned().unwrap_or_default();
        assert_true(&found);
        let mut missing = SeqRanges::from(vec![(1, 201)]).without(&found.iter().map(|record| record.seq).collect());
        let hit = hit(&whole.path().join("buffer"), at as u64);
        assert!(missing.without(&hit).is_empty(), "flip at {at}: {missing:?} are missing, {hit:?} were hit");
        lost += missing.count();
        recovered += buffer.counters().recovered;
        for Gap { epoch: of, from, to, reason } in gaps(&records) {
            assert_eq!((of, reason), (epoch(1), GapReason::Damaged));
            missing.remove(from, to);
        }
        // The last append alone cannot be told from one that a kill cut short.
        assert!(
            missing.without(&[201].into_iter().collect()).is_empty(),
            "flip at {at}: {missing:?} went without a word"
        );
    }
    println!("{flips} flips: {lost} of {} records lost, {recovered} brought back", flips * 201);
}

#[test]
fn a_frame_of_which_no_copy_is_intact_is_put_on_record_and_kept_apart() {
    let dir = tempfile::tempdir().unwrap();
    let mut buffer = Buffer::open(dir.path(), ROOMY, epoch(1)).unwrap();
    buffer.append(&round([1])).unwrap();
    let appended = buffer.append(&round([2, 3])).unwrap();
    buffer.append(&round([4])).unwrap();
    drop(buffer);
    let file = dir.path().join("buffer").join("db");
    let mut bytes = fs::read(&file).unwrap();
    let frame = appended.entry.to_frame();
    let places: Vec<_> =
        bytes.windows(frame.len()).enumerate().filter(|(_, at)| *at == frame).map(|(at, _)| at).collect();
    assert!(!places.is_empty());
    for at in places {
        bytes[at + frame.len() / 2 + 20] ^= 1;
    }
    fs::write(&file, bytes).unwrap();
    let mut buffer = next_run(dir.path());
    let records = held(&mut buffer);
    let gap = Gap { epoch: epoch(1), from: 3, to: 4, reason: GapReason::Damaged };
    assert_eq!(gaps(&records), [gap]);
    assert_eq!(seqs(&mut buffer)[&epoch(1)], [1, 2, 5]);
    assert_eq!(buffer.counters().lost, 2);
}

#[test]
fn a_frame_that_is_damaged_in_the_store_is_read_from_an_older_copy() {
    let dir = tempfile::tempdir().unwrap();
    let mut buffer = Buffer::open(dir.path(), ROOMY, epoch(1)).unwrap();
    buffer.append(&round([0])).unwrap();
    buffer.append(&round([1, 2])).unwrap();
    let disk = buffer.disk.as_ref().unwrap();
    let (index, frame) = disk.at_or_after(2).unwrap().unwrap();
    let mut frame = frame.to_vec();
    let middle = frame.len() / 2 + 20;
    frame[middle] ^= 1;
    disk.write(&disk::Changes { written: vec![(index, frame.clone())], ..Default::default() }).unwrap();
    let records = held(&mut buffer);
    assert_true(&records[&epoch(1)]);
    assert_eq!((records[&epoch(1)].len(), gaps(&records)), (4, vec![]));
    assert_eq!((buffer.counters().damaged, buffer.counters().recovered), (1, 2));
    let kept = dir.path().join("buffer.quarantine").join("00000000000000000003.frame");
    assert_eq!(fs::read(kept).unwrap(), frame);
}

#[test]
fn what_was_copied_before_a_crash_is_brought_back_after_it() {
    let dir = tempfile::tempdir().unwrap();
    store_of_200(dir.path());
    let store = dir.path().join("buffer");
    rescue::make(&store, &Stated::read(&store).unwrap()).unwrap();
    let copied = fs::read(store.join("rescue")).unwrap();
    fs::remove_dir_all(&store).unwrap();
    fs::create_dir(&store).unwrap();
    fs::write(store.join("rescue"), copied).unwrap();
    let mut buffer = next_run(dir.path());
    let records = held(&mut buffer);
    assert_true(&records[&epoch(1)]);
    assert_eq!((records[&epoch(1)].len(), gaps(&records)), (201, vec![]));
    assert!(!store.join("rescue").exists());
}

/// What of a copy is still there is enough to know what was held: the statement is in it.
#[test]
fn a_copy_says_what_was_held() {
    let dir = tempfile::tempdir().unwrap();
    store_of_200(dir.path());
    let store = dir.path().join("buffer");
    rescue::make(&store, &Stated::read(&store).unwrap()).unwrap();
    // The file's last statements are gone with the entries beside them.
    let mut file = fs::read(store.join("db")).unwrap();
    let third = file.len() / 3;
    file[third..].fill(0);
    fs::write(store.join("db"), file).unwrap();
    let mut buffer = next_run(dir.path());
    let records = held(&mut buffer);
    assert_true(&records[&epoch(1)]);
    assert_eq!((records[&epoch(1)].len(), gaps(&records)), (201, vec![]));
}

#[test]
fn a_copy_that_does_not_fit_is_no_copy_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    store_of_200(dir.path());
    let store = dir.path().join("buffer");
    let stated = Stated::read(&store).unwrap();
    // Nothing can be written where a directory stands.
    fs::create_dir_all(store.join("rescue").join("in-the-way")).unwrap();
    assert!(rescue::make(&store, &stated).is_err());
    assert!(rescue::copy_within(&store, &stated, 1_000).is_err());
    assert!(!store.join("rescue.new").exists());
    fs::remove_dir_all(store.join("rescue")).unwrap();
    assert_eq!(held(&mut next_run(dir.path()))[&epoch(1)].len(), 201);
}

/// This process has told of the record: it cannot be one of which nobody was told.
#[test]
fn a_record_that_was_told_of_and_is_lost_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let mut buffer = Buffer::open(dir.path(), ROOMY, epoch(1)).unwrap();
    for step_ms in 0..3 {
        buffer.append(&round([step_ms])).unwrap();
    }
    let disk = buffer.disk.as_ref().unwrap();
    disk.write(&disk::Changes { removed: vec![4], ..Default::default() }).unwrap();
    disk.sync().unwrap();
    buffer.close_store();
    overwrite_payload_of(&dir.path().join("buffer"), 4);
    let records = {
        buffer.append(&round([3])).unwrap();
        held(&mut buffer)
    };
    assert_eq!((gaps(&records).len(), buffer.counters().lost), (1, 1), "{records:?}");
}

/// Damages every frame of that append index in the files of a store.
fn overwrite_payload_of(store: &Path, index: u64) {
    let mut file = fs::read(store.join("db")).unwrap();
    for at in 0..file.len() {
        let found =
            frame::header(&file[at..]).filter(|(identity, _)| identity.records > 0 && identity.index() == index);
        if found.is_some() {
            file[at + frame::HEADER_BYTES + 3] ^= 1;
        }
    }
    fs::write(store.join("db"), file).unwrap();
}

/// A store of an older format: 261 records of one epoch of which the first 40 are freed, and five of the next.
struct Older {
    packed: &'static [u8],
    /// Records without a time.
    unsettled: u64,
    /// Sensors with a mark; format 1 knew none.
    marks: usize,
}

const OLDER: [Older; 2] = [
    Older { packed: include_bytes!("format-1.store.zlib"), unsettled: 2, marks: 0 },
    Older { packed: include_bytes!("format-2.store.zlib"), unsettled: 1, marks: 1 },
];

/// The oldest of them.
pub(super) fn store_of_format_1(dir: &Path) {
    unpack(OLDER[0].packed, dir);
}

fn unpack(packed: &[u8], dir: &Path) {
    let mut rest = &decompress_to_vec_zlib(packed).unwrap()[..];
    let store = dir.join("buffer");
    fs::create_dir_all(store.join("blobs")).unwrap();
    for name in ["conf", "db"] {
        let (len, bytes) = rest.split_first_chunk::<8>().unwrap();
        let (file, left) = bytes.split_at(u64::from_be_bytes(*len) as usize);
        fs::write(store.join(name), file).unwrap();
        rest = left;
    }
}

#[test]
fn an_older_format_is_read_with_all_in_it() {
    OLDER.iter().for_each(older_format_is_read);
}

fn older_format_is_read(Older { packed, unsettled, marks }: &Older) {
    let dir = tempfile::tempdir().unwrap();
    unpack(packed, dir.path());
    let mut buffer = Buffer::open(dir.path(), ROOMY, epoch(3)).unwrap();
    assert_eq!(buffer.history_marks().len(), *marks);
    let appended = buffer.append(&round([])).unwrap();
    let Body::Event(Event::AgentStarted { previous, .. }) = &appended.entry.records[0].body else { panic!() };
    assert_eq!(previous, &Some(EpochEnd { epoch: epoch(2), last_seq: 5 }));
    assert_eq!((buffer.contents().records, buffer.contents().unsettled), (221 + 5 + 1, *unsettled));
    assert_eq!(buffer.counters(), queue::Counters::default());
    let (mut after, mut settled) = (0, Vec::new());
    let rest = loop {
        match buffer.read(after, super::EVERYTHING).unwrap() {
            Read::Batch(batch) => {
                let records: Vec<_> = batch.records.iter().map(|record| record.read().unwrap()).collect();
                assert_true(&records);
                after = batch.last_index;
                settled.push((batch.records.len(), records[0].seq));
            }
            rest => break rest,
        }
    };
    assert_eq!((settled[0], rest), ((221, 41), Read::Unsettled));
    drop(buffer);

    assert!(Buffer::open(dir.path(), ROOMY, epoch(4)).unwrap().contents().records == 227);
}

#[test]
fn a_newer_format_is_refused_untouched() {
    let dir = tempfile::tempdir().unwrap();
    store_of_200(dir.path());
    let file = dir.path().join("format");
    let newer = "kitchen-agent buffer format 4";
    fs::write(&file, format!("{newer} {:08x}\n", crc32fast::hash(newer.as_bytes()))).unwrap();
    let store = fs::read(dir.path().join("buffer").join("db")).unwrap();
    let error = Buffer::open(dir.path(), ROOMY, epoch(2)).err().unwrap();
    assert!(matches!(error, BufferError::NewerFormat { found: 4, known: 3, .. }), "{error}");
    assert_eq!(fs::read(dir.path().join("buffer").join("db")).unwrap(), store);
    fs::write(&file, "rubbish").unwrap();
    assert_eq!(next_run(dir.path()).contents().records, 202, "without a readable version the frames tell");
}
