//! What the recorder has got onto the disk, for whoever watches over it or shows it. Pure.
//!
//! A poll round has ended when its reading, of a temperature or of a fault, is on disk; or when the disk is in a state that
//! has a name, and what it refuses waits in memory.

use std::collections::BTreeMap;

use kitchen_contract::id::DeviceId;
use kitchen_contract::record::{Body, Reading, Trigger};

use crate::buffer::entry::Draft;
use crate::clock::wall::Stamp;
use crate::observation::Moment;

/// The newest reading of each measuring point, and whether the disk takes records.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recorded {
    /// By measuring point; absent until its first reading of this run.
    pub sensors: BTreeMap<DeviceId, Latest>,
    /// Whether the disk takes records.
    pub disk: Disk,
    /// Observations of this run that were given up in memory while it refused.
    pub dropped: u64,
    /// When it took records again after it had refused, the last time.
    pub taking_since: Option<Moment>,
}

/// The newest reading of a measuring point.
#[derive(Clone, Debug, PartialEq)]
pub struct Latest {
    /// It.
    pub reading: Reading,
    /// When it was measured, as far as that was known when it was recorded.
    pub stamp: Stamp,
    /// When it was on disk.
    pub recorded: Moment,
    /// Readings of this measuring point recorded in this run, it included.
    pub readings: u64,
}

/// Whether the disk takes records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Disk {
    /// As far as is known.
    #[default]
    Taking,
    /// It refused the last round; readings wait in memory.
    Refusing {
        /// From when on.
        since: Moment,
        /// When it was tried last.
        tried: Moment,
        /// What it said, in one line.
        reason: String,
        /// Observations that wait in memory.
        waiting: u64,
        /// Observations of this run that were given up because memory was full too.
        dropped: u64,
    },
}

impl Recorded {
    /// These drafts are on disk.
    pub fn appended(&mut self, now: Moment, drafts: &[Draft]) {
        if let Disk::Refusing { dropped, .. } = std::mem::take(&mut self.disk) {
            (self.dropped, self.taking_since) = (dropped, Some(now));
        }
        for draft in drafts {
            let Body::Reading(reading) = &draft.body else { continue };
            // Of long ago: it says nothing of now.
            if reading.trigger == Trigger::Backfill {
                continue;
            }
            let readings = self.sensors.get(&reading.device_id).map_or(0, |latest| latest.readings) + 1;
            let latest = Latest { reading: reading.clone(), stamp: draft.stamp, recorded: now, readings };
            self.sensors.insert(reading.device_id.clone(), latest);
        }
    }

    /// The disk refused a round, with `waiting` and `dropped` as in [`Disk::Refusing`].
    pub fn refused(&mut self, now: Moment, reason: String, (waiting, dropped): (u64, u64)) {
        let since = match self.disk {
            Disk::Taking => now,
            Disk::Refusing { since, .. } => since,
        };
        self.disk = Disk::Refusing { since, tried: now, reason, waiting, dropped };
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use kitchen_contract::fault::SensorFault;

    use super::*;
    use crate::sampler::reading::missing;
    use crate::sampler::tests::bench::plan;

    fn at(seconds: u64) -> Moment {
        Moment(Duration::from_secs(seconds))
    }

    fn draft(seconds: u64) -> Draft {
        Draft::new(Stamp::Unsettled { at: at(seconds) }, missing(&plan(""), SensorFault::NoPort))
    }

    #[test]
    fn the_newest_reading_of_a_point_is_shown() {
        let mut recorded = Recorded::default();
        recorded.appended(at(11), &[draft(9), draft(10)]);
        let latest = recorded.sensors.values().next().unwrap();
        assert_eq!((latest.recorded, latest.readings), (at(11), 2));
        assert_eq!(latest.stamp, Stamp::Unsettled { at: at(10) });
    }

    #[test]
    fn a_disk_refuses_from_its_first_refusal_until_it_takes_again() {
        let mut recorded = Recorded::default();
        recorded.refused(at(5), "full".to_owned(), (1, 0));
        recorded.refused(at(10), "full".to_owned(), (2, 1));
        let disk = Disk::Refusing { since: at(5), tried: at(10), reason: "full".to_owned(), waiting: 2, dropped: 1 };
        assert_eq!(recorded.disk, disk);
        recorded.appended(at(15), &[]);
        assert_eq!(recorded.disk, Disk::Taking);
    }
}
