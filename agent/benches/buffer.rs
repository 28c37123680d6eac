//! `cargo buffer`: what the buffer costs: an append beside a bare write with its sync, the room and memory of readings that
//! wait, and how fast they are read and freed. On the disk of the system's temporary directory.
//!
//! `cargo buffer -- --readings 20000` keeps so many waiting instead of 100,000.
#![allow(clippy::print_stdout)] // the figures are the answer
#![allow(clippy::unwrap_used)] // a bench that cannot go on says so

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use kitchen_agent::buffer::entry::Draft;
use kitchen_agent::buffer::{Buffer, Limits, Read, ReadLimits, Round};
use kitchen_agent::clock::wall::Stamp;
use kitchen_contract::id::Epoch;
use kitchen_contract::record::{Absence, Body, Reading, Trigger};
use kitchen_contract::time::{Clock, Timestamp};
use kitchen_contract::unit::{Celsius, CelsiusDifference, MilliAmp, Volt};
use kitchen_contract::written::WrittenRecord;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// Set in the program that measures.
const BEGUN: &str = "KITCHEN_BENCH_BEGUN";
/// Readings that wait, unless it is said.
const READINGS: usize = 100_000;
/// Sensors of the site: so many readings come on disk together.
const SENSORS: usize = 16;
/// Appends that are compared with bare writes.
const APPENDS: usize = 500;
/// As the keeper does it.
const PACK_EVERY: usize = 32;
/// Limits of the issue: times a bare write's, bytes on disk a reading, s for all, KiB.
const APPEND_TIMES_MAX: f64 = 1.5;
const BYTES_MAX: f64 = 117.0;
const DRAIN_S_MAX: f64 = 5.0;
const RSS_KIB_MAX: f64 = 16.0 * 1024.0;
/// An envelope while catching up.
const ENVELOPE: ReadLimits = ReadLimits { records_max: 500, bytes_max: 120 * 1024 };

