//! A running kitchen for a test: the bench's processes in a directory that goes away.
#![allow(dead_code, reason = "two test binaries share this file and neither needs all of it")]
#![allow(clippy::print_stderr, reason = "a failed test shows the programs' logs")]

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use hw_sim::bench::layout::EMAIL;
use hw_sim::bench::{ApiClient, Layout, Plan, Process, SensorPlan, api};
use serde_json::Value;

/// How long anything may take that a test waits for.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often a test looks while it waits.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Device times are divided by this: a measurement of 7.5 s takes 0.15 s.
const SPEED: f64 = 50.0;

/// A kitchen with two sensors, device times divided by [`SPEED`].
pub(crate) struct Kitchen {
    pub(crate) layout: Layout,
    pub(crate) cloud: Option<Process>,
    pub(crate) agent: Option<Process>,
    pub(crate) sensors: Vec<Process>,
    directory: tempfile::TempDir,
}

/// The demo's plan at test speed, with doors that stay shut.
pub(crate) fn plan() -> Plan {
    let mut plan = Plan { speed: SPEED, interval: Duration::from_secs(12), ..Plan::demo() };
    plan.sensors.iter_mut().for_each(|sensor: &mut SensorPlan| sensor.door_open = None);
    plan
}

impl Kitchen {
    /// Prepares everything and starts nothing.
    pub(crate) async fn prepare(plan: Plan) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let exe = Path::new(env!("CARGO_BIN_EXE_demo"));
        let layout = Layout::prepare(exe, &directory.path().join("kitchen"), plan).await.unwrap();
        Self { layout, cloud: None, agent: None, sensors: Vec::new(), directory }
    }

    /// Prepares and starts everything.
    pub(crate) async fn start(plan: Plan) -> Self {
        let mut kitchen = Self::prepare(plan).await;
        kitchen.start_cloud().await;
        kitchen.start_sensors();
        kitchen.start_agent();
        kitchen
    }

    pub(crate) async fn start_cloud(&mut self) {
        self.cloud = Some(self.layout.start_cloud().unwrap());
        let origin = self.layout.origin();
        wait_for("the cloud to answer", || {
            let origin = origin.clone();
            async move { api::healthy(&origin).await.then_some(()) }
        })
        .await;
    }

    pub(crate) fn start_sensors(&mut self) {
        self.sensors = (0..self.layout.plan().sensors.len()).map(|at| self.layout.start_sensor(at).unwrap()).collect();
    }

    pub(crate) fn start_agent(&mut self) {
        self.agent = Some(self.layout.start_agent().unwrap());
    }

    pub(crate) async fn client(&self) -> ApiClient {
        ApiClient::login(&self.layout.api_base(), EMAIL, self.layout.password()).await.unwrap()
    }

    /// Waits until the API shows at least `count` readings of a sensor that pass `filter`.
    pub(crate) async fn readings(&self, sensor: &str, count: usize, filter: fn(&Value) -> bool) -> Vec<Value> {
        let client = self.client().await;
        wait_for(&format!("{count} readings of {sensor}"), || {
            let client = client.clone();
            async move {
                let readings: Vec<Value> = client.readings(sensor).await.ok()?.into_iter().filter(filter).collect();
                (readings.len() >= count).then_some(readings)
            }
        })
        .await
    }

    /// Stops sampling, waits until the agent has nothing left to send, and ends everything; the store's file stays.
    pub(crate) async fn settle(&mut self) {
        for sensor in &mut self.sensors {
            sensor.terminate().await.unwrap();
        }
        self.backlog_is_gone().await;
        for process in [&mut self.agent, &mut self.cloud] {
            if let Some(mut process) = process.take() {
                assert!(process.terminate().await.unwrap().success(), "{} did not end well", process.name());
            }
        }
    }

    /// Every round that went to disk is acknowledged, says the agent's log.
    async fn backlog_is_gone(&self) {
        let log = self.layout.dir().join("agent.log");
        wait_for("the backlog to go", || {
            let text = std::fs::read_to_string(&log).unwrap_or_default();
            let gone = waiting(&text).is_empty();
            async move { gone.then_some(()) }
        })
        .await;
    }
}

/// What the log of an agent says is on disk and not acknowledged: epochs and sequence numbers.
fn waiting(log: &str) -> BTreeSet<(String, u64)> {
    let mut waiting = BTreeSet::new();
    for line in log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
        let epoch = line["epoch"].as_str().unwrap_or_default().to_owned();
        if line["message"] == "round buffered" {
            let (from, to) = (line["from"].as_u64().unwrap(), line["to"].as_u64().unwrap());
            waiting.extend((from..=to).map(|seq| (epoch.clone(), seq)));
        } else if line["message"] == "acknowledged" {
            let ranges = line["ranges"].as_str().unwrap().replace('(', "[").replace(')', "]");
            let ranges: Vec<(u64, u64)> = serde_json::from_str(&ranges).unwrap();
            let taken = |seq: u64| ranges.iter().any(|(from, to)| (*from..=*to).contains(&seq));
            waiting.retain(|(of, seq)| *of != epoch || !taken(*seq));
        }
    }
    waiting
}

impl Drop for Kitchen {
    /// A failed test shows the end of every program's log.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        for name in ["cloud.log", "agent.log"] {
            let text = std::fs::read_to_string(self.layout.dir().join(name)).unwrap_or_default();
            let lines: Vec<&str> = text.lines().collect();
            eprintln!("--- end of {name} in {}", self.directory.path().display());
            eprintln!("{}", lines[lines.len().saturating_sub(30)..].join("\n"));
        }
    }
}

/// A minute of the field at the agent's speed, and what a busy machine may take for it: there, programs that do not run faster
/// wait for a processor and a disk.
pub(crate) fn within_a_minute(kitchen: &Kitchen) -> Duration {
    const BUSY: Duration = Duration::from_secs(8);
    Duration::from_secs(60).div_f64(kitchen.layout.plan().speed) + BUSY
}

/// Looks again and again until there is an answer; panics after [`PATIENCE`].
pub(crate) async fn wait_for<T, F: Future<Output = Option<T>>>(what: &str, mut look: impl FnMut() -> F) -> T {
    let started = Instant::now();
    loop {
        if let Some(answer) = look().await {
            return answer;
        }
        assert!(started.elapsed() < PATIENCE, "waited {PATIENCE:?} for {what}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
