//! A fixed run of the buffer in which it does everything with its files that it ever does: it is opened on a store that an
//! earlier run left, appended to, settled, merged, acknowledged, full, and closed.

use std::io::Read as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use kitchen_agent::buffer::{Buffer, BufferError, Limits, Read, ReadLimits};
use kitchen_agent::clock::wall::Stamp;
use kitchen_agent::observation::Moment;
use kitchen_contract::id::Epoch;
use kitchen_contract::ranges::SeqRanges;
use kitchen_contract::record::Body;

use crate::common::{Ledger, Writer, append, asked_to_write, clock, free, open, round, say, settled};

/// The test that performs it, under this name.
const WRITER: &str = "scenario::writer";
/// Rounds that the earlier run leaves.
const ROUNDS_BEFORE: u64 = 6;
/// Rounds of the run.
const ROUNDS: u64 = 24;
/// Fewer than all rounds hold, so that the last ones push out others.
const LIMITS: Limits = Limits { records_max: 48, bytes_max: 64 * 1024 * 1024, free_bytes_min: 0 };
const EVERYTHING: ReadLimits = ReadLimits { records_max: 1_000, bytes_max: 1024 * 1024 };

/// The store that an earlier run left in `dir`, in which records wait for a clock.
pub(crate) fn prepare(dir: &Path) -> Ledger {
    let (epoch, mut ledger) = (Epoch::from_entropy([7; 15]), Ledger::default());
    let mut buffer = Buffer::open(dir, LIMITS, epoch.clone()).unwrap();
    for _ in 0..ROUNDS_BEFORE {
        let next = buffer.last_seq().max(1) + 1;
        let appended = buffer.append(&round(&epoch, waiting(next), next..next + 2)).unwrap();
        ledger.note(&format!("appended {epoch} {} {}", appended.from(), appended.to()));
    }
    ledger
}

/// What the run states that it has done, if nothing disturbs it.
pub(crate) const DONE: [&str; 5] = ["settle", "pack", "free", "evict", "close"];

/// Starts the run on `dir`; it waits for a byte on its standard input before it opens the buffer.
pub(crate) fn start(dir: &Path) -> Writer {
    Writer::spawn(Command::new(std::env::current_exe().unwrap()), WRITER, dir)
}

/// The same under another program.
pub(crate) fn start_under(mut program: Command, dir: &Path) -> Writer {
    program.arg(std::env::current_exe().unwrap());
    Writer::spawn(program, WRITER, dir)
}

/// Not a test of its own: the run, if it is asked for.
#[test]
fn writer() {
    let Some(dir) = asked_to_write() else { return };
    say(format_args!("ready"));
    std::io::stdin().read_exact(&mut [0]).unwrap();
    perform(&dir);
}

fn perform(dir: &Path) {
    let epoch = Epoch::from_entropy(rand::random());
    // A refusal ends the agent too.
    let Ok(mut buffer) = open(dir, LIMITS, &epoch) else { return say(format_args!("refused")) };
    for number in 0..ROUNDS {
        let next = buffer.last_seq().max(1) + 1;
        let now = if number < 3 { waiting(next) } else { settled() };
        append(&mut buffer, &round(&epoch, now, next..next + 1 + number % 4));
        match number {
            5 => done("settle", buffer.settle(&clock())),
            8 => done("pack", buffer.pack().map(|fewer| fewer as u64)),
            10 | 19 => done("free", free_some(&mut buffer)),
            _ => {}
        }
    }
    done("evict", Ok(buffer.counters().evicted));
    drop(buffer);
    done("close", Ok(1));
}

/// States that something was done, if it was.
fn done(what: &str, outcome: Result<u64, BufferError>) {
    if outcome.is_ok_and(|count| count > 0) {
        say(format_args!("done {what}"));
    }
}

fn waiting(seq: u64) -> Stamp {
    Stamp::Unsettled { at: Moment(Duration::from_secs(seq)) }
}

/// Whole entries, and parts of others; but not the word of what was given up.
fn free_some(buffer: &mut Buffer) -> Result<u64, BufferError> {
    let Read::Batch(batch) = buffer.read(0, EVERYTHING)? else { return Ok(0) };
    let records = batch.records.iter().filter_map(|record| record.read().ok());
    let seqs: SeqRanges = records
        .filter(|record| !matches!(record.body, Body::Gap(_)))
        .map(|record| record.seq)
        .enumerate()
        .filter(|(at, _)| at % 5 != 4)
        .map(|(_, seq)| seq)
        .take(8)
        .collect();
    free(buffer, &batch.epoch, &seqs)
}
