//! `cargo footprint`: how large the agent is. Builds the release binary, runs it with two sensors against a real cloud over
//! TLS, and prints the size of the stripped binary and its resident memory, each with its limit.
#![allow(clippy::print_stdout)] // the figures are the answer

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::{Context, ensure};
use hw_sim::bench::layout::EMAIL;
use hw_sim::bench::process::{Process, Role, Run, hidden_main};
use hw_sim::bench::{ApiClient, Layout, Plan};

/// The stripped release binary's limit, in bytes.
const BINARY_BYTES_MAX: u64 = 10 * 1024 * 1024;
/// The resident memory's limit with two sensors, in KiB.
const RSS_KIB_MAX: u64 = 16 * 1024;
/// Readings to be read back before memory is looked at.
const READINGS: usize = 20;
/// Device times are divided by this, to have many readings soon.
const SPEED: f64 = 10.0;

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().collect();
    if let Some(code) = hidden_main(&args) {
        return code;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime.map_err(anyhow::Error::from).and_then(|runtime| runtime.block_on(measure())) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

async fn measure() -> anyhow::Result<bool> {
    let binary = release_binary()?;
    let size = std::fs::metadata(&binary)?.len();
    let exe = std::env::current_exe()?;
    let dir = tempfile::tempdir()?;
    let plan = Plan { speed: SPEED, ..Plan::demo() };
    let layout = Layout::prepare(&exe, &dir.path().join("kitchen"), plan).await?;
    let _cloud = layout.start_cloud()?;
    let _sensors = [layout.start_sensor(0)?, layout.start_sensor(1)?];
    let agent = start_agent(&binary, &layout)?;
    let readings = read_back(&layout).await?;
    let status = std::fs::read_to_string(format!("/proc/{}/status", agent.id().context("the agent has ended")?))?;
    let (rss, peak) = (field(&status, "VmRSS:")?, field(&status, "VmHWM:")?);
    println!("agent release binary, stripped   {size:>9} B     limit {BINARY_BYTES_MAX} B");
    println!("agent RSS with two sensors       {rss:>9} KiB   limit {RSS_KIB_MAX} KiB   (after {readings} readings)");
    println!("agent peak RSS                   {peak:>9} KiB");
    Ok(size <= BINARY_BYTES_MAX && rss <= RSS_KIB_MAX)
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

fn start_agent(binary: &Path, layout: &Layout) -> anyhow::Result<Process> {
    let args = ["--config", "agent.toml", "run"].map(str::to_owned);
    let envs = [("KITCHEN_TEST_SPEED".to_owned(), SPEED.to_string())];
    Ok(Process::start_program(
        binary,
        Run { name: Role::Agent.program(), dir: layout.dir(), args: &args, envs: &envs },
    )?)
}

async fn read_back(layout: &Layout) -> anyhow::Result<usize> {
    loop {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let Ok(client) = ApiClient::login(&layout.api_base(), EMAIL, layout.password()).await else { continue };
        let mut count = 0;
        while count < READINGS {
            tokio::time::sleep(Duration::from_millis(200)).await;
            count = 0;
            for sensor in &layout.plan().sensors {
                count += client.readings(&sensor.device_id).await?.len();
            }
        }
        return Ok(count);
    }
}

fn field(status: &str, name: &str) -> anyhow::Result<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name)).with_context(|| format!("no `{name}`"))?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
