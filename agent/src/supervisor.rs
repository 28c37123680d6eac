//! The only place that starts tasks, and the order in which they end.
//!
//! The buffer is opened first, on a thread that can be given up. Started: the buffer's thread, the recorder, the forwarder,
//! one sampler per sensor, the status socket. A task that ends early, or a store that hangs, ends the process with a reason;
//! the service manager restarts it. The end is ordered and takes at most [`GRACE`]: sampling stops, the recorder writes what
//! is left in its channel, the forwarder waits a moment for what is under way and disconnects, the buffer closes.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use kitchen_contract::alarm::Limits;
use kitchen_contract::id::{DeviceId, Epoch};
use sha2::{Digest, Sha256};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::task::{Id, JoinError, JoinSet, spawn_blocking};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::buffer::capacity::readings_per_day;
use crate::buffer::{Buffer, BufferError, HangWatch, Keeper};
use crate::cli;
use crate::clock::shared::{SharedClock, slept};
use crate::config::Config;
use crate::config::sections::Sensor;
use crate::device::directory::{Directory, SensorPort};
use crate::device::pace::Pace;
use crate::forwarder::Forwarder;
use crate::forwarder::task::Destination;
use crate::forwarder::timing::Timing;
use crate::forwarder::told::{Told, ToldSensor};
use crate::history_mark::HistoryMark;
use crate::recorder::{OBSERVATIONS_MAX, Recorder};
use crate::sampler::{self, Outlets, Plan, SensorShown, port_of};
use crate::speed::Speed;
use crate::status::assemble::Fixed;
use crate::status::socket::{self, SocketError};
use crate::status::sources::SensorSource;
use crate::status::{Server, Sources};
use crate::watchdog::task::Watchdog;
use crate::watchdog::{self, Watched};

/// How long the end may take.
pub const GRACE: Duration = Duration::from_millis(4500);

/// Why the agent ended although nobody asked it to.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum RunError {
    /// The buffer cannot be used.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Buffer(#[from] BufferError),
    /// The store waits for ever for a write that failed.
    #[error("the buffer hangs: its disk refuses or does not answer")]
    #[diagnostic(
        code(buffer::hung),
        help(
            "the agent must be restarted, which the service manager does; nothing on disk is lost. Look for errors of the disk: `dmesg | tail`"
        )
    )]
    BufferHangs,
    /// There is something else where the status socket is to be.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Socket(#[from] SocketError),
    /// The system gives no signal handlers.
    #[error("cannot listen for signals")]
    #[diagnostic(code(agent::signals))]
    Signals(#[source] std::io::Error),
    /// A task ended early.
    #[error("the {task} ended early: {reason}")]
    #[diagnostic(code(agent::task_ended), help("the service manager restarts the agent; nothing on disk is lost"))]
    TaskEnded {
        /// Which.
        task: Task,
        /// How.
        reason: String,
    },
}

/// A task of the agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Owns the disk.
    Buffer,
    /// Appends.
    Recorder,
    /// Sends.
    Forwarder,
    /// Reads one sensor.
    Sampler,
    /// Answers on the status socket.
    Status,
    /// Sees that none of them is stuck.
    Watchdog,
}

impl fmt::Display for Task {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Buffer => "buffer",
            Self::Recorder => "recorder",
            Self::Forwarder => "forwarder",
            Self::Sampler => "sampler",
            Self::Status => "status socket",
            Self::Watchdog => "watchdog",
        })
    }
}

/// Runs the agent until a signal or an early end.
///
/// # Errors
/// The buffer cannot be used, or a task ended early.
pub async fn run(config: Config, speed: Speed) -> Result<(), RunError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(RunError::Signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(RunError::Signals)?;
    let hang_watch = HangWatch::default();
    slept();
    let started = Instant::now();
    let clock = SharedClock::new(started);
    let (config, opened) = tokio::select! {
        opened = open_beside(config, clock.clone(), hang_watch.clone()) => opened?,
        () = hang_watch.hangs() => return Err(RunError::BufferHangs),
    };
    let mut tasks = Tasks::start(config, opened, (started, clock, speed));
    let end = tokio::select! {
        _ = terminate.recv() => Ok(()),
        _ = interrupt.recv() => Ok(()),
        ended = tasks.next_ended() => Err(ended),
        () = hang_watch.hangs() => Err(RunError::BufferHangs),
    };
    watchdog::task::say_stopping();
    match &end {
        Ok(()) => info!("stopping"),
        Err(reason) => error!(%reason, "stopping"),
    }
    if timeout(GRACE, tasks.stop()).await.is_err() {
        error!("not everything ended in time; what is on disk is safe");
    }
    info!("stopped");
    end
}

