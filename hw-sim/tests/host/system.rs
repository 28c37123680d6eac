//! What the operating system does to the agent.

use std::fs::File;

use crate::evidence::Evidence;
use crate::kitchen::{Kitchen, plan, wait_for};
use crate::{FRIDGE, start_agent};

/// S15: another program has the port; the agent says so, takes it when it is free, and lets nobody in then.
#[tokio::test]
async fn a_port_that_another_program_has_is_named_and_taken_when_it_is_free() {
    let mut kitchen = Kitchen::prepare(plan()).await;
    kitchen.start_cloud().await;
    kitchen.start_sensors();
    let link = kitchen.layout.port_link(0);
    let port = wait_for("the port", || {
        let port = File::options().read(true).write(true).open(&link).ok();
        async move { port }
    })
    .await;
    port.try_lock().unwrap();
    kitchen.start_agent();
    kitchen.readings(FRIDGE, 3, |reading| reading["fault"] == "no-port").await;
    assert!(crate::agent_log(&kitchen).contains("another program"));
    port.unlock().unwrap();
    kitchen.readings(FRIDGE, 3, |reading| reading["temperature"].is_number()).await;
    assert!(port.try_lock().is_err(), "the agent's port is nobody else's");
    kitchen.settle().await;
    Evidence::of(&kitchen.layout).await.is_whole();
}

/// S19: every third read and write of every kind is interrupted.
#[tokio::test]
async fn interrupted_system_calls_change_nothing() {
    let mut kitchen = Kitchen::prepare(plan()).await;
    kitchen.start_cloud().await;
    kitchen.start_sensors();
    let inject = "inject=read,write,readv,writev,recvfrom,sendto:error=EINTR:when=2+3";
    start_agent(&mut kitchen, &["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=none", "-e", inject], &[]);
    let readings = kitchen.readings(FRIDGE, 20, |reading| reading["temperature"].is_number()).await;
    assert!(readings.len() >= 20);
    kitchen.settle().await;
    Evidence::of(&kitchen.layout).await.is_whole();
}
