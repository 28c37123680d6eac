//! `sensor plan`: how each sensor is sampled, and what that costs its battery.

use std::fmt;
use std::time::Duration;

use humantime_serde::re::humantime::format_duration;
use kitchen_contract::id::DeviceId;
use serde::Serialize;

use crate::config::Config;
use crate::report::Report;
use crate::sampler::Plan;
use crate::sampler::battery::{BATTERY_MAH, Cost, Habit, cost};

/// A battery that is empty sooner deserves a word, in days.
const SHORT_DAYS: f64 = 365.0;

/// There is no such sensor.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("no sensor `{device_id}` is configured")]
#[diagnostic(code(agent::no_such_sensor), help("configured are: {known}"))]
pub struct NoSuchSensor {
    device_id: String,
    known: String,
}

/// The plans of some sensors.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct Plans(Vec<Shown>);

/// One sensor's plan.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    device_id: String,
    interval_s: f64,
    warm_up_s: f64,
    report_interval_s: f64,
    /// As the sensor is told.
    report_on_change: String,
    #[serde(flatten)]
    cost: Cost,
    battery_mah: f64,
}

impl Report for Plans {}

/// The plans of all sensors, or of one.
///
/// # Errors
/// There is no such sensor.
pub fn plans(config: &Config, device_id: Option<&DeviceId>) -> Result<Plans, NoSuchSensor> {
    let plans = || config.sensors.iter().map(|sensor| &sensor.plan);
    let wanted: Vec<Shown> =
        plans().filter(|plan| device_id.is_none_or(|wanted| *wanted == plan.device_id)).map(Shown::of).collect();
    match device_id {
        Some(device_id) if wanted.is_empty() => Err(NoSuchSensor {
            device_id: device_id.to_string(),
            known: plans().map(|plan| plan.device_id.to_string()).collect::<Vec<_>>().join(", "),
        }),
        _ => Ok(Plans(wanted)),
    }
}

impl Shown {
    fn of(plan: &Plan) -> Self {
        Self {
            device_id: plan.device_id.to_string(),
            interval_s: plan.interval.as_secs_f64(),
            warm_up_s: plan.warm_up.as_secs_f64(),
            report_interval_s: plan.wanted.report_interval.duration().as_secs_f64(),
            report_on_change: plan.wanted.report_on_change.to_string(),
            cost: cost(plan),
            battery_mah: BATTERY_MAH,
        }
    }

    fn write(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Cost { polls, looks, history, reports, sleep_mah_a_day, mah_a_day, days } = self.cost;
        writeln!(out, "{}", self.device_id)?;
        line(out, "poll", self.interval_s, polls)?;
        line(out, "report by itself", self.report_interval_s, reports)?;
        if let Some(looks) = looks {
            line(out, "look for a change", DAY_S / looks.times_a_day, looks)?;
        }
        if let Some(history) = history {
            line(out, "keep its history", DAY_S / history.times_a_day, history)?;
        }
        writeln!(out, "  {:<18} {:>27} {sleep_mah_a_day:>9.1} mAh a day", "sleep", "")?;
        writeln!(out, "  {:<18} {:>27} {mah_a_day:>9.1} mAh a day", "together", "")?;
        writeln!(out, "  a battery of {BATTERY_MAH} mAh lasts at most {days:.0} days; radio is not counted")?;
        if days < SHORT_DAYS {
            writeln!(out, "  hint: a longer interval, a shorter warm-up, or a supply from outside")?;
        }
        Ok(())
    }
}

const DAY_S: f64 = 86_400.0;

fn line(out: &mut fmt::Formatter<'_>, name: &str, every_s: f64, habit: Habit) -> fmt::Result {
    let every = format_duration(Duration::from_secs_f64(every_s)).to_string();
    let Habit { times_a_day, mah_a_day } = habit;
    writeln!(out, "  {name:<18} every {every:<9} {times_a_day:>6.0} a day {mah_a_day:>8.1} mAh a day")
}

impl fmt::Display for Plans {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|plan| plan.write(out))
    }
}
