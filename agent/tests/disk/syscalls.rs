//! The writer dies, or its disk fails, at every single call that changes the disk.
//!
//! One run of a fixed scenario per call and fault; the sweep ends where a whole run passes without having met it. Then the
//! disk is well again, and holds everything that the writer had stated.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::common::{Ledger, data_dir};
use crate::scenario;
use crate::tracer::{Fault, Tracer};

/// Runs at the same time: much of each is waiting, for the disk or for a store that hangs.
const RUNS: usize = 8;
/// A writer that states nothing for so long waits for its store for ever. The agent itself waits longer before it says so.
const SILENCE_MAX: Duration = Duration::from_secs(4);
const HUNG_WITHIN: Duration = Duration::from_secs(60);
/// So many of those that hang are waited for until they say it; the others are killed.
const HUNG_WAITED_FOR: u64 = 3;

/// What one fault came to, over all calls.
#[derive(Default)]
struct Sweep {
    /// The next call to meet, less one.
    number: AtomicU64,
    hung: AtomicU64,
    /// How many calls of each kind were met.
    met: Mutex<BTreeMap<&'static str, u64>>,
}

impl Sweep {
    /// Runs until a run has met nothing.
    fn go_on(&self, before: (&Path, &Ledger), fault: Fault) {
        while let Some(call) = self.run(before, fault, self.number.fetch_add(1, Ordering::Relaxed) + 1) {
            *self.met.lock().unwrap().entry(call).or_default() += 1;
        }
    }

    /// One run; the call that was met.
    fn run(&self, (prepared, stated): (&Path, &Ledger), fault: Fault, number: u64) -> Option<&'static str> {
        let root = tempfile::tempdir().unwrap();
        let (dir, mut ledger) = (data_dir(root.path()), stated.clone());
        copy(prepared, &dir);
        let mut writer = scenario::start(&dir);
        assert!(writer.wait_for(&mut ledger, "ready", HUNG_WITHIN));
        let (process, mut stdin) = (Pid::from_raw(writer.child.id() as i32), writer.child.stdin.take().unwrap());
        let tracer = Tracer::new(process, root.path().to_owned(), (fault, number));
        let following = thread::spawn(move || tracer.follow(|| stdin.write_all(&[1]).unwrap()));
        if writer.is_silent_for(&mut ledger, SILENCE_MAX) {
            if self.hung.fetch_add(1, Ordering::Relaxed) < HUNG_WAITED_FOR {
                assert!(writer.wait_for(&mut ledger, "hung", HUNG_WITHIN), "it hangs and does not say so");
            }
            // Who follows it takes note of its end.
            kill(process, Signal::SIGKILL).unwrap();
        }
        let met = following.join().unwrap();
        writer.finish(&mut ledger);
        ledger.check(&dir);
        met
    }
}

/// Every call, once with this fault.
fn sweep(name: &str, fault: Fault) {
    let (prepared, began, sweep) = (tempfile::tempdir().unwrap(), Instant::now(), Sweep::default());
    let ledger = scenario::prepare(prepared.path());
    thread::scope(|scope| {
        for _ in 0..RUNS {
            scope.spawn(|| sweep.go_on((prepared.path(), &ledger), fault));
        }
    });
    let (met, hung) = (sweep.met.into_inner().unwrap(), sweep.hung.into_inner());
    for call in ["pwrite64", "fdatasync", "fsync", "openat", "rename", "unlink"] {
        assert!(met.contains_key(call), "{call} is not called");
    }
    let (all, took) = (met.values().sum::<u64>(), began.elapsed().as_secs());
    println!("{name} at each of {all} calls, {met:?}; {hung} times the store hung; 0 lost, 0 doubled, in {took} s");
}

#[test]
fn a_kill_at_any_call_costs_nothing() {
    sweep("kill", Fault::Kill);
}

#[test]
fn an_error_at_any_call_costs_nothing() {
    sweep("EIO", Fault::Errors(Errno::EIO, 1));
}

#[test]
fn errors_for_a_while_from_any_call_on_cost_nothing() {
    sweep("EIO, ten times from there on,", Fault::Errors(Errno::EIO, 10));
}

#[test]
fn a_full_disk_at_any_call_costs_nothing() {
    sweep("ENOSPC", Fault::Errors(Errno::ENOSPC, 1));
}

#[test]
fn a_disk_that_is_full_for_a_while_from_any_call_on_costs_nothing() {
    sweep("ENOSPC, ten times from there on,", Fault::Errors(Errno::ENOSPC, 10));
}

/// What the tracer does not count changes nothing, says another program, and the run does all that it should.
#[test]
fn no_call_that_changes_the_disk_is_left_out() {
    const READING: [&str; 14] = [
        "execve",
        "access",
        "read",
        "pread64",
        "statx",
        "fstat",
        "newfstatat",
        "statfs",
        "lseek",
        "getdents64",
        "fcntl",
        "flock",
        "close",
        "mmap",
    ];
    let root = tempfile::tempdir().unwrap();
    let dir = data_dir(root.path());
    let (mut ledger, log) = (scenario::prepare(&dir), root.path().join("strace.log"));
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-y", "-o"]).arg(&log);
    let mut writer = scenario::start_under(strace, &dir);
    writer.child.stdin.as_mut().expect("`strace` is needed").write_all(&[1]).unwrap();
    assert!(writer.finish(&mut ledger));
    assert!(scenario::DONE.iter().all(|what| ledger.has_done(what)), "{ledger:?}");
    let text = fs::read_to_string(log).unwrap();
    let below = dir.display().to_string();
    let on_disk = text.lines().filter(|line| line.contains(&below)).filter_map(called);
    let unknown: Vec<&str> = on_disk.filter(|call| !READING.contains(call) && !crate::tracer::counts(call)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

/// The call in a line of strace's log: the thread, the call, its arguments.
fn called(line: &str) -> Option<&str> {
    line.split_whitespace().nth(1)?.split_once('(').map(|(call, _)| call)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for found in fs::read_dir(from).unwrap().flatten() {
        let target = to.join(found.file_name());
        if found.file_type().unwrap().is_dir() {
            copy(&found.path(), &target);
        } else {
            fs::copy(found.path(), target).unwrap();
        }
    }
}
