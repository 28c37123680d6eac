//! `cargo figures`: what the agent costs a gateway and how quick it is. Builds the release binary, runs it with simulated
//! sensors on virtual ports, in real time, against a real cloud over TLS, and prints each figure with its limit.
//!
//! `cargo figures -- --minutes 2` polls for two minutes instead of ten.
#![allow(clippy::print_stdout)] // the figures are the answer

mod idle;
mod polling;
mod trouble;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::{Context, ensure};
use hw_sim::bench::process::{Process, hidden_main};
use hw_sim::bench::{Layout, Plan};
use hw_sim::{SensorConfig, SimulatedSensor};
use serde_json::Value;

/// The stripped release binary's limit, in bytes.
const BINARY_BYTES_MAX: u64 = 10 * 1024 * 1024;
/// Sensors on the gateway.
const SENSORS: u64 = 16;
/// They have been on for so long that the boot and the first uplink are over.
const ON_FOR: Duration = Duration::from_secs(120);
/// How long to poll, in minutes, unless it is said.
const MINUTES: u64 = 10;

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().collect();
    if let Some(code) = hidden_main(&args) {
        return code;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let measured = runtime.map_err(anyhow::Error::from).and_then(|runtime| runtime.block_on(measure(minutes(&args)?)));
    match measured {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// `--minutes N`, beside what the bench runner adds.
fn minutes(args: &[OsString]) -> anyhow::Result<u64> {
    let given = args.iter().position(|arg| arg == "--minutes").map(|at| args.get(at + 1));
    let Some(number) = given else { return Ok(MINUTES) };
    number.and_then(|text| text.to_str()?.parse().ok()).context("`--minutes` wants a whole number")
}

async fn measure(minutes: u64) -> anyhow::Result<bool> {
    let binary = release_binary()?;
    let size = std::fs::metadata(&binary)?.len();
    let small = show("release binary, stripped", size as f64, "B", BINARY_BYTES_MAX as f64);
    let idle = idle::measure(&binary).await?;
    let polling = polling::measure(&binary, minutes).await?;
    let trouble = trouble::measure(&binary).await?;
    Ok(small && idle && polling && trouble)
}

/// Prints a figure; whether it is within its limit.
fn show(name: &str, figure: f64, unit: &str, limit: f64) -> bool {
    let verdict = if figure <= limit { "" } else { "   TOO MUCH" };
    println!("{name:<44} {figure:>12.3} {unit:<5} limit {limit} {unit}{verdict}");
    figure <= limit
}

fn release_binary() -> anyhow::Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the workspace is gone")?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let status = Command::new(env!("CARGO"))
        .args(["build", "--release", "--locked", "-p", "kitchen-agent", "--target-dir"])
        .arg(&target)
        .current_dir(root)
        .status()?;
    ensure!(status.success(), "the agent does not build");
    Ok(target.join("release").join("kitchen-agent"))
}

async fn printed(sensors: &[SimulatedSensor]) -> anyhow::Result<u64> {
    let mut printed = 0;
    for sensor in sensors {
        let status = sensor.controller().command("status").await.map_err(anyhow::Error::msg)?;
        let status: Value = serde_json::from_str(&status)?;
        printed += status["measurements"].as_u64().context("the simulator counts no measurements")?;
    }
    Ok(printed)
}

/// A gateway with its sensors and its cloud.
struct Site {
    layout: Layout,
    sensors: Vec<SimulatedSensor>,
    /// Measurements that the sensors had printed before the agent began to listen.
    unheard: u64,
    agent: Process,
    _cloud: Process,
    _dir: tempfile::TempDir,
}

impl Site {
    async fn start(binary: &Path, interval: Duration) -> anyhow::Result<Self> {
        let dir = tempfile::tempdir()?;
        let exe = std::env::current_exe()?;
        let layout = Layout::prepare(&exe, &dir.path().join("kitchen"), Plan::fridges(SENSORS, interval)).await?;
        let mut sensors = Vec::new();
        for (index, sensor) in layout.plan().sensors.iter().enumerate() {
            let mut config = SensorConfig::new(layout.port_link(index), sensor.seed)?;
            config.on_for = ON_FOR;
            sensors.push(SimulatedSensor::start(config)?);
        }
        let cloud = layout.start_cloud()?;
        let unheard = printed(&sensors).await?;
        let agent = layout.start_agent_of(binary, &[])?;
        Ok(Self { layout, sensors, unheard, agent, _cloud: cloud, _dir: dir })
    }

    /// Measurements that the agent could hear, by the sensors' own count.
    async fn printed(&self) -> anyhow::Result<u64> {
        Ok(printed(&self.sensors).await? - self.unheard)
    }

    fn agent_id(&self) -> anyhow::Result<u32> {
        self.agent.id().context("the agent has ended")
    }

    /// How often the agent's log says that.
    fn said(&self, text: &str) -> anyhow::Result<usize> {
        Ok(std::fs::read_to_string(self.agent.log())?.matches(text).count())
    }
}
