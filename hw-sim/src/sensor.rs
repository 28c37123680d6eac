//! A device living on a virtual port in real time: the test API, and what `hw-sim run` runs.
//!
//! The device is battery powered: it goes on living while the adapter is unplugged.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::control::{CommandError, Scenario};
use crate::device::{Device, DeviceConfig};
use crate::imei::Imei;
use crate::live::{Control, LiveDevice};
use crate::memory_file::{MemoryError, MemoryFile};
use crate::physics::DoorOpening;
use crate::profile::{Profile, ProfileError};
use crate::pty::{Port, PortError};
use crate::simulation::Simulation;

/// Control messages on their way; each sender waits for its answer, so a few are plenty.
const CONTROLS_MAX: usize = 8;
/// Events that nobody has taken yet; more are dropped.
const EVENTS_MAX: usize = 64;

/// What one simulated sensor is made from.
#[derive(Debug, Clone)]
pub struct SensorConfig {
    /// Where the port appears.
    pub link: PathBuf,
    /// Device time runs this many times faster than real time; 1 is the real device.
    pub speed: f64,
    /// How long the device has been on when its port appears, in device time.
    pub on_for: Duration,
    /// Where the device's flash is kept, so that settings and records outlive the program.
    pub memory: Option<PathBuf>,
    /// What happens by itself, from the port's appearance on, in device time.
    pub scenario: Scenario,
    /// The device behind the port.
    pub device: DeviceConfig,
}

/// Why a simulated sensor cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum SensorError {
    /// The profile cannot be used.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// The port cannot be made.
    #[error(transparent)]
    Port(#[from] PortError),
    /// The memory cannot be used.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// The scenario is too long.
    #[error("cannot follow the scenario: {0}")]
    Scenario(CommandError),
    /// Not a speed.
    #[error(
        "the speed must be {min} to {max}, got {0}", min = SensorConfig::SPEEDS.start(), max = SensorConfig::SPEEDS.end()
    )]
    Speed(f64),
    /// Not a PIN.
    #[error("a PIN has 1 to 8 lower-case letters or digits, got `{0}`")]
    Pin(String),
    /// A bug in the simulator ended it.
    #[error("the simulated sensor is gone")]
    Gone,
}

/// A running sensor. Dropping it ends it in the background; [`Self::stop`] waits until its link is removed.
#[derive(Debug)]
pub struct SimulatedSensor {
    imei: Imei,
    link: PathBuf,
    slave: PathBuf,
    controls: mpsc::Sender<Control>,
    events: mpsc::Receiver<SensorEvent>,
    task: JoinHandle<Result<(), SensorError>>,
    shutdown: DropGuard,
}

/// Something that happened to a running sensor from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SensorEvent {
    /// The adapter was pulled out.
    Unplugged,
    /// The adapter was plugged in.
    Plugged {
        /// Where the port appears.
        link: PathBuf,
        /// The pty behind it.
        port: PathBuf,
    },
    /// A control line, or a step of the scenario, was carried out or refused.
    Commanded {
        /// The line.
        line: String,
        /// What was answered.
        answer: Result<String, String>,
    },
}

/// Tells a running sensor what to do; many may hold one.
#[derive(Debug, Clone)]
pub struct Controller {
    controls: mpsc::Sender<Control>,
}

impl Controller {
    /// Carries out one control line, such as `power-cut 5`; the answer or the refusal is one line of text.
    pub async fn command(&self, line: &str) -> Result<String, String> {
        let gone = |_| SensorError::Gone.to_string();
        ask(&self.controls, |done| Control::Command(line.to_owned(), done)).await.map_err(gone)?
    }
}

impl SensorConfig {
    /// Above these, a millisecond of real time is too long a device time to be of use; below, nothing happens any more,
    /// and a year of device time is more than the clock can count.
    pub const SPEEDS: RangeInclusive<f64> = 0.001..=10_000.0;

    /// Profile `nb-1.1`, a walk-in fridge, -40 to +60 °C, speed 1, no scheduled door opening.
    pub fn new(link: impl Into<PathBuf>, seed: u64) -> Result<Self, SensorError> {
        let profile = Profile::load("nb-1.1")?;
        let device = DeviceConfig::new(profile, seed);
        Ok(Self {
            link: link.into(),
            speed: 1.0,
            on_for: Duration::ZERO,
            memory: None,
            scenario: Scenario::default(),
            device,
        })
    }

    /// Adds a long door opening, in device time since power-on.
    pub fn door_open(mut self, opening: DoorOpening) -> Self {
        self.device.environment.doors.push(opening);
        self
    }
}

