//! Where the status is looked up: what every task shows of itself.

use std::time::Duration;

use kitchen_contract::record::Record;
use tokio::sync::watch;
use tokio::time::timeout;

use super::assemble::{Configured, Fixed, Oldest, SensorSnapshot, Snapshot, assemble};
use super::document::Document;
use crate::buffer::{BufferHandle, Read, ReadLimits};
use crate::clock::shared::SharedClock;
use crate::forwarder::LinkShown;
use crate::recorded::Recorded;
use crate::sampler::punctuality::Punctuality;
use crate::sampler::{Plan, SensorShown};

/// How long the buffer may take to say what its oldest record is. A disk that is at its limits takes a second for a sync.
const OLDEST_WITHIN: Duration = Duration::from_secs(1);
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
            sensors: self.sensors.iter().map(SensorSource::snapshot).collect(),
        };
        assemble(&self.fixed, &snapshot)
    }

    async fn oldest(&self) -> Oldest {
        match timeout(OLDEST_WITHIN, self.buffer.read(0, OLDEST)).await {
            Ok(Ok(Read::Batch(batch))) => batch.records.first().map_or(Oldest::Unknown, at),
            Ok(Ok(Read::Empty | Read::Unsettled) | Err(_)) => Oldest::Unknown,
            Err(_) => Oldest::NoAnswer,
        }
    }
}

fn at(record: &Record) -> Oldest {
    Oldest::At(record.timestamp)
}
