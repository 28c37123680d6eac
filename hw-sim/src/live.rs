//! The task that owns sensor and port and keeps device time in step with real time.
//!
//! The device prints character by character; a USB adapter hands them over in chunks of its own choosing, a little
//! later. Both are here: the device never knows. What is wrong on the line, and what is scheduled, is the simulation's.

use std::path::PathBuf;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::control::{Command, CommandError};
use crate::memory_file::MemoryFile;
use crate::pty::{Port, PortError};
use crate::sensor::{SensorError, SensorEvent};
use crate::simulation::Simulation;

/// A character needs this long through the adapter, in device time. Longer than two characters on the line: so a host
/// that answers the moment it has read an `OK` line does not run into the rest of the reply block, as with real USB.
const ADAPTER_DELAY: Duration = Duration::from_millis(3);
/// Time between two chunks in ms of device time: an adapter's latency timer.
const CHUNK_MS: (u64, u64) = (1, 16);
/// Bytes taken from the client at once.
const READ_BYTES_MAX: usize = 256;
/// No more is taken while this much is on its way at 9600 baud: the client's writes block, as on a real port.
const UNDER_WAY_BYTES_MAX: usize = 512;
/// A device that wants nothing is looked at this often all the same.
const IDLE: Duration = Duration::from_secs(60);

/// What the owner of a sensor can ask for. Each is answered when done.
#[derive(Debug)]
pub(crate) enum Control {
    Unplug(oneshot::Sender<()>),
    Replug(oneshot::Sender<Result<(), PortError>>),
    PowerCycle(oneshot::Sender<()>),
    Silence(bool, oneshot::Sender<()>),
    SetPin(String, oneshot::Sender<bool>),
    Temperature(oneshot::Sender<f64>),
    Command(String, oneshot::Sender<Result<String, String>>),
}

/// Sensor and port, and what lies between them.
#[derive(Debug)]
pub(crate) struct LiveDevice {
    pub(super) simulation: Simulation,
    pub(super) port: Option<Port>,
    pub(super) link: PathBuf,
    started: Instant,
    on_for: Duration,
    speed: f64,
    chunks: StdRng,
    next_chunk: Duration,
    memory: Option<MemoryFile>,
    events: Option<mpsc::Sender<SensorEvent>>,
}

enum Event {
    Shutdown,
    Control(Control),
    Received(Result<usize, PortError>),
    Wakeup,
}

impl LiveDevice {
    pub(crate) fn new(simulation: Simulation, port: Port, link: PathBuf) -> Self {
        Self {
            simulation,
            port: Some(port),
            link,
            started: Instant::now(),
            on_for: Duration::ZERO,
            speed: 1.0,
            chunks: StdRng::seed_from_u64(0),
            next_chunk: Duration::ZERO,
            memory: None,
            events: None,
        }
    }

    pub(crate) fn at_speed(mut self, speed: f64) -> Self {
        self.speed = speed;
        self
    }

    pub(crate) fn with_chunks(mut self, seed: u64) -> Self {
        self.chunks = StdRng::seed_from_u64(seed);
        self
    }

    /// The device was powered on that long ago, and nobody heard what it said.
    pub(crate) fn on_for(mut self, time: Duration) -> Self {
        self.simulation.advance(time);
        self.simulation.take_output(time);
        (self.on_for, self.started) = (time, Instant::now());
        self
    }

    /// What is to happen by itself, so long after now.
    pub(crate) fn scheduled(mut self, steps: Vec<(Duration, Command)>) -> Result<Self, CommandError> {
        self.simulation.schedule(steps)?;
        Ok(self)
    }

    /// Keeps the flash in a file.
    pub(crate) fn remembering(mut self, memory: Option<MemoryFile>) -> Self {
        self.memory = memory;
        self
    }

    /// Tells what happens to the sensor; events that nobody takes are dropped.
    pub(crate) fn telling(mut self, events: mpsc::Sender<SensorEvent>) -> Self {
        self.events = Some(events);
        self
    }

