//! More readings than any kitchen has: what the whole agent takes, buffers, sends and frees in a second, beside the usual
//! answer, a Mosquitto on the gateway with a bridge to the cloud. Both send to the same receiver over TLS.
//!
//! Mosquitto runs twice: as Debian installs it, which keeps what it holds in memory for half an hour, and with the settings
//! under which a kill -9 costs nothing. The agent, which is always durable, is held against the second.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::ensure;

use crate::bridge::{Bridge, Keeps};
use crate::generator::Generators;
use crate::receiver::Receiver;
use crate::waiting::Site;
use crate::{Gateway, show};

/// Ports on which lines come without a pause.
const SENSORS: u64 = 4;
/// Before anything is measured, and for how long it is.
const BEFORE: Duration = Duration::from_secs(4);
const MEASURED: Duration = Duration::from_secs(15);
/// What is printed but not stored by then is lost.
const LAST_WAIT: Duration = Duration::from_secs(60);
/// Limits of the issue: times the bridge's rate, times its processor time for a reading.
const RATE_TIMES_MIN: f64 = 2.0;
const CPU_TIMES_MAX: f64 = 0.4;

/// What one of them does.
struct Rate {
    per_s: f64,
    cpu_us: f64,
}

pub(super) async fn compare(binary: &Path) -> anyhow::Result<bool> {
    let usual = bridge(Keeps::InMemory).await?;
    tell("mosquitto's bridge as installed (a crash loses all it holds)", &usual);
    let durable = bridge(Keeps::OnDisk).await?;
    tell("mosquitto's bridge that saves at every change", &durable);
    let agent = agent(binary).await?;
    tell("the agent, every reading synced before it is sent", &agent);
    let rate = show("bridge's rate over the agent's, durable", durable.per_s / agent.per_s, "", 1.0 / RATE_TIMES_MIN);
    let cpu = show("agent's processor over the bridge's, durable", agent.cpu_us / durable.cpu_us, "", CPU_TIMES_MAX);
    Ok(rate && cpu)
}

fn tell(name: &str, rate: &Rate) {
    println!("{name:<62} {:>8.0} readings a second, {:>7.1} us of processor each", rate.per_s, rate.cpu_us);
}

async fn bridge(keeps: Keeps) -> anyhow::Result<Rate> {
    let mut bridge = Bridge::start(keeps).await?;
    bridge.publish_for(BEFORE).await?;
    let (cpu, began) = (bridge.cpu_s()?, Instant::now());
    let arrived = bridge.publish_for(MEASURED).await?;
    rate(arrived, began.elapsed(), bridge.cpu_s()? - cpu)
}

async fn agent(binary: &Path) -> anyhow::Result<Rate> {
    let generators = Generators::new(SENSORS)?;
    let mut gateway = Gateway::prepare(binary, Site::empty(), SENSORS, |layout| {
        quiet(layout.dir())?;
        generators.plug_in(layout)
    })
    .await?;
    gateway.receiver.open().await?;
    // Every sensor is measured twice before a first value is believed.
    wait_until("the sensors are not measured", || arrived(&gateway.receiver) >= 2 * SENSORS).await?;
    generators.flood();
    wait_until("the flood does not begin", || generators.are_flooding()).await?;
    tokio::time::sleep(BEFORE).await;
    let (cpu, before, began) = (gateway.cpu_s()?, arrived(&gateway.receiver), Instant::now());
    tokio::time::sleep(MEASURED).await;
    let rate = rate(arrived(&gateway.receiver) - before, began.elapsed(), gateway.cpu_s()? - cpu)?;
    let printed = generators.stop();
    let stored = stored(&mut gateway, printed).await?;
    println!(
        "{printed} measurements printed, {stored} of them arrived once; RSS {:.0} KiB at most",
        gateway.rss_kib("VmHWM:")?
    );
    ensure!(stored == printed, "measurements were lost or doubled");
    Ok(rate)
}

/// The log of the field, not the bench's.
fn quiet(kitchen: &Path) -> anyhow::Result<()> {
    let config = kitchen.join("agent.toml");
    let text = std::fs::read_to_string(&config)?;
    Ok(std::fs::write(config, text.replace("level = \"debug\"", "level = \"info\""))?)
}

async fn wait_until(otherwise: &str, done: impl Fn() -> bool) -> anyhow::Result<()> {
    let began = Instant::now();
    while !done() {
        ensure!(began.elapsed() < LAST_WAIT, "{otherwise}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

fn arrived(receiver: &Receiver) -> u64 {
    receiver.progress().measurements
}

/// Waits for what is still on its way.
async fn stored(gateway: &mut Gateway, printed: u64) -> anyhow::Result<u64> {
    let began = Instant::now();
    while arrived(&gateway.receiver) < printed && began.elapsed() < LAST_WAIT {
        ensure!(gateway.agent.ended()?.is_none(), "the agent has ended");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(arrived(&gateway.receiver))
}

fn rate(arrived: u64, within: Duration, cpu_s: f64) -> anyhow::Result<Rate> {
    ensure!(arrived > 0, "nothing arrived");
    let cpu_us = cpu_s * 1e6 / arrived as f64;
    Ok(Rate { per_s: arrived as f64 / within.as_secs_f64(), cpu_us })
}
