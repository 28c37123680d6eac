//! Does every due round end in a record on disk, or in a state that has a name? Pure; [`task`] feeds the service manager.
//!
//! | what goes wrong | the watchdog |
//! |---|---|
//! | no port, a silent sensor, a wrong PIN | is fed: the round ends in a record of the fault |
//! | a disk that refuses | is fed, as long as it is tried again and again |
//! | a sampler, the recorder or the buffer is stuck | starves: no record comes, and nobody says why |

use std::fmt;
use std::time::Duration;

use kitchen_contract::id::DeviceId;

use crate::observation::Moment;
use crate::recorded::{Disk, Recorded};
use crate::words::span;

pub mod task;

/// A round may end so late beyond its interval: a poll is held open for 90 s at most, and a slow disk takes its time.
pub const LATE: Duration = Duration::from_secs(180);
/// A disk that refuses is tried again every few seconds.
const TRIED_WITHIN: Duration = Duration::from_secs(60);

/// A sensor whose rounds are watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watched {
    /// The measuring point.
    pub device_id: DeviceId,
    /// A round that has not ended after this is missed: the interval with [`LATE`], in real time.
    pub within: Duration,
}

/// Whether the watchdog is fed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every due round has ended.
    Fed,
    /// One has not.
    Starved {
        /// Whose.
        by: Starving,
        /// The last that is known of it.
        since: Duration,
    },
}

/// Who starves the watchdog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Starving {
    /// No record of this measuring point comes.
    Sensor(DeviceId),
    /// A disk that refused is not tried again.
    Disk,
}

/// Judges what is on disk at `now`. `awake` is when the system last woke up, or the agent began: nobody could do anything
/// before.
pub fn judge(now: Moment, awake: Moment, watched: &[Watched], recorded: &Recorded) -> Verdict {
    // What waited while the disk refused comes on it one round after the other.
    let begin = recorded.taking_since.map_or(awake, |since| since.max(awake));
    let silent_for = |last: Option<Moment>| now.0.saturating_sub(last.unwrap_or(begin).max(begin).0);
    if let Disk::Refusing { tried, .. } = recorded.disk {
        let since = silent_for(Some(tried));
        return if since <= TRIED_WITHIN { Verdict::Fed } else { Verdict::Starved { by: Starving::Disk, since } };
    }
    let starving = watched.iter().find_map(|Watched { device_id, within }| {
        let since = silent_for(recorded.sensors.get(device_id).map(|latest| latest.recorded));
        (since > *within).then(|| Verdict::Starved { by: Starving::Sensor(device_id.clone()), since })
    });
    starving.unwrap_or(Verdict::Fed)
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fed => formatter.write_str("every sensor has its records"),
            Self::Starved { by: Starving::Sensor(device_id), since } => {
                write!(
                    formatter,
                    "no record of `{device_id}` for {}: its task or the disk is stuck",
                    span(since.as_secs())
                )
            }
            Self::Starved { by: Starving::Disk, since } => {
                write!(formatter, "the disk refused and has not been tried for {}", span(since.as_secs()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use kitchen_contract::fault::SensorFault;

    use super::*;
    use crate::buffer::entry::Draft;
    use crate::clock::wall::Stamp;
    use crate::sampler::reading::missing;
    use crate::sampler::tests::bench::plan;

    const WITHIN: u64 = 60 + 180;

    fn at(seconds: u64) -> Moment {
        Moment(Duration::from_secs(seconds))
    }

    /// A record of a sensor without a port came on disk then.
    fn recorded(seconds: u64) -> Recorded {
        let mut recorded = Recorded::default();
        let draft = Draft::new(Stamp::Unsettled { at: at(seconds) }, missing(&plan(""), SensorFault::NoPort));
        recorded.appended(at(seconds), &[draft]);
        recorded
    }

    fn check(now: u64, awake: u64, recorded: &Recorded, starving: Option<(Starving, u64)>) {
        let watched = [Watched { device_id: "fridge-1".parse().unwrap(), within: Duration::from_secs(WITHIN) }];
        let expected =
            starving.map_or(Verdict::Fed, |(by, since)| Verdict::Starved { by, since: Duration::from_secs(since) });
        assert_eq!(judge(at(now), at(awake), &watched, recorded), expected, "at {now} s, awake since {awake} s");
    }

    #[test]
    fn a_round_that_ends_in_any_record_feeds_and_one_that_does_not_starves() {
        let sensor = || Starving::Sensor("fridge-1".parse().unwrap());
        let nothing = Recorded::default();
        check(WITHIN, 0, &nothing, None);
        check(WITHIN + 1, 0, &nothing, Some((sensor(), WITHIN + 1)));
        check(1000 + WITHIN, 0, &recorded(1000), None);
        check(1001 + WITHIN, 0, &recorded(1000), Some((sensor(), WITHIN + 1)));
        check(90_000, 89_990, &recorded(1000), None);
    }

    #[test]
    fn a_full_disk_feeds_as_long_as_it_is_tried() {
        let mut refusing = recorded(10);
        refusing.refused(at(9_000), "no space left".to_owned(), (1, 0));
        check(9_060, 0, &refusing, None);
        check(9_061, 0, &refusing, Some((Starving::Disk, 61)));
    }

    #[test]
    fn after_a_full_disk_what_waited_may_take_its_time() {
        let mut taking = recorded(10);
        taking.refused(at(20), "no space left".to_owned(), (1, 0));
        taking.appended(at(9_000), &[]);
        taking.appended(at(9_100), &[]);
        check(9_000 + WITHIN, 0, &taking, None);
        check(9_001 + WITHIN, 0, &taking, Some((Starving::Sensor("fridge-1".parse().unwrap()), WITHIN + 1)));
    }
}
