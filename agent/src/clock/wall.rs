//! Which UTC a moment on the monotonic clock is, and how far that can be trusted. Pure.
//!
//! | known | stamp |
//! |---|---|
//! | a `serverTime` of this run | its time plus what the monotonic clock has counted since: `synced` while the bound is within a second, then `estimated` with that bound |
//! | only a system clock that the time daemon vouches for, not before the floor | the system clock, `estimated` without a bound |
//! | neither | unsettled: the record waits in the buffer until a `serverTime` arrives, which is before it can be sent |
//!
//! The bound is half the round trip (the sink wrote its time somewhere inside it) plus the drift of the gateway's crystal.
//! Records of an earlier run that were never settled are placed by [`super::earlier`]. A settled stamp is never changed.

use std::time::Duration;

use kitchen_contract::time::{Clock as Trust, Timestamp};

use super::offsets::UNNOTICED_MS;
use crate::observation::Moment;

/// 2026-11-01T00:00:00Z, the month this agent was built in, in Unix milliseconds. A clock before it is wrong.
pub const BUILD_MONTH_UNIX_MS: i64 = 1_793_491_200_000;
/// The largest error that still counts as synced, in milliseconds: the contract's second.
const SYNCED_BOUND_MS: u64 = 1_000;
/// Moments and times are kept in whole milliseconds; what that cuts off at both ends.
const ROUNDING_MS: u64 = 2;
/// How far a cheap crystal in a hot kitchen may run off, in millionths.
const DRIFT_PPM: u64 = 500;

/// When a record happened, as far as it is known now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stamp {
    /// Known for good: never changed again.
    Settled {
        /// UTC.
        timestamp: Timestamp,
        /// How far it can be trusted.
        clock: Trust,
    },
    /// No clock could be trusted; only the place on the monotonic clock of its run is known.
    Unsettled {
        /// Time since the agent's start.
        at: Moment,
    },
}

/// What the system clock said at a moment.
#[derive(Clone, Copy, Debug)]
pub struct SystemReading {
    /// When it was read.
    pub at: Moment,
    /// What it said; absent before 1970.
    pub wall: Option<Timestamp>,
    /// The time daemon has set it since the system's start.
    pub synchronised: bool,
}

/// A question to the sink and its answer.
#[derive(Clone, Copy, Debug)]
pub struct Exchange {
    /// When the birth or heartbeat was sent.
    pub sent: Moment,
    /// When the ack arrived.
    pub received: Moment,
    /// The sink's clock when it wrote the ack.
    pub server_time: Timestamp,
}

/// A fixed point: at `at` it was `wall`, give or take `bound_ms`.
#[derive(Clone, Copy, Debug)]
struct Anchor {
    at: Moment,
    wall: Timestamp,
    bound_ms: u64,
}

/// What is known about UTC in this run of the agent.
#[derive(Clone, Copy, Debug)]
pub struct WallClock {
    floor: Timestamp,
    anchor: Option<Anchor>,
    /// How often a certificate was not valid by what was believed.
    doubts: u8,
}

impl WallClock {
    /// Knows nothing yet but that it is not before the build month.
    pub fn new() -> Self {
        let floor = Timestamp::from_unix_ms(BUILD_MONTH_UNIX_MS).expect("invariant: the build month is after 1970");
        Self { floor, anchor: None, doubts: 0 }
    }

    /// It is not before `saved` either: a synced time that an earlier run left on disk.
    pub fn raise_floor(&mut self, saved: Timestamp) {
        self.floor = self.floor.max(saved);
    }

    /// A `serverTime` arrived. The better of the old and the new fixed point is kept; where they contradict each other, the
    /// new one.
    pub fn learn(&mut self, exchange: Exchange) {
        let round_trip_ms = ms(exchange.received.0.saturating_sub(exchange.sent.0));
        let wall = exchange.server_time.saturating_add_ms((round_trip_ms / 2) as i64);
        let new = Anchor { at: exchange.received, wall, bound_ms: round_trip_ms.div_ceil(2) + drift_ms(round_trip_ms) };
        let keep_old = self.anchor.is_some_and(|old| {
            let (old_wall, old_bound_ms) = old.place(ms(new.at.0) as i64);
            let apart_ms = old_wall.ms_since(wall).unsigned_abs();
            old_bound_ms < new.bound_ms && apart_ms <= old_bound_ms + new.bound_ms
        });
        if !keep_old {
            self.anchor = Some(new);
        }
    }

    /// Whether a `serverTime` of this run is known, so that everything can be settled.
    pub fn is_anchored(&self) -> bool {
        self.anchor.is_some()
    }

    /// Whether somebody vouches for what time it is: the sink in this run, or the time daemon.
    pub fn is_known(&self, system: SystemReading) -> bool {
        self.is_anchored() || system.synchronised
    }

