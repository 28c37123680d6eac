//! What the demo does, in order: prepare a directory, start everything, read the API until enough was seen.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use hw_sim::bench::layout::EMAIL;
use hw_sim::bench::{ApiClient, Layout, Plan, Process, api};
use serde_json::Value;

use crate::view::{Counts, View};

/// How long `--until` may run.
const UNTIL_TIMEOUT: Duration = Duration::from_secs(240);
/// How long the cloud may take to answer for the first time.
const START_TIMEOUT: Duration = Duration::from_secs(60);
/// How often the logs and the API are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Runs the demo until Ctrl-C, or until `until` different readings came back through the API.
pub(crate) async fn demo(until: Option<usize>) -> anyhow::Result<()> {
    let exe = std::env::current_exe().context("cannot find this executable")?;
    let layout = Layout::prepare(&exe, &fresh_directory(&exe)?, Plan::demo()).await?;
    let mut processes = Vec::new();
    let outcome = tokio::select! {
        outcome = watch(&layout, &mut processes, until) => outcome,
        signal = interrupted() => signal,
    };
    for process in processes.iter_mut().rev() {
        process.terminate().await.with_context(|| format!("cannot end `{}`", process.name()))?;
    }
    outcome
}

/// A directory of its own for every run, below the build's `target/`.
fn fresh_directory(exe: &std::path::Path) -> anyhow::Result<PathBuf> {
    let target =
        exe.parent().and_then(|profile| profile.parent()).context("this executable is in no target directory")?;
    let started = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs();
    Ok(target.join("demo").join(format!("{started}-{}", std::process::id())))
}

async fn interrupted() -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => pressed?,
        _ended = terminate.recv() => {}
    }
    Ok(())
}

async fn watch(layout: &Layout, processes: &mut Vec<Process>, until: Option<usize>) -> anyhow::Result<()> {
    let started = Instant::now();
    start_all(layout, processes).await?;
    let client = ApiClient::login(&layout.api_base(), EMAIL, layout.password()).await?;
    let mut view = View::new(layout, until);
    let mut seen = BTreeSet::new();
    loop {
        all_running(processes)?;
        view.logs();
        let fresh = read_back(layout, &client, &mut seen).await?;
        view.read_back(&fresh, Counts { seen: seen.len(), wanted: until });
        view.alerts(&client.get("/alerts").await?);
        if until.is_some_and(|until| seen.len() >= until) {
            view.done(seen.len(), started.elapsed());
            return Ok(());
        }
        if until.is_some() && started.elapsed() > UNTIL_TIMEOUT {
            bail!("only {} readings came back through the API in {} s", seen.len(), UNTIL_TIMEOUT.as_secs());
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn start_all(layout: &Layout, processes: &mut Vec<Process>) -> anyhow::Result<()> {
    processes.push(layout.start_cloud()?);
    for index in 0..layout.plan().sensors.len() {
        processes.push(layout.start_sensor(index)?);
    }
    processes.push(layout.start_agent()?);
    let started = Instant::now();
    while !api::healthy(&layout.origin()).await {
        all_running(processes)?;
        if started.elapsed() > START_TIMEOUT {
            bail!("the cloud does not answer on {}", layout.origin());
        }
        tokio::time::sleep(LOOK_EVERY / 5).await;
    }
    Ok(())
}

/// Fails with the end of its log if a process has ended by itself.
fn all_running(processes: &mut [Process]) -> anyhow::Result<()> {
    for process in processes {
        if let Some(status) = process.ended()? {
            let log = std::fs::read_to_string(process.log()).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            let tail = lines[lines.len().saturating_sub(12)..].join("\n");
            bail!("`{}` ended by itself ({status}); the end of {}:\n{tail}", process.name(), process.log().display());
        }
    }
    Ok(())
}

/// The readings that the API shows and that were not seen before, oldest first.
async fn read_back(
    layout: &Layout,
    client: &ApiClient,
    seen: &mut BTreeSet<(String, u64)>,
) -> anyhow::Result<Vec<Value>> {
    let mut fresh = Vec::new();
    for sensor in &layout.plan().sensors {
        for reading in client.readings(&sensor.device_id).await?.into_iter().rev() {
            let identity = (reading["epoch"].as_str().unwrap_or_default().to_owned(), reading["seq"].as_u64());
            let (epoch, Some(seq)) = identity else { bail!("a reading without identity: {reading}") };
            if seen.insert((epoch, seq)) {
                fresh.push(reading);
            }
        }
    }
    Ok(fresh)
}
