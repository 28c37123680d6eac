//! The buffer after a crash between any two writes to its files.
//!
//! Of every call, what its files held before and after is compared in blocks of 512 bytes, which a disk writes whole. A kill
//! leaves a beginning of the changes; a power cut any choice of what has not been synced. Such states are made, opened, and
//! held against what the buffer had promised. Not among them are states in which a block that was written twice within one
//! call holds its first content: those are met by the suite `disk`, at every call to the system.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kitchen_contract::id::Epoch;
use kitchen_contract::ranges::SeqRanges;
use kitchen_contract::record::{Body, Event, Gap, GapReason, Record};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::damage::store_of_format_1;
use super::{ROOMY, epoch, held, learnt, round, seqs, step};
use crate::buffer::raw::Stated;
use crate::buffer::*;
use crate::clock::wall::Stamp;
use crate::observation::Moment;

/// How many crashes, unless this variable says it.
const CRASHES: &str = "KITCHEN_BUFFER_CRASHES";
const CRASHES_DEFAULT: usize = 120;
/// What a disk writes whole.
const BLOCK: usize = 512;
/// The one file that changes in place; the others get their names when they are synced.
const IN_PLACE: &str = "buffer/db";
/// The run that looks what is there.
const LOOKING: u8 = 200;
/// Fewer than all rounds hold, so that some push out others.
const TIGHT: Limits = Limits { records_max: 150, ..ROOMY };

/// What the files hold.
type Image = BTreeMap<PathBuf, Vec<u8>>;

fn image(dir: &Path) -> Image {
    let (mut image, mut dirs) = (Image::new(), vec![dir.to_owned()]);
    while let Some(below) = dirs.pop() {
        for found in fs::read_dir(below).unwrap().flatten() {
            if found.file_type().unwrap().is_dir() {
                dirs.push(found.path());
            } else {
                image.insert(found.path().strip_prefix(dir).unwrap().to_owned(), fs::read(found.path()).unwrap());
            }
        }
    }
    image
}

/// One thing that changes at once.
#[derive(Clone, Debug)]
enum Change {
    /// A file has this content, or is gone.
    File(PathBuf, Option<Vec<u8>>),
    /// A block of the file that changes in place, by its number.
    Block(usize, Vec<u8>),
}

/// What leads from one image to another, in the order of the file.
fn changes(before: &Image, after: &Image) -> Vec<Change> {
    let names: BTreeSet<&PathBuf> =
        before.keys().chain(after.keys()).filter(|name| !name.ends_with(IN_PLACE)).collect();
    let differ = names.into_iter().filter(|name| before.get(*name) != after.get(*name));
    let mut changes: Vec<Change> = differ.map(|name| Change::File(name.clone(), after.get(name).cloned())).collect();
    let of = |image: &Image| image.get(Path::new(IN_PLACE)).cloned().unwrap_or_default();
    let (before, after) = (of(before), of(after));
    for (number, block) in after.chunks(BLOCK).enumerate() {
        let at = number * BLOCK;
        if before.get(at..(at + block.len()).min(before.len())) != Some(block) {
            changes.push(Change::Block(number, block.to_vec()));
        }
    }
    changes
}

fn changed<'a>(before: &Image, changes: impl IntoIterator<Item = &'a Change>) -> Image {
    let mut image = before.clone();
    for change in changes {
        match change {
            Change::File(name, Some(bytes)) => drop(image.insert(name.clone(), bytes.clone())),
            Change::File(name, None) => drop(image.remove(name)),
            Change::Block(number, block) => {
                let (file, at) = (image.entry(IN_PLACE.into()).or_default(), number * BLOCK);
                file.resize(file.len().max(at + block.len()), 0);
                file[at..at + block.len()].copy_from_slice(block);
            }
        }
    }
    image
}

/// What was promised, by epoch and number.
#[derive(Clone, Debug, Default)]
struct Promised {
    /// On disk, and not freed.
    there: BTreeMap<(Epoch, u64), Body>,
    /// On disk at some time; what was freed may come back.
    ever: BTreeMap<(Epoch, u64), Body>,
    /// Nothing waits for a clock any more.
    settled: bool,
}

/// One call: its name, what the files held, and what was promised, before it and after it; and the round that it appended.
struct Call {
    name: &'static str,
    before: Image,
    /// What the last sync before it had left.
    synced: Image,
    after: Image,
    promised: Promised,
    round: BTreeMap<(Epoch, u64), Body>,
}

/// The buffer, and all its calls so far.
struct Bench {
    dir: tempfile::TempDir,
    limits: Limits,
    buffer: Option<Buffer>,
    promised: Promised,
    synced: Image,
    calls: Vec<Call>,
}

impl Bench {
    fn new(prepare: fn(&Path), promised: Promised) -> Self {
        let dir = tempfile::tempdir().unwrap();
        prepare(dir.path());
        let synced = image(dir.path());
        Self { dir, limits: TIGHT, buffer: None, promised, synced, calls: Vec::new() }
    }

