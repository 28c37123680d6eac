//! The arguments a device is made from, the same for every command that runs one.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::control::Scenario;
use crate::device::DeviceConfig;
use crate::imei::Imei;
use crate::physics::{DoorOpening, Environment, Range, Unit};
use crate::profile::Profile;
use crate::sensor::{SensorConfig, SensorError};

/// What the sensor is and where it hangs.
#[derive(Debug, Args)]
#[command(next_help_heading = "Sensor")]
pub(super) struct DeviceArgs {
    /// Firmware profile: a built-in name or the path of a .toml file.
    #[arg(long, value_name = "NAME", default_value = "nb-1.1")]
    profile: String,
    /// Changes a key of the profile, as in `quirks.q7=false`; repeatable.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Seed of everything random (identity, tolerances, noise, doors): another seed is another unit.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = parse_seed, allow_hyphen_values = true)]
    seed: u64,
    /// The modem's IMEI, 15 digits [default: derived from the seed].
    #[arg(long, value_name = "N")]
    imei: Option<Imei>,
    /// Divides every device time; for tests.
    #[arg(long, value_name = "X", default_value_t = 1.0, allow_hyphen_values = true)]
    speed: f64,
    /// The kitchen unit the probe hangs in.
    #[arg(long, value_name = "NAME", default_value_t = Unit::WalkInFridge, help = unit_help())]
    unit: Unit,
    /// Temperatures in °C that the transmitter maps to 4 and 20 mA.
    #[arg(long, value_name = "LO..HI", default_value_t = Range::KITCHEN, allow_hyphen_values = true)]
    range: Range,
    /// Keeps the door open from one second after the start to another; repeatable.
    #[arg(long, value_name = "FROM..TO", value_parser = parse_door)]
    door_open: Vec<DoorOpening>,
}

impl DeviceArgs {
    pub(super) fn into_config(self, link: PathBuf, on_for: Duration) -> Result<SensorConfig, SensorError> {
        let Self { profile, set, seed, imei, speed, unit, range, door_open: doors } = self;
        let profile = Profile::load_with(&profile, &set)?;
        let environment = Environment { unit, range, doors, ..Environment::walk_in_fridge() };
        let device = DeviceConfig { imei, environment, ..DeviceConfig::new(profile, seed) };
        Ok(SensorConfig { link, speed, on_for, memory: None, scenario: Scenario::default(), device })
    }
}

/// Seconds of device time, as in `--on-for 60`.
pub(super) fn parse_seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.trim().parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.filter(|time| *time <= ON_FOR_MAX).ok_or_else(|| "expected seconds, 0 to 31536000 (a year)".to_owned())
}

/// A year takes some seconds to compute; more is a slip of the finger.
const ON_FOR_MAX: Duration = Duration::from_secs(365 * 86_400);

fn parse_seed(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("a seed is a whole number from 0 to {}", u64::MAX))
}

fn parse_door(text: &str) -> Result<DoorOpening, String> {
    let seconds = |text: &str| {
        let seconds: f64 = text.trim().parse().ok()?;
        Duration::try_from_secs_f64(seconds).ok()
    };
    text.split_once("..")
        .and_then(|(from, to)| Some(DoorOpening { from: seconds(from)?, to: seconds(to)? }))
        .filter(|door| door.from < door.to)
        .ok_or_else(|| "expected FROM..TO in seconds after the start, FROM before TO".to_owned())
}

fn unit_help() -> String {
    format!("The kitchen unit the probe hangs in: {}", Unit::ALL.map(Unit::name).join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn door_openings_are_spans_of_seconds() {
        let door = parse_door("60..240.5").unwrap();
        assert_eq!((door.from, door.to), (Duration::from_secs(60), Duration::from_millis(240_500)));
        for bad in ["", "60", "60..", "240..60", "-1..5", "a..b", "NaN..5", "5..inf"] {
            assert!(parse_door(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn times_and_seeds_are_checked() {
        assert_eq!(parse_seconds("1.5"), Ok(Duration::from_millis(1500)));
        for bad in ["", "-1", "NaN", "inf", "1 h", "31536001"] {
            assert!(parse_seconds(bad).is_err(), "{bad}");
        }
        assert_eq!(parse_seed("18446744073709551615"), Ok(u64::MAX));
        assert!(parse_seed("-1").unwrap_err().contains("whole number"));
    }
}
