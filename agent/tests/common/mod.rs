//! A program that fills a buffer and says what is on disk, and the check that all of that is there.
//!
//! The test binary starts itself again as the writer, so that it can be killed. Every line that the writer prints is a fact:
//! the call had returned. What a record holds follows from its epoch and number, so that a false one shows.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use kitchen_agent::buffer::entry::Draft;
use kitchen_agent::buffer::{Buffer, BufferError, Limits, Read, ReadLimits, Round};
use kitchen_agent::clock::wall::Stamp;
use kitchen_contract::id::Epoch;
use kitchen_contract::ranges::SeqRanges;
use kitchen_contract::record::{Body, Event, Record};
use kitchen_contract::time::{Clock, Timestamp};

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
const EPOCH_FACTOR: i64 = 1 << 32;

/// What `seq` of an epoch holds; the first record is the agent's start.
fn content(epoch: &Epoch, seq: u64) -> Body {
    let tag = i64::from(crc32fast::hash(epoch.as_str().as_bytes()) >> 8);
    Body::Event(Event::ClockStep { step_ms: tag * EPOCH_FACTOR + seq as i64 })
}

fn round(epoch: &Epoch, seqs: impl Iterator<Item = u64>) -> Round {
    let now = Stamp::Settled { timestamp: Timestamp::from_unix_ms(1_800_000_000_000).unwrap(), clock: Clock::Synced };
    let drafts = seqs.map(|seq| Draft::new(now, content(epoch, seq))).collect();
    Round { kitchen_id: "kitchen-1".parse().unwrap(), now, dropped: 0, drafts }
}

/// Not a test of its own: the writer, if it is asked for.
#[test]
fn writer() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let rounds = std::env::var(ROUNDS).map_or(u64::MAX, |rounds| rounds.parse().unwrap());
    write(Path::new(&dir), rounds);
}

fn say(line: std::fmt::Arguments<'_>) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").unwrap();
    out.flush().unwrap();
}

fn write(dir: &Path, rounds: u64) {
    let epoch = Epoch::from_entropy(rand::random());
    let mut buffer = Buffer::open(dir, LIMITS, epoch.clone()).unwrap();
    for number in 0..rounds {
        let next = buffer.last_seq().max(1) + 1;
        let round = round(&epoch, next..next + 1 + number % 4);
        // As the recorder does it: the same round again until the disk takes it.
        let appended = loop {
            match buffer.append(&round) {
                Ok(appended) => break appended,
                // The agent ends too, and is started again.
                Err(BufferError::Hung { .. }) => return say(format_args!("hung")),
                Err(error) => say(format_args!("refused {error}")),
            }
            thread::sleep(Duration::from_millis(20));
        };
        say(format_args!("appended {epoch} {} {}", appended.from(), appended.to()));
        if number % PACK_EVERY == PACK_EVERY - 1 {
            drop(buffer.pack());
        }
        if buffer.contents().records > HELD_MAX || number % 50 == 20 {
            free_oldest(&mut buffer);
        }
    }
    say(format_args!("done"));
}

/// Two thirds of the oldest epoch's records, or a few of them one by one.
fn free_oldest(buffer: &mut Buffer) {
    let Ok(Read::Batch(batch)) = buffer.read(0, EVERYTHING) else { return };
    let seqs: Vec<u64> = batch.records.iter().map(|record| record.seq).collect();
    let most = seqs.len() * 2 / 3;
    let ranges: SeqRanges = if buffer.contents().records > HELD_MAX / 2 {
        seqs[..most].iter().copied().collect()
    } else {
        seqs[..most.min(12)].iter().copied().step_by(2).collect()
    };
    for (from, to) in ranges.iter() {
        say(format_args!("freeing {} {from} {to}", batch.epoch));
    }
    drop(buffer.acknowledge(&batch.epoch, &ranges));
}

/// A writer that runs, and the facts that it states.
pub(crate) struct Writer {
    pub(crate) child: Child,
    facts: Receiver<String>,
    reading: JoinHandle<()>,
}

impl Writer {
    /// Starts this binary's writer on `dir`, through `wrapper` if there is one, such as `strace` with its arguments.
    pub(crate) fn start(dir: &Path, wrapper: &[String], rounds: Option<u64>) -> Self {
        let exe = std::env::current_exe().unwrap().display().to_string();
        let mut argv = wrapper.to_vec();
        argv.extend([exe, WRITER.to_owned(), "--exact".to_owned(), "--nocapture".to_owned()]);
        let mut command = Command::new(&argv[0]);
        command.args(&argv[1..]).env(DIR, dir).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        if let Some(rounds) = rounds {
            command.env(ROUNDS, rounds.to_string());
        }
        let mut child = command.spawn().unwrap();
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

    /// kill -9, and all that it had stated.
    pub(crate) fn kill(mut self, ledger: &mut Ledger) {
        drop(self.child.kill());
        self.child.wait().unwrap();
        self.finish(ledger);
    }

    /// Waits for its end, and takes all that it had stated; whether it ended well.
    pub(crate) fn finish(mut self, ledger: &mut Ledger) -> bool {
        let ended = self.child.wait().unwrap();
        self.reading.join().unwrap();
        self.facts.iter().for_each(|fact| ledger.note(&fact));
        ended.success()
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
}

#[derive(Clone, Debug, Default)]
struct Facts {
    appended: SeqRanges,
    /// Freed, or not: that is not synced.
    freeing: SeqRanges,
}

impl Ledger {
    fn note(&mut self, fact: &str) {
        let words: Vec<&str> = fact.split_whitespace().collect();
        let ["appended" | "freeing", epoch, from, to] = words[..] else {
            self.refusals += u64::from(fact.starts_with("refused"));
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

    /// Opens what the writers left and holds it against what they stated: every record that was on disk and not freed is
    /// there, once, true, in order; nothing is there that nobody wrote; nothing is said to be lost. How many are there.
    pub(crate) fn check(&mut self, dir: &Path) -> usize {
        let epoch = Epoch::from_entropy(rand::random());
        let mut buffer = Buffer::open(dir, LIMITS, epoch.clone()).unwrap();
        let appended = buffer.append(&round(&epoch, std::iter::empty())).unwrap();
        self.note(&format!("appended {epoch} {} {}", appended.from(), appended.to()));
        let held = everything(&mut buffer);
        for (epoch, records) in &held {
            assert!(records.windows(2).all(|pair| pair[0].seq < pair[1].seq), "twice, or out of order: {epoch}");
            records.iter().for_each(|record| assert_true(epoch, record));
        }
        for (epoch, facts) in &self.epochs {
            let there: SeqRanges = held.get(epoch).into_iter().flatten().map(|record| record.seq).collect();
            let lost = facts.appended.without(&facts.freeing).without(&there);
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
        held.entry(batch.epoch).or_default().extend(batch.records);
        after = batch.last_index;
    }
    held
}

fn assert_true(epoch: &Epoch, record: &Record) {
    match &record.body {
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