/// The running tasks and how they are told to end.
struct Tasks {
    set: JoinSet<()>,
    /// By the runtime's id, so that a task that panicked can be named too.
    running: HashMap<Id, Task>,
    sampling: CancellationToken,
    forwarding: CancellationToken,
}

impl Tasks {
    fn start(
        config: Config,
        (buffer, marks): (Buffer, Vec<HistoryMark>),
        (started, clock, speed): (Instant, SharedClock, Speed),
    ) -> Self {
        let (fixed, config_hash) = (fixed(&config), config_hash(&config));
        let (keeper, handle) = Keeper::new(buffer);
        let (observations, waiting) = mpsc::channel(OBSERVATIONS_MAX);
        let mut tasks = Self {
            set: JoinSet::new(),
            running: HashMap::new(),
            sampling: CancellationToken::new(),
            forwarding: CancellationToken::new(),
        };
        let id = tasks.set.spawn_blocking(move || keeper.run()).id();
        tasks.running.insert(id, Task::Buffer);
        let recorder = Recorder::new(config.gateway.kitchen_id, waiting, handle.clone(), clock.clone());
        let recorded = recorder.recorded();
        tasks.spawn(Task::Recorder, recorder.run());
        let configured = config.sensors.iter().filter_map(|sensor| sensor.plan.port.clone()).collect();
        let directory = Arc::new(Directory::new(config.gateway.ports, configured));
        let pace = Pace::new(speed);
        let watchdog = Watchdog::new(watched(&config.sensors, pace), recorded.clone(), clock.clone());
        let (mut sensors, mut told_sensors) = (Vec::new(), Vec::new());
        for Sensor { plan, .. } in config.sensors {
            let (shown, punctuality) = (watch::Sender::default(), watch::Sender::default());
            told_sensors.push(told(&plan, shown.subscribe()));
            let (observations, clock) = (observations.clone(), clock.clone());
            let marks = marks.iter().filter(|mark| mark.device_id == plan.device_id).cloned().collect();
            let outlets = Outlets { observations, shown, punctuality, start: started, pace, clock, marks };
            sensors.push(tasks.sample(port_of(&plan, &directory), plan, outlets));
        }
        let destination = Destination {
            gateway_id: config.gateway.id,
            timing: Timing::new(config.mqtt.heartbeat, speed),
            mqtt: config.mqtt,
            told: Told { config_hash, recorded: recorded.clone(), sensors: told_sensors },
            observations: observations.downgrade(),
        };
        let forwarder = Forwarder::new(destination, handle.clone(), clock.clone());
        let link = forwarder.shown();
        let forwarding = tasks.forwarding.clone();
        tasks.spawn(Task::Forwarder, forwarder.run(forwarding.clone()));
        let sources = Sources { fixed, clock, buffer: handle, recorded, link, sensors, watchdog: watchdog.shown() };
        // Told for as long as there is anything to tell.
        tasks.spawn(Task::Status, Server::new(config.status.socket, sources).run(forwarding.clone()));
        tasks.spawn(Task::Watchdog, watchdog.run(forwarding));
        tasks
    }

    /// Starts a sampler; what it shows.
    fn sample(&mut self, port: SensorPort, plan: Plan, outlets: Outlets) -> SensorSource {
        let source = SensorSource::new(&plan, outlets.shown.subscribe(), outlets.punctuality.subscribe());
        let shutdown = self.sampling.clone();
        self.spawn(Task::Sampler, async move {
            if let Err(error) = sampler::run(port, plan, outlets, shutdown).await {
                error!(%error, "a sampler has nothing to do any more");
            }
        });
        source
    }

    fn spawn(&mut self, task: Task, body: impl Future<Output = ()> + Send + 'static) {
        let id = self.set.spawn(body).id();
        self.running.insert(id, task);
    }

    /// The first task that ends although nobody asked it to.
    async fn next_ended(&mut self) -> RunError {
        let (id, reason) = match self.set.join_next_with_id().await {
            Some(Ok((id, ()))) => (Some(id), "it returned".to_owned()),
            Some(Err(error)) => (Some(error.id()), error.to_string()),
            None => (None, "nothing runs".to_owned()),
        };
        let task = id.and_then(|id| self.running.remove(&id)).unwrap_or(Task::Buffer);
        RunError::TaskEnded { task, reason }
    }

    /// Ends everything, in order.
    async fn stop(&mut self) {
        self.sampling.cancel();
        while self.running.values().any(|task| *task == Task::Recorder) {
            self.next_ended().await;
        }
        self.forwarding.cancel();
        while !self.set.is_empty() {
            self.next_ended().await;
        }
    }
}

