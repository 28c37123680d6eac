//! The buffer against a model, through crashes, damage and a full house.

mod failure;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use kitchen_contract::id::Epoch;
use kitchen_contract::ranges::SeqRanges;
use kitchen_contract::record::{Body, EpochEnd, Event, Gap, GapReason, Record};
use kitchen_contract::time::{Clock as Trust, Timestamp};
use proptest::prelude::*;

use super::entry::Draft;
use super::*;
use crate::at::command::Value;
use crate::at::identity::Imei;
use crate::clock::wall::{Exchange, Stamp, WallClock};
use crate::history_mark::HistoryMark;
use crate::observation::Moment;

pub(super) const ROOMY: Limits = Limits { records_max: 100_000, bytes_max: 64 * 1024 * 1024 };
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

/// All records, by epoch.
pub(super) fn held(buffer: &mut Buffer) -> BTreeMap<Epoch, Vec<Record>> {
    let mut held: BTreeMap<Epoch, Vec<Record>> = BTreeMap::new();
    let mut after = 0;
    while let Read::Batch(batch) = buffer.read(after, EVERYTHING).unwrap() {
        held.entry(batch.epoch).or_default().extend(batch.records);
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

#[test]
fn marks_of_sensors_are_kept_with_the_round_that_brought_them() {
    let dir = tempfile::tempdir().unwrap();
    let mark = |imei: &str, unix_ms: Option<i64>| HistoryMark {
        imei: Imei::parse(imei).unwrap(),
        device_id: "fridge-1".parse().unwrap(),
        until: unix_ms.map(|unix_ms| Timestamp::from_unix_ms(unix_ms).unwrap()),
    };
    let (one, other) = (|at| mark("861234509876543", at), |at| mark("861234509876550", at));
    let marking = |marks: Vec<HistoryMark>| Round {
        drafts: marks.into_iter().map(|mark| Draft { mark: Some(mark), ..step(1) }).collect(),
        ..round([])
    };
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
fn a_full_buffer_gives_up_the_oldest_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let limits = Limits { records_max: 64, ..ROOMY };
    let mut buffer = Buffer::open(dir.path(), limits, epoch(1)).unwrap();
    for number in 0..500 {
        buffer.append(&round([number])).unwrap();
        assert!(buffer.contents().records <= 64, "{}", buffer.contents().records);
    }
    let records = held(&mut buffer).remove(&epoch(1)).unwrap();
    let mut accounted: SeqRanges = records.iter().map(|record| record.seq).collect();
    for record in &records {
        if let Body::Gap(Gap { from, to, reason: GapReason::Evicted, .. }) = &record.body {
            accounted.insert(*from, *to);
        }
    }
    assert_eq!(accounted.iter().collect::<Vec<_>>(), [(1, buffer.last_seq())]);
    assert!(buffer.counters().evicted > 400);
}

/// A store of 200 rounds of one record, as bytes of its file.
pub(super) fn store_of_200(dir: &Path) -> Vec<u8> {
    let mut buffer = Buffer::open(dir, ROOMY, epoch(1)).unwrap();
    for number in 0..200 {
        buffer.append(&round([number])).unwrap();
    }
    drop(buffer);
    fs::read(dir.join("buffer").join("db")).unwrap()
}

#[test]
fn a_store_that_cannot_be_opened_is_set_aside_and_the_agent_starts() {
    let dir = tempfile::tempdir().unwrap();
    store_of_200(dir.path());
    let conf = dir.path().join("buffer").join("conf");
    let mut bytes = fs::read(&conf).unwrap();
    bytes[8] ^= 1;
    fs::write(conf, bytes).unwrap();
    let mut buffer = Buffer::open(dir.path(), ROOMY, epoch(2)).unwrap();
    assert_eq!(buffer.latest(), Timestamp::from_unix_ms(199).ok());
    let appended = buffer.append(&round([1])).unwrap();
    let bodies: Vec<_> = appended.entry.records.iter().map(|held| &held.body).collect();
    let Body::Event(Event::AgentStarted { previous, .. }) = bodies[0] else { panic!("{bodies:?}") };
    assert_eq!(previous, &Some(EpochEnd { epoch: epoch(1), last_seq: 201 }));
    assert_eq!(bodies[2], &Body::Gap(Gap { epoch: epoch(1), from: 1, to: 201, reason: GapReason::Damaged }));
    assert_eq!(seqs(&mut buffer)[&epoch(2)], [1, 2, 3]);
    assert_eq!(buffer.counters().set_aside, 1);
    assert!(dir.path().join("buffer.damaged-1").join("db").exists());
}

#[test]
fn no_record_is_lost_to_a_flipped_bit_without_a_word() {
    let dir = tempfile::tempdir().unwrap();
    let whole = store_of_200(dir.path());
    let conf = fs::read(dir.path().join("buffer").join("conf")).unwrap();
    for turn in 0..40 {
        let dir = tempfile::tempdir().unwrap();
        let store = dir.path().join("buffer");
        fs::create_dir_all(store.join("blobs")).unwrap();
        let mut bytes = whole.clone();
        bytes[turn * 2_311] ^= 1 << (turn % 8);
        fs::write(store.join("db"), bytes).unwrap();
        fs::write(store.join("conf"), &conf).unwrap();
        let mut buffer = Buffer::open(dir.path(), ROOMY, epoch(2)).unwrap();
        buffer.append(&round([])).unwrap();
        let held = held(&mut buffer);
        let mut accounted: SeqRanges = held.get(&epoch(1)).into_iter().flatten().map(|record| record.seq).collect();
        for record in held.values().flatten() {
            if let Body::Gap(gap) = &record.body {
                assert_eq!((&gap.epoch, gap.reason), (&epoch(1), GapReason::Damaged));
                accounted.insert(gap.from, gap.to);
            }
        }
        // The last append alone cannot be told from one that a kill cut short.
        let told = accounted.iter().collect::<Vec<_>>();
        assert!(told == [(1, 201)] || told == [(1, 200)], "turn {turn}: {told:?}");
    }
}

#[test]
fn a_damaged_frame_is_skipped_counted_and_put_on_record() {
    let dir = tempfile::tempdir().unwrap();
    let mut buffer = Buffer::open(dir.path(), ROOMY, epoch(1)).unwrap();
    buffer.append(&round([1])).unwrap();
    buffer.append(&round([2, 3])).unwrap();
    let disk = buffer.disk.as_ref().unwrap();
    let (index, frame) = disk.at_or_after(2).unwrap().unwrap();
    let mut frame = frame.to_vec();
    let middle = frame.len() / 2 + 20;
    frame[middle] ^= 1;
    disk.write(&disk::Changes { written: vec![(index, frame)], ..Default::default() }).unwrap();
    assert_eq!(seqs(&mut buffer)[&epoch(1)], [1, 2]);
    let appended = buffer.append(&round([4])).unwrap();
    let gap = Gap { epoch: epoch(1), from: 3, to: 4, reason: GapReason::Damaged };
    assert_eq!(appended.entry.records[1].body, Body::Gap(gap));
    assert_eq!(buffer.counters().damaged, 1);
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
    let mut clock = WallClock::new();
    let server_time = "2026-12-01T10:00:00.000Z".parse().unwrap();
    let moment = Moment(Duration::from_secs(60));
    clock.learn(Exchange { sent: moment, received: moment, server_time });
    assert_eq!(buffer.settle(&clock).unwrap(), 5);
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

#[derive(Clone, Debug)]
enum Action {
    Append(u8),
    Acknowledge { skip: u8, count: u8 },
    Read { records_max: usize },
    Pack,
    Reopen,
    Crash,
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        4 => (0u8..6).prop_map(Action::Append),
        3 => (0u8..8, 1u8..12).prop_map(|(skip, count)| Action::Acknowledge { skip, count }),
        2 => (1usize..20).prop_map(|records_max| Action::Read { records_max }),
        2 => Just(Action::Pack),
        1 => Just(Action::Reopen),
        1 => Just(Action::Crash),
    ]
}

/// The buffer and what it must hold.
struct Bench {
    root: tempfile::TempDir,
    runs: u8,
    buffer: Option<Buffer>,
    model: BTreeMap<(u8, u64), ()>,
}

impl Bench {
    fn new() -> Self {
        let mut bench = Self { root: tempfile::tempdir().unwrap(), runs: 0, buffer: None, model: BTreeMap::new() };
        bench.start();
        bench
    }

    fn dir(&self) -> std::path::PathBuf {
        self.root.path().join(self.runs.to_string())
    }

    fn start(&mut self) {
        // A process that another test is just starting holds every lock of ours for an instant.
        let open = || Buffer::open(&self.dir(), ROOMY, epoch(self.runs));
        let mut tries = (0..100).map(|_| open()).skip_while(|opened| {
            let locked = matches!(opened, Err(BufferError::Locked { .. }));
            std::thread::sleep(Duration::from_millis(u64::from(locked) * 10));
            locked
        });
        self.buffer = Some(tries.next().unwrap().unwrap());
        self.append(0);
    }

    fn append(&mut self, count: u8) {
        let buffer = self.buffer.as_mut().unwrap();
        let before = buffer.last_seq();
        let appended = buffer.append(&round(0..i64::from(count))).unwrap();
        assert_eq!(appended.entry.records.first().map_or(before + 1, |held| held.seq), before + 1);
        self.model.extend(appended.entry.records.iter().map(|held| ((self.runs, held.seq), ())));
    }

    fn perform(&mut self, action: &Action) {
        match *action {
            Action::Append(count) if count > 0 => self.append(count),
            Action::Append(_) => {}
            Action::Acknowledge { skip, count } => self.acknowledge(usize::from(skip), usize::from(count)),
            Action::Read { records_max } => self.read(records_max),
            Action::Pack => drop(self.buffer.as_mut().unwrap().pack().unwrap()),
            Action::Reopen | Action::Crash => self.restart(matches!(action, Action::Crash)),
        }
    }

    fn acknowledge(&mut self, skip: usize, count: usize) {
        let chosen: Vec<_> = self.model.keys().copied().skip(skip).step_by(2).take(count).collect();
        for (run, seq) in &chosen {
            let freed = self.buffer.as_mut().unwrap().acknowledge(&epoch(*run), &[*seq].into_iter().collect());
            assert_eq!(freed.unwrap(), 1);
            self.model.remove(&(*run, *seq));
        }
    }

    fn read(&mut self, records_max: usize) {
        let read = self.buffer.as_mut().unwrap().read(0, ReadLimits { records_max, ..EVERYTHING }).unwrap();
        match (self.model.keys().next(), read) {
            (None, Read::Empty) => {}
            (Some((run, _)), Read::Batch(batch)) => {
                let of_run = self.model.keys().filter(|(of, _)| of == run).take(records_max);
                let expected: Vec<_> = of_run.map(|(_, seq)| *seq).collect();
                let found: Vec<_> = batch.records.iter().map(|record| record.seq).collect();
                // Up to the end of an entry that fits as a whole.
                assert!(!found.is_empty() && expected.starts_with(&found), "{found:?} of {expected:?}");
                assert_eq!(batch.epoch, epoch(*run));
            }
            (expected, found) => panic!("{expected:?} but {found:?}"),
        }
    }

    /// A new run on the same files; a crash works on a copy taken while the old run still had them open.
    fn restart(&mut self, crash: bool) {
        let old = self.dir();
        if !crash {
            self.buffer = None;
        }
        self.runs += 1;
        copy(&old, &self.dir());
        self.buffer = None;
        if crash {
            self.forget_unsynced_acknowledgements();
        }
        self.start();
    }

    /// Freeing is not synced: after a crash freed records may be back. They are acknowledged again, as the sink would.
    fn forget_unsynced_acknowledgements(&mut self) {
        let mut buffer = Buffer::open(&self.dir(), ROOMY, epoch(200)).unwrap();
        for (epoch_held, seqs) in seqs(&mut buffer) {
            let run = (0..200).find(|run| epoch(*run) == epoch_held).unwrap();
            let back: SeqRanges = seqs.into_iter().filter(|seq| !self.model.contains_key(&(run, *seq))).collect();
            buffer.acknowledge(&epoch_held, &back).unwrap();
        }
    }

    fn check(&mut self) {
        let held = seqs(self.buffer.as_mut().unwrap());
        let expected: Vec<_> = self.model.keys().map(|(run, seq)| (epoch(*run), *seq)).collect();
        let mut found: Vec<_> =
            held.into_iter().flat_map(|(epoch, seqs)| seqs.into_iter().map(move |seq| (epoch.clone(), seq))).collect();
        found.sort();
        let mut expected_sorted = expected;
        expected_sorted.sort();
        assert_eq!(found, expected_sorted);
        assert_eq!(self.buffer.as_ref().unwrap().contents().records, self.model.len() as u64);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn behaves_as_its_model(actions in prop::collection::vec(action(), 1..40)) {
        let mut bench = Bench::new();
        for action in &actions {
            bench.perform(action);
        }
        bench.check();
    }
}
