//! How a sensor is doing, in one word: decided here, pure.
//!
//! | word | when, the first that holds |
//! |---|---|
//! | `unmonitored` | the sensor is switched off in the registry |
//! | `blind` | no reading that was heard within 2 × `transmissionInterval` + 60 s before now |
//! | `fault` | the latest reading carries a fault instead of a temperature |
//! | `unmonitored` | the sensor has no `alertThresholds` |
//! | `high`, `low` | the latest temperature is beyond a limit; a value on the limit is in range |
//! | `normal` | the latest temperature is in range |
//!
//! So a sensor that is not heard of is never `normal`, whatever it said last.

use std::time::Duration;

use kitchen_contract::alarm::{AlertType, Limits};
use kitchen_contract::fault::SensorFault;
use kitchen_contract::time::Timestamp;
use kitchen_contract::unit::Celsius;
use serde::Serialize;

/// Added to two intervals before a sensor counts as blind: the way of a reading takes a while.
const GRACE: Duration = Duration::from_secs(60);

/// How a sensor is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// In range.
    Normal,
    /// Above the upper limit.
    High,
    /// Below the lower limit.
    Low,
    /// It speaks, but has no temperature.
    Fault,
    /// Nobody has said what is right.
    Unmonitored,
    /// It has not been heard of for too long.
    Blind,
}

/// What is known of a sensor's configuration.
#[derive(Clone, Copy, Debug)]
pub struct Watch<'a> {
    /// Whether it is switched on.
    pub active: bool,
    /// How often it should be heard.
    pub interval: Duration,
    /// Its limits.
    pub limits: Option<&'a Limits>,
}

/// The latest reading: when it was heard, and what it said. Heard is its timestamp, but never later than when we received
/// it: a gateway whose clock is ahead does not look alive for longer.
pub type Latest = (Timestamp, Result<Celsius, SensorFault>);

/// How a sensor is doing.
pub fn status(now: Timestamp, watch: Watch<'_>, latest: Option<Latest>) -> Status {
    if !watch.active {
        return Status::Unmonitored;
    }
    let Some((_, value)) = latest.filter(|(timestamp, _)| heard(now, watch.interval, *timestamp)) else {
        return Status::Blind;
    };
    match (value, watch.limits) {
        (Err(_), _) => Status::Fault,
        (Ok(_), None) => Status::Unmonitored,
        (Ok(temperature), Some(limits)) => match limits.exceeded(temperature) {
            Some((AlertType::HighTemp, _)) => Status::High,
            Some((AlertType::LowTemp, _)) => Status::Low,
            None => Status::Normal,
        },
    }
}

fn heard(now: Timestamp, interval: Duration, timestamp: Timestamp) -> bool {
    let silence_max = interval.saturating_mul(2).saturating_add(GRACE);
    now.ms_since(timestamp) <= i64::try_from(silence_max.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(300);

    fn check(age_s: i64, value: Result<f64, SensorFault>) -> Status {
        let now: Timestamp = "2026-01-11T10:30:00.000Z".parse().unwrap();
        let limits = Limits::new(Celsius::new(0.0).ok(), Celsius::new(8.0).ok()).unwrap();
        let watch = Watch { active: true, interval: INTERVAL, limits: Some(&limits) };
        let value = value.map(|number| Celsius::new(number).unwrap());
        status(now, watch, Some((now.saturating_add_ms(-age_s * 1000), value)))
    }

    #[test]
    fn a_value_is_judged_against_the_limits() {
        for (value, expected) in [
            (4.2, Status::Normal),
            (0.0, Status::Normal),
            (8.0, Status::Normal),
            (8.001, Status::High),
            (-0.001, Status::Low),
        ] {
            assert_eq!(check(10, Ok(value)), expected, "{value}");
        }
        assert_eq!(check(10, Err(SensorFault::LoopOpen)), Status::Fault);
    }

    #[test]
    fn two_intervals_and_a_minute_of_silence_are_blind_whatever_was_said_last() {
        for value in [Ok(4.2), Ok(20.0), Err(SensorFault::NoAnswer)] {
            assert_ne!(check(660, value), Status::Blind);
            assert_eq!(check(661, value), Status::Blind);
        }
        assert_eq!(check(-30, Ok(4.2)), Status::Normal, "a gateway's clock may be a little ahead");
    }

    #[test]
    fn without_readings_blind_without_limits_or_switched_off_unmonitored() {
        let now: Timestamp = "2026-01-11T10:30:00.000Z".parse().unwrap();
        let watch = Watch { active: true, interval: INTERVAL, limits: None };
        let good = Some((now, Ok(Celsius::new(4.2).unwrap())));
        assert_eq!(status(now, watch, None), Status::Blind);
        assert_eq!(status(now, watch, good), Status::Unmonitored);
        assert_eq!(status(now, Watch { active: false, ..watch }, good), Status::Unmonitored);
    }
}
