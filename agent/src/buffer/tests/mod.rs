//! The buffer against a model, through crashes, damage and a full house.

mod crash;
mod damage;
mod failure;
mod full;
mod model;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use kitchen_contract::id::Epoch;
use kitchen_contract::ranges::SeqRanges;
use kitchen_contract::record::{Body, EpochEnd, Event, Record};
use kitchen_contract::time::{Clock as Trust, Timestamp};

use super::entry::Draft;
use super::*;
use crate::at::command::Value;
use crate::at::identity::Imei;
use crate::clock::wall::{Exchange, Stamp, WallClock};
use crate::history_mark::HistoryMark;
use crate::observation::Moment;

pub(super) const ROOMY: Limits = Limits { records_max: 100_000, bytes_max: 64 * 1024 * 1024, free_bytes_min: 0 };
pub(super) const EVERYTHING: ReadLimits = ReadLimits { records_max: 100_000, bytes_max: 64 * 1024 * 1024 };

pub(super) fn epoch(number: u8) -> Epoch {
    Epoch::from_entropy([number; 15])
}

fn stamp(unix_ms: i64) -> Stamp {
    Stamp::Settled { timestamp: Timestamp::from_unix_ms(unix_ms).unwrap(), clock: Trust::Synced }
}

fn step(step_ms: i64) -> Draft {
    Draft::new(stamp(step_ms), Body::Event(Event::ClockStep { step_ms }))
}

pub(super) fn round(steps: impl IntoIterator<Item = i64>) -> Round {
    let drafts = steps.into_iter().map(step).collect();
    Round { kitchen_id: "kitchen-1".parse().unwrap(), now: stamp(7), dropped: 0, drafts }
}

/// A clock that knows since a minute after the run began that it is ten then.
pub(super) fn learnt() -> WallClock {
    let mut clock = WallClock::new();
    let server_time = "2026-12-01T10:00:00.000Z".parse().unwrap();
    let moment = Moment(Duration::from_secs(60));
    clock.learn(Exchange { sent: moment, received: moment, server_time });
    clock
}

/// All records, by epoch.
pub(super) fn held(buffer: &mut Buffer) -> BTreeMap<Epoch, Vec<Record>> {
    let mut held: BTreeMap<Epoch, Vec<Record>> = BTreeMap::new();
    let mut after = 0;
    while let Read::Batch(batch) = buffer.read(after, EVERYTHING).unwrap() {
        held.entry(batch.epoch).or_default().extend(batch.records.iter().map(|record| record.read().unwrap()));
        after = batch.last_index;
    }
    held
}

pub(super) fn seqs(buffer: &mut Buffer) -> BTreeMap<Epoch, Vec<u64>> {
    let held = held(buffer);
    held.into_iter().map(|(epoch, records)| (epoch, records.iter().map(|record| record.seq).collect())).collect()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for found in fs::read_dir(from).unwrap() {
        let found = found.unwrap();
        let target = to.join(found.file_name());
        if found.file_type().unwrap().is_dir() {
            copy(&found.path(), &target)
        } else {
            assert!(fs::copy(found.path(), target).is_ok())
        }
    }
}

#[test]
fn the_first_record_of_an_epoch_names_the_one_before_even_if_all_was_freed() {
    let dir = tempfile::tempdir().unwrap();
    let mut first = Buffer::open(dir.path(), ROOMY, epoch(1)).unwrap();
    assert_eq!(first.append(&round([1, 2])).unwrap().to(), 3);
    assert_eq!(first.acknowledge(&epoch(1), &(1..=3).collect()).unwrap(), 3);
    drop(first);
    let mut second = Buffer::open(dir.path(), ROOMY, epoch(2)).unwrap();
    let appended = second.append(&round([])).unwrap();
    let previous = Some(EpochEnd { epoch: epoch(1), last_seq: 3 });
    let Body::Event(Event::AgentStarted { previous: named, .. }) = &appended.entry.records[0].body else { panic!() };
    assert_eq!((named, appended.from(), appended.to()), (&previous, 1, 1));
}

