//! When the records of earlier runs happened that were never settled, once a `serverTime` is known. Pure.
//!
//! A run knows which start of the system it belongs to and how long that had been on. So the runs of one start lie on one
//! time line, and that of this run is known exactly. Of the start before it is known that it had ended when this one began;
//! its records are placed as late as they can be. How much earlier they can have been shows in the bound: no run began
//! before the latest synced time that it found on disk, and each start before this one took at least what it counted.
//! Starts and their records keep their order.

use kitchen_contract::time::{Clock as Trust, Timestamp};
use serde::{Deserialize, Serialize};

use super::wall::{Stamp, WallClock, drift_ms, trust};
use crate::observation::Moment;

/// A synced time that a run found on disk may be off by so much, in ms.
const FLOOR_OFF_MS: u64 = 1_000;

/// Where a run of the agent lies in the time that the system has been on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunClock {
    /// The system's own name for this start of it.
    pub boot_id: String,
    /// How long the system had been on when the run began, sleep included, in ms.
    pub started_ms: u64,
    /// It was not before this.
    pub not_before: Option<Timestamp>,
}

/// An earlier run with records that wait for a time.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// Where it lies; unknown of a run of an older agent.
    pub clock: Option<RunClock>,
    /// Its last record that waits.
    pub ended: Moment,
}

/// The place of an earlier run.
#[derive(Clone, Copy, Debug)]
pub enum Place {
    /// In this start of the system: so many ms after this run's beginning, which is a negative number.
    Here(WallClock, i64),
    /// In an earlier one: its beginning at the latest, and how far that can be off, in ms, if anybody knows.
    Before(Timestamp, Option<u64>),
}

/// When a start of the system was, at the latest, and how far that can be off, in ms.
type Latest = (Timestamp, u64);

impl Place {
    /// The stamp of a record of that run.
    pub fn stamp(&self, at: Moment) -> Option<Stamp> {
        let at_ms = at.0.as_millis() as u64;
        match self {
            Self::Here(clock, began_ms) => clock.stamp_at(began_ms + at_ms as i64),
            Self::Before(began, bound_ms) => {
                let bound_ms = bound_ms.map(|bound_ms| bound_ms + drift_ms(at_ms));
                let clock = bound_ms.map_or(Trust::Estimated { bound_ms: None }, trust);
                Some(Stamp::Settled { timestamp: began.saturating_add_ms(at_ms as i64), clock })
            }
        }
    }
}

/// The places of earlier runs, given and returned the oldest first; none without a `serverTime`.
pub fn place(clock: &WallClock, this: Option<&RunClock>, runs: &[Waiting]) -> Option<Vec<Place>> {
    let this_started_ms = this.map_or(0, |this| this.started_ms as i64);
    // The beginning of this start of the system is the latest end of the one before.
    let beginning = clock.place(-this_started_ms)?;
    let is_here = |run: &&Waiting| this.is_some_and(|this| boot_id(run) == Some(&this.boot_id));
    let here = runs.iter().rev().take_while(is_here).count();
    let (before, here) = runs.split_at(runs.len() - here);
    let boots: Vec<&[Waiting]> =
        before.chunk_by(|one, next| boot_id(one).is_some() && boot_id(one) == boot_id(next)).collect();
    let mut places = Vec::with_capacity(runs.len());
    for ((boot, latest), earliest_ms) in boots.iter().zip(latest(beginning, &boots)).zip(earliest_ms(&boots)) {
        places.extend(boot.iter().map(|run| place_before(run, latest, earliest_ms)));
    }
    places.extend(here.iter().map(|run| Place::Here(*clock, started_ms(run) as i64 - this_started_ms)));
    Some(places)
}

fn place_before(run: &Waiting, (beginning, off_ms): Latest, earliest_ms: Option<i64>) -> Place {
    let slack_ms = earliest_ms.map(|earliest_ms| beginning.unix_ms().saturating_sub(earliest_ms).max(0).unsigned_abs());
    let bound_ms = slack_ms.map(|slack_ms| slack_ms + FLOOR_OFF_MS + off_ms + drift_ms(started_ms(run)));
    Place::Before(beginning.saturating_add_ms(started_ms(run) as i64), bound_ms)
}

/// The latest beginnings: each start had ended when the next one began, and was on for as long as it counted.
fn latest(mut next: Latest, boots: &[&[Waiting]]) -> Vec<Latest> {
    let mut beginnings = Vec::with_capacity(boots.len());
    for boot in boots.iter().rev() {
        next = (next.0.saturating_add_ms(-(on_ms(boot) as i64)), next.1 + drift_ms(on_ms(boot)));
        beginnings.push(next);
    }
    beginnings.reverse();
    beginnings
}

/// The earliest beginnings, in Unix ms: none of its runs began before what that found on disk, and the start before had
/// ended.
fn earliest_ms(boots: &[&[Waiting]]) -> Vec<Option<i64>> {
    let mut ended_ms = None;
    let earliest = |boot: &&[Waiting]| {
        let by_its_runs = boot.iter().filter_map(began_ms).max();
        let earliest_ms = by_its_runs.max(ended_ms);
        ended_ms =
            earliest_ms.map(|earliest_ms| earliest_ms + on_ms(boot).saturating_sub(drift_ms(on_ms(boot))) as i64);
        earliest_ms
    };
    boots.iter().map(earliest).collect()
}

/// The earliest beginning of the system's start, by one of its runs.
fn began_ms(run: &Waiting) -> Option<i64> {
    let not_before = run.clock.as_ref()?.not_before?;
    Some(not_before.unix_ms() - (started_ms(run) + drift_ms(started_ms(run))) as i64)
}

/// How long the system is known to have been on, in ms.
fn on_ms(boot: &[Waiting]) -> u64 {
    boot.iter().map(|run| started_ms(run) + run.ended.0.as_millis() as u64).max().unwrap_or_default()
}

fn started_ms(run: &Waiting) -> u64 {
    run.clock.as_ref().map_or(0, |clock| clock.started_ms)
}

fn boot_id(run: &Waiting) -> Option<&String> {
    run.clock.as_ref().map(|clock| &clock.boot_id)
}

#[cfg(test)]
mod tests;
