//! A program that fills a buffer and says what is on disk, and the check that all of that is there.
//!
//! The test binary starts itself again as the writer, so that it can be killed. Every line that the writer prints is a fact:
//! the call had returned. What a record holds follows from its epoch and number, so that a false one shows.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use kitchen_agent::buffer::entry::Draft;
use kitchen_agent::buffer::{Buffer, BufferError, HangWatch, Limits, Read, ReadLimits, Round};
use kitchen_agent::clock::wall::{Exchange, Stamp, WallClock};
use kitchen_agent::observation::Moment;
use kitchen_contract::id::Epoch;
use kitchen_contract::ranges::SeqRanges;
use kitchen_contract::record::{Body, Event, Gap, GapReason, Record};
use kitchen_contract::time::{Clock, Timestamp};
use kitchen_contract::written::WrittenRecord;

/// Set for the writer: where its data directory is.
const DIR: &str = "KITCHEN_TEST_WRITER_DIR";
/// Set for the writer: after how many rounds it ends.
const ROUNDS: &str = "KITCHEN_TEST_WRITER_ROUNDS";
/// The test that is the writer, under this name in every binary that has one.
const WRITER: &str = "common::writer";
/// More records than this are never held.
const HELD_MAX: u64 = 1_500;
/// As the keeper does it.
const PACK_EVERY: u64 = 32;
const LIMITS: Limits = Limits { records_max: 100_000, bytes_max: 64 * 1024 * 1024, free_bytes_min: 0 };
const EVERYTHING: ReadLimits = ReadLimits { records_max: 100_000, bytes_max: 64 * 1024 * 1024 };
/// Bits of a number that an epoch leaves for its records.
const EPOCH_FACTOR: i64 = 1 << 28;

/// What `seq` of an epoch holds; the first record is the agent's start.
pub(crate) fn content(epoch: &Epoch, seq: u64) -> Body {
    let tag = i64::from(crc32fast::hash(epoch.as_str().as_bytes()) >> 8);
    Body::Event(Event::ClockStep { step_ms: tag * EPOCH_FACTOR + seq as i64 })
}

/// The records of these numbers, taken now.
pub(crate) fn round(epoch: &Epoch, now: Stamp, seqs: impl Iterator<Item = u64>) -> Round {
    let drafts = seqs.map(|seq| Draft::new(now, content(epoch, seq))).collect();
    Round { kitchen_id: "kitchen-1".parse().unwrap(), now, dropped: 0, drafts }
}

/// A time that will not change.
pub(crate) fn settled() -> Stamp {
    Stamp::Settled { timestamp: server_time(), clock: Clock::Synced }
}

fn server_time() -> Timestamp {
    Timestamp::from_unix_ms(1_800_000_000_000).unwrap()
}

/// A clock that knows the time.
pub(crate) fn clock() -> WallClock {
    let (mut clock, now) = (WallClock::new(), Moment(Duration::from_secs(60)));
    clock.learn(Exchange { sent: now, received: now, server_time: server_time() });
    clock
}

/// The directory that this process is to write, if it is a writer.
pub(crate) fn asked_to_write() -> Option<PathBuf> {
    std::env::var_os(DIR).map(PathBuf::from)
}

/// Not a test of its own: the writer, if it is asked for.
#[test]
fn writer() {
    let Some(dir) = asked_to_write() else { return };
    let rounds = std::env::var(ROUNDS).map_or(u64::MAX, |rounds| rounds.parse().unwrap());
    write(&dir, rounds);
}

/// States a fact.
pub(crate) fn say(line: std::fmt::Arguments<'_>) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").unwrap();
    out.flush().unwrap();
}

fn write(dir: &Path, rounds: u64) {
    let epoch = Epoch::from_entropy(rand::random());
    let mut buffer = open(dir, LIMITS, &epoch).unwrap();
    for number in 0..rounds {
        let next = buffer.last_seq().max(1) + 1;
        append(&mut buffer, &round(&epoch, settled(), next..next + 1 + number % 4));
        if number % PACK_EVERY == PACK_EVERY - 1 {
            drop(buffer.pack());
        }
        if buffer.contents().records > HELD_MAX || number % 50 == 20 {
            free_oldest(&mut buffer);
        }
    }
    say(format_args!("done"));
}

/// As the supervisor does it: where the store hangs, the process says so and ends.
pub(crate) fn open(dir: &Path, limits: Limits, epoch: &Epoch) -> Result<Buffer, BufferError> {
    let watch = HangWatch::default();
    let watched = watch.clone();
    thread::spawn(move || {
        while !watched.is_hung() {
            thread::sleep(Duration::from_secs(1));
        }
        say(format_args!("hung"));
        std::process::exit(0);
    });
    Buffer::open_watched(dir, limits, epoch.clone(), watch)
}