impl SimulatedSensor {
    /// Powers a device on and plugs it in. Needs a tokio runtime with I/O and time.
    pub fn start(config: SensorConfig) -> Result<Self, SensorError> {
        let SensorConfig { link, speed, on_for, memory, scenario, device } = config;
        if !SensorConfig::SPEEDS.contains(&speed) {
            return Err(SensorError::Speed(speed));
        }
        let port = Port::open(&link)?;
        let slave = port.slave().to_owned();
        let seed = device.seed;
        let mut device = Device::new(device);
        let memory = memory.map(|path| MemoryFile::open(&path, &mut device)).transpose()?;
        let imei = device.imei().clone();
        let (controls, received) = mpsc::channel(CONTROLS_MAX);
        let (telling, events) = mpsc::channel(EVENTS_MAX);
        let shutdown = CancellationToken::new();
        let live = LiveDevice::new(Simulation::around(device, seed), port, link.clone()).at_speed(speed);
        let live = live.with_chunks(seed).on_for(on_for).scheduled(scenario.steps).map_err(SensorError::Scenario)?;
        let task = tokio::spawn(live.remembering(memory).telling(telling).run(received, shutdown.clone()));
        Ok(Self { imei, link, slave, controls, events, task, shutdown: shutdown.drop_guard() })
    }

    /// The device's IMEI.
    pub fn imei(&self) -> &Imei {
        &self.imei
    }

    /// Where the port appears.
    pub fn link(&self) -> &Path {
        &self.link
    }

    /// The pty behind the link when the sensor was started; another one after a [`Self::replug`].
    pub fn slave(&self) -> &Path {
        &self.slave
    }

    /// Tells the sensor what to do from elsewhere, in the words of `hw-sim ctl`.
    pub fn controller(&self) -> Controller {
        Controller { controls: self.controls.clone() }
    }

    /// What happens to the sensor from now on; the second time, and when nobody keeps up, nothing.
    pub fn take_events(&mut self) -> mpsc::Receiver<SensorEvent> {
        let (_, nothing) = mpsc::channel(1);
        std::mem::replace(&mut self.events, nothing)
    }

    /// Pulls the adapter out: clients see end of file and EIO, the link is gone, the device lives on.
    pub async fn unplug(&self) -> Result<(), SensorError> {
        self.ask(Control::Unplug).await
    }

    /// Plugs the adapter in again: a new pty behind the same link. Without effect while it is plugged in.
    pub async fn replug(&self) -> Result<(), SensorError> {
        self.ask(Control::Replug).await?.map_err(SensorError::Port)
    }

    /// Cuts the device's power and gives it back: boot text, settings kept.
    pub async fn reset(&self) -> Result<(), SensorError> {
        self.ask(Control::PowerCycle).await
    }

    /// Breaks (true) or mends (false) the serial wires between adapter and device: no byte passes either way.
    pub async fn silence(&self, silent: bool) -> Result<(), SensorError> {
        self.ask(|done| Control::Silence(silent, done)).await
    }

    /// Gives the device another PIN than its profile's.
    pub async fn set_pin(&self, pin: &str) -> Result<(), SensorError> {
        let valid = self.ask(|done| Control::SetPin(pin.to_owned(), done)).await?;
        if valid { Ok(()) } else { Err(SensorError::Pin(pin.to_owned())) }
    }

    /// What a thermometer without any error would show at the probe now, in °C.
    pub async fn true_temperature(&self) -> Result<f64, SensorError> {
        self.ask(Control::Temperature).await
    }

    /// Waits for the sensor to fail; never returns while it is well.
    pub async fn failure(&mut self) -> SensorError {
        match (&mut self.task).await {
            Ok(Err(error)) => error,
            Ok(Ok(())) | Err(_) => SensorError::Gone,
        }
    }

    /// Ends the sensor; its link is removed when this returns.
    pub async fn stop(self) -> Result<(), SensorError> {
        drop(self.shutdown);
        self.task.await.map_err(|_| SensorError::Gone)?
    }

    async fn ask<T>(&self, control: impl FnOnce(oneshot::Sender<T>) -> Control) -> Result<T, SensorError> {
        ask(&self.controls, control).await
    }
}

async fn ask<T>(
    controls: &mpsc::Sender<Control>,
    control: impl FnOnce(oneshot::Sender<T>) -> Control,
) -> Result<T, SensorError> {
    let (done, answer) = oneshot::channel();
    controls.send(control(done)).await.map_err(|_| SensorError::Gone)?;
    answer.await.map_err(|_| SensorError::Gone)
}
