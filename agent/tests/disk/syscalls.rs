//! The writer dies, or its disk fails, at every single call that changes the disk.
//!
//! strace counts a thread's calls of one kind and injects the fault at the one chosen; the sweep ends where a whole run passes
//! without it.

use std::path::Path;

use crate::common::{Ledger, Writer, data_dir, number};

/// At most so many calls of a kind are tried, unless these variables say it.
const KILLS: &str = "KITCHEN_SYSCALL_KILLS";
const KILLS_DEFAULT: u64 = 60;
/// An error can leave sled waiting, which is noticed after a while.
const ERRORS: &str = "KITCHEN_SYSCALL_ERRORS";
const ERRORS_DEFAULT: u64 = 8;
/// Rounds of the scenario: with a pack and an acknowledgement.
const ROUNDS: u64 = 36;

/// One run with the fault at call `number`; true if it was met.
fn run(fault: &str, call: &str, number: u64) -> bool {
    let root = tempfile::tempdir().unwrap();
    let (dir, mut ledger) = (data_dir(root.path()), Ledger::default());
    // A store that is there already is read, and what was in it must not suffer either.
    assert!(Writer::start(&dir, &[], Some(5)).finish(&mut ledger));
    let log = root.path().join("strace.log");
    let writer = Writer::start(&dir, &strace(&log, fault, call, number), Some(ROUNDS));
    writer.finish(&mut ledger);
    ledger.check(&dir);
    let met = std::fs::read_to_string(log).unwrap();
    met.contains("INJECTED") || met.contains("killed by SIGKILL")
}

fn strace(log: &Path, fault: &str, call: &str, number: u64) -> Vec<String> {
    let words = ["strace", "-f", "-qq", "-o", &log.display().to_string(), "-e", &format!("trace={call}"), "-e"];
    let inject = format!("inject={call}:{fault}:when={number}");
    words.into_iter().map(str::to_owned).chain([inject]).collect()
}

fn sweep(fault: &str, calls: &[&str], most: u64) {
    for call in calls {
        let met = (1..=most).take_while(|number| run(fault, call, *number)).count();
        assert!(met > 0, "{call} is not called");
        println!("{fault} at each of {met} calls of {call}: 0 lost");
    }
}

/// What the buffer and sled change the disk with.
const CHANGES: [&str; 5] = ["pwrite64", "write", "fdatasync", "fsync", "sync_file_range"];

#[test]
fn a_kill_at_any_call_costs_nothing() {
    sweep("signal=KILL", &CHANGES, number(KILLS, KILLS_DEFAULT));
}

#[test]
fn an_error_at_any_call_costs_nothing() {
    sweep("error=EIO", &["pwrite64", "fdatasync", "fsync", "openat"], number(ERRORS, ERRORS_DEFAULT));
    // A store that hangs is waited for; every such run takes its time.
    for number in [1, 2, 5, 6] {
        assert!(run("error=EIO", "sync_file_range", number));
    }
}

#[test]
fn a_full_disk_at_any_call_costs_nothing() {
    sweep("error=ENOSPC", &["pwrite64", "fdatasync", "openat", "mkdir", "rename"], number(ERRORS, ERRORS_DEFAULT));
}
