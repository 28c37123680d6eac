//! What the agent's disk does to a whole agent: full (D5), and read-only all at once (D11).

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use hw_sim::bench::layout::KITCHEN;
use kitchen_agent::buffer::entry::Draft;
use kitchen_agent::buffer::{Buffer, Limits, Round};
use kitchen_agent::clock::wall::Stamp;
use kitchen_contract::id::Epoch;
use kitchen_contract::ranges::SeqRanges;
use kitchen_contract::record::{Absence, Body, Reading, Trigger};
use kitchen_contract::time::{Clock, Timestamp};
use kitchen_contract::unit::{Celsius, MilliAmp};
use serde_json::Value;

use crate::evidence::Evidence;
use crate::kitchen::{Kitchen, plan, wait_for};
use crate::{FRIDGE, agent_log};

/// Set inside the namespace.
const INSIDE: &str = "KITCHEN_TEST_INSIDE_NAMESPACE";
/// What the agent's buffer is allowed to hold, and what an earlier run has left in it: nearly as much.
const RECORDS_MAX: u64 = 1_000;
const RECORDS_BEFORE: i64 = 980;

/// Runs the test of that name again in a mount namespace of its own, which takes every mount with it; true inside it.
fn inside_namespace(test: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    let mut unshare = Command::new("unshare");
    unshare.args(["--mount", "--propagation", "private", "--"]).arg(std::env::current_exe().unwrap());
    let output = unshare.args([test, "--exact", "--nocapture"]).env(INSIDE, "1").output().expect("`unshare` is needed");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "root is needed: {said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("1 passed"), "no test of the name {test}");
    false
}

