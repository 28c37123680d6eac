//! The clocks of this run, read in one place: monotonic time since the start, the system clock, and what the sink said.
//!
//! The recorder stamps with it, the forwarder teaches it, rustls checks certificates against it. It decides nothing:
//! [`WallClock`] does.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kitchen_contract::time::Timestamp;
use nix::time::{ClockId, clock_gettime};
use rustls::pki_types::UnixTime;
use rustls::time_provider::TimeProvider;
use tokio::time::Instant;

use super::earlier::RunClock;
use super::offsets::{Clocks, Offsets};
use super::steps::Steps;
use super::wall::{Exchange, Stamp, SystemReading, WallClock};
use crate::observation::Moment;

/// There as soon as the time daemon, systemd-timesyncd, has set the clock in this run of the system. Other daemons leave no
/// such file; with them records wait for `serverTime`, as without any.
const SYNCHRONISED: &str = "/run/systemd/timesync/synchronized";
/// How often to look for it, in ms.
const LOOK_EVERY_MS: u64 = 1_000;

/// The system's name for its present start.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";
/// Read farther apart, clocks do not tell what differs between them.
const READ_WITHIN: Duration = Duration::from_millis(10);
/// How often to read them again then, before what was known is left as it is.
const READ_ATTEMPTS: u32 = 3;

/// A handle on the clocks of this run; clones share what was learnt.
#[derive(Clone, Debug)]
pub struct SharedClock {
    started: Instant,
    known: Arc<Mutex<Known>>,
    daemon: Arc<Daemon>,
}

/// What the time daemon's file said, which is looked at now and then: every reading asks.
#[derive(Debug, Default)]
struct Daemon {
    has_set: AtomicBool,
    /// In ms since the start of the run.
    look_again_ms: AtomicU64,
}

impl Daemon {
    fn has_set(&self, Moment(now): Moment) -> bool {
        let now_ms = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        // Once it is there it stays.
        if !self.has_set.load(Relaxed) && now_ms >= self.look_again_ms.load(Relaxed) {
            self.look_again_ms.store(now_ms.saturating_add(LOOK_EVERY_MS), Relaxed);
            self.has_set.store(Path::new(SYNCHRONISED).exists(), Relaxed);
        }
        self.has_set.load(Relaxed)
    }
}

#[derive(Debug, Default)]
struct Known {
    wall: WallClock,
    steps: Steps,
}

impl SharedClock {
    /// The clocks of a run that began at `started`: [`Moment`] zero.
    pub fn new(started: Instant) -> Self {
        Self { started, known: Arc::default(), daemon: Arc::default() }
    }

    /// Now.
    pub fn now(&self) -> Moment {
        Moment(since(self.started))
    }

    /// Where this run lies in the time that the system has been on; `not_before` was on disk. None where the system has no
    /// name for its start.
    pub fn run(&self, not_before: Option<Timestamp>) -> Option<RunClock> {
        let boot_id = std::fs::read_to_string(BOOT_ID).ok()?.trim().to_owned();
        let on = time_of(ClockId::CLOCK_BOOTTIME).saturating_sub(self.now().0);
        Some(RunClock { boot_id, started_ms: u64::try_from(on.as_millis()).ok()?, not_before })
    }

    /// By how many ms somebody has set the system's clock since the last call, if so.
    pub fn stepped(&self) -> Option<i64> {
        let SystemReading { at, wall, .. } = self.system();
        self.lock().steps.look(at, wall)
    }

    /// The stamp of something that happened at `at`, as far as it is known now.
    pub fn stamp(&self, at: Moment) -> Stamp {
        self.lock().wall.stamp(at, self.system())
    }

    /// The sink told its time.
    pub fn learn(&self, exchange: Exchange) {
        self.lock().wall.learn(exchange);
    }

    /// The sink's certificate is not valid at the time that it was checked against.
    pub fn doubt(&self) {
        self.lock().wall.doubt();
    }

    /// Whether somebody vouches for what time it is; else there is only a floor.
    pub fn is_known(&self) -> bool {
        let system = self.system();
        self.lock().wall.is_known(system)
    }

    /// An earlier run left this synced time on disk.
    pub fn raise_floor(&self, saved: Timestamp) {
        self.lock().wall.raise_floor(saved);
    }

    /// What is known about UTC at this instant, to decide with elsewhere.
    pub fn snapshot(&self) -> WallClock {
        self.lock().wall
    }

    fn system(&self) -> SystemReading {
        let unix_ms = SystemTime::now().duration_since(UNIX_EPOCH).ok().map(|since| since.as_millis());
        let wall = unix_ms.and_then(|unix_ms| Timestamp::from_unix_ms(i64::try_from(unix_ms).ok()?).ok());
        let at = self.now();
        SystemReading { at, wall, synchronised: self.daemon.has_set(at) }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The time since `start`, by the gateway's crystal, the system's sleep included. The clock that everything waits on stands
/// still in sleep and runs as a time daemon likes.
pub fn since(start: Instant) -> Duration {
    offsets().correct(start.elapsed())
}

/// How long the system has slept since the first call, which the supervisor makes first of all.
pub fn slept() -> Duration {
    Duration::from_millis(offsets().slept_ms.unsigned_abs())
}

fn offsets() -> Offsets {
    static KNOWN: Mutex<Option<Offsets>> = Mutex::new(None);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let read = clocks();
    let offsets = known.get_or_insert_with(|| Offsets::new(read.unwrap_or_else(|| clocks_at(monotonic()))));
    if let Some(read) = read {
        offsets.look(read);
    }
    *offsets
}

/// All clocks at one moment; none if somebody else had the processor in between, again and again.
fn clocks() -> Option<Clocks> {
    (0..READ_ATTEMPTS).find_map(|_| {
        let read = clocks_at(monotonic());
        (monotonic().saturating_sub(read.monotonic) < READ_WITHIN).then_some(read)
    })
}

fn clocks_at(monotonic: Duration) -> Clocks {
    let raw = clock_gettime(ClockId::CLOCK_MONOTONIC_RAW).map(Duration::from).ok();
    Clocks { monotonic, boot: time_of(ClockId::CLOCK_BOOTTIME), raw }
}

fn monotonic() -> Duration {
    time_of(ClockId::CLOCK_MONOTONIC)
}

/// A clock of the system; zero where there is none.
fn time_of(clock: ClockId) -> Duration {
    clock_gettime(clock).map(Duration::from).unwrap_or_default()
}

impl TimeProvider for SharedClock {
    fn current_time(&self) -> Option<UnixTime> {
        let wall = self.lock().wall.certificate_time(self.system());
        let since_1970 = Duration::from_millis(u64::try_from(wall.unix_ms()).ok()?);
        Some(UnixTime::since_unix_epoch(since_1970))
    }
}
