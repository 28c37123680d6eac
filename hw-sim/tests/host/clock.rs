//! The agent with a system clock that is wrong, is set, or stands still. The test's own clock is right.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tokio::time::sleep;

use crate::evidence::Evidence;
use crate::kitchen::{Kitchen, plan, wait_for};
use crate::{FRIDGE, agent_log, start_agent};

/// The library that makes a program believe in another time.
fn library() -> String {
    let found = std::fs::read_dir("/usr/lib").unwrap().filter_map(|entry| {
        let library = entry.ok()?.path().join("faketime/libfaketime.so.1");
        library.exists().then(|| library.display().to_string())
    });
    found.into_iter().next().expect("Debian's package `faketime` is not installed")
}

/// The file in which the time stands that the agent believes in.
fn time_file(kitchen: &Kitchen) -> PathBuf {
    kitchen.layout.dir().join("time")
}

fn start_with_clock(kitchen: &mut Kitchen, time: &str) {
    std::fs::write(time_file(kitchen), time).unwrap();
    let (library, file) = (library(), time_file(kitchen).display().to_string());
    let envs = [
        ("LD_PRELOAD", library.as_str()),
        ("FAKETIME_TIMESTAMP_FILE", &file),
        ("FAKETIME_NO_CACHE", "1"),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
    ];
    start_agent(kitchen, &[], &envs);
}

fn measured(reading: &Value) -> bool {
    reading["temperature"].is_number()
}

async fn readings_on_disk(kitchen: &Kitchen, count: usize) {
    wait_for(&format!("{count} readings on disk"), || {
        let found = agent_log(kitchen).matches("reading buffered").count();
        async move { (found >= count).then_some(()) }
    })
    .await;
}

/// T9, T12: four boots in 1970 without a cloud, killed each time; then the cloud is there.
#[tokio::test]
async fn what_was_measured_in_1970_gets_its_time_with_a_bound_that_holds() {
    let mut kitchen = Kitchen::prepare(plan()).await;
    kitchen.start_sensors();
    let mut runs = Vec::new();
    for run in 1..=4 {
        let began = Timestamp::now();
        start_with_clock(&mut kitchen, "@1970-01-01 00:00:10");
        readings_on_disk(&kitchen, run * 20).await;
        kitchen.agent.take().unwrap().kill().await.unwrap();
        runs.push((began, Timestamp::now()));
    }
    kitchen.start_cloud().await;
    start_with_clock(&mut kitchen, "@1970-01-01 00:00:10");
    kitchen.readings(FRIDGE, 50, measured).await;
    kitchen.settle().await;
    let evidence = Evidence::of(&kitchen.layout).await;
    evidence.is_whole();
    for (run, (began, ended)) in evidence.runs().iter().zip(&runs) {
        for record in run {
            let at: Timestamp = record["timestamp"].as_str().unwrap().parse().unwrap();
            let bound_ms = match record["clock"]["state"].as_str() {
                Some("synced") => 1_000,
                _ => record["clock"]["boundMs"].as_i64().unwrap(),
            };
            let early_ms = (*began - at).get_milliseconds();
            let late_ms = (at - *ended).get_milliseconds();
            assert!(early_ms <= bound_ms && late_ms <= bound_ms, "{record} of the run from {began} to {ended}");
        }
    }
    assert!(evidence.runs().len() >= 5);
}

/// T10: the system clock is set ten years ahead, and back by eleven, while the agent samples.
#[tokio::test]
async fn a_clock_that_is_set_is_an_event_and_moves_no_reading() {
    let mut kitchen = Kitchen::prepare(plan()).await;
    kitchen.start_cloud().await;
    kitchen.start_sensors();
    start_with_clock(&mut kitchen, "+0");
    for (time, count) in [("+10y", 10), ("-1y", 30), ("+0", 50)] {
        kitchen.readings(FRIDGE, count, measured).await;
        std::fs::write(time_file(&kitchen), time).unwrap();
    }
    kitchen.readings(FRIDGE, 70, measured).await;
    kitchen.settle().await;
    let evidence = Evidence::of(&kitchen.layout).await;
    evidence.is_whole();
    assert!(evidence.lags_ms().all(|lag_ms| (-1_000..5_000).contains(&lag_ms)));
    let steps: Vec<i64> = evidence
        .runs()
        .concat()
        .iter()
        .filter(|record| record["event"]["type"] == "clockStep")
        .map(|record| record["event"]["stepMs"].as_i64().unwrap() / 86_400_000 / 360)
        .collect();
    assert_eq!(steps, [10, -11, 1]);
}

/// T13: the whole process stands still for four seconds, more than three minutes of the device's time.
#[tokio::test]
async fn a_process_that_stood_still_goes_on_with_a_hole_and_the_right_time() {
    let mut kitchen = Kitchen::start(plan()).await;
    kitchen.readings(FRIDGE, 10, measured).await;
    let agent = Pid::from_raw(kitchen.agent.as_ref().unwrap().id().unwrap().try_into().unwrap());
    kill(agent, Signal::SIGSTOP).unwrap();
    sleep(Duration::from_secs(4)).await;
    kill(agent, Signal::SIGCONT).unwrap();
    let before = kitchen.readings(FRIDGE, 1, measured).await.len();
    kitchen.readings(FRIDGE, before + 10, measured).await;
    kitchen.settle().await;
    let evidence = Evidence::of(&kitchen.layout).await;
    evidence.is_whole();
    assert!(evidence.lags_ms().all(|lag_ms| (-1_000..10_000).contains(&lag_ms)));
}