    /// The stamp of something that happened at `at`.
    pub fn stamp(&self, at: Moment, system: SystemReading) -> Stamp {
        if let Some(anchor) = self.anchor {
            return anchor.stamp(at);
        }
        match system.wall.filter(|wall| system.synchronised && *wall >= self.floor) {
            Some(wall) => {
                let timestamp = wall.saturating_add_ms(-ms_between(at, system.at));
                Stamp::Settled { timestamp, clock: Trust::Estimated { bound_ms: None } }
            }
            None => Stamp::Unsettled { at },
        }
    }

    /// The stamp that an unsettled record of this run gets, once a `serverTime` is known.
    pub fn settle(&self, at: Moment) -> Option<Stamp> {
        self.anchor.map(|anchor| anchor.stamp(at))
    }

    /// The stamp of what happened so many ms after this run began, or before it, once a `serverTime` is known.
    pub fn stamp_at(&self, since_start_ms: i64) -> Option<Stamp> {
        self.anchor.map(|anchor| anchor.stamp_at(since_start_ms))
    }

    /// UTC so many ms after this run began, or before it, and how far that can be off, in ms.
    pub fn place(&self, since_start_ms: i64) -> Option<(Timestamp, u64)> {
        self.anchor.map(|anchor| anchor.place(since_start_ms))
    }

    /// The sink's certificate was not valid at [`Self::certificate_time`]: the next attempt takes another one.
    pub fn doubt(&mut self) {
        self.doubts = (self.doubts + 1) % 3;
    }

    /// The best guess of UTC now: what certificates are checked against.
    ///
    /// The sink's time, if it was told in this run; else the system clock, but not before the floor. Certificates that are
    /// not valid then make doubt of it: a clock that nobody vouches for may be years ahead, so the floor is tried; and a
    /// sink that was wrong once may have left a floor in the future, so a system clock that a daemon vouches for is.
    pub fn certificate_time(&self, system: SystemReading) -> Timestamp {
        let told = self.anchor.map(|anchor| anchor.place(ms(system.at.0) as i64).0);
        let vouched = system.wall.filter(|_| system.synchronised);
        match self.doubts {
            0 => told.or(system.wall.map(|wall| wall.max(self.floor))).unwrap_or(self.floor),
            1 => vouched.map_or(self.floor, |wall| wall.max(self.floor)),
            _ => vouched.unwrap_or(self.floor),
        }
    }
}

impl Default for WallClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Anchor {
    fn place(&self, since_start_ms: i64) -> (Timestamp, u64) {
        let delta_ms = since_start_ms - ms(self.at.0) as i64;
        (self.wall.saturating_add_ms(delta_ms), self.bound_ms + drift_ms(delta_ms.unsigned_abs()))
    }

    fn stamp_at(&self, since_start_ms: i64) -> Stamp {
        let (timestamp, bound_ms) = self.place(since_start_ms);
        Stamp::Settled { timestamp, clock: trust(bound_ms) }
    }

    fn stamp(&self, at: Moment) -> Stamp {
        self.stamp_at(ms(at.0) as i64)
    }
}

/// What a time with this bound counts as, with what the clocks do not tell of themselves at both ends.
pub(super) fn trust(bound_ms: u64) -> Trust {
    let bound_ms = bound_ms + 2 * UNNOTICED_MS;
    if bound_ms <= SYNCED_BOUND_MS { Trust::Synced } else { Trust::Estimated { bound_ms: Some(bound_ms) } }
}

/// How far the crystal may have run off in that time, in ms; and what was cut off when both ends were taken to whole ms.
pub(super) fn drift_ms(time_ms: u64) -> u64 {
    (time_ms * DRIFT_PPM).div_ceil(1_000_000) + ROUNDING_MS
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX / 2_000_000)
}

