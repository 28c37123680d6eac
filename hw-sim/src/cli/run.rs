//! `hw-sim run`: one sensor on a link until Ctrl-C.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};

use super::device::{DeviceArgs, parse_seconds};
use super::failure::Failure;
use crate::control::Scenario;
use crate::control::socket::ControlSocket;
use crate::device::DeviceConfig;
use crate::physics::Environment;
use crate::sensor::{SensorConfig, SensorEvent, SimulatedSensor};

/// Arguments of `hw-sim run`.
#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// Where the serial port appears: a symbolic link, made at start and removed at the end.
    #[arg(long, value_name = "PATH")]
    link: PathBuf,
    /// Takes commands while running on a Unix socket at this path, for `hw-sim ctl` [default: none].
    #[arg(long, value_name = "PATH")]
    control: Option<PathBuf>,
    /// Prints the ready line and what happens to the sensor as JSON, one object a line.
    #[arg(long)]
    json: bool,
    /// How long the device has been on when the port appears, in seconds; 0 is the moment of power-on.
    #[arg(long, value_name = "SECONDS", default_value = "0", value_parser = parse_seconds, allow_hyphen_values = true)]
    on_for: Duration,
    /// Keeps the sensor's flash in this file: settings, records and log outlive the program [default: they do not].
    #[arg(long, value_name = "FILE")]
    memory: Option<PathBuf>,
    /// Does what this file says, when it says so: commands of `hw-sim ctl` with their times [default: nothing].
    #[arg(long, value_name = "FILE")]
    scenario: Option<PathBuf>,
    #[command(flatten)]
    device: DeviceArgs,
}

pub(super) async fn run(args: RunArgs) -> Result<ExitCode, Failure> {
    let RunArgs { link, control, json, on_for, memory, scenario, device } = args;
    let scenario = scenario.as_deref().map(read_scenario).transpose()?.unwrap_or_default();
    let config = SensorConfig { memory, scenario, ..device.into_config(link, on_for)? };
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    // Before the port: whoever waits for the port may use the socket.
    let socket = control.as_deref().map(ControlSocket::open).transpose()?;
    let ready = Ready::of(&config, control);
    let mut sensor = SimulatedSensor::start(config)?;
    let mut events = sensor.take_events();
    let serving = socket.map(|socket| socket.serve(sensor.controller()));
    ready.print(&sensor, json)?;
    loop {
        tokio::select! {
            _ = interrupt.recv() => break,
            _ = terminate.recv() => break,
            error = sensor.failure() => return Err(error.into()),
            Some(event) = events.recv() => tell(&event, json)?,
        }
    }
    drop(serving);
    tracing::info!("stopping");
    sensor.stop().await?;
    if json {
        print_line(&json!({"event": "stopped"}))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn read_scenario(path: &Path) -> Result<Scenario, Failure> {
    let hint = "\n\nhint: it has to be a readable TOML file in UTF-8";
    let text = std::fs::read_to_string(path).map_err(|source| Failure::File {
        what: "read the scenario",
        path: path.to_owned(),
        source,
        hint,
    })?;
    text.parse().map_err(|source| Failure::Scenario { path: path.to_owned(), source })
}

/// What the ready line says besides the port.
struct Ready {
    profile: String,
    unit: String,
    seed: u64,
    control: Option<PathBuf>,
}

impl Ready {
    fn of(config: &SensorConfig, control: Option<PathBuf>) -> Self {
        let DeviceConfig { profile, seed, environment: Environment { unit, .. }, .. } = &config.device;
        Self { profile: profile.name.clone(), unit: unit.to_string(), seed: *seed, control }
    }

    fn print(&self, sensor: &SimulatedSensor, json: bool) -> std::io::Result<()> {
        let Self { profile, unit, seed, control } = self;
        let (imei, link, slave) = (sensor.imei(), sensor.link().display(), sensor.slave().display());
        if json {
            return print_line(&json!({
                "event": "ready", "imei": imei.as_str(), "link": link.to_string(), "port": slave.to_string(),
                "profile": profile, "unit": unit, "seed": seed,
                "control": control.as_ref().map(|path| path.display().to_string()),
            }));
        }
        let control = control.as_ref().map(|path| format!(", control {}", path.display())).unwrap_or_default();
        writeln!(
            std::io::stdout(),
            "sensor {imei}: {link} -> {slave} (profile {profile}, unit {unit}, seed {seed}{control})"
        )
    }
}

/// Events are for programs on stdout, and for people in the log.
fn tell(event: &SensorEvent, json: bool) -> std::io::Result<()> {
    if json {
        return print_line(&event_json(event));
    }
    match event {
        SensorEvent::Unplugged => tracing::info!("unplugged"),
        SensorEvent::Plugged { link, port } => tracing::info!("plugged in: {} -> {}", link.display(), port.display()),
        SensorEvent::Commanded { line, answer: Ok(_) } => tracing::info!("done: {line}"),
        SensorEvent::Commanded { line, answer: Err(reason) } => tracing::info!("refused: {line}: {reason}"),
    }
    Ok(())
}

fn event_json(event: &SensorEvent) -> Value {
    match event {
        SensorEvent::Unplugged => json!({"event": "unplugged"}),
        SensorEvent::Plugged { link, port } => {
            json!({"event": "plugged", "link": link.display().to_string(), "port": port.display().to_string()})
        }
        SensorEvent::Commanded { line, answer: Ok(_) } => json!({"event": "command", "line": line, "ok": true}),
        SensorEvent::Commanded { line, answer: Err(reason) } => {
            json!({"event": "command", "line": line, "ok": false, "error": reason})
        }
    }
}

fn print_line(value: &Value) -> std::io::Result<()> {
    writeln!(std::io::stdout(), "{value}")
}