fn main() -> ExitCode {
    if std::env::var_os(BEGUN).is_none() {
        return again_as_on_a_gateway();
    }
    let args: Vec<String> = std::env::args().collect();
    let given = args.iter().position(|arg| arg == "--readings").and_then(|at| args.get(at + 1)?.parse().ok());
    let dir = tempfile::tempdir().unwrap();
    let mut site = Site::new();
    let quick = append(&dir.path().join("append"), &mut site);
    let small = wait_and_drain(&dir.path().join("waiting"), &mut site, given.unwrap_or(READINGS));
    if quick && small { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Begins this program once more, in the agent's environment on a gateway.
fn again_as_on_a_gateway() -> ExitCode {
    let unit = include_str!("../kitchen-agent.service");
    let set = unit.lines().filter_map(|line| line.strip_prefix("Environment=")?.split_once('='));
    let mut program = Command::new(std::env::current_exe().unwrap());
    let ended = program.args(std::env::args_os().skip(1)).envs(set).env(BEGUN, "1").status().unwrap();
    if ended.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Half of all appends are as quick, beside bare writes of as many bytes with an fdatasync, taken in turn.
fn append(dir: &Path, site: &mut Site) -> bool {
    let mut buffer = open(dir);
    let mut bare = File::create(dir.join("bare")).unwrap();
    let (mut appends, mut writes) = (Vec::new(), Vec::new());
    for _ in 0..APPENDS {
        let round = site.round();
        appends.push(timed(|| drop(buffer.append(&round).unwrap())));
        let bytes = vec![b'x'; (buffer.contents().bytes / buffer.contents().records) as usize * SENSORS];
        writes.push(timed(|| {
            bare.write_all(&bytes).unwrap();
            bare.sync_data().unwrap();
        }));
    }
    let (append, write) = (median(appends), median(writes));
    println!("half of the appends within {append:.3} ms, of the bare writes with fdatasync within {write:.3} ms");
    show("append, times a bare write", append / write, "", APPEND_TIMES_MAX)
}

fn wait_and_drain(dir: &Path, site: &mut Site, readings: usize) -> bool {
    let mut buffer = open(dir);
    for number in 0..readings / SENSORS {
        buffer.append(&site.round()).unwrap();
        if number % PACK_EVERY == 0 {
            buffer.pack().unwrap();
        }
    }
    let kept = buffer.contents().records as f64;
    let (frames, files) = (buffer.contents().bytes as f64 / kept, size(&dir.join("buffer")) as f64 / kept);
    println!("{kept} records wait, {frames:.1} bytes of frames each");
    let small = show("bytes on disk a waiting record", files, "B", BYTES_MAX);
    let light = show("RSS with all that waiting", rss_kib(), "KiB", RSS_KIB_MAX);
    let begin = Instant::now();
    let cpu = cpu_s();
    while let Read::Batch(batch) = buffer.read(0, ENVELOPE).unwrap() {
        let ranges = batch.records.iter().map(WrittenRecord::seq).collect();
        buffer.acknowledge(&batch.epoch, &ranges).unwrap();
    }
    assert_eq!(buffer.contents().records, 0);
    println!("read and freed with {:.4} CPU-s per 1,000", (cpu_s() - cpu) / kept * 1_000.0);
    let fast = show("read and freed", begin.elapsed().as_secs_f64(), "s", DRAIN_S_MAX);
    small && light && fast
}

/// Sixteen sensors, polled once a minute.
struct Site {
    random: StdRng,
    celsius: Vec<f64>,
    now_ms: i64,
}

impl Site {
    fn new() -> Self {
        Self { random: StdRng::seed_from_u64(5), celsius: vec![4.0; SENSORS], now_ms: 1_800_000_000_000 }
    }

    fn round(&mut self) -> Round {
        self.now_ms += 60_000;
        let drafts = (0..SENSORS).map(|sensor| self.reading(sensor)).collect();
        let now = self.stamp(0);
        Round { kitchen_id: "kitchen-001".parse().unwrap(), now, dropped: 0, drafts }
    }

    fn reading(&mut self, sensor: usize) -> Draft {
        self.celsius[sensor] += self.random.random_range(-0.2..0.2);
        let celsius = (self.celsius[sensor] * 1000.0).round() / 1000.0;
        let milliamps = ((celsius + 40.0) / 100.0 * 16.0 + 4.0).clamp(4.0, 20.0);
        let reading = Reading {
            device_id: format!("fridge-{sensor}").parse().unwrap(),
            value: Ok(Celsius::new(celsius).unwrap()),
            uncertainty: Some(CelsiusDifference::new(0.355 + self.random.random_range(0..9) as f64 / 1000.0).unwrap()),
            raw_ma: Some(MilliAmp::new((milliamps * 1000.0).round() / 1000.0).unwrap()),
            battery: Ok(Volt::new(3.5 + self.random.random_range(0..90) as f64 / 1000.0).unwrap()),
            signal: Err(Absence::NotReported),
            humidity: Err(Absence::NotConfigured),
            trigger: Trigger::Poll,
        };
        let ms = self.random.random_range(0..60_000);
        Draft::new(self.stamp(ms), Body::Reading(reading))
    }

    fn stamp(&self, ms: i64) -> Stamp {
        Stamp::Settled { timestamp: Timestamp::from_unix_ms(self.now_ms + ms).unwrap(), clock: Clock::Synced }
    }
}

fn open(dir: &Path) -> Buffer {
    let limits = Limits { records_max: 10_000_000, bytes_max: 1 << 32, free_bytes_min: 0 };
    Buffer::open(dir, limits, Epoch::from_entropy([7; 15])).unwrap()
}

fn timed(work: impl FnOnce()) -> Duration {
    let begin = Instant::now();
    work();
    begin.elapsed()
}

/// In ms.
fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64() * 1000.0
}

fn size(dir: &Path) -> u64 {
    let files = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
    files.map(|entry| if entry.path().is_dir() { size(&entry.path()) } else { entry.metadata().unwrap().len() }).sum()
}

fn rss_kib() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Processor time of this process so far, in s.
fn cpu_s() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}

/// Prints a figure; whether it is within its limit.
fn show(name: &str, figure: f64, unit: &str, limit: f64) -> bool {
    let verdict = if figure <= limit { "" } else { "   TOO MUCH" };
    println!("{name:<44} {figure:>12.3} {unit:<5} limit {limit} {unit}{verdict}");
    figure <= limit
}