/// As the recorder does it: the same round again until the disk takes it.
pub(crate) fn append(buffer: &mut Buffer, round: &Round) {
    loop {
        match buffer.append(round) {
            Ok(appended) => {
                return say(format_args!("appended {} {} {}", appended.epoch(), appended.from(), appended.to()));
            }
            Err(error) => say(format_args!("refused {error}")),
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// Two thirds of the oldest epoch's records, or a few of them one by one.
fn free_oldest(buffer: &mut Buffer) {
    let Ok(Read::Batch(batch)) = buffer.read(0, EVERYTHING) else { return };
    let seqs: Vec<u64> = batch.records.iter().map(WrittenRecord::seq).collect();
    let most = seqs.len() * 2 / 3;
    let ranges: SeqRanges = if buffer.contents().records > HELD_MAX / 2 {
        seqs[..most].iter().copied().collect()
    } else {
        seqs[..most.min(12)].iter().copied().step_by(2).collect()
    };
    drop(free(buffer, &batch.epoch, &ranges));
}

/// Frees records, after having said so.
pub(crate) fn free(buffer: &mut Buffer, epoch: &Epoch, ranges: &SeqRanges) -> Result<u64, BufferError> {
    for (from, to) in ranges.iter() {
        say(format_args!("freeing {epoch} {from} {to}"));
    }
    buffer.acknowledge(epoch, ranges)
}

/// A writer that runs, and the facts that it states.
pub(crate) struct Writer {
    pub(crate) child: Child,
    facts: Receiver<String>,
    reading: JoinHandle<()>,
}

impl Writer {
    /// Starts this binary's writer on `dir`.
    pub(crate) fn start(dir: &Path, rounds: Option<u64>) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        if let Some(rounds) = rounds {
            command.env(ROUNDS, rounds.to_string());
        }
        Self::spawn(command, WRITER, dir)
    }

    /// Starts a command that ends with this binary, as the writer of that name.
    pub(crate) fn spawn(mut command: Command, writer: &str, dir: &Path) -> Self {
        command.args([writer, "--exact", "--nocapture"]).env(DIR, dir);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let spawned = command.spawn();
        let mut child = spawned.unwrap_or_else(|error| panic!("{:?} is needed: {error}", command.get_program()));
        let (sender, facts) = channel();
        let out = BufReader::new(child.stdout.take().unwrap());
        let reading = thread::spawn(move || forward(out, &sender));
        Self { child, facts, reading }
    }

    /// Waits for a fact that begins so; what was stated until then goes into the ledger. False if the writer has ended.
    pub(crate) fn wait_for(&mut self, ledger: &mut Ledger, beginning: &str, within: Duration) -> bool {
        let deadline = std::time::Instant::now() + within;
        loop {
            let left = deadline.saturating_duration_since(std::time::Instant::now());
            let Ok(fact) = self.facts.recv_timeout(left) else { return false };
            ledger.note(&fact);
            if fact.starts_with(beginning) {
                return true;
            }
        }
    }

    /// Takes what it states until it has stated nothing for so long; false if it has ended before.
    pub(crate) fn is_silent_for(&mut self, ledger: &mut Ledger, patience: Duration) -> bool {
        loop {
            match self.facts.recv_timeout(patience) {
                Ok(fact) => ledger.note(&fact),
                Err(RecvTimeoutError::Timeout) => return true,
                Err(RecvTimeoutError::Disconnected) => return false,
            }
        }
    }

    /// kill -9, and all that it had stated.
    pub(crate) fn kill(mut self, ledger: &mut Ledger) {
        drop(self.child.kill());
        self.finish(ledger);
    }

    /// Waits for its end, and takes all that it had stated; whether it ended well, and whoever followed it left that to us.
    pub(crate) fn finish(mut self, ledger: &mut Ledger) -> bool {
        let ended = self.child.wait();
        self.reading.join().unwrap();
        self.facts.iter().for_each(|fact| ledger.note(&fact));
        ended.is_ok_and(|ended| ended.success())
    }
}

fn forward(out: impl BufRead, facts: &Sender<String>) {
    // A last line that was cut short is no fact: it has no end.
    for line in out.split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line).into_owned();
        if facts.send(line).is_err() {
            return;
        }
    }
}

/// What must be there.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger {
    epochs: BTreeMap<Epoch, Facts>,
    refusals: u64,
    /// What else was done, in one word each.
    done: BTreeSet<String>,
}