    /// A call that leaves everything synced, or nothing.
    fn call(&mut self, name: &'static str, syncs: bool, call: impl FnOnce(&mut Self)) {
        let before = image(self.dir.path());
        let promised = self.promised.clone();
        call(self);
        let after = image(self.dir.path());
        let of_round = |(id, _): &(&(Epoch, u64), &Body)| !promised.ever.contains_key(id);
        let round = self.promised.ever.iter().filter(of_round).map(|(id, body)| (id.clone(), body.clone())).collect();
        // What a call frees may be gone as soon as it begins.
        let mut promised = promised;
        promised.there.retain(|id, _| self.promised.there.contains_key(id));
        self.calls.push(Call { name, before, synced: self.synced.clone(), after: after.clone(), promised, round });
        if syncs {
            self.synced = after;
        }
    }

    fn open(&mut self, run: u8) {
        self.call("open", true, |bench| {
            bench.buffer = None;
            bench.buffer = Some(Buffer::open(bench.dir.path(), bench.limits, epoch(run)).unwrap());
            bench.add(round([]));
        });
    }

    fn append(&mut self, count: i64) {
        self.call("append", true, |bench| bench.add(round(0..count)));
    }

    fn append_waiting(&mut self, count: u64) {
        let at = |seconds| Stamp::Unsettled { at: Moment(Duration::from_secs(seconds)) };
        let drafts = (0..count).map(|seconds| entry::Draft { stamp: at(seconds), ..step(1) }).collect();
        self.call("append", true, |bench| bench.add(Round { now: at(0), drafts, ..round([]) }));
    }

    fn add(&mut self, round: Round) {
        let appended = self.buffer.as_mut().unwrap().append(&round).unwrap();
        for held in &appended.entry.records {
            let id = (appended.epoch().clone(), held.seq);
            self.promised.there.insert(id.clone(), held.body.clone());
            self.promised.ever.insert(id, held.body.clone());
        }
    }

    fn acknowledge(&mut self, run: u8, ranges: SeqRanges) {
        self.call("acknowledge", false, |bench| {
            assert!(bench.buffer.as_mut().unwrap().acknowledge(&epoch(run), &ranges).unwrap() > 0);
            bench.promised.there.retain(|(of, seq), _| *of != epoch(run) || !ranges.contains(*seq));
        });
    }

    fn pack(&mut self) {
        self.call("pack", false, |bench| assert!(bench.buffer.as_mut().unwrap().pack().unwrap() > 0));
    }

    fn settle(&mut self) {
        self.call("settle", true, |bench| {
            assert!(bench.buffer.as_mut().unwrap().settle(&learnt()).unwrap() > 0);
            bench.promised.settled = true;
        });
    }

    /// As the next opening begins.
    fn copy(&mut self) {
        self.call("rescue", true, |bench| {
            let store = bench.dir.path().join("buffer");
            rescue::make(&store, &Stated::read(&store).unwrap()).unwrap();
        });
    }

    fn evict(&mut self) {
        let evicted = |bench: &Self| bench.buffer.as_ref().unwrap().counters().evicted;
        let before = evicted(self);
        while evicted(self) == before {
            self.append(20);
        }
    }

    /// Crashes in every call, so many in all; how many there were, and how many of them left the call's round.
    fn crash(&self, crashes: usize) -> BTreeMap<&'static str, (usize, usize)> {
        let (mut done, mut random): (BTreeMap<_, (usize, usize)>, _) = (BTreeMap::new(), StdRng::seed_from_u64(5));
        for call in &self.calls {
            let crashes = (crashes / self.calls.len()).max(2);
            for state in call.states(crashes, &mut random) {
                let is_left = call.check(&state);
                let (crashes, left) = done.entry(call.name).or_default();
                (*crashes, *left) = (*crashes + 1, *left + usize::from(is_left));
            }
        }
        done
    }
}

impl Call {
    /// Half of them as a kill leaves them, spread over the whole call; half as a power cut does.
    fn states(&self, most: usize, random: &mut StdRng) -> Vec<Image> {
        let (written, unsynced) = (changes(&self.before, &self.after), changes(&self.synced, &self.after));
        let kills = (most / 2).min(written.len() + 1);
        let mut states: Vec<Image> = (0..kills)
            .map(|kill| {
                changed(&self.before, &written[..(written.len() * kill).div_ceil(kills.max(2) - 1).min(written.len())])
            })
            .collect();
        // There are no more choices than these.
        let cuts = (most - kills).min(1_usize << unsynced.len().min(16));
        states.extend((0..cuts).map(|_| {
            let kept = random.random_range(0..=100);
            let choice: Vec<&Change> = unsynced.iter().filter(|_| random.random_range(0..100) < kept).collect();
            changed(&self.synced, choice)
        }));
        states
    }

