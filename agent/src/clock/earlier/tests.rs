//! Random histories of a gateway: starts of the system, runs of the agent, power cuts, sleep, a crystal that runs off, and a
//! system clock that anybody sets. The sink answers at last, and every stamp is held against the true time.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::clock::wall::{BUILD_MONTH_UNIX_MS, Exchange, SystemReading};

/// One run of the agent: how long after the last one, its records, and when the sink answered, all in ms.
#[derive(Clone, Debug)]
struct Run {
    /// The system was started anew before it, after that long without power.
    power_cut: Option<u64>,
    began_after: u64,
    records: Vec<u64>,
    /// So long after its beginning, with that way there and back.
    synced: Option<(u64, u64, u64)>,
    /// What the system clock is off, and whether a time daemon vouches for it.
    system: (i64, bool),
}

const DAY: u64 = 24 * 3_600_000;

/// Moments, minutes and days.
fn time() -> impl Strategy<Value = u64> {
    prop_oneof![0u64..100, 0u64..3_000, 0u64..60_000, 0u64..3 * DAY]
}

fn run() -> impl Strategy<Value = Run> {
    (
        prop::option::weighted(0.5, time()),
        time(),
        prop::collection::vec(time(), 1..6),
        prop::option::weighted(0.3, (time(), 0u64..2_000, 0u64..2_000)),
        (-50 * 365 * DAY as i64..50 * 365 * DAY as i64, prop::bool::weighted(0.3)),
    )
        .prop_map(|(power_cut, began_after, mut records, synced, system)| {
            records.sort_unstable();
            Run { power_cut, began_after, records, synced, system }
        })
}

/// A gateway and the world around it. All times in ms.
struct World {
    /// The true Unix time.
    now_ms: f64,
    /// The crystal's error, in millionths.
    drift_ppm: f64,
    boot: u32,
    /// Counted by the crystal since the system's start.
    on_ms: f64,
    /// Both of these at the beginning of this run.
    began: (f64, f64),
    /// The latest synced time on disk.
    latest: Option<Timestamp>,
    /// Records that wait: of which run, when by its own count, and when in truth.
    waiting: Vec<(usize, Moment, f64)>,
    runs: Vec<RunClock>,
    /// Settled: the truth and the stamp, in the order of the records.
    settled: Vec<(f64, Stamp)>,
}

fn utc(unix_ms: f64) -> Timestamp {
    Timestamp::from_unix_ms(unix_ms as i64).unwrap()
}

impl World {
    fn pass(&mut self, counted_ms: f64) {
        self.on_ms += counted_ms;
        self.now_ms += counted_ms * (1.0 - self.drift_ppm / 1e6);
    }

    fn live(&mut self, run: &Run) {
        if let Some(without_power_ms) = run.power_cut {
            self.boot += 1;
            self.now_ms += without_power_ms as f64;
            self.on_ms = 0.0;
        }
        self.pass(run.began_after as f64);
        let index = self.runs.len();
        let this = RunClock { boot_id: self.boot.to_string(), started_ms: self.on_ms as u64, not_before: self.latest };
        self.runs.push(this.clone());
        let mut clock = WallClock::new();
        self.began = (self.now_ms, self.on_ms);
        self.latest.into_iter().for_each(|latest| clock.raise_floor(latest));
        let mut counted_ms = 0;
        for record in &run.records {
            if let Some(synced) = run.synced.filter(|synced| counted_ms <= synced.0 && synced.0 <= *record) {
                self.sync(&mut clock, &this, synced);
            }
            (self.now_ms, self.on_ms) = self.began;
            self.pass(*record as f64);
            counted_ms = *record;
            self.record(&clock, (index, Moment(Duration::from_millis(*record))), run.system);
        }
    }

    fn record(&mut self, clock: &WallClock, (run, at): (usize, Moment), (off_ms, synchronised): (i64, bool)) {
        let wall = Timestamp::from_unix_ms(self.now_ms as i64 + off_ms).ok();
        match clock.stamp(at, SystemReading { at, wall, synchronised }) {
            Stamp::Unsettled { at } => self.waiting.push((run, at, self.now_ms)),
            stamp @ Stamp::Settled { timestamp, clock } => {
                self.settled.push((self.now_ms, stamp));
                self.latest = self.latest.max(Some(timestamp).filter(|_| clock == Trust::Synced));
            }
        }
    }

