//! What births and heartbeats tell beside the buffer's own numbers.

use kitchen_contract::id::DeviceId;
use kitchen_contract::status::{StatusCounters, StatusSensor};
use tokio::sync::watch;

use super::shown::LinkCounters;
use crate::buffer::queue::Counters;
use crate::recorded::{Disk, Recorded};
use crate::sampler::SensorShown;

/// Where it comes from.
#[derive(Clone, Debug)]
pub struct Told {
    /// Of the configuration in effect.
    pub config_hash: String,
    /// What the recorder got onto the disk.
    pub recorded: watch::Receiver<Recorded>,
    /// The sensors.
    pub sensors: Vec<ToldSensor>,
}

/// Where it comes from for one sensor.
#[derive(Clone, Debug)]
pub struct ToldSensor {
    /// The measuring point.
    pub device_id: DeviceId,
    /// The IMEI that is configured, if one is.
    pub imei: Option<String>,
    /// What its task shows.
    pub shown: watch::Receiver<SensorShown>,
}

impl Told {
    /// The sensors as they are now.
    pub fn sensors(&self) -> Vec<StatusSensor> {
        let told = |sensor: &ToldSensor| {
            let shown = sensor.shown.borrow();
            let found = shown.found.as_ref().map(|(imei, _)| imei.as_str().to_owned());
            StatusSensor {
                device_id: sensor.device_id.clone(),
                imei: found.or_else(|| sensor.imei.clone()),
                ready: shown.state.is_ready(),
            }
        };
        self.sensors.iter().map(told).collect()
    }

    /// Everything that was dropped, damaged, or done again.
    pub fn counters(&self, buffer: Counters, link: LinkCounters) -> StatusCounters {
        StatusCounters {
            evicted: buffer.evicted,
            dropped: dropped(&self.recorded.borrow()),
            damaged: buffer.damaged,
            recovered: buffer.recovered,
            lost: buffer.lost,
            set_aside: buffer.set_aside,
            connections: link.connections,
            failed_attempts: link.failed_attempts,
            resent: link.resent,
            rejected: link.rejected,
            refused: link.refused,
            rejected_untold: link.rejected_untold,
        }
    }
}

fn dropped(recorded: &Recorded) -> u64 {
    match recorded.disk {
        Disk::Taking => recorded.dropped,
        Disk::Refusing { dropped, .. } => dropped,
    }
}
