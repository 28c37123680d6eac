//! The program `hw-sim`: arguments in, one line on stdout when the sensor is ready, logs on stderr.

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::device::DeviceConfig;
use crate::imei::Imei;
use crate::physics::{DoorOpening, Environment, Range, Unit};
use crate::profile::Profile;
use crate::sensor::{SensorConfig, SensorError, SimulatedSensor};

/// Could not ask: usage, profile, port.
const EXIT_COULD_NOT: u8 = 2;

/// Simulates a Dragino PS-NB-GE temperature sensor on a virtual serial port, faithful to the byte.
#[derive(Debug, Parser)]
#[command(name = "hw-sim", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs one sensor until Ctrl-C: 9600 baud, 8N1, no echo, PIN as in the profile.
    Run(RunArgs),
}

#[derive(Debug, Args)]
struct RunArgs {
    /// Where the serial port appears: a symbolic link, made at start and removed at the end.
    #[arg(long, value_name = "PATH")]
    link: PathBuf,
    /// Firmware profile: a built-in name or the path of a .toml file.
    #[arg(long, value_name = "NAME", default_value = "nb-1.1")]
    profile: String,
    /// Seed of everything random: identity, tolerances, noise, doors.
    #[arg(long, value_name = "N")]
    seed: u64,
    /// The modem's IMEI, 15 digits [default: derived from the seed].
    #[arg(long, value_name = "N")]
    imei: Option<Imei>,
    /// Divides every device time; for tests.
    #[arg(long, value_name = "X", default_value_t = 1.0)]
    speed: f64,
    /// The kitchen unit the probe hangs in: walk-in-fridge or freezer.
    #[arg(long, default_value_t = Unit::WalkInFridge)]
    unit: Unit,
    /// Temperatures in °C that the transmitter maps to 4 and 20 mA.
    #[arg(long, value_name = "LO..HI", default_value_t = Range::KITCHEN, allow_hyphen_values = true)]
    range: Range,
    /// Keeps the door open from one second after the start to another; repeatable.
    #[arg(long, value_name = "FROM..TO", value_parser = parse_door)]
    door_open: Vec<DoorOpening>,
}

/// Parses, runs, and maps the outcome to an exit code: 0 fine, 2 could not.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    match Cli::try_parse_from(args) {
        Ok(Cli { command: Command::Run(args) }) => run(args),
        Err(error) => explain_usage(&error),
    }
}

fn run(args: RunArgs) -> ExitCode {
    start_log();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(serve(args)),
        Err(error) => Err(error.into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&error);
            ExitCode::from(EXIT_COULD_NOT)
        }
    }
}

/// Why the program ended other than by a signal.
#[derive(Debug, thiserror::Error)]
enum RunError {
    #[error(transparent)]
    Sensor(#[from] SensorError),
    #[error("cannot run: {0}")]
    System(#[from] std::io::Error),
}

async fn serve(args: RunArgs) -> Result<(), RunError> {
    let config = args.into_config()?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let ready = ready_line(&config);
    let mut sensor = SimulatedSensor::start(config)?;
    let (imei, link, slave) = (sensor.imei(), sensor.link().display(), sensor.slave().display());
    writeln!(std::io::stdout(), "sensor {imei}: {link} -> {slave} {ready}")?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        error = sensor.failure() => return Err(error.into()),
    }
    tracing::info!("stopping");
    Ok(sensor.stop().await?)
}

impl RunArgs {
    fn into_config(self) -> Result<SensorConfig, SensorError> {
        let Self { link, profile, seed, imei, speed, unit, range, door_open: doors } = self;
        let profile = Profile::load(&profile)?;
        let environment = Environment { unit, range, doors, ..Environment::walk_in_fridge() };
        let device = DeviceConfig { imei, environment, ..DeviceConfig::new(profile, seed) };
        Ok(SensorConfig { link, speed, device })
    }
}

fn ready_line(config: &SensorConfig) -> String {
    let DeviceConfig { profile, seed, environment: Environment { unit, .. }, .. } = &config.device;
    format!("(profile {}, unit {unit}, seed {seed})", profile.name)
}

fn parse_door(text: &str) -> Result<DoorOpening, String> {
    let seconds = |text: &str| {
        let seconds: f64 = text.trim().parse().ok()?;
        Duration::try_from_secs_f64(seconds).ok()
    };
    text.split_once("..")
        .and_then(|(from, to)| Some(DoorOpening { from: seconds(from)?, to: seconds(to)? }))
        .filter(|door| door.from < door.to)
        .ok_or_else(|| "expected FROM..TO in seconds after the start, FROM before TO".to_owned())
}

/// `RUST_LOG` chooses what is logged; colour is left to terminals that want it.
fn start_log() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    // A program that embeds this one may have its own subscriber: then that one stays.
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(std::io::stderr).try_init();
}

/// Help and version are answers, everything else is a usage error.
fn explain_usage(error: &clap::Error) -> ExitCode {
    // Nothing can be told to a closed terminal.
    let _ = error.print();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => ExitCode::SUCCESS,
        _ => ExitCode::from(EXIT_COULD_NOT),
    }
}

fn report(error: &RunError) {
    let _ = writeln!(std::io::stderr(), "error: {error}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn door_openings_are_spans_of_seconds() {
        let door = parse_door("60..240.5").unwrap();
        assert_eq!((door.from, door.to), (Duration::from_secs(60), Duration::from_millis(240_500)));
        for bad in ["", "60", "60..", "240..60", "-1..5", "a..b", "NaN..5", "5..inf"] {
            assert!(parse_door(bad).is_err(), "{bad}");
        }
    }
}
