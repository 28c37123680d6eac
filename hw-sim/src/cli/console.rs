//! `hw-sim console`: talk to a sensor by hand, a simulated one in this process or whatever is at a port.
//!
//! The console is a client of a port like any other; without `--port` the port is that of a sensor it runs itself.

use std::io::{BufRead, BufReader, IsTerminal, Read};
use std::path::PathBuf;
use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};

use super::device::{DeviceArgs, parse_seconds};
use super::failure::Failure;
use super::pacing::Pacing;
use super::screen::Screen;
use crate::control::socket::ask;
use crate::sensor::{Controller, SensorEvent, SimulatedSensor};
use crate::serial::{SerialError, SerialPort};

/// More in one line is not typed by hand; the device's buffer holds 300.
const LINE_BYTES_MAX: u64 = 4096;
/// Between two attempts to open a port that is gone.
const REOPEN: Duration = Duration::from_millis(200);

const HELP: &str = "\
:help            this list        :quit, Ctrl-D    ends
:pause SECONDS   types nothing for that long (for scripts)
::TEXT           types :TEXT
Any other line that begins with : is a command to the simulator:";

/// Arguments of `hw-sim console`.
#[derive(Debug, Args)]
#[command(after_help = CONSOLE_HELP)]
pub(super) struct ConsoleArgs {
    /// Talks to what is at this port instead of simulating a sensor.
    #[arg(long, value_name = "PATH", conflicts_with_all = ["on_for", "profile", "seed", "imei", "speed", "unit", "range", "door_open"])]
    port: Option<PathBuf>,
    /// With --port: the control socket of the simulator behind it, for the `:` lines.
    #[arg(long, value_name = "PATH", requires = "port")]
    control: Option<PathBuf>,
    /// How long the device has been on at the start, in seconds; 0 shows the boot.
    #[arg(long, value_name = "SECONDS", default_value = "120", value_parser = parse_seconds, allow_hyphen_values = true)]
    on_for: Duration,
    /// Input from a pipe: how long a line without an answer is waited for, in seconds.
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = parse_seconds, allow_hyphen_values = true)]
    patience: Duration,
    #[command(flatten)]
    device: DeviceArgs,
}

const CONSOLE_HELP: &str = "\
Lines are typed as they are, with CR. Lines that begin with `:` are commands to the simulator, `:help` lists them.
Input from a pipe is typed line by line, each when the one before is answered:
  printf '604218\\nAT+TDC=?\\n' | hw-sim console
Colour only on a terminal, and not when NO_COLOR is set.";

