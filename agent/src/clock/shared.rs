//! The clocks of this run, read in one place: monotonic time since the start, the system clock, and what the sink said.
//!
//! The recorder stamps with it, the forwarder teaches it, rustls checks certificates against it. It decides nothing:
//! [`WallClock`] does.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kitchen_contract::time::Timestamp;
use nix::time::{ClockId, clock_gettime};
use rustls::pki_types::UnixTime;
use rustls::time_provider::TimeProvider;
use tokio::time::Instant;

use super::earlier::RunClock;
use super::steps::Steps;
use super::wall::{Exchange, Stamp, SystemReading, WallClock};
use crate::observation::Moment;

/// There as soon as the time daemon, systemd-timesyncd, has set the clock in this run of the system. Other daemons leave no
/// such file; with them records wait for `serverTime`, as without any.
const SYNCHRONISED: &str = "/run/systemd/timesync/synchronized";

/// The system's name for its present start.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";
/// Two clocks are not read at the same instant; a sleep is longer.
const READ_APART: Duration = Duration::from_millis(100);

/// A handle on the clocks of this run; clones share what was learnt.
#[derive(Clone, Debug)]
pub struct SharedClock {
    started: Instant,
    known: Arc<Mutex<Known>>,
}

#[derive(Debug, Default)]
struct Known {
    wall: WallClock,
    steps: Steps,
}

impl SharedClock {
    /// The clocks of a run that began at `started`: [`Moment`] zero.
    pub fn new(started: Instant) -> Self {
        Self { started, known: Arc::default() }
    }

    /// Now.
    pub fn now(&self) -> Moment {
        Moment(self.started.elapsed() + slept())
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
        SystemReading { at: self.now(), wall, synchronised: Path::new(SYNCHRONISED).exists() }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long the system has slept since the first call, which the supervisor makes first of all. The monotonic clock, on
/// which everything waits, stands still meanwhile; what happened lies after it.
pub fn slept() -> Duration {
    static BEFORE: OnceLock<Duration> = OnceLock::new();
    let slept = time_of(ClockId::CLOCK_BOOTTIME).saturating_sub(time_of(ClockId::CLOCK_MONOTONIC));
    let slept = slept.saturating_sub(*BEFORE.get_or_init(|| slept));
    if slept < READ_APART { Duration::ZERO } else { slept }
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
