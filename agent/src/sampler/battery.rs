//! What a plan costs the sensor's battery, from the figures of the device reference. Pure.
//!
//! Counted: every time the transmitter is powered (polls, looks for a change, the sensor's own reports and history) and
//! sleep. Not counted, because the reference has no figure for it: the radio sessions of the reports, the console, self-discharge. So
//! the battery lasts at most this long.

use std::time::Duration;

use serde::Serialize;

use super::plan::Plan;

/// The cell, in mAh (device reference 11).
pub const BATTERY_MAH: f64 = 8500.0;
/// What the battery gives while the loop has its 12 V: 10 mA at 80 % efficiency, in mA (device reference 11).
const POWERED_MA: f64 = 43.0;
/// Switching and twice six conversions, beyond the warm-up (device reference 2.3).
const MEASURE_TAKES: Duration = Duration::from_millis(1300);
/// What the processor draws asleep, in mA (device reference 11).
const SLEEP_MA: f64 = 0.01;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const HOURS_A_DAY: f64 = 24.0;

/// One thing the sensor does again and again.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Habit {
    /// How often in a day.
    pub times_a_day: f64,
    /// What it takes from the battery, in mAh a day.
    pub mah_a_day: f64,
}

/// What a plan costs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cost {
    /// The agent's polls.
    pub polls: Habit,
    /// The sensor's own looks for a change, if it is to look.
    pub looks: Option<Habit>,
    /// The sensor's measurements for its history, if it keeps one.
    pub history: Option<Habit>,
    /// The sensor's own reports, without their radio.
    pub reports: Habit,
    /// In mAh a day.
    pub sleep_mah_a_day: f64,
    /// All of it, in mAh a day.
    pub mah_a_day: f64,
    /// How long [`BATTERY_MAH`] last at most, in days.
    pub days: f64,
}

/// What this plan costs.
pub fn cost(plan: &Plan) -> Cost {
    let powered_h = (plan.warm_up + MEASURE_TAKES).as_secs_f64() / 3600.0;
    let habit = |every: Duration| {
        let times_a_day = DAY.as_secs_f64() / every.as_secs_f64();
        Habit { times_a_day, mah_a_day: times_a_day * powered_h * POWERED_MA }
    };
    let polls = habit(plan.interval);
    let reports = habit(plan.wanted.report_interval.duration());
    let looks = plan.wanted.report_on_change.every().map(habit);
    let history = plan.history.interval().map(habit);
    let sleep_mah_a_day = SLEEP_MA * HOURS_A_DAY;
    let habits = [Some(polls), Some(reports), looks, history];
    let mah_a_day = habits.iter().flatten().map(|habit| habit.mah_a_day).sum::<f64>() + sleep_mah_a_day;
    Cost { polls, looks, history, reports, sleep_mah_a_day, mah_a_day, days: BATTERY_MAH / mah_a_day }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampler::tests::bench::plan;

    /// Device reference 11: checks every 60 s cost some 130 mAh a day, two months.
    #[test]
    fn the_figures_of_the_reference() {
        let every_minute = cost(&plan(""));
        assert!((every_minute.polls.mah_a_day - 130.0).abs() < 10.0, "{every_minute:?}");
        assert!((50.0..75.0).contains(&every_minute.days), "{every_minute:?}");
        let looking = cost(&plan("report_on_change = { every = '5m', by = 2.0 }"));
        let looks = looking.looks.unwrap();
        assert!((looks.times_a_day, (looks.mah_a_day - 26.0).abs() < 2.0) == (288.0, true), "{looking:?}");
        assert!(looking.days < every_minute.days);
    }
}