fn run(program: &str, args: &[&str]) {
    let output = Command::new(program).args(args).output().unwrap_or_else(|error| panic!("`{program}`: {error}"));
    assert!(output.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A kitchen whose agent keeps its data on a file system of its own, of 16 MiB; the cloud is not there yet.
async fn kitchen(mount: impl FnOnce(&Path, &str)) -> (Kitchen, PathBuf) {
    let kitchen = Kitchen::prepare(plan()).await;
    let data_dir = kitchen.layout.dir().join("agent-data");
    fs::create_dir(&data_dir).unwrap();
    mount(kitchen.layout.dir(), &data_dir.display().to_string());
    let config = kitchen.layout.dir().join("agent.toml");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(config, text.replace("[log]", &format!("[buffer]\nrecords_max = {RECORDS_MAX}\n\n[log]"))).unwrap();
    (kitchen, data_dir)
}

/// What an earlier run left: ordinary readings, of a time at which the cloud knew the sensor.
fn leave_readings(data_dir: &Path) {
    let limits = Limits { records_max: RECORDS_MAX, bytes_max: 8 * 1024 * 1024, free_bytes_min: 0 };
    let mut buffer = Buffer::open(data_dir, limits, Epoch::from_entropy([7; 15])).unwrap();
    let began = Timestamp::from_unix_ms(jiff::Timestamp::now().as_millisecond()).unwrap();
    let at = |number: i64| Stamp::Settled { timestamp: began.saturating_add_ms(number), clock: Clock::Synced };
    let reading = Body::Reading(Reading {
        device_id: FRIDGE.parse().unwrap(),
        value: Ok(Celsius::new(4.0).unwrap()),
        uncertainty: None,
        raw_ma: MilliAmp::new(11.04).ok(),
        battery: Err(Absence::NotReported),
        signal: Err(Absence::NotReported),
        humidity: Err(Absence::NotConfigured),
        trigger: Trigger::Poll,
    });
    for number in (0..RECORDS_BEFORE).step_by(20) {
        let drafts = (number..number + 20).map(|number| Draft::new(at(number), reading.clone())).collect();
        let round = Round { kitchen_id: KITCHEN.parse().unwrap(), now: at(number), dropped: 0, drafts };
        buffer.append(&round).unwrap();
    }
}

/// What the agent says of its buffer.
fn status(data_dir: &Path) -> Option<Value> {
    let mut text = String::new();
    UnixStream::connect(data_dir.join("status.sock")).ok()?.read_to_string(&mut text).ok()?;
    Some(serde_json::from_str::<Value>(&text).ok()?["buffer"].clone())
}

async fn disk_is(data_dir: &Path, state: &str) -> Value {
    wait_for(&format!("a disk that is {state}"), || async {
        status(data_dir).filter(|buffer| buffer["disk"]["state"] == state)
    })
    .await
}

/// The log of a run does not know what one before it left.
async fn backlog_is_gone(data_dir: &Path) {
    wait_for("the backlog to go", || async { status(data_dir).filter(|buffer| buffer["records"].as_u64() < Some(10)) })
        .await;
}

/// Waits until the agent has said something so much more often.
async fn says(kitchen: &Kitchen, message: &str, more: usize) {
    let said = || agent_log(kitchen).matches(&format!("\"message\":\"{message}\"")).count();
    let before = said();
    wait_for(&format!("{message:?} {more} times"), || async { (said() >= before + more).then_some(()) }).await;
}

fn fill(place: &Path) -> PathBuf {
    let ballast = place.join("ballast");
    let mut file = File::create(&ballast).unwrap();
    while file.write_all(&[b'x'; 4096]).is_ok() {}
    ballast
}

/// Every number of every run is in the store once, or a gap record in the store names it as given up; how many were.
fn assert_accounted(evidence: &Evidence) -> u64 {
    let (mut stored, mut named) = (std::collections::BTreeMap::<String, SeqRanges>::new(), Vec::new());
    for ((epoch, seq), copies) in &evidence.records {
        assert_eq!(copies.len(), 1, "{epoch} {seq}");
        stored.entry(epoch.clone()).or_default().insert(*seq, *seq);
        let record = &copies[0]["record"];
        if record["kind"] == "gap" {
            assert_eq!(record["reason"], "evicted", "{record}");
            let number = |name: &str| record[name].as_u64().unwrap();
            named.push((record["epoch"].as_str().unwrap().to_owned(), number("from"), number("to")));
        }
    }
    let mut given_up = 0;
    for (epoch, stored) in stored {
        let mut accounted = stored.clone();
        named.iter().filter(|(of, ..)| *of == epoch).for_each(|(_, from, to)| accounted.insert(*from, *to));
        let whole = (1, stored.last().unwrap());
        assert_eq!(accounted.iter().collect::<Vec<_>>(), [whole], "{epoch}: a hole that nobody names");
        given_up += accounted.count() - stored.count();
    }
    given_up
}

/// D5: sampling goes on, the oldest ordinary readings make room, everybody can see it, and it ends by itself.
#[tokio::test]
async fn an_agent_on_a_full_disk_goes_on_and_accounts_for_every_reading() {
    if !inside_namespace("disk::an_agent_on_a_full_disk_goes_on_and_accounts_for_every_reading") {
        return;
    }
    let tmpfs = |_: &Path, place: &str| run("mount", &["-t", "tmpfs", "-o", "size=16m", "tmpfs", place]);
    let (mut kitchen, data_dir) = kitchen(tmpfs).await;
    leave_readings(&data_dir);
    kitchen.start_sensors();
    kitchen.start_agent();
    says(&kitchen, "round buffered", 5).await;
    for _ in 0..2 {
        let ballast = fill(&data_dir);
        let refusing = disk_is(&data_dir, "refusing").await;
        assert!(refusing["disk"]["reason"].as_str().unwrap().contains("space"), "{refusing}");
        says(&kitchen, "reading taken", 20).await;
        assert!(disk_is(&data_dir, "refusing").await["disk"]["waiting"].as_u64() > Some(0));
        fs::remove_file(ballast).unwrap();
        disk_is(&data_dir, "taking").await;
        says(&kitchen, "round buffered", 10).await;
    }
    let buffer = status(&data_dir).unwrap();
    assert!(buffer["evicted"].as_u64() > Some(0) && buffer["records"].as_u64() <= Some(RECORDS_MAX), "{buffer}");
    assert_eq!((buffer["evictedLast"].as_u64(), buffer["lost"].as_u64()), (Some(0), Some(0)), "{buffer}");
    assert!(kitchen.agent.as_mut().unwrap().ended().unwrap().is_none());
    kitchen.start_cloud().await;
    backlog_is_gone(&data_dir).await;
    kitchen.settle().await;
    let given_up = assert_accounted(&Evidence::of(&kitchen.layout).await);
    assert!(given_up > 0, "something had to go");
}

/// D11: the file system finds an error and lets nobody write any more, under the agent; what had been on disk is there.
#[tokio::test]
async fn an_agent_whose_disk_becomes_read_only_goes_on_and_keeps_what_it_has() {
    if !inside_namespace("disk::an_agent_whose_disk_becomes_read_only_goes_on_and_keeps_what_it_has") {
        return;
    }
    let mut image = String::new();
    let ext4 = |dir: &Path, place: &str| {
        image = dir.join("image").display().to_string();
        File::create(&image).unwrap().set_len(40 * 1024 * 1024).unwrap();
        run("mkfs.ext4", &["-q", "-F", &image]);
        run("mount", &["-o", "loop,errors=remount-ro", &image, place]);
    };
    let (mut kitchen, data_dir) = kitchen(ext4).await;
    let place = data_dir.display().to_string();
    leave_readings(&data_dir);
    kitchen.start_sensors();
    kitchen.start_agent();
    says(&kitchen, "round buffered", 5).await;
    run("mount", &["-o", "remount,abort", &place]);
    disk_is(&data_dir, "refusing").await;
    says(&kitchen, "reading taken", 20).await;
    assert!(disk_is(&data_dir, "refusing").await["disk"]["waiting"].as_u64() > Some(0));
    assert!(kitchen.agent.as_mut().unwrap().ended().unwrap().is_none());
    // Only a person can repair such a file system, and must stop the agent for it: what waits in memory is gone then.
    kitchen.agent.take().unwrap().kill().await.unwrap();
    run("umount", &[&place]);
    drop(Command::new("e2fsck").args(["-p", &image]).output().unwrap());
    run("mount", &["-o", "loop", &image, &place]);
    kitchen.start_agent();
    kitchen.start_cloud().await;
    backlog_is_gone(&data_dir).await;
    kitchen.settle().await;
    let evidence = Evidence::of(&kitchen.layout).await;
    assert_accounted(&evidence);
    assert_eq!(evidence.epochs(), 3);
}