pub(super) async fn run(args: ConsoleArgs) -> Result<ExitCode, Failure> {
    let ConsoleArgs { port, control, on_for, patience, device } = args;
    let pacing = Pacing::new(patience);
    if let Some(path) = port {
        let simulator = control.map_or(Simulator::Unknown, Simulator::Socket);
        let mut console = Console::open(path, simulator, pacing)?;
        console.greet(&format!("port {}, 9600 8N1", console.path.display()))?;
        console.converse(None).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let link = std::env::temp_dir().join(format!("hw-sim-console-{}", std::process::id()));
    let config = device.into_config(link.clone(), on_for)?;
    let (profile, seconds) = (config.device.profile.clone(), on_for.as_secs_f64());
    let mut sensor = SimulatedSensor::start(config)?;
    let mut console = Console::open(link, Simulator::Own(sensor.controller()), pacing)?;
    let about = format!("profile {}, PIN {}, on for {seconds} s", profile.name, profile.pin);
    console.greet(&format!("sensor {}, {about}", sensor.imei()))?;
    let ended = console.converse(Some(&mut sensor)).await;
    sensor.stop().await?;
    ended.map(|()| ExitCode::SUCCESS)
}

/// Who carries out the `:` lines.
enum Simulator {
    Own(Controller),
    Socket(PathBuf),
    Unknown,
}

struct Console {
    screen: Screen,
    port: Option<SerialPort>,
    path: PathBuf,
    simulator: Simulator,
    piped: bool,
    pacing: Pacing,
    paused_until: Option<Instant>,
}

enum Event {
    Ended,
    Line(Option<String>),
    Received(Result<usize, SerialError>),
    Sensor(SensorEvent),
    Wakeup,
}

impl Console {
    fn open(path: PathBuf, simulator: Simulator, pacing: Pacing) -> Result<Self, Failure> {
        let port = Some(SerialPort::open(&path)?);
        let piped = !std::io::stdin().is_terminal();
        Ok(Self { screen: Screen::stdout(), port, path, simulator, piped, pacing, paused_until: None })
    }

    fn greet(&mut self, about: &str) -> Result<(), Failure> {
        self.screen.note(about)?;
        self.screen.note("Enter sends CR; `:help` lists what the simulator can be told; Ctrl-D ends")?;
        Ok(())
    }

    /// Until the input ends, or Ctrl-C.
    async fn converse(&mut self, mut sensor: Option<&mut SimulatedSensor>) -> Result<(), Failure> {
        let mut ended = pin!(told_to_end()?);
        let mut events = sensor.as_mut().map(|sensor| sensor.take_events());
        let mut lines = read_lines();
        let mut buffer = [0; 512];
        loop {
            let ready_at = self.ready_at().filter(|at| *at > Instant::now());
            let event = tokio::select! {
                () = &mut ended => Event::Ended,
                line = lines.recv(), if ready_at.is_none() => Event::Line(line),
                received = receive(self.port.as_ref(), &mut buffer) => Event::Received(received),
                Some(event) = next(events.as_mut()) => Event::Sensor(event),
                () = sleep_until(ready_at.unwrap_or_else(Instant::now)), if ready_at.is_some() => Event::Wakeup,
                () = sleep(REOPEN), if self.port.is_none() => Event::Wakeup,
            };
            match event {
                Event::Ended | Event::Line(None) => return Ok(()),
                Event::Line(Some(line)) => tokio::select! {
                    () = &mut ended => return Ok(()),
                    goes_on = self.line(&line) => if !goes_on? { return Ok(()) },
                },
                Event::Received(Ok(count)) => {
                    self.pacing.heard(&buffer[..count]);
                    self.screen.device(&buffer[..count])?;
                }
                Event::Received(Err(error)) => self.lose_port(&error)?,
                Event::Sensor(SensorEvent::Plugged { link, .. }) => self.path = link,
                Event::Sensor(_) => {}
                Event::Wakeup => self.reopen()?,
            }
        }
    }

    fn ready_at(&self) -> Option<Instant> {
        let paced = self.pacing.ready_at().filter(|_| self.piped);
        [self.paused_until, paced].into_iter().flatten().max()
    }

    /// False: the user wants to go.
    async fn line(&mut self, line: &str) -> Result<bool, Failure> {
        self.screen.entered_by(self.piped, line)?;
        match line.strip_prefix(':') {
            Some("quit" | "q") => return Ok(false),
            Some("help" | "h" | "?") => {
                self.screen.note(HELP)?;
                self.tell("help").await?;
            }
            Some(text) if text.starts_with(':') => self.send(text).await?,
            Some(command) => match command.trim().strip_prefix("pause") {
                Some(seconds) => self.pause(seconds)?,
                None => self.tell(command.trim()).await?,
            },
            None => self.send(line).await?,
        }
        Ok(true)
    }

    async fn send(&mut self, line: &str) -> Result<(), Failure> {
        self.reopen()?;
        let Some(port) = &self.port else {
            self.screen.warn("there is no port, the line is lost")?;
            return Ok(());
        };
        self.pacing.typed();
        let sent = port.write_all(format!("{line}\r").as_bytes()).await;
        if let Err(error) = sent {
            self.lose_port(&error)?;
        }
        Ok(())
    }

    async fn tell(&mut self, command: &str) -> Result<(), Failure> {
        let answer = match &self.simulator {
            Simulator::Own(controller) => controller.command(command).await,
            Simulator::Socket(path) => ask(path, command).await.unwrap_or_else(|error| Err(error.to_string())),
            Simulator::Unknown => Err("no simulator is known behind this port; give its socket with --control".into()),
        };
        match answer {
            Ok(text) if text.is_empty() => self.screen.note("ok")?,
            Ok(text) => self.screen.note(&text)?,
            Err(reason) => self.screen.warn(&reason)?,
        }
        Ok(())
    }

    fn pause(&mut self, seconds: &str) -> Result<(), Failure> {
        match parse_seconds(seconds) {
            Ok(time) => self.paused_until = Some(Instant::now() + time),
            Err(reason) => self.screen.warn(&reason)?,
        }
        Ok(())
    }

    fn lose_port(&mut self, error: &SerialError) -> Result<(), Failure> {
        self.port = None;
        self.screen.warn(&format!("{error}; waiting for it to come back"))?;
        Ok(())
    }

    fn reopen(&mut self) -> Result<(), Failure> {
        if self.port.is_none()
            && let Ok(port) = SerialPort::open(&self.path)
        {
            self.screen.note(&format!("`{}` is back", port.path().display()))?;
            self.port = Some(port);
        }
        Ok(())
    }
}

impl Screen {
    /// A terminal shows what is typed at it, a pipe does not.
    fn entered_by(&mut self, piped: bool, line: &str) -> std::io::Result<()> {
        if piped {
            return self.typed(line);
        }
        self.entered();
        Ok(())
    }
}

/// Ends with Ctrl-C or SIGTERM.
fn told_to_end() -> std::io::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

async fn receive(port: Option<&SerialPort>, buffer: &mut [u8]) -> Result<usize, SerialError> {
    match port {
        Some(port) => port.read(buffer).await,
        None => std::future::pending().await,
    }
}

async fn next(events: Option<&mut mpsc::Receiver<SensorEvent>>) -> Option<SensorEvent> {
    match events {
        Some(events) => events.recv().await,
        None => std::future::pending().await,
    }
}

/// Lines of standard input, one ahead. The thread ends with the process: nothing can interrupt its read.
fn read_lines() -> mpsc::Receiver<String> {
    let (lines, receiver) = mpsc::channel(1);
    std::thread::spawn(move || {
        let mut input = BufReader::new(std::io::stdin());
        loop {
            let mut line = Vec::new();
            match (&mut input).take(LINE_BYTES_MAX).read_until(b'\n', &mut line) {
                Ok(count) if count > 0 => {}
                _ => return,
            }
            let text = String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned();
            if lines.blocking_send(text).is_err() {
                return;
            }
        }
    });
    receiver
}
