//! Disks that refuse: full, read-only, with errors. The writer goes on by itself once they take again, and nothing is lost.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use crate::common::{Ledger, Writer, data_dir};
use crate::place::{Mounted, formatted, inside_namespace, run};
use crate::volatile::{Disk, Mood};

const IMAGE_BYTES: usize = 40 * 1024 * 1024;
const SECONDS_MAX: Duration = Duration::from_secs(30);

/// A file system in memory, of so many bytes.
fn tmpfs(root: &Path, size: &str) {
    run("mount", &["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs", &root.display().to_string()]);
}

/// Fills what is left.
fn fill(root: &Path) -> std::path::PathBuf {
    let ballast = root.join("ballast");
    let mut file = File::create(&ballast).unwrap();
    while file.write_all(&[b'x'; 4096]).is_ok() {}
    ballast
}

/// The writer is refused, then `mend` is done, then it appends again: the same process, on its own.
fn refused_and_back(mut writer: Writer, ledger: &mut Ledger, mend: impl FnOnce()) -> Writer {
    assert!(writer.wait_for(ledger, "refused", SECONDS_MAX), "it was never refused");
    mend();
    for _ in 0..20 {
        assert!(writer.wait_for(ledger, "appended", SECONDS_MAX), "it does not come back by itself");
    }
    writer
}

#[test]
fn a_full_disk_stops_nobody_and_costs_nothing() {
    if !inside_namespace("refusal::a_full_disk_stops_nobody_and_costs_nothing") {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    tmpfs(root.path(), "16m");
    let (dir, mut ledger) = (data_dir(root.path()), Ledger::default());
    for turn in 0..3 {
        let mut writer = Writer::start(&dir, None);
        assert!(writer.wait_for(&mut ledger, "appended", SECONDS_MAX));
        let ballast = fill(root.path());
        let writer = refused_and_back(writer, &mut ledger, || fs::remove_file(ballast).unwrap());
        writer.kill(&mut ledger);
        let there = ledger.check(&dir);
        println!("turn {turn}: refused {} times so far, {there} records there, 0 lost", ledger.refusals());
    }
}

#[test]
fn a_disk_that_is_full_at_the_start_is_waited_for() {
    if !inside_namespace("refusal::a_disk_that_is_full_at_the_start_is_waited_for") {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    tmpfs(root.path(), "16m");
    let (dir, mut ledger) = (data_dir(root.path()), Ledger::default());
    let mut writer = Writer::start(&dir, Some(40));
    assert!(writer.wait_for(&mut ledger, "done", SECONDS_MAX));
    assert!(writer.finish(&mut ledger));
    let ballast = fill(root.path());
    let writer = refused_and_back(Writer::start(&dir, None), &mut ledger, || fs::remove_file(ballast).unwrap());
    writer.kill(&mut ledger);
    ledger.check(&dir);
}

#[test]
fn a_disk_that_is_read_only_is_waited_for() {
    if !inside_namespace("refusal::a_disk_that_is_read_only_is_waited_for") {
        return;
    }
    let disk = Disk::new(formatted(IMAGE_BYTES));
    let mounted = Mounted::new(&disk);
    let remount = |how: &str| run("mount", &["-o", &format!("remount,{how}"), &mounted.path().display().to_string()]);
    let (dir, mut ledger) = (data_dir(&mounted.path()), Ledger::default());
    for _ in 0..3 {
        let mut writer = Writer::start(&dir, None);
        assert!(writer.wait_for(&mut ledger, "appended", SECONDS_MAX));
        writer.kill(&mut ledger);
        remount("ro");
        let writer = refused_and_back(Writer::start(&dir, None), &mut ledger, || remount("rw"));
        writer.kill(&mut ledger);
        ledger.check(&dir);
    }
}

#[test]
fn a_disk_that_fails_for_a_while_costs_nothing() {
    if !inside_namespace("refusal::a_disk_that_fails_for_a_while_costs_nothing") {
        return;
    }
    let disk = Disk::new(formatted(IMAGE_BYTES));
    let mounted = Mounted::new(&disk);
    let (dir, mut ledger) = (data_dir(&mounted.path()), Ledger::default());
    let mut writer = Writer::start(&dir, None);
    assert!(writer.wait_for(&mut ledger, "appended", SECONDS_MAX));
    disk.set(Mood::FlushesFail(1));
    assert!(writer.wait_for(&mut ledger, "refused", SECONDS_MAX));
    disk.set(Mood::Well);
    writer.kill(&mut ledger);
    drop(mounted);
    let mounted = Mounted::new(&disk);
    let there = ledger.check(&data_dir(&mounted.path()));
    println!("a flush failed: {there} records there, 0 lost");
}
