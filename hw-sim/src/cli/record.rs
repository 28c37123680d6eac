//! `hw-sim record`: a tap between a client and a port.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::failure::Failure;
use crate::pty::Port;
use crate::record::Recorder;
use crate::serial::SerialPort;

/// What has ended is in the file this much later at the latest.
const FLUSH: Duration = Duration::from_millis(500);
/// A recording holds PINs and passwords.
const MODE: u32 = 0o600;

/// Arguments of `hw-sim record`.
#[derive(Debug, Args)]
#[command(after_help = RECORD_HELP)]
pub(super) struct RecordArgs {
    /// The device's port, real or simulated.
    #[arg(long, value_name = "PATH")]
    port: PathBuf,
    /// Where the client finds the port instead: a symbolic link, made at start and removed at the end.
    #[arg(long, value_name = "PATH")]
    link: PathBuf,
    /// The transcript; must not exist yet.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The device's state at the beginning, as `replay` is to find it.
    #[arg(long, value_name = "STATE", default_value = "locked")]
    start: Start,
}

const RECORD_HELP: &str = "\
Example:
  hw-sim record --port /dev/ttyUSB0 --link /tmp/ttySensor --out dialogue.txt
  picocom -b 9600 --echo /tmp/ttySensor        (in another terminal; Ctrl-C ends the recording)

A recording holds every byte of both directions, also the PIN that was typed: look before you hand it on.";

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Start {
    Powered,
    Locked,
    Unlocked,
}

pub(super) async fn run(args: RecordArgs) -> Result<ExitCode, Failure> {
    let RecordArgs { port, link, out, start } = args;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let device = SerialPort::open(&port)?;
    let client = Port::open(&link)?;
    let file = create(&out)?;
    writeln!(std::io::stdout(), "recording {} on {}, to {}", port.display(), link.display(), out.display())?;
    let mut tap =
        Tap { device, client, file, out, recorder: Recorder::default(), began: Instant::now(), counts: [0; 2] };
    tap.write(&header(&port, start))?;
    let outcome = tokio::select! {
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
        failure = tap.pass_through() => failure,
    };
    let rest = tap.recorder.finish();
    tap.write(&rest)?;
    let [host, device] = tap.counts;
    writeln!(std::io::stdout(), "recorded {host} bytes of the host and {device} of the device")?;
    outcome.map(|()| ExitCode::SUCCESS)
}

fn create(out: &Path) -> Result<File, Failure> {
    OpenOptions::new().write(true).create_new(true).mode(MODE).open(out).map_err(|source| {
        let hint = match source.kind() {
            ErrorKind::AlreadyExists => "\n\nhint: choose another name; no recording is overwritten",
            _ => "",
        };
        Failure::File { what: "write", path: out.to_owned(), source, hint }
    })
}

fn header(port: &Path, start: Start) -> String {
    let state = start.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
    format!("# Recorded by hw-sim from {}; holds what was typed, also the PIN.\n= {state}\n", port.display())
}

struct Tap {
    device: SerialPort,
    client: Port,
    file: File,
    out: PathBuf,
    recorder: Recorder,
    began: Instant,
    /// Bytes of the host and of the device.
    counts: [usize; 2],
}

enum Event {
    Typed(usize),
    Heard(usize),
    Tick,
}

impl Tap {
    /// Until something breaks.
    async fn pass_through(&mut self) -> Result<(), Failure> {
        let (mut typed, mut heard) = ([0; 256], [0; 256]);
        let mut tick = interval(FLUSH);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let event = tokio::select! {
                count = self.client.read(&mut typed) => Event::Typed(count?),
                count = self.device.read(&mut heard) => Event::Heard(count?),
                _ = tick.tick() => Event::Tick,
            };
            let at = self.began.elapsed();
            let text = match event {
                Event::Typed(count) => {
                    self.counts[0] += count;
                    self.device.write_all(&typed[..count]).await?;
                    self.recorder.host(at, &typed[..count])
                }
                Event::Heard(count) => {
                    self.counts[1] += count;
                    self.client.deliver(&heard[..count])?;
                    self.recorder.device(at, &heard[..count])
                }
                Event::Tick => self.recorder.quiet(at),
            };
            self.write(&text)?;
        }
    }
    /// Whole steps only, so that the file can be read at any time.
    fn write(&mut self, text: &str) -> Result<(), Failure> {
        self.file.write_all(text.as_bytes()).map_err(|source| {
            let path = self.out.clone();
            Failure::File { what: "write", path, source, hint: "" }
        })
    }
}
