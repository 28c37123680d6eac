//! What the operating system does to the agent.

use std::fs::{self, File};
use std::path::PathBuf;

use crate::evidence::Evidence;
use crate::kitchen::{Kitchen, plan, wait_for};
use crate::{FRIDGE, agent_log, start_agent};

/// What strace did, in the kitchen's directory.
const INJECTED: &str = "strace.log";
/// Twenty readings are more calls than that by far.
const INTERRUPTED_MIN: usize = 20;

/// Starts the agent under strace, which does that to those of its calls. It follows them too: what it does not, it lets pass.
fn start_agent_injected(kitchen: &mut Kitchen, only: &[&str], calls: &str, what: &str) {
    let (trace, inject) = (format!("trace={calls}"), format!("inject={calls}:{what}"));
    let strace = ["strace", "-D", "-f", "-qq", "-o", INJECTED, "-e", &trace, "-e", &inject];
    start_agent(kitchen, &[&strace, only].concat(), &[]);
}

/// The fridge's port, once it is there.
async fn the_port(kitchen: &Kitchen) -> PathBuf {
    wait_for("the port", || async { fs::canonicalize(kitchen.layout.port_link(0)).ok() }).await
}

/// How many calls met it.
fn injected(kitchen: &Kitchen) -> usize {
    fs::read_to_string(kitchen.layout.dir().join(INJECTED)).unwrap().matches("(INJECTED)").count()
}

/// S15: another program has the port; the agent says so, takes it when it is free, and lets nobody in then.
#[tokio::test]
async fn a_port_that_another_program_has_is_named_and_taken_when_it_is_free() {
    let mut kitchen = Kitchen::prepare(plan()).await;
    kitchen.start_cloud().await;
    kitchen.start_sensors();
    let port = File::options().read(true).write(true).open(the_port(&kitchen).await).unwrap();
    port.try_lock().unwrap();
    kitchen.start_agent();
    kitchen.readings(FRIDGE, 3, |reading| reading["fault"] == "no-port").await;
    assert!(agent_log(&kitchen).contains("another program"));
    port.unlock().unwrap();
    kitchen.readings(FRIDGE, 3, |reading| reading["temperature"].is_number()).await;
    assert!(port.try_lock().is_err(), "the agent's port is nobody else's");
    kitchen.settle().await;
    Evidence::of(&kitchen.layout).await.is_whole();
}

/// S19: every third read and write of the port is interrupted.
#[tokio::test]
async fn interrupted_system_calls_change_nothing() {
    let mut kitchen = Kitchen::prepare(plan()).await;
    kitchen.start_cloud().await;
    kitchen.start_sensors();
    let port = the_port(&kitchen).await;
    let only = ["-P", port.to_str().unwrap()];
    // Not the sockets: the kernel interrupts nobody who reads without waiting, so their libraries need not bear it.
    start_agent_injected(&mut kitchen, &only, "read,write", "error=EINTR:when=2+3");
    let readings = kitchen.readings(FRIDGE, 20, |reading| reading["temperature"].is_number()).await;
    assert!(readings.len() >= 20);
    assert!(injected(&kitchen) >= INTERRUPTED_MIN, "only {} calls were interrupted", injected(&kitchen));
    assert!(!agent_log(&kitchen).contains("sensor cannot be read"), "an interruption is no fault");
    kitchen.settle().await;
    Evidence::of(&kitchen.layout).await.is_whole();
}

/// D15: the disk takes a write and does not answer; the agent ends by itself, says why, and the next one has everything.
#[tokio::test]
async fn an_agent_whose_disk_does_not_answer_ends_and_the_next_one_goes_on() {
    let mut kitchen = Kitchen::prepare(plan()).await;
    kitchen.start_cloud().await;
    kitchen.start_sensors();
    // Of each thread the sixth, for longer than the agent waits.
    start_agent_injected(&mut kitchen, &[], "sync_file_range", "delay_enter=60000000:when=6");
    let ended = kitchen.agent.as_mut().unwrap().wait().await.unwrap();
    assert_eq!(ended.code(), Some(1), "{ended}");
    let log = agent_log(&kitchen);
    assert!(log.contains("the buffer hangs") && log.contains("round buffered"), "{log}");
    kitchen.start_agent();
    kitchen.readings(FRIDGE, 3, |reading| reading["temperature"].is_number()).await;
    kitchen.settle().await;
    Evidence::of(&kitchen.layout).await.is_whole();
}
