//! A buffer that is full of readings, as an outage leaves it.

use std::path::Path;

use anyhow::Context;
use hw_sim::bench::layout::KITCHEN;
use kitchen_agent::buffer::entry::Draft;
use kitchen_agent::buffer::{Buffer, Limits, Round};
use kitchen_agent::clock::wall::Stamp;
use kitchen_contract::id::Epoch;
use kitchen_contract::record::{Absence, Body, Reading, Trigger};
use kitchen_contract::time::{Clock, Timestamp};
use kitchen_contract::unit::{Celsius, CelsiusDifference, MilliAmp, Volt};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// As the agent does it.
const PACK_EVERY: u64 = 32;
/// When the outage began.
const BEGAN_MS: i64 = 1_750_000_000_000;

/// What waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Site {
    pub(super) name: &'static str,
    sensors: u64,
    interval_s: i64,
    pub(super) readings: u64,
}

impl Site {
    pub(super) fn empty() -> Self {
        Self { name: "nothing", sensors: 1, interval_s: 60, readings: 0 }
    }

    pub(super) fn sixteen_sensors(readings: u64) -> Self {
        Self { name: "16 sensors", sensors: 16, interval_s: 60, readings }
    }

    pub(super) fn a_year_of_two_sensors() -> Self {
        Self { name: "a year of 2 sensors, every minute", sensors: 2, interval_s: 60, readings: 2 * 365 * 24 * 60 }
    }

    pub(super) fn a_year_of_sixteen_sensors() -> Self {
        let name = "a year of 16 sensors, every quarter of an hour";
        Self { name, sensors: 16, interval_s: 900, readings: 16 * 365 * 24 * 4 }
    }
}

/// Puts all of it on disk.
pub(super) fn fill(data_dir: &Path, site: &Site) -> anyhow::Result<()> {
    let limits = Limits { records_max: u64::MAX, bytes_max: u64::MAX, free_bytes_min: 0 };
    let mut buffer = Buffer::open(data_dir, limits, Epoch::from_entropy([7; 15]))?;
    let (mut random, mut celsius) = (StdRng::seed_from_u64(5), vec![4.0_f64; site.sensors as usize]);
    for number in 0..site.readings / site.sensors {
        let now_ms = BEGAN_MS + number as i64 * site.interval_s * 1000;
        let mut drafts = Vec::new();
        for (sensor, celsius) in celsius.iter_mut().enumerate() {
            *celsius += random.random_range(-0.2..0.2);
            let stamp = stamp(now_ms + random.random_range(0..site.interval_s * 1000))?;
            drafts.push(Draft::new(stamp, reading(sensor, *celsius, &mut random)?));
        }
        let kitchen_id = KITCHEN.parse().context("invariant: an id")?;
        buffer.append(&Round { kitchen_id, now: stamp(now_ms)?, dropped: 0, drafts })?;
        if number % PACK_EVERY == 0 {
            buffer.pack()?;
        }
    }
    Ok(())
}

fn stamp(unix_ms: i64) -> anyhow::Result<Stamp> {
    Ok(Stamp::Settled { timestamp: Timestamp::from_unix_ms(unix_ms)?, clock: Clock::Synced })
}

fn reading(sensor: usize, celsius: f64, random: &mut StdRng) -> anyhow::Result<Body> {
    let milliamps = ((celsius + 40.0) / 100.0 * 16.0 + 4.0).clamp(4.0, 20.0);
    let thousandths = |value: f64| (value * 1000.0).round() / 1000.0;
    Ok(Body::Reading(Reading {
        device_id: format!("fridge-{}", sensor + 1).parse().context("invariant: an id")?,
        value: Ok(Celsius::new(thousandths(celsius)).context("invariant: a temperature")?),
        uncertainty: Some(CelsiusDifference::new(0.355).context("invariant: an uncertainty")?),
        raw_ma: MilliAmp::new(thousandths(milliamps)).ok(),
        battery: Volt::new(3.5 + f64::from(random.random_range(0..90)) / 1000.0).map_err(|_| Absence::Invalid),
        signal: Err(Absence::NotReported),
        humidity: Err(Absence::NotConfigured),
        trigger: Trigger::Poll,
    }))
}
