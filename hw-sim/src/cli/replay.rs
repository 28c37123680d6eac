//! `hw-sim replay`: a transcript or recording against a client or against a device.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;

use super::device::parse_seconds;
use super::failure::Failure;
use crate::replay::{DeviceSide, HostSide, ReplayError};
use crate::sensor::{SensorConfig, SensorError};
use crate::serial::SerialPort;
use crate::transcript::Transcript;

/// Arguments of `hw-sim replay`.
#[derive(Debug, Args)]
#[command(after_help = REPLAY_HELP)]
#[command(group(clap::ArgGroup::new("side").required(true).args(["link", "port"])))]
pub(super) struct ReplayArgs {
    /// A transcript, written by hand or by `hw-sim record`.
    file: PathBuf,
    /// Plays the device, on a port that appears here.
    #[arg(long, value_name = "PATH")]
    link: Option<PathBuf>,
    /// Plays the host, at the device at this port, and compares what it says.
    #[arg(long, value_name = "PATH")]
    port: Option<PathBuf>,
    /// With --port: typed first when the transcript begins unlocked; leave it out when the device is.
    #[arg(long, requires = "port")]
    pin: Option<String>,
    /// With --port: the control socket of the simulator there; a transcript that begins powered cuts its power.
    #[arg(long, value_name = "PATH", requires = "port")]
    control: Option<PathBuf>,
    /// With --port: how long the device may be quiet where it should speak, in seconds.
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = parse_seconds, allow_hyphen_values = true)]
    patience: Duration,
    /// With --port: how far beside its window an answer may come, in seconds: adapter, system and a busy machine.
    #[arg(long, value_name = "SECONDS", default_value = "0.1", value_parser = parse_seconds, allow_hyphen_values = true)]
    slack: Duration,
    /// Divides every time of the transcript; for a simulator with the same --speed, and for tests.
    #[arg(long, value_name = "X", default_value_t = 1.0, allow_hyphen_values = true)]
    speed: f64,
}

const REPLAY_HELP: &str = "\
A transcript has one step a line:
  = unlocked        state at the start: powered, locked or unlocked; comes first
  > AT+TDC=?        the host sends this line, and CR
  < 7200¶¶OK¶¶      the device sends these bytes; ¶ is CR LF, \\x1a a byte, {9.216} any number
  @ 70..210 ms      when the last of them came, counted from the end of the step before
  . 2 s             silence            ~ 300 s          that much time passes
  ! door open       the simulator is told this, through --control
  % profile NAME    the firmware it has to have; % set KEY=VALUE: a key of the profile that is different
  # a comment
With --port, times that are exact (72..72 ms, as in a recording) are not compared: a device is not that regular.
With --link it ends when the client has closed the port.

Exit codes: 0 all as written, 1 the other side differs, 2 could not start or go on.";

pub(super) async fn run(args: ReplayArgs) -> Result<ExitCode, Failure> {
    let speed = args.speed;
    if !SensorConfig::SPEEDS.contains(&speed) {
        return Err(SensorError::Speed(speed).into());
    }
    let script = Script::read(&args.file)?;
    let mut player = match (&args.link, &args.port) {
        (Some(link), _) => {
            let side = DeviceSide::open(link, speed)?;
            writeln!(std::io::stdout(), "playing the device of {} on {}", script.path.display(), link.display())?;
            Player::Device(side)
        }
        (None, Some(port)) => Player::Host(host_side(port, &args)?),
        (None, None) => return Err(Failure::Refused("one of --link and --port is needed".to_owned())),
    };
    let mut at = 0;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let outcome = tokio::select! {
        _ = interrupt.recv() => Err(ReplayError::Interrupted),
        _ = terminate.recv() => Err(ReplayError::Interrupted),
        outcome = script.play(&mut player, &mut at) => outcome,
    };
    match outcome {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(ReplayError::Interrupted) if at == script.transcript.steps.len() => Ok(ExitCode::SUCCESS),
        Err(source) => Err(Failure::Replay {
            path: script.path.clone(),
            line: script.transcript.lines.get(at).copied().unwrap_or_default(),
            source,
        }),
    }
}

fn host_side(port: &Path, args: &ReplayArgs) -> Result<HostSide, Failure> {
    let port = SerialPort::open(port)?;
    let (control, pin) = (args.control.clone(), args.pin.clone());
    let (patience, slack, speed) = (args.patience, args.slack, args.speed);
    Ok(HostSide { port, control, pin, patience, slack, speed, heard: Vec::new(), since: Instant::now() })
}

/// Whose part is played.
enum Player {
    Device(DeviceSide),
    Host(HostSide),
}

/// A transcript and its file.
struct Script {
    path: PathBuf,
    transcript: Transcript,
}

impl Script {
    fn read(path: &Path) -> Result<Self, Failure> {
        let path = path.to_owned();
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(source) => return Err(Failure::File { what: "read", path, source, hint: "" }),
        };
        match Transcript::parse(&text) {
            Ok(transcript) => Ok(Self { path, transcript }),
            Err(source) => Err(Failure::Transcript { path, source }),
        }
    }

    /// `at` is the step being played, and their number when all are over.
    async fn play(&self, player: &mut Player, at: &mut usize) -> Result<(), ReplayError> {
        match player {
            Player::Device(side) => side.client().await?,
            Player::Host(side) => side.start(self.transcript.start).await?,
        }
        let steps = &self.transcript.steps;
        for (index, step) in steps.iter().enumerate() {
            *at = index;
            match player {
                Player::Device(side) => side.step(step, steps.get(index + 1)).await?,
                Player::Host(side) => side.step(step, steps.get(index + 1)).await?,
            }
        }
        *at = steps.len();
        // Whoever reads this may be gone; the exit code says it, too.
        let _ = writeln!(std::io::stdout(), "{}: {} steps, all as written", self.path.display(), steps.len());
        match player {
            Player::Device(side) => side.end().await,
            Player::Host(_) => Ok(()),
        }
    }
}