    /// Opens what a crash has left, and holds it against what was promised before the call; whether the call's round is there.
    fn check(&self, state: &Image) -> bool {
        let dir = tempfile::tempdir().unwrap();
        for (name, bytes) in state {
            let file = dir.path().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, bytes).unwrap();
        }
        let mut buffer = Buffer::open(dir.path(), ROOMY, epoch(LOOKING)).unwrap();
        buffer.append(&round([])).unwrap();
        let Call { name, promised, round, .. } = self;
        assert!(!promised.settled || buffer.contents().unsettled == 0, "{name}: what was settled waits again");
        buffer.settle(&learnt()).unwrap();
        let found = held(&mut buffer);
        let given_up = self.assert_true(&found);
        let there = |(of, seq): &(Epoch, u64)| {
            let records = found.get(of).into_iter().flatten();
            records.into_iter().any(|record| record.seq == *seq)
        };
        let named = |(of, seq): &(Epoch, u64)| given_up.get(of).is_some_and(|given_up| given_up.contains(*seq));
        let lost: Vec<_> = promised.there.keys().filter(|id| !there(id) && !named(id)).collect();
        assert!(lost.is_empty(), "{name}: lost {lost:?} of {:?}", seqs(&mut buffer));
        let of_round = round.keys().filter(|id| there(id)).count();
        assert!(of_round == 0 || of_round == round.len(), "{name}: {of_round} of {} records of a round", round.len());
        // Of a store that sled refuses, what was cut short cannot be told from what was damaged.
        let said = buffer.counters().lost as usize;
        let cut_short = buffer.counters().set_aside > 0 && of_round == 0 && said == round.len();
        assert!(said == 0 || cut_short, "{name}: {said} are said to be lost");
        of_round > 0
    }

    /// Nothing is there that nobody wrote, and nothing twice; what gap records name.
    fn assert_true(&self, found: &BTreeMap<Epoch, Vec<Record>>) -> BTreeMap<Epoch, SeqRanges> {
        let mut given_up: BTreeMap<Epoch, SeqRanges> = BTreeMap::new();
        for (of, records) in found.iter().filter(|(of, _)| **of != epoch(LOOKING)) {
            assert!(records.windows(2).all(|pair| pair[0].seq < pair[1].seq), "{}: twice, or out of order", self.name);
            for Record { seq, body, .. } in records {
                let id = (of.clone(), *seq);
                let written = self.promised.ever.get(&id).or_else(|| self.round.get(&id));
                assert_eq!(Some(body), written, "{}: a false record {id:?}", self.name);
                if let Body::Gap(Gap { epoch, from, to, reason: GapReason::Evicted }) = body {
                    given_up.entry(epoch.clone()).or_default().insert(*from, *to);
                }
            }
        }
        given_up
    }
}

fn crashes() -> usize {
    std::env::var(CRASHES).map_or(CRASHES_DEFAULT, |crashes| crashes.parse().unwrap())
}

#[test]
fn a_crash_between_any_two_writes_costs_nothing_and_leaves_no_half_round() {
    let mut bench = Bench::new(|_| {}, Promised::default());
    bench.open(1);
    for count in [1, 4, 32, 2] {
        bench.append(count);
    }
    bench.acknowledge(1, (3..20).collect());
    bench.append_waiting(5);
    bench.settle();
    bench.append(3);
    bench.acknowledge(1, [25, 27, 28].into_iter().collect());
    bench.copy();
    bench.open(2);
    bench.pack();
    bench.append(64);
    bench.acknowledge(1, [1, 30].into_iter().collect());
    bench.evict();
    bench.open(3);
    bench.append(1);
    let done = bench.crash(crashes());
    println!("crashes, and those that left the round: {done:?}; 0 lost, 0 doubled, no half round");
    let (crashes, left) = done["append"];
    assert!(0 < left && left < crashes, "both must happen: {left} of {crashes}");
}

/// What lies in a store of format 1.
fn promised_by_format_1() -> Promised {
    let dir = tempfile::tempdir().unwrap();
    store_of_format_1(dir.path());
    let mut buffer = Buffer::open(dir.path(), ROOMY, epoch(LOOKING)).unwrap();
    buffer.append(&round([])).unwrap();
    buffer.settle(&learnt()).unwrap();
    let records = held(&mut buffer).into_iter().filter(|(of, _)| *of != epoch(LOOKING));
    let there: BTreeMap<_, _> = records
        .flat_map(|(of, records)| records.into_iter().map(move |record| ((of.clone(), record.seq), record.body)))
        .collect();
    assert_eq!(there.len(), 226);
    assert!(there.values().any(|body| matches!(body, Body::Event(Event::AgentStarted { .. }))));
    Promised { ever: there.clone(), there, settled: false }
}

#[test]
fn a_crash_while_an_older_format_is_rewritten_costs_nothing() {
    let mut bench = Bench::new(store_of_format_1, promised_by_format_1());
    bench.limits = ROOMY;
    bench.call("rewrite", true, |bench| {
        format::ensure(bench.dir.path(), &bench.dir.path().join("buffer"), &HangWatch::default()).unwrap();
        // Said only when all is synced; so here it has not been said yet.
        fs::remove_file(bench.dir.path().join("format")).unwrap();
    });
    bench.open(3);
    println!("crashes: {:?}; 0 lost, 0 doubled", bench.crash(crashes() / 4));
}
