//! Between two polls: memory, wake-ups, processor time.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;

use super::{SENSORS, Site, show};

/// The resident memory's limit, in KiB.
const RSS_KIB_MAX: f64 = 12.0 * 1024.0;
/// Wake-ups in a second: switches away from a thread that had nothing to do any more.
const WAKEUPS_MAX: f64 = 2.0;
/// Share of one processor, in %.
const CPU_PERCENT_MAX: f64 = 0.05;
/// Long enough that no poll is due while it is looked.
const INTERVAL: Duration = Duration::from_secs(600);
/// After the first polls the forwarder still sends, and is acknowledged.
pub(super) const SETTLE: Duration = Duration::from_secs(30);
/// How long to look: a heartbeat and two probes of the connection are in it.
const LOOK: Duration = Duration::from_secs(120);

pub(super) async fn measure(binary: &Path) -> anyhow::Result<bool> {
    let site = Site::start(binary, INTERVAL).await?;
    first_polls(&site).await?;
    let Look { wakeups, cpu_percent } = look(&site).await?;
    let small = show("RSS with 16 sensors", rss_kib(site.agent_id()?)?, "KiB", RSS_KIB_MAX);
    let quiet = show("wake-ups between polls", wakeups, "1/s", WAKEUPS_MAX);
    let cool = show("processor between polls", cpu_percent, "%", CPU_PERCENT_MAX);
    Ok(small && quiet && cool)
}

/// Waits until every sensor has been polled; the first value of each is measured twice.
pub(super) async fn first_polls(site: &Site) -> anyhow::Result<()> {
    while site.said("reading buffered")? < 2 * SENSORS as usize {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    tokio::time::sleep(SETTLE).await;
    Ok(())
}

/// What the agent used while it was looked at.
pub(super) struct Look {
    /// Per second.
    pub(super) wakeups: f64,
    /// Of one processor.
    pub(super) cpu_percent: f64,
}

pub(super) async fn look(site: &Site) -> anyhow::Result<Look> {
    let id = site.agent_id()?;
    let before = Usage::of(id)?;
    tokio::time::sleep(LOOK).await;
    let after = Usage::of(id)?;
    let seconds = LOOK.as_secs_f64();
    let wakeups = (after.switches - before.switches) as f64 / seconds;
    let cpu_percent = (after.cpu_ns - before.cpu_ns) as f64 / 1e9 / seconds * 100.0;
    Ok(Look { wakeups, cpu_percent })
}

/// What all threads of a process have used so far.
struct Usage {
    switches: u64,
    cpu_ns: u64,
}

impl Usage {
    fn of(id: u32) -> anyhow::Result<Self> {
        let mut usage = Self { switches: 0, cpu_ns: 0 };
        for thread in std::fs::read_dir(format!("/proc/{id}/task"))? {
            let thread = thread?.path();
            usage.switches += field(&std::fs::read_to_string(thread.join("status"))?, "voluntary_ctxt_switches:")?;
            let schedule = std::fs::read_to_string(thread.join("schedstat"))?;
            usage.cpu_ns += schedule.split(' ').next().context("no schedstat")?.parse::<u64>()?;
        }
        Ok(usage)
    }
}

pub(super) fn rss_kib(id: u32) -> anyhow::Result<f64> {
    Ok(field(&std::fs::read_to_string(format!("/proc/{id}/status"))?, "VmRSS:")? as f64)
}

fn field(status: &str, name: &str) -> anyhow::Result<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name)).with_context(|| format!("no `{name}`"))?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
