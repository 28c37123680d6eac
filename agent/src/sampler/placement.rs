//! Does the probe hang where it should? Pure; times are since the agent's start.
//!
//! A probe that is pulled out of a unit (cleaning, a move) shows the room within minutes and then stands still; a unit that
//! fails takes hours to get there, and one that works has ripples. A door that stands wide open looks the same, and is worth
//! the same look. The readings go on either way: whoever watches them has to see the warm goods.

use std::collections::VecDeque;
use std::time::Duration;

/// What a kitchen's or a store's air can have, in °C.
const ROOM: std::ops::RangeInclusive<f64> = 15.0..=45.0;
/// A unit does not move its air so far, in °C, …
const MOVE: f64 = 8.0;
/// … within this time.
const WITHIN: Duration = Duration::from_secs(15 * 60);
/// So long it stands still after that, …
const STILL_FOR: Duration = Duration::from_secs(20 * 60);
/// … within this, in °C.
const STILL: f64 = 2.0;
/// Of readings that come faster, one in this time is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// Readings looked at; so many fit into the time that counts.
const READINGS_MAX: usize = 64;

/// The temperatures of the last while.
#[derive(Clone, Debug, Default)]
pub struct Placement {
    readings: VecDeque<(Duration, f64)>,
    outside: bool,
}

impl Placement {
    /// Takes a temperature; says so when the probe begins (`true`) or ends (`false`) to look as if it hung outside.
    pub fn take(&mut self, at: Duration, celsius: f64) -> Option<bool> {
        if self.readings.back().is_some_and(|(last, _)| at < *last + LOOK_EVERY) {
            return None;
        }
        let forgotten = at.saturating_sub(WITHIN + STILL_FOR + WITHIN);
        self.readings.push_back((at, celsius));
        while self.readings.len() > READINGS_MAX || self.readings.front().is_some_and(|(at, _)| *at < forgotten) {
            self.readings.pop_front();
        }
        let outside = if self.outside { ROOM.contains(&celsius) } else { self.looks_outside(at) };
        (outside != std::mem::replace(&mut self.outside, outside)).then_some(outside)
    }

    /// Somewhere a quick move into the room's temperatures, and only stillness for long enough since.
    fn looks_outside(&self, now: Duration) -> bool {
        let still_since = now.saturating_sub(STILL_FOR);
        let (before, after): (Vec<_>, Vec<_>) = self.readings.iter().partition(|(at, _)| *at < still_since);
        let (lowest, highest) = extremes(after.iter().map(|(_, celsius)| *celsius));
        let still = after.len() >= 2 && highest - lowest <= STILL && ROOM.contains(&lowest) && ROOM.contains(&highest);
        still && before.iter().any(|(_, celsius)| !ROOM.contains(celsius)) && self.moved_at_once()
    }

    fn moved_at_once(&self) -> bool {
        self.readings.iter().enumerate().any(|(place, (from, celsius))| {
            let soon = self.readings.iter().skip(place + 1).take_while(|(at, _)| *at - *from <= WITHIN);
            soon.into_iter().any(|(_, other)| (other - celsius).abs() >= MOVE && ROOM.contains(other))
        })
    }
}

fn extremes(numbers: impl Iterator<Item = f64>) -> (f64, f64) {
    numbers.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), number| (low.min(number), high.max(number)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One reading a minute; when it was said to be outside, and inside again.
    fn watch(celsius: impl Fn(f64) -> f64) -> Vec<(u64, bool)> {
        let mut placement = Placement::default();
        let minutes = 0..600u64;
        minutes
            .filter_map(|minute| {
                let said = placement.take(Duration::from_secs(60 * minute), celsius(minute as f64))?;
                Some((minute, said))
            })
            .collect()
    }

    /// A probe in air follows within some minutes.
    fn toward(from: f64, to: f64, minutes: f64, constant: f64) -> f64 {
        if minutes < 0.0 { from } else { to + (from - to) * (-minutes / constant).exp() }
    }

    #[test]
    fn a_probe_pulled_out_is_noticed_and_one_put_back_too() {
        let said = watch(|minute| {
            if minute < 300.0 { toward(4.0, 24.0, minute - 60.0, 4.0) } else { toward(24.0, 4.0, minute - 300.0, 4.0) }
        });
        let [(out, true), (back, false)] = said.as_slice() else { panic!("{said:?}") };
        assert!((80..100).contains(out) && (300..310).contains(back), "{said:?}");
    }

    #[test]
    fn a_failed_compressor_is_not_a_probe_outside() {
        assert_eq!(watch(|minute| toward(4.0, 27.0, minute - 60.0, 180.0)), []);
        assert_eq!(watch(|minute| toward(-20.0, 30.0, minute - 60.0, 400.0)), []);
    }

    #[test]
    fn a_working_unit_with_doors_and_defrosts_is_not_either() {
        let ripple = |minute: f64| 4.0 + 1.5 * (minute / 4.0).sin();
        let door = |minute: f64| if (minute % 120.0) < 10.0 { 12.0 } else { 0.0 };
        assert_eq!(watch(|minute| ripple(minute) + door(minute)), []);
    }

    #[test]
    fn a_hot_unit_and_one_that_was_always_warm_are_not_either() {
        assert_eq!(watch(|_| 22.0), []);
        assert_eq!(watch(|minute| toward(65.0, 66.0, minute, 5.0)), []);
    }
}