    /// The sink answers: what waits is settled, the runs of before first.
    fn sync(&mut self, clock: &mut WallClock, this: &RunClock, (at, there, back): (u64, u64, u64)) {
        (self.now_ms, self.on_ms) = self.began;
        self.pass((at + there) as f64);
        let received = Moment(Duration::from_millis(at + there + back));
        let sent = Moment(Duration::from_millis(at));
        clock.learn(Exchange { sent, received, server_time: utc(self.now_ms) });
        let waiting = std::mem::take(&mut self.waiting);
        let (own, earlier): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|(run, ..)| *run == self.runs.len() - 1);
        let mut runs: Vec<(usize, Waiting)> = Vec::new();
        for (run, at, _) in &earlier {
            match runs.last_mut() {
                Some((last, waiting)) if last == run => waiting.ended = *at,
                _ => runs.push((*run, Waiting { clock: Some(self.runs[*run].clone()), ended: *at })),
            }
        }
        let places = place(clock, Some(this), &runs.iter().map(|(_, run)| run.clone()).collect::<Vec<_>>()).unwrap();
        for (run, at, truth) in earlier {
            let index = runs.iter().position(|(known, _)| *known == run).unwrap();
            self.settled.push((truth, places[index].stamp(at).unwrap()));
        }
        self.settled.extend(own.into_iter().map(|(_, at, truth)| (truth, clock.settle(at).unwrap())));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn every_bound_holds_and_nothing_changes_places(
        drift_ppm in -499.0f64..499.0,
        begin_ms in 0.0f64..1e11,
        runs in prop::collection::vec(run(), 1..9),
    ) {
        let mut world = World {
            now_ms: BUILD_MONTH_UNIX_MS as f64 + begin_ms,
            drift_ppm,
            boot: 0,
            on_ms: 0.0,
            began: (0.0, 0.0),
            latest: None,
            waiting: Vec::new(),
            runs: Vec::new(),
            settled: Vec::new(),
        };
        let mut runs = runs;
        // At last the sink answers, after everything else.
        runs.push(Run { power_cut: None, began_after: 0, records: vec![0, 100_000], synced: Some((50_000, 30, 30)), system: (0, false) });
        runs.iter().for_each(|run| world.live(run));
        prop_assert!(world.waiting.is_empty());
        let mut last: Option<(f64, Timestamp, u64)> = None;
        for (truth, stamp) in &world.settled {
            let Stamp::Settled { timestamp, clock } = stamp else { panic!("never settled") };
            let bound_ms = match clock {
                Trust::Synced => Some(1_000),
                Trust::Estimated { bound_ms } => *bound_ms,
            };
            let Some(bound_ms) = bound_ms else { continue };
            let off_ms = (timestamp.unix_ms() as f64 - truth).abs();
            prop_assert!(off_ms <= bound_ms as f64, "off by {off_ms} ms, stated {bound_ms} ms");
            let before = last.replace((*truth, *timestamp, bound_ms));
            if let Some((_, stamped, its_bound_ms)) = before.filter(|(before, ..)| before <= truth) {
                // Two stamps may change places only within what both admit.
                let back_ms = stamped.ms_since(*timestamp);
                prop_assert!(back_ms <= (its_bound_ms + bound_ms) as i64, "{back_ms} ms back");
            }
        }
    }
}

fn waiting(boot_id: &str, started_s: u64, ended_s: u64) -> Waiting {
    let not_before = "2026-11-30T10:00:00.000Z".parse().ok();
    let clock = RunClock { boot_id: boot_id.to_owned(), started_ms: started_s * 1000, not_before };
    Waiting { clock: Some(clock), ended: Moment(Duration::from_secs(ended_s)) }
}

fn anchored() -> WallClock {
    let mut clock = WallClock::new();
    let at = Moment(Duration::from_secs(60));
    clock.learn(Exchange { sent: at, received: at, server_time: "2026-12-01T10:00:00.000Z".parse().unwrap() });
    clock
}

#[test]
fn a_run_in_this_start_of_the_system_is_placed_exactly() {
    let this = RunClock { boot_id: "b".to_owned(), started_ms: 900_000, not_before: None };
    let places = place(&anchored(), Some(&this), &[waiting("b", 300, 100)]).unwrap();
    let timestamp = "2026-12-01T09:49:10.000Z".parse().unwrap();
    let stamp = places[0].stamp(Moment(Duration::from_secs(10)));
    assert_eq!(stamp, Some(Stamp::Settled { timestamp, clock: Trust::Synced }));
}

#[test]
fn a_start_before_this_one_is_placed_as_late_as_it_can_be() {
    let this = RunClock { boot_id: "c".to_owned(), started_ms: 60_000, not_before: None };
    let runs = [waiting("a", 30, 600), waiting("b", 30, 70), waiting("b", 200, 100)];
    let places = place(&anchored(), Some(&this), &runs).unwrap();
    let stamps: Vec<_> = places.iter().map(|place| place.stamp(Moment(Duration::ZERO)).unwrap()).collect();
    // The system began at 09:58:00; start `b` was on for 300 s before that, start `a` for 630 s before `b`.
    for (stamp, expected) in stamps.iter().zip(["09:43:00", "09:53:30", "09:56:20"]) {
        let Stamp::Settled { timestamp, clock: Trust::Estimated { bound_ms: Some(bound_ms) } } = stamp else {
            panic!("{stamp:?}")
        };
        assert_eq!(&timestamp.to_string()[11..19], expected);
        assert!((86_000_000 - 20_000_000..86_400_000).contains(bound_ms), "{bound_ms}");
    }
}
