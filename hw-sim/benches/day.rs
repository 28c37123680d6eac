//! `cargo day`: how long one simulated day of one sensor takes, with a sample every five minutes, in memory. Beside it the
//! same day of the kitchen unit's air alone, which nothing could be quicker than.
#![allow(clippy::print_stdout)] // the figures are the answer

use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use hw_sim::{Device, DeviceConfig, Profile, ProfileError};

/// The limit for a day.
const DAY_MAX: Duration = Duration::from_millis(50);
/// One simulated day.
const DAY: Duration = Duration::from_secs(24 * 3600);
/// Runs; the quickest counts, because everything else is the machine's other work.
const RUNS: u64 = 9;
/// Samples of a day, every five minutes.
const SAMPLES: usize = 288;

fn main() -> ExitCode {
    match measure() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn measure() -> Result<bool, ProfileError> {
    let mut profile = Profile::load("nb-1.1")?;
    profile.defaults.insert("AT+TDC".to_owned(), "300".to_owned());
    profile.defaults.insert("AT+12VT".to_owned(), "6000".to_owned());
    let (mut air, mut day, mut samples) = (Duration::MAX, Duration::MAX, 0);
    for seed in 0..RUNS {
        let config = || DeviceConfig::new(profile.clone(), seed);
        air = air.min(timed(|| _ = black_box(air_of_a_day(config()))));
        day = day.min(timed(|| samples = samples_of_a_day(config())));
    }
    println!("air of a day alone           {:>8.2} ms", air.as_secs_f64() * 1000.0);
    println!("device for a day             {:>8.2} ms  (limit {} ms)", day.as_secs_f64() * 1000.0, DAY_MAX.as_millis());
    println!("measurements printed         {samples:>8}     (expected about {SAMPLES})");
    Ok(day <= DAY_MAX && samples.abs_diff(SAMPLES) <= 1)
}

fn timed(work: impl FnOnce()) -> Duration {
    let began = Instant::now();
    work();
    began.elapsed()
}

/// A device without supply: only the kitchen goes on.
fn air_of_a_day(config: DeviceConfig) -> f64 {
    let mut device = Device::new(config);
    device.power_off(Duration::ZERO);
    device.advance(DAY);
    device.true_temperature()
}

fn samples_of_a_day(config: DeviceConfig) -> usize {
    let mut device = Device::new(config);
    let mut samples = 0;
    for hour in 1..=24 {
        let now = DAY * hour / 24;
        device.advance(now);
        let output = device.take_output(now);
        samples += String::from_utf8_lossy(&output).matches("IDC_Input:").count();
    }
    samples
}
