//! The buffer against a model, through any order of calls, restarts and crashes.

use std::collections::BTreeMap;
use std::time::Duration;

use kitchen_contract::ranges::SeqRanges;
use kitchen_contract::written::WrittenRecord;
use proptest::prelude::*;

use super::{EVERYTHING, ROOMY, copy, epoch, round, seqs};
use crate::buffer::*;

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
                let found: Vec<_> = batch.records.iter().map(WrittenRecord::seq).collect();
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