fn mark(imei: &str, unix_ms: Option<i64>) -> HistoryMark {
    HistoryMark {
        imei: Imei::parse(imei).unwrap(),
        device_id: "fridge-1".parse().unwrap(),
        until: unix_ms.map(|unix_ms| Timestamp::from_unix_ms(unix_ms).unwrap()),
    }
}

fn one(unix_ms: Option<i64>) -> HistoryMark {
    mark("861234509876543", unix_ms)
}

fn other(unix_ms: Option<i64>) -> HistoryMark {
    mark("861234509876550", unix_ms)
}

fn marking(marks: Vec<HistoryMark>) -> Round {
    Round { drafts: marks.into_iter().map(|mark| Draft { mark: Some(mark), ..step(1) }).collect(), ..round([]) }
}

#[test]
fn marks_of_sensors_are_kept_with_the_round_that_brought_them() {
    let dir = tempfile::tempdir().unwrap();
    let mut buffer = Buffer::open(dir.path(), ROOMY, epoch(1)).unwrap();
    buffer.append(&marking(vec![one(Some(1)), other(Some(5)), one(Some(2))])).unwrap();
    assert_eq!(buffer.acknowledge(&epoch(1), &(1..=4).collect()).unwrap(), 4);
    drop(buffer);
    let mut buffer = Buffer::open(dir.path(), ROOMY, epoch(2)).unwrap();
    assert_eq!(buffer.contents().records, 0, "a mark is no record");
    assert_eq!(buffer.history_marks(), [other(Some(5)), one(Some(2))]);
    buffer.append(&marking(vec![other(None)])).unwrap();
    assert_eq!(buffer.history_marks(), [one(Some(2))]);
    assert_eq!(seqs(&mut buffer), BTreeMap::from([(epoch(2), vec![1, 2])]));
}

#[test]
fn marks_that_lie_behind_entries_survive_a_crash() {
    let dir = tempfile::tempdir().unwrap();
    let mut buffer = Buffer::open(dir.path(), ROOMY, epoch(2)).unwrap();
    buffer.append(&marking(vec![other(Some(1))])).unwrap();
    for number in 3..6 {
        buffer.append(&marking(vec![one(Some(number))])).unwrap();
    }
    buffer.acknowledge(&epoch(2), &(1..=4).collect()).unwrap();
    buffer.append(&marking(vec![other(Some(9))])).unwrap();
    let after_crash = tempfile::tempdir().unwrap();
    copy(dir.path(), after_crash.path());
    drop(buffer);
    for dir in [&dir, &after_crash] {
        let mut buffer = Buffer::open(dir.path(), ROOMY, epoch(3)).unwrap();
        assert_eq!(buffer.history_marks(), [other(Some(9)), one(Some(5))]);
        buffer.append(&marking(vec![one(None)])).unwrap();
        buffer.pack().unwrap();
        assert_eq!(buffer.history_marks(), [other(Some(9))]);
    }
}

#[test]
fn a_second_process_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let _first = Buffer::open(dir.path(), ROOMY, epoch(1)).unwrap();
    assert!(matches!(Buffer::open(dir.path(), ROOMY, epoch(2)), Err(BufferError::Locked { .. })));
}

#[test]
fn what_is_missing_of_an_acknowledged_round_stays() {
    let dir = tempfile::tempdir().unwrap();
    let mut buffer = Buffer::open(dir.path(), ROOMY, epoch(1)).unwrap();
    buffer.append(&round(0..9)).unwrap();
    let acknowledged = SeqRanges::from(vec![(1, 3), (6, 6), (9, u64::MAX)]);
    assert_eq!(buffer.acknowledge(&epoch(1), &acknowledged).unwrap(), 6);
    assert_eq!(seqs(&mut buffer)[&epoch(1)], [4, 5, 7, 8]);
    assert_eq!(buffer.acknowledge(&epoch(1), &acknowledged).unwrap(), 0);
    assert_eq!(buffer.acknowledge(&epoch(9), &acknowledged).unwrap(), 0);
    assert_eq!(buffer.acknowledge(&epoch(1), &[5, 8].into_iter().collect()).unwrap(), 2);
    assert_eq!(seqs(&mut buffer)[&epoch(1)], [4, 7]);
}