    /// Lives until shut down; an error means that the port broke and could not be replaced.
    pub(crate) async fn run(
        mut self,
        mut controls: mpsc::Receiver<Control>,
        shutdown: CancellationToken,
    ) -> Result<(), SensorError> {
        let mut buffer = [0; READ_BYTES_MAX];
        loop {
            let wakeup = self.wakeup();
            let may_read = self.simulation.bytes_under_way() < UNDER_WAY_BYTES_MAX;
            let event = tokio::select! {
                () = shutdown.cancelled() => Event::Shutdown,
                Some(control) = controls.recv() => Event::Control(control),
                received = read(self.port.as_mut(), &mut buffer), if may_read => Event::Received(received),
                () = sleep_until(wakeup) => Event::Wakeup,
            };
            match event {
                Event::Shutdown => return Ok(()),
                Event::Control(control) => self.control(control),
                Event::Received(Ok(count)) => self.received(&buffer[..count]),
                Event::Received(Err(error)) => self.replace_port(&error)?,
                Event::Wakeup => {}
            }
            self.catch_up();
            // Before the client hears of it: what was answered is kept.
            if let Some(memory) = &mut self.memory {
                memory.keep(self.simulation.device())?;
            }
            if let Err(error) = self.hand_over() {
                self.replace_port(&error)?;
            }
        }
    }

    fn control(&mut self, control: Control) {
        // A receiver that went away does not want to know.
        match control {
            Control::Unplug(done) => {
                self.unplug();
                let _ = done.send(());
            }
            Control::Replug(done) => {
                let _ = done.send(self.replug(None));
            }
            Control::PowerCycle(done) => {
                let _ = self.carry_out(&Command::PowerCut(Duration::ZERO));
                let _ = done.send(());
            }
            Control::Silence(silent, done) => {
                let _ = self.carry_out(&Command::Silence(silent));
                let _ = done.send(());
            }
            Control::SetPin(pin, done) => {
                let _ = done.send(self.carry_out(&Command::Pin(pin)).is_ok());
            }
            Control::Temperature(answer) => {
                self.simulation.advance(self.now());
                let _ = answer.send(self.simulation.device_mut().true_temperature());
            }
            Control::Command(line, answered) => {
                let answer = self.obey(&line);
                self.tell(SensorEvent::Commanded { line, answer: answer.clone() });
                let _ = answered.send(answer);
            }
        }
    }

    pub(super) fn unplug(&mut self) {
        if self.port.take().is_some() {
            self.tell(SensorEvent::Unplugged);
        }
    }

    /// Without effect while plugged in, unless another place is asked for.
    pub(super) fn replug(&mut self, link: Option<PathBuf>) -> Result<(), PortError> {
        let link = link.unwrap_or_else(|| self.link.clone());
        if self.port.is_some() && link == self.link {
            return Ok(());
        }
        let port = Port::open(&link)?;
        self.tell(SensorEvent::Plugged { link: link.clone(), port: port.slave().to_owned() });
        (self.port, self.link) = (Some(port), link);
        Ok(())
    }

    pub(super) fn tell(&self, event: SensorEvent) {
        // Full: whoever listens does not keep up, or nobody listens.
        let _ = self.events.as_ref().map(|events| events.try_send(event));
    }

    fn received(&mut self, bytes: &[u8]) {
        self.simulation.feed(self.now(), bytes);
    }

    fn replace_port(&mut self, error: &PortError) -> Result<(), SensorError> {
        tracing::warn!(%error, "replacing the pseudo terminal");
        self.port = None;
        Ok(self.replug(None)?)
    }

    fn catch_up(&mut self) {
        self.simulation.advance(self.now());
        self.follow_the_scenario();
    }

    /// One chunk to the client. Without an adapter it goes nowhere.
    fn hand_over(&mut self) -> Result<(), PortError> {
        let now = self.simulation.device().now();
        if now < self.next_chunk {
            return Ok(());
        }
        let bytes = self.simulation.take_output(now.saturating_sub(ADAPTER_DELAY));
        if bytes.is_empty() {
            return Ok(());
        }
        self.next_chunk = now + Duration::from_millis(self.chunks.random_range(CHUNK_MS.0..=CHUNK_MS.1));
        self.port.as_mut().map_or(Ok(()), |port| port.deliver(&bytes))
    }

    /// Real time of the next thing to do.
    fn wakeup(&self) -> Instant {
        let idle = self.now() + IDLE;
        let output = self.simulation.next_wakeup().map(|at| (at + ADAPTER_DELAY).max(self.next_chunk));
        let device_time = output.map_or(idle, |at| at.min(idle));
        self.started + device_time.saturating_sub(self.on_for).div_f64(self.speed)
    }

    /// Device time.
    pub(super) fn now(&self) -> Duration {
        self.on_for + self.started.elapsed().mul_f64(self.speed)
    }
}

/// Waits for ever while no adapter is plugged in.
async fn read(port: Option<&mut Port>, buffer: &mut [u8]) -> Result<usize, PortError> {
    match port {
        Some(port) => port.read(buffer).await,
        None => std::future::pending().await,
    }
}
