//! `cargo forward`: what the agent costs when it has much to send, and how soon it is back. Builds the release binary, lets it
//! find a full buffer, and takes what it sends with a receiver that syncs and acknowledges as a cloud would.
//!
//! `cargo forward -- --readings 20000` keeps so many waiting instead of 100,000; `--only backlog`, `--only flood` or
//! `--only year` leaves out the others. The flood's peer is Debian's mosquitto.
#![allow(clippy::print_stdout)] // the figures are the answer

mod bridge;
mod flood;
mod generator;
mod receiver;
mod waiting;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use hw_sim::bench::layout::GATEWAY;
use hw_sim::bench::process::{Process, hidden_main};
use hw_sim::bench::{Layout, Plan};

use self::receiver::Receiver;
use self::waiting::{Site, fill};

/// Readings that wait, unless it is said.
const READINGS: u64 = 100_000;
/// Limits of the issue: s, CPU-s per 1,000, KiB, s, s.
const DRAIN_S_MAX: f64 = 5.0;
const CPU_S_MAX: f64 = 0.02;
const RSS_KIB_MAX: f64 = 16.0 * 1024.0;
const FIRST_S_MAX: f64 = 2.0;
const ATTEMPTS_S_MAX: f64 = 60.0;
/// How long the receiver is away.
const OUTAGE: Duration = Duration::from_secs(90);
/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(180);

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().collect();
    if let Some(code) = hidden_main(&args) {
        return code;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let measured = runtime.map_err(anyhow::Error::from).and_then(|runtime| runtime.block_on(measure(&args)));
    match measured {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

async fn measure(args: &[OsString]) -> anyhow::Result<bool> {
    let given = |name: &str| args.iter().position(|arg| arg == name).and_then(|at| args.get(at + 1)?.to_str());
    let readings = given("--readings").map_or(Ok(READINGS), str::parse)?;
    let wanted = |part: &str| given("--only").is_none_or(|only| only == part);
    let binary = release_binary()?;
    let drained = !wanted("backlog") || drain(&binary, readings).await?;
    let quick = !wanted("flood") || flood::compare(&binary).await?;
    if wanted("year") {
        year(&binary).await?;
    }
    Ok(drained && quick)
}

/// An outage with so much waiting, and its end.
async fn drain(binary: &Path, readings: u64) -> anyhow::Result<bool> {
    let mut gateway = Gateway::start(binary, Site::sixteen_sensors(readings)).await?;
    tokio::time::sleep(OUTAGE).await;
    let waiting = gateway.rss_kib("VmRSS:")?;
    let cpu_before = gateway.cpu_s()?;
    let receiver = &mut gateway.receiver;
    receiver.open().await?;
    let progress = receiver.wait_for(readings, PATIENCE).await?;
    let cpu = (gateway.cpu_s()? - cpu_before) / progress.records as f64 * 1_000.0;
    println!("{} records in {} envelopes, each synced and acknowledged", progress.records, progress.envelopes);
    let figures = [
        ("from the connection to the last record", progress.drained.as_secs_f64(), "s", DRAIN_S_MAX),
        ("the agent's processor per 1,000", cpu, "s", CPU_S_MAX),
        ("from the connection to the first record", progress.first.as_secs_f64(), "s", FIRST_S_MAX),
        ("longest time between two attempts", gateway.receiver.longest_pause().as_secs_f64(), "s", ATTEMPTS_S_MAX),
        ("RSS with all that waiting", waiting, "KiB", RSS_KIB_MAX),
        ("RSS at most, sent and all", gateway.rss_kib("VmHWM:")?, "KiB", RSS_KIB_MAX),
    ];
    Ok(figures.map(|(name, figure, unit, limit)| show(name, figure, unit, limit)).into_iter().all(|fits| fits))
}

/// What a year that waits takes: no limit, but everybody should know.
async fn year(binary: &Path) -> anyhow::Result<()> {
    for site in [Site::a_year_of_two_sensors(), Site::a_year_of_sixteen_sensors()] {
        let (name, readings) = (site.name, site.readings);
        let gateway = Gateway::start(binary, site).await?;
        tokio::time::sleep(Duration::from_secs(5)).await;
        println!(
            "{name}: {readings} readings wait: {:.0} MiB on disk, {:.1} bytes each; the agent begins to measure after {:.1} s, RSS {:.1} MiB, {:.1} MiB at most",
            gateway.stored_bytes as f64 / 1024.0 / 1024.0,
            gateway.stored_bytes as f64 / readings as f64,
            gateway.started.as_secs_f64(),
            gateway.rss_kib("VmRSS:")? / 1024.0,
            gateway.rss_kib("VmHWM:")? / 1024.0,
        );
    }
    Ok(())
}

/// The agent's environment on a gateway.
fn environment() -> Vec<(String, String)> {
    let unit = include_str!("../../../agent/kitchen-agent.service");
    let set = unit.lines().filter_map(|line| line.strip_prefix("Environment=")?.split_once('='));
    set.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
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

/// An agent with a full buffer, and a receiver that is not there yet.
struct Gateway {
    agent: Process,
    receiver: Receiver,
    stored_bytes: u64,
    /// From its start until it began to measure.
    started: Duration,
    _dir: tempfile::TempDir,
}

impl Gateway {
    /// An agent that begins to measure with so much waiting.
    async fn start(binary: &Path, site: Site) -> anyhow::Result<Self> {
        let mut gateway = Self::prepare(binary, site, 1, |_| Ok(())).await?;
        let began = Instant::now();
        while !gateway.said("\"message\":\"round buffered\"")? {
            ensure!(began.elapsed() < PATIENCE, "the agent of {GATEWAY} does not begin");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        gateway.started = began.elapsed();
        Ok(gateway)
    }

    /// An agent that has just been started; `plug_in` makes what it finds on its ports.
    async fn prepare(
        binary: &Path,
        site: Site,
        sensors: u64,
        plug_in: impl FnOnce(&Layout) -> anyhow::Result<()>,
    ) -> anyhow::Result<Self> {
        let dir = tempfile::tempdir()?;
        let exe = std::env::current_exe()?;
        let plan = Plan::fridges(sensors, Duration::from_secs(3600));
        let layout = Layout::prepare(&exe, &dir.path().join("kitchen"), plan).await?;
        plug_in(&layout)?;
        let data_dir = layout.dir().join("agent-data");
        tokio::task::spawn_blocking({
            let data_dir = data_dir.clone();
            move || fill(&data_dir, &site)
        })
        .await??;
        let receiver = Receiver::new(&layout.dir().join("pki"), &dir.path().join("received")).await?;
        let config = layout.dir().join("agent.toml");
        let text = std::fs::read_to_string(&config)?;
        let text = text
            .replace(&format!("port = {}\n", layout.endpoint_port()), &format!("port = {}\n", receiver.port()))
            .replace("[log]", "[buffer]\nrecords_max = 10000000\nbytes_max = 4000000000\n\n[log]");
        std::fs::write(&config, text)?;
        let agent = layout.start_agent_of(binary, &environment())?;
        Ok(Self { agent, receiver, stored_bytes: size(&data_dir)?, started: Duration::ZERO, _dir: dir })
    }

    fn said(&self, text: &str) -> anyhow::Result<bool> {
        Ok(std::fs::read_to_string(self.agent.log())?.contains(text))
    }

    fn id(&self) -> anyhow::Result<u32> {
        self.agent.id().context("the agent has ended")
    }

    fn rss_kib(&self, field: &str) -> anyhow::Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id()?))?;
        let line = status.lines().find_map(|line| line.strip_prefix(field)).context("no such field")?;
        Ok(line.trim().trim_end_matches("kB").trim().parse()?)
    }

    fn cpu_s(&self) -> anyhow::Result<f64> {
        cpu_s(self.id()?)
    }
}

/// Processor time of a process's threads so far, in s.
fn cpu_s(id: u32) -> anyhow::Result<f64> {
    let mut nanoseconds = 0;
    for thread in std::fs::read_dir(format!("/proc/{id}/task"))? {
        let schedule = std::fs::read_to_string(thread?.path().join("schedstat"))?;
        nanoseconds += schedule.split(' ').next().context("no schedstat")?.parse::<u64>()?;
    }
    Ok(nanoseconds as f64 / 1e9)
}

fn size(dir: &Path) -> anyhow::Result<u64> {
    let mut bytes = 0;
    for found in std::fs::read_dir(dir)? {
        let found = found?;
        bytes += if found.file_type()?.is_dir() { size(&found.path())? } else { found.metadata()?.len() };
    }
    Ok(bytes)
}