#[test]
fn rounds_that_wait_become_blocks_and_stay_what_they_were() {
    let dir = tempfile::tempdir().unwrap();
    let mut buffer = Buffer::open(dir.path(), ROOMY, epoch(1)).unwrap();
    for number in 0..600 {
        buffer.append(&round([number])).unwrap();
    }
    let before = (held(&mut buffer), buffer.contents().bytes);
    assert_eq!(buffer.pack().unwrap(), 2 * (pack::BLOCK_RECORDS - 1) - 1, "the first round has two records");
    assert_eq!(buffer.pack().unwrap(), 0, "what is left makes no block yet");
    assert_eq!((held(&mut buffer), buffer.contents().records), (before.0.clone(), 601));
    assert!(buffer.contents().bytes * 3 < before.1, "{} of {}", buffer.contents().bytes, before.1);
    drop(buffer);
    let mut buffer = Buffer::open(dir.path(), ROOMY, epoch(2)).unwrap();
    buffer.append(&round([])).unwrap();
    assert_eq!(buffer.pack().unwrap(), 100, "an epoch that has ended gets its last block");
    let mut after = held(&mut buffer);
    after.remove(&epoch(2));
    assert_eq!(after, before.0);
    let ranges: SeqRanges = [(1, 100), (300, 601)].iter().flat_map(|(from, to)| *from..=*to).collect();
    assert_eq!(buffer.acknowledge(&epoch(1), &ranges).unwrap(), 402);
    assert_eq!(seqs(&mut buffer)[&epoch(1)], (101..300).collect::<Vec<_>>());
}

#[test]
fn an_envelope_takes_blocks_whole() {
    let dir = tempfile::tempdir().unwrap();
    let mut buffer = Buffer::open(dir.path(), ROOMY, epoch(1)).unwrap();
    for number in 0..600 {
        buffer.append(&round([number])).unwrap();
    }
    buffer.pack().unwrap();
    let limits = ReadLimits { records_max: 400, ..EVERYTHING };
    let Read::Batch(batch) = buffer.read(0, limits).unwrap() else { panic!() };
    assert_eq!(batch.records.len(), pack::BLOCK_RECORDS);
    let limits = ReadLimits { records_max: 10, ..EVERYTHING };
    let Read::Batch(batch) = buffer.read(0, limits).unwrap() else { panic!() };
    assert_eq!(batch.records.len(), 10, "but not one that is larger than the envelope");
}

#[test]
fn what_waits_for_a_clock_is_not_read_before_it_is_settled() {
    let dir = tempfile::tempdir().unwrap();
    let at = |seconds| Stamp::Unsettled { at: Moment(Duration::from_secs(seconds)) };
    let waiting = |seconds: &[u64]| Round {
        now: at(0),
        drafts: seconds.iter().map(|seconds| Draft { stamp: at(*seconds), ..step(1) }).collect(),
        ..round([])
    };
    let mut earlier = Buffer::open(dir.path(), ROOMY, epoch(1)).unwrap();
    earlier.append(&waiting(&[10, 40])).unwrap();
    drop(earlier);
    let mut buffer = Buffer::open(dir.path(), ROOMY, epoch(2)).unwrap();
    buffer.append(&waiting(&[5])).unwrap();
    assert_eq!(buffer.read(0, EVERYTHING).unwrap(), Read::Unsettled);
    assert_eq!(buffer.settle(&WallClock::new()).unwrap(), 0);
    assert_eq!(buffer.settle(&learnt()).unwrap(), 5);
    let times = |records: &[Record]| records.iter().map(|record| record.timestamp.to_string()).collect::<Vec<_>>();
    let held = held(&mut buffer);
    let day = "2026-12-01T09:5";
    assert_eq!(
        times(&held[&epoch(1)]),
        [format!("{day}8:20.000Z"), format!("{day}8:30.000Z"), format!("{day}9:00.000Z")]
    );
    assert_eq!(times(&held[&epoch(2)]), [format!("{day}9:00.000Z"), format!("{day}9:05.000Z")]);
    assert!(held[&epoch(1)].iter().all(|record| record.clock == Trust::Estimated { bound_ms: None }));
    assert!(held[&epoch(2)].iter().all(|record| record.clock == Trust::Synced));
    assert_eq!(buffer.contents().unsettled, 0);
}