/// Milliseconds from one moment to another; negative if the other is earlier.
fn ms_between(from: Moment, to: Moment) -> i64 {
    let forward = ms(to.0.saturating_sub(from.0)) as i64;
    let back = ms(from.0.saturating_sub(to.0)) as i64;
    forward - back
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn moment(at_ms: u64) -> Moment {
        Moment(Duration::from_millis(at_ms))
    }

    fn utc(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn began(clock: &WallClock) -> Timestamp {
        clock.place(0).unwrap().0
    }

    fn system(at_ms: u64, text: &str) -> SystemReading {
        SystemReading { at: moment(at_ms), wall: Some(utc(text)), synchronised: true }
    }

    #[test]
    fn a_system_clock_before_the_floor_is_not_believed() {
        let clock = WallClock::new();
        let stamp = clock.stamp(moment(500), system(700, "1970-01-01T00:00:09.000Z"));
        assert_eq!(stamp, Stamp::Unsettled { at: moment(500) });
        assert_eq!(clock.certificate_time(system(700, "1970-01-01T00:00:09.000Z")), utc("2026-11-01T00:00:00.000Z"));
    }

    #[test]
    fn a_believable_system_clock_estimates_without_a_bound() {
        let stamp = WallClock::new().stamp(moment(500), system(700, "2026-12-01T10:00:00.200Z"));
        let clock = Trust::Estimated { bound_ms: None };
        assert_eq!(stamp, Stamp::Settled { timestamp: utc("2026-12-01T10:00:00.000Z"), clock });
    }

    #[test]
    fn a_system_clock_that_nobody_vouches_for_settles_nothing() {
        let nobodys = SystemReading { synchronised: false, ..system(700, "2036-12-01T10:00:00.200Z") };
        assert_eq!(WallClock::new().stamp(moment(500), nobodys), Stamp::Unsettled { at: moment(500) });
    }

    #[test]
    fn a_clock_years_ahead_does_not_make_every_certificate_expire() {
        let (mut clock, ahead) = (WallClock::new(), system(700, "2036-12-01T10:00:00.200Z"));
        let nobodys = SystemReading { synchronised: false, ..ahead };
        let (wall, floor) = (utc("2036-12-01T10:00:00.200Z"), utc("2026-11-01T00:00:00.000Z"));
        assert_eq!(clock.certificate_time(nobodys), wall);
        clock.doubt();
        assert_eq!((clock.certificate_time(nobodys), clock.certificate_time(ahead)), (floor, wall));
        clock.doubt();
        assert_eq!(clock.certificate_time(nobodys), floor);
        clock.doubt();
        assert_eq!(clock.certificate_time(nobodys), wall);
    }

    #[test]
    fn a_floor_in_the_future_is_got_over() {
        let (mut clock, now) = (WallClock::new(), utc("2026-12-01T10:00:00.200Z"));
        clock.raise_floor(utc("2036-12-01T10:00:00.000Z"));
        let vouched = system(700, "2026-12-01T10:00:00.200Z");
        let nobodys = SystemReading { synchronised: false, ..vouched };
        clock.doubt();
        clock.doubt();
        assert_eq!(clock.certificate_time(vouched), now);
        assert_eq!(
            clock.certificate_time(nobodys),
            utc("2036-12-01T10:00:00.000Z"),
            "nor is one that is nobody's believed"
        );
        clock.learn(Exchange { sent: moment(700), received: moment(700), server_time: now });
        clock.doubt();
        assert_eq!(clock.certificate_time(nobodys), now);
    }

    #[test]
    fn server_time_settles_what_was_before_and_after() {
        let mut clock = WallClock::new();
        let server_time = utc("2026-12-01T10:00:00.000Z");
        clock.learn(Exchange { sent: moment(10_000), received: moment(10_200), server_time });
        let settled = |text, trust| Some(Stamp::Settled { timestamp: utc(text), clock: trust });
        assert_eq!(clock.settle(moment(10_200)), settled("2026-12-01T10:00:00.100Z", Trust::Synced));
        assert_eq!(clock.settle(moment(200)), settled("2026-12-01T09:59:50.100Z", Trust::Synced));
        let late = Trust::Estimated { bound_ms: Some(100 + 3 + 1800 + 2 + 200) };
        assert_eq!(clock.settle(moment(3_610_200)), settled("2026-12-01T11:00:00.100Z", late));
        assert_eq!(began(&clock), utc("2026-12-01T09:59:49.900Z"));
    }

    #[test]
    fn a_slow_answer_does_not_replace_a_better_one_but_a_contradiction_does() {
        let mut clock = WallClock::new();
        let first = Exchange { sent: moment(0), received: moment(20), server_time: utc("2026-12-01T10:00:00.000Z") };
        clock.learn(first);
        clock.learn(Exchange {
            sent: moment(1_000),
            received: moment(9_000),
            server_time: utc("2026-12-01T10:00:02.000Z"),
        });
        assert_eq!(began(&clock), utc("2026-12-01T09:59:59.990Z"));
        clock.learn(Exchange {
            sent: moment(10_000),
            received: moment(18_000),
            server_time: utc("2026-12-01T11:00:00.000Z"),
        });
        assert_eq!(began(&clock), utc("2026-12-01T10:59:46.000Z"));
    }

    proptest! {
        #[test]
        fn the_true_time_lies_within_the_bound(
            start in 0i64..1_000_000, sent in 0u64..5_000_000, there in 0u64..20_000, back in 0u64..20_000,
            at in 0u64..50_000_000, drift_ppm in -499i64..499,
        ) {
            // The monotonic clock of the gateway runs fast or slow; `truth` is what a perfect clock says.
            let truth = |at_ms: u64| {
                BUILD_MONTH_UNIX_MS + start + at_ms as i64 + at_ms as i64 * drift_ppm / 1_000_000
            };
            let mut clock = WallClock::new();
            let server_time = Timestamp::from_unix_ms(truth(sent + there)).unwrap();
            clock.learn(Exchange { sent: moment(sent), received: moment(sent + there + back), server_time });
            let Some(Stamp::Settled { timestamp, clock: trust }) = clock.settle(moment(at)) else { panic!() };
            let bound_ms = match trust {
                Trust::Synced => SYNCED_BOUND_MS,
                Trust::Estimated { bound_ms } => bound_ms.unwrap(),
            };
            let off_ms = timestamp.ms_since(Timestamp::from_unix_ms(truth(at)).unwrap()).unsigned_abs();
            prop_assert!(off_ms <= bound_ms, "off by {off_ms} ms, bound {bound_ms} ms");
        }
    }
}
