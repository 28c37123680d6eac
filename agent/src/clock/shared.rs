//! The clocks of this run, read in one place: monotonic time since the start, the system clock, and what the sink said.
//!
//! The recorder stamps with it, the forwarder teaches it, rustls checks certificates against it. It decides nothing:
//! [`WallClock`] does.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kitchen_contract::time::Timestamp;
use rustls::pki_types::UnixTime;
use rustls::time_provider::TimeProvider;
use tokio::time::Instant;

use super::wall::{Exchange, Stamp, SystemReading, WallClock};
use crate::observation::Moment;

/// There as soon as the time daemon, systemd-timesyncd, has set the clock in this run of the system. Other daemons leave no
/// such file; with them records wait for `serverTime`, as without any.
const SYNCHRONISED: &str = "/run/systemd/timesync/synchronized";

/// A handle on the clocks of this run; clones share what was learnt.
#[derive(Clone, Debug)]
pub struct SharedClock {
    started: Instant,
    wall: Arc<Mutex<WallClock>>,
}

impl SharedClock {
    /// The clocks of a run that began at `started`: [`Moment`] zero.
    pub fn new(started: Instant) -> Self {
        Self { started, wall: Arc::new(Mutex::new(WallClock::new())) }
    }

    /// Now, on the monotonic clock.
    pub fn now(&self) -> Moment {
        Moment(self.started.elapsed())
    }

    /// The stamp of something that happened at `at`, as far as it is known now.
    pub fn stamp(&self, at: Moment) -> Stamp {
        self.lock().stamp(at, self.system())
    }

    /// The sink told its time.
    pub fn learn(&self, exchange: Exchange) {
        self.lock().learn(exchange);
    }

    /// The sink's certificate is not valid at the time that it was checked against.
    pub fn doubt(&self) {
        self.lock().doubt();
    }

    /// An earlier run left this synced time on disk.
    pub fn raise_floor(&self, saved: Timestamp) {
        self.lock().raise_floor(saved);
    }

    /// What is known about UTC at this instant, to decide with elsewhere.
    pub fn snapshot(&self) -> WallClock {
        *self.lock()
    }

    fn system(&self) -> SystemReading {
        let unix_ms = SystemTime::now().duration_since(UNIX_EPOCH).ok().map(|since| since.as_millis());
        let wall = unix_ms.and_then(|unix_ms| Timestamp::from_unix_ms(i64::try_from(unix_ms).ok()?).ok());
        SystemReading { at: self.now(), wall, synchronised: Path::new(SYNCHRONISED).exists() }
    }

    fn lock(&self) -> MutexGuard<'_, WallClock> {
        self.wall.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TimeProvider for SharedClock {
    fn current_time(&self) -> Option<UnixTime> {
        let wall = self.lock().certificate_time(self.system());
        let since_1970 = Duration::from_millis(u64::try_from(wall.unix_ms()).ok()?);
        Some(UnixTime::since_unix_epoch(since_1970))
    }
}
