//! One sensor's task of the agent on a simulated sensor, in the same process and in paused time.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use hw_sim::control::Command;
use hw_sim::{DeviceConfig, Simulation};
use kitchen_agent::clock::shared::SharedClock;
use kitchen_agent::clock::wall::{Exchange, Stamp};
use kitchen_agent::device::directory::Source;
use kitchen_agent::device::error::DeviceError;
use kitchen_agent::device::pace::Pace;
use kitchen_agent::observation::Observation;
use kitchen_agent::sampler::{self, Outlets, Plan};
use kitchen_agent::settings::SensorSettings;
use kitchen_agent::speed::Speed;
use kitchen_contract::fault::SensorFault;
use kitchen_contract::record::{Body, Event, Reading, Trigger};
use kitchen_contract::time::Timestamp;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::support::config;

/// Between two polls; a fresh reading is due within a minute after a fault has gone.
pub(super) const INTERVAL: Duration = Duration::from_secs(20);
/// What the system holds of a line that nobody reads, in bytes.
const LINE_HOLDS: usize = 4096;
/// The simulation takes no more from its host while so much is on its way.
const UNDER_WAY_MAX: usize = 300;
/// What the sink says that it is when the test begins.
pub(super) const BEGIN: &str = "2026-12-01T10:00:00.000Z";

/// A sensor, the line to it and the task that samples it.
pub(super) struct Gateway {
    sensor: Arc<Sensor>,
    observations: mpsc::Receiver<Observation>,
    /// All observations so far.
    pub(super) seen: Vec<Observation>,
    pub(super) clock: SharedClock,
    outlets: Outlets,
    plan: Plan,
    shutdown: CancellationToken,
}

/// The simulation, and who has to look at it again.
struct Sensor {
    simulation: Mutex<Simulation>,
    start: Instant,
    told: Notify,
    unplugged: Mutex<bool>,
}

/// Where its port is.
struct Line(Arc<Sensor>);

impl Gateway {
    /// Power is applied and the agent is started, both now. `extra` goes into the sensor's configuration.
    pub(super) fn start(seed: u64, extra: &str) -> Self {
        Self::with(config(seed), extra)
    }

    /// The same with any sensor.
    pub(super) fn with(sensor: DeviceConfig, extra: &str) -> Self {
        let start = Instant::now();
        let simulation = Mutex::new(Simulation::new(sensor));
        let sensor = Sensor { simulation, start, told: Notify::new(), unplugged: Mutex::new(false) };
        let (observed, observations) = mpsc::channel(256);
        let clock = SharedClock::new(start);
        let outlets = Outlets {
            observations: observed,
            shown: watch::Sender::default(),
            punctuality: watch::Sender::default(),
            start,
            pace: Pace::new(Speed::REAL),
            clock: clock.clone(),
            marks: Vec::new(),
        };
        let (sensor, plan, shutdown) = (Arc::new(sensor), plan(extra), CancellationToken::new());
        let mut gateway = Self { sensor, observations, seen: Vec::new(), clock, outlets, plan, shutdown };
        gateway.run();
        gateway
    }

    fn run(&mut self) {
        let line = Line(Arc::clone(&self.sensor));
        tokio::spawn(sampler::run(line, self.plan.clone(), self.outlets.clone(), self.shutdown.clone()));
    }

    /// The agent is started again, with what the disk has of earlier runs.
    pub(super) fn restart_agent(&mut self) {
        self.outlets.marks =
            self.seen.iter().rev().find_map(|observation| observation.mark.clone()).into_iter().collect();
        self.shutdown = CancellationToken::new();
        self.run();
    }

    pub(super) fn stop_agent(&mut self) {
        self.shutdown.cancel();
    }

    /// Says something to the simulation, as its control socket does.
    pub(super) fn tell(&self, command: &str) {
        let parsed: Command = command.parse().unwrap();
        let now = self.sensor.start.elapsed();
        assert_eq!(self.sensor.simulation.lock().unwrap().run(now, &parsed), Ok(String::new()), "{command}");
        self.sensor.told.notify_one();
    }

    pub(super) fn plug(&self, plugged: bool) {
        *self.sensor.unplugged.lock().unwrap() = !plugged;
        self.sensor.told.notify_one();
    }

    /// The sink says what time it is.
    pub(super) fn anchor(&self) {
        let now = self.clock.now();
        let server_time: Timestamp = BEGIN.parse().unwrap();
        let server_time = server_time.saturating_add_ms(now.0.as_millis() as i64);
        self.clock.learn(Exchange { sent: now, received: now, server_time });
    }

