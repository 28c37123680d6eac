//! Where the status is looked up: what every task shows of itself.

use std::time::Duration;

use kitchen_contract::written::WrittenRecord;
use tokio::sync::watch;
use tokio::time::timeout;

use super::assemble::{Configured, Fixed, Oldest, SensorSnapshot, Snapshot, assemble};
use super::document::Document;
use crate::buffer::{BufferHandle, Read, ReadLimits};
use crate::clock::shared::SharedClock;
use crate::forwarder::LinkShown;
use crate::recorded::{Disk, Recorded};
use crate::sampler::punctuality::Punctuality;
use crate::sampler::{Plan, SensorShown};
use crate::watchdog::Verdict;

/// How long the buffer may take to say what its oldest record is. A slow storage card takes a second for a sync.
const OLDEST_WITHIN: Duration = Duration::from_secs(2);
/// The oldest record alone.
const OLDEST: ReadLimits = ReadLimits { records_max: 1, bytes_max: 0 };

/// Everything that shows how the agent is.
#[derive(Clone, Debug)]
pub struct Sources {
    /// What does not change.
    pub fixed: Fixed,
    /// The clocks.
    pub clock: SharedClock,
    /// The buffer.
    pub buffer: BufferHandle,
    /// What is on disk.
    pub recorded: watch::Receiver<Recorded>,
    /// The connection.
    pub link: watch::Receiver<LinkShown>,
    /// Whether every due round ends.
    pub watchdog: watch::Receiver<Verdict>,
    /// In the order of the configuration.
    pub sensors: Vec<SensorSource>,
}

/// What shows how one sensor is.
#[derive(Clone, Debug)]
pub struct SensorSource {
    configured: Configured,
    shown: watch::Receiver<SensorShown>,
    punctuality: watch::Receiver<Punctuality>,
}

impl SensorSource {
    /// The sensor of this plan, whose task shows itself there.
    pub fn new(plan: &Plan, shown: watch::Receiver<SensorShown>, punctuality: watch::Receiver<Punctuality>) -> Self {
        let configured = Configured {
            device_id: plan.device_id.clone(),
            port: plan.port.as_ref().map(|port| port.display().to_string()),
            imei: plan.imei.as_ref().map(|imei| imei.as_str().to_owned()),
            interval: plan.interval,
        };
        Self { configured, shown, punctuality }
    }

    fn snapshot(&self) -> SensorSnapshot {
        let (shown, punctuality) = (self.shown.borrow().clone(), *self.punctuality.borrow());
        SensorSnapshot { configured: self.configured.clone(), shown, punctuality }
    }
}

impl Sources {
    /// How the agent is now.
    pub async fn document(&self) -> Document {
        let oldest = self.oldest().await;
        let now = self.clock.now();
        let snapshot = Snapshot {
            now,
            stamp: self.clock.stamp(now),
            buffer: self.buffer.state().borrow().clone(),
            oldest,
            recorded: self.recorded.borrow().clone(),
            link: self.link.borrow().clone(),
            watchdog: self.watchdog.borrow().clone(),
            sensors: self.sensors.iter().map(SensorSource::snapshot).collect(),
        };
        assemble(&self.fixed, &snapshot)
    }

    /// A disk that is known to refuse is left to the recorder's attempts: asking often must not cost it or the log anything.
    async fn oldest(&self) -> Oldest {
        if self.recorded.borrow().disk != Disk::Taking {
            return Oldest::Unknown;
        }
        match timeout(OLDEST_WITHIN, self.buffer.read(0, OLDEST)).await {
            Ok(Ok(Read::Batch(batch))) => batch.records.first().map_or(Oldest::Unknown, at),
            Ok(Ok(Read::Empty | Read::Unsettled) | Err(_)) => Oldest::Unknown,
            Err(_) => Oldest::NoAnswer,
        }
    }
}

fn at(record: &WrittenRecord) -> Oldest {
    record.read().map_or(Oldest::Unknown, |record| Oldest::At(record.timestamp))
}

#[cfg(test)]
mod tests {
    use kitchen_contract::id::Epoch;
    use kitchen_contract::record::{Body, Event};
    use kitchen_contract::time::Clock;

    use super::*;
    use crate::buffer::entry::Draft;
    use crate::buffer::{Buffer, Keeper, Limits, Round};
    use crate::clock::wall::Stamp;
    use crate::status::document;

    const LIMITS: Limits = Limits { records_max: 1000, bytes_max: 1_000_000, free_bytes_min: 0 };

    /// The sources of an agent without sensors, and the keeper of its buffer.
    fn agent(dir: &std::path::Path) -> (Sources, Keeper) {
        let buffer = Buffer::open(dir, LIMITS, Epoch::from_entropy([1; 15])).unwrap();
        let (keeper, handle) = Keeper::new(buffer);
        let fixed = Fixed {
            gateway_id: "gateway-1".parse().unwrap(),
            kitchen_id: "kitchen-1".parse().unwrap(),
            addresses: vec!["cloud.example:8883".to_owned()],
            limits: LIMITS,
            readings_per_day: 1_440,
        };
        let (recorded, link) = (watch::channel(Recorded::default()).1, watch::channel(LinkShown::new()).1);
        let clock = SharedClock::new(tokio::time::Instant::now());
        let (_, watchdog) = watch::channel(Verdict::Fed);
        (Sources { fixed, clock, buffer: handle, recorded, link, watchdog, sensors: Vec::new() }, keeper)
    }

    #[tokio::test]
    async fn the_oldest_record_is_asked_for() {
        let dir = tempfile::tempdir().unwrap();
        let (sources, keeper) = agent(dir.path());
        let keeping = tokio::task::spawn_blocking(move || keeper.run());
        assert_eq!(sources.oldest().await, Oldest::Unknown);
        for wall in ["2026-12-01T10:00:00.000Z", "2026-12-01T11:00:00.000Z"] {
            let stamp = Stamp::Settled { timestamp: wall.parse().unwrap(), clock: Clock::Synced };
            let drafts = vec![Draft::new(stamp, Body::Event(Event::ClockStep { step_ms: 1 }))];
            let kitchen_id = "kitchen-1".parse().unwrap();
            sources.buffer.append(Round { kitchen_id, now: stamp, dropped: 0, drafts }.into()).await.unwrap();
        }
        assert_eq!(sources.oldest().await, Oldest::At("2026-12-01T10:00:00.000Z".parse().unwrap()));
        drop(sources);
        keeping.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_buffer_that_hangs_holds_up_nobody() {
        let dir = tempfile::tempdir().unwrap();
        let (sources, _keeper_that_does_nothing) = agent(dir.path());
        assert_eq!(sources.document().await.buffer.disk, document::Disk::Stuck);
        assert_eq!(sources.clock.now().0, OLDEST_WITHIN);
    }
}