#[derive(Clone, Debug, Default)]
struct Facts {
    appended: SeqRanges,
    /// Freed, or not: that is not synced.
    freeing: SeqRanges,
}

impl Ledger {
    pub(crate) fn note(&mut self, fact: &str) {
        let words: Vec<&str> = fact.split_whitespace().collect();
        let ["appended" | "freeing", epoch, from, to] = words[..] else {
            self.refusals += u64::from(fact.starts_with("refused"));
            self.done.extend(fact.strip_prefix("done ").map(str::to_owned));
            return;
        };
        let facts = self.epochs.entry(epoch.parse().unwrap()).or_default();
        let ranges = if words[0] == "appended" { &mut facts.appended } else { &mut facts.freeing };
        ranges.insert(from.parse().unwrap(), to.parse().unwrap());
    }

    /// Records that were on disk so far.
    pub(crate) fn appended(&self) -> u64 {
        self.epochs.values().map(|facts| facts.appended.count()).sum()
    }

    /// How often the disk refused.
    pub(crate) fn refusals(&self) -> u64 {
        self.refusals
    }

    /// Whether that was stated to be done.
    pub(crate) fn has_done(&self, what: &str) -> bool {
        self.done.contains(what)
    }

    /// Opens what the writers left and holds it against what they stated: every record that was on disk and not freed is
    /// there, once, true, in order, or named by a gap record as given up; nothing is there that nobody wrote; nothing is said
    /// to be lost; what had its time has it still. How many are there.
    pub(crate) fn check(&mut self, dir: &Path) -> usize {
        let epoch = Epoch::from_entropy(rand::random());
        let mut buffer = Buffer::open(dir, LIMITS, epoch.clone()).unwrap();
        let appended = buffer.append(&round(&epoch, settled(), std::iter::empty())).unwrap();
        self.note(&format!("appended {epoch} {} {}", appended.from(), appended.to()));
        assert!(!self.has_done("settle") || buffer.contents().unsettled == 0, "what was settled waits again");
        buffer.settle(&clock()).unwrap();
        let held = everything(&mut buffer);
        let given_up = given_up(&held);
        for (epoch, records) in &held {
            assert!(records.windows(2).all(|pair| pair[0].seq < pair[1].seq), "twice, or out of order: {epoch}");
            records.iter().for_each(|record| assert_true(epoch, record));
        }
        for (epoch, facts) in &self.epochs {
            let there: SeqRanges = held.get(epoch).into_iter().flatten().map(|record| record.seq).collect();
            let lost = facts.appended.without(&facts.freeing).without(&there);
            let lost = given_up.get(epoch).map_or(lost.clone(), |given_up| lost.without(given_up));
            assert!(lost.is_empty(), "lost of {epoch}: {lost:?}, of {:?}, there are {there:?}", facts.appended);
        }
        self.forget(&held);
        held.values().map(Vec::len).sum()
    }

    /// Epochs of which nothing is left are of no more interest.
    fn forget(&mut self, held: &BTreeMap<Epoch, Vec<Record>>) {
        self.epochs.retain(|epoch, _| held.contains_key(epoch));
    }
}

fn everything(buffer: &mut Buffer) -> BTreeMap<Epoch, Vec<Record>> {
    let mut held: BTreeMap<Epoch, Vec<Record>> = BTreeMap::new();
    let mut after = 0;
    while let Read::Batch(batch) = buffer.read(after, EVERYTHING).unwrap() {
        held.entry(batch.epoch).or_default().extend(batch.records.iter().map(|record| record.read().unwrap()));
        after = batch.last_index;
    }
    held
}

/// What gap records name.
fn given_up(held: &BTreeMap<Epoch, Vec<Record>>) -> BTreeMap<Epoch, SeqRanges> {
    let mut given_up: BTreeMap<Epoch, SeqRanges> = BTreeMap::new();
    for record in held.values().flatten() {
        if let Body::Gap(Gap { epoch, from, to, .. }) = &record.body {
            given_up.entry(epoch.clone()).or_default().insert(*from, *to);
        }
    }
    given_up
}

fn assert_true(epoch: &Epoch, record: &Record) {
    match &record.body {
        Body::Gap(gap) => assert_eq!(gap.reason, GapReason::Evicted, "{gap:?}"),
        Body::Event(Event::AgentStarted { .. }) => assert_eq!(record.seq, 1),
        body => assert_eq!(*body, content(epoch, record.seq), "a false record of {epoch}"),
    }
}

/// A number from the environment, or its default.
pub(crate) fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |number| number.parse().unwrap())
}

/// The data directory in a place.
pub(crate) fn data_dir(place: &Path) -> PathBuf {
    place.join("data")
}