    pub(super) fn now(&self) -> Duration {
        self.sensor.start.elapsed()
    }

    /// Lets time pass; the observations that arrived meanwhile.
    pub(super) async fn pass(&mut self, time: Duration) -> &[Observation] {
        let (before, until) = (self.seen.len(), Instant::now() + time);
        while let Ok(Some(observation)) = tokio::time::timeout_at(until, self.observations.recv()).await {
            self.seen.push(observation);
        }
        &self.seen[before..]
    }
}

pub(super) fn plan(extra: &str) -> Plan {
    let pin = if extra.contains("pin = ") { "" } else { "pin = '604218'" };
    let text = format!(
        "device_id = 'fridge-1'\nport = '/dev/ttyTest'\n{pin}\ninterval = '{}s'\nreport_interval = '2h'\n\
         warm_up = '6s'\n{extra}\n[transmitter]\nlow = -40.0\nhigh = 60.0\n",
        INTERVAL.as_secs()
    );
    Plan::new(&toml::from_str::<SensorSettings>(&text).unwrap()).unwrap()
}

impl Source for Line {
    type Io = DuplexStream;

    fn open(&mut self) -> Result<(DuplexStream, String), DeviceError> {
        let port = "/dev/ttyTest".to_owned();
        if *self.0.unplugged.lock().unwrap() {
            return Err(DeviceError::PortMissing { port });
        }
        let (ours, theirs) = duplex(LINE_HOLDS);
        tokio::spawn(Arc::clone(&self.0).serve(theirs));
        Ok((ours, port))
    }

    fn elsewhere(&mut self, _: &DeviceError, _: bool) -> Option<DeviceError> {
        None
    }
}

impl Sensor {
    /// Keeps the simulation's time in step with tokio's until the agent closes the port or the cable is out.
    async fn serve(self: Arc<Self>, mut io: DuplexStream) {
        let mut buffer = [0; 64];
        while !*self.unplugged.lock().unwrap() {
            let (wakeup, may_read) = {
                let simulation = self.simulation.lock().unwrap();
                (simulation.next_wakeup(), simulation.bytes_under_way() < UNDER_WAY_MAX)
            };
            let wakeup = self.start + wakeup.unwrap_or(Duration::from_secs(1 << 30));
            let mut received = 0;
            tokio::select! {
                read = io.read(&mut buffer), if may_read => match read {
                    Ok(0) | Err(_) => return,
                    Ok(count) => received = count,
                },
                () = sleep_until(wakeup) => {}
                () = self.told.notified() => {}
            }
            let output = self.exchange(&buffer[..received]);
            if io.write_all(&output).await.is_err() {
                return;
            }
        }
    }

    fn exchange(&self, received: &[u8]) -> Vec<u8> {
        let now = self.start.elapsed();
        let mut simulation = self.simulation.lock().unwrap();
        simulation.advance(now);
        if !received.is_empty() {
            simulation.feed(now, received);
        }
        simulation.take_output(now)
    }
}

/// The readings among these.
pub(super) fn readings(seen: &[Observation]) -> impl DoubleEndedIterator<Item = (Duration, &Reading)> {
    seen.iter().filter_map(|observation| match &observation.body {
        Body::Reading(reading) => Some((observation.at.0, reading)),
        Body::Event(_) | Body::Gap(_) => None,
    })
}

/// The events among these.
pub(super) fn events(seen: &[Observation]) -> impl Iterator<Item = &Event> {
    seen.iter().filter_map(|observation| match &observation.body {
        Body::Event(event) => Some(event),
        Body::Reading(_) | Body::Gap(_) => None,
    })
}

/// The faults of polls, each once, in the order in which they came first.
pub(super) fn faults(seen: &[Observation]) -> Vec<SensorFault> {
    let mut faults = Vec::new();
    for fault in readings(seen).filter_map(|(_, reading)| reading.value.err()) {
        if !faults.contains(&fault) {
            faults.push(fault);
        }
    }
    faults
}

/// When they were measured, and what, of the rows that came from the sensor's history.
pub(super) fn backfilled(seen: &[Observation]) -> Vec<(Timestamp, Reading)> {
    let row = |observation: &Observation| match (&observation.body, observation.stamp) {
        (Body::Reading(reading), Some(Stamp::Settled { timestamp, .. })) => {
            assert_eq!(reading.trigger, Trigger::Backfill);
            Some((timestamp, reading.clone()))
        }
        _ => None,
    };
    seen.iter().filter_map(row).collect()
}