/// [`open_buffer`] on a thread that can be given up.
async fn open_beside(
    config: Config,
    clock: SharedClock,
    hang_watch: HangWatch,
) -> Result<(Config, (Buffer, Vec<HistoryMark>)), RunError> {
    let open = move || open_buffer(&config, &clock, hang_watch).map(|opened| (config, opened));
    let ended = |error: JoinError| RunError::TaskEnded { task: Task::Buffer, reason: error.to_string() };
    spawn_blocking(open).await.map_err(ended)?
}

/// The buffer of a new run, and what it keeps of the sensors' histories.
fn open_buffer(
    config: &Config,
    clock: &SharedClock,
    hang_watch: HangWatch,
) -> Result<(Buffer, Vec<HistoryMark>), RunError> {
    let epoch = Epoch::from_entropy(rand::random());
    let mut buffer = Buffer::open_watched(&config.gateway.data_dir, config.buffer, epoch, hang_watch)?;
    if let Some(saved) = buffer.latest() {
        clock.raise_floor(saved);
    }
    socket::check(&config.status.socket)?;
    let marks = buffer.history_marks();
    buffer.begin(clock.run(buffer.latest()));
    buffer.watch(thresholds(&config.sensors));
    say_started(config, &buffer);
    Ok((buffer, marks))
}

/// What births tell of a sensor.
fn told(plan: &Plan, shown: watch::Receiver<SensorShown>) -> ToldSensor {
    ToldSensor {
        device_id: plan.device_id.clone(),
        imei: plan.imei.as_ref().map(|imei| imei.as_str().to_owned()),
        shown,
    }
}

/// The configuration in effect, as 16 hexadecimal digits; secrets are not in it.
fn config_hash(config: &Config) -> String {
    let effective = serde_json::to_string(&cli::check::check(config)).expect("invariant: a configuration is JSON");
    let digest = Sha256::digest(effective.as_bytes());
    digest[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whose rounds the watchdog expects, and by when.
fn watched(sensors: &[Sensor], pace: Pace) -> Vec<Watched> {
    let watched = |Sensor { plan, .. }: &Sensor| Watched {
        device_id: plan.device_id.clone(),
        within: pace.pause(plan.interval) + pace.pause(watchdog::LATE),
    };
    sensors.iter().map(watched).collect()
}

/// Beyond which temperatures a reading is an excursion.
fn thresholds(sensors: &[Sensor]) -> BTreeMap<DeviceId, Limits> {
    let of = |Sensor { settings, .. }: &Sensor| Some((settings.device_id.clone(), settings.alert_thresholds?));
    sensors.iter().filter_map(of).collect()
}

/// What the status tells of the configuration.
fn fixed(config: &Config) -> Fixed {
    let Config { gateway, mqtt, buffer, sensors, .. } = config;
    Fixed {
        gateway_id: gateway.id.clone(),
        kitchen_id: gateway.kitchen_id.clone(),
        addresses: mqtt.addresses().iter().map(|(host, port)| format!("{host}:{port}")).collect(),
        limits: *buffer,
        readings_per_day: readings_per_day(sensors.iter().map(|sensor| sensor.plan.interval)),
    }
}

fn say_started(config: &Config, buffer: &Buffer) {
    info!(
        gateway.id = %config.gateway.id,
        kitchen.id = %config.gateway.kitchen_id,
        epoch = %buffer.epoch(),
        backlog = buffer.contents().records,
        sensors = config.sensors.len(),
        version = env!("CARGO_PKG_VERSION"),
        "started"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tasks() -> Tasks {
        let (sampling, forwarding) = (CancellationToken::new(), CancellationToken::new());
        Tasks { set: JoinSet::new(), running: HashMap::new(), sampling, forwarding }
    }

    #[tokio::test]
    async fn a_task_that_ends_early_is_named_with_its_reason() {
        for task in [Task::Recorder, Task::Forwarder, Task::Sampler, Task::Status, Task::Watchdog] {
            let mut tasks = tasks();
            tasks.spawn(Task::Buffer, std::future::pending());
            tasks.spawn(task, async {});
            let ended = tasks.next_ended().await.to_string();
            assert_eq!(ended, format!("the {task} ended early: it returned"));
            tasks.spawn(task, async { panic!("out of ideas") });
            let ended = tasks.next_ended().await.to_string();
            assert!(
                ended.starts_with(&format!("the {task} ended early: ")) && ended.contains("out of ideas"),
                "{ended}"
            );
        }
    }
}
