//! A sensor's settings, checked: what the task works with cannot be out of range. Pure.
//!
//! The device wraps what it cannot take without a word, so everything is checked here, and every problem is reported at
//! once, by its key, for the configuration to show in the file.

use std::path::PathBuf;
use std::time::Duration;

use kitchen_contract::id::DeviceId;
use kitchen_contract::unit::Celsius;
use secrecy::SecretString;

use crate::at::command::{OutOfRange, Value};
use crate::at::history_log::HistoryLog;
use crate::at::identity::Imei;
use crate::at::report_interval::ReportInterval;
use crate::at::report_on_change::ReportOnChange;
use crate::at::warm_up::WarmUp;
use crate::convert::Scale;
use crate::device::setup::Wanted;
use crate::settings::{self, HumidityTransmitter, SensorSettings, Transmitter};

/// What a measurement takes beyond the warm-up, with the answer of a busy console; a poll must end before the next is due.
const MEASURE_TAKES: Duration = Duration::from_secs(4);
/// The longest time between two polls: a day without a reading is no monitoring.
const INTERVAL_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// The largest calibration offset, in °C; more is a broken probe or a wrong range.
const OFFSET_MAX: f64 = 20.0;
/// The calibration gains that a probe and a transmitter in order can have.
const GAIN: std::ops::RangeInclusive<f64> = 0.9..=1.1;
/// The longest name of a person or a company.
const NAME_LEN_MAX: usize = 64;
/// The worst transmitter that is worth its wires, in ± °C.
const ACCURACY_MAX: f64 = 5.0;
/// Smaller, and noise would surprise; larger, and nothing would. In °C.
const JUMP: std::ops::RangeInclusive<f64> = 0.2..=50.0;
/// The currents between which a temperature is valid, in mA; both ends must be a temperature.
const VALID_MA: [f64; 2] = [3.8, 20.5];

/// How one sensor is sampled.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The measuring point.
    pub device_id: DeviceId,
    /// The serial port's path; none: wherever the sensor with this IMEI is found.
    pub port: Option<PathBuf>,
    /// Where the console's PIN is.
    pub pin: Pin,
    /// The only sensor that may hang there, if it is bound.
    pub imei: Option<Imei>,
    /// Time between two polls.
    pub interval: Duration,
    /// Time between power and measurement.
    pub warm_up: Duration,
    /// What the current stands for.
    pub scale: Scale,
    /// What the voltage stands for, if anything.
    pub humidity: Option<HumidityTransmitter>,
    /// A step between two polls that is measured again, in °C.
    pub jump: f64,
    /// What the device is to be set to.
    pub wanted: Wanted,
    /// How it keeps its own history.
    pub history: HistoryLog,
}

/// Where the console's PIN is.
#[derive(Clone, Debug)]
pub enum Pin {
    /// The console has none, or it is not known.
    None,
    /// This one.
    Known(SecretString),
    /// In this file, which is read at each attempt: a corrected file needs no restart.
    File(PathBuf),
}

impl Pin {
    fn new(settings: &SensorSettings) -> Self {
        match (&settings.pin, &settings.pin_file) {
            (Some(pin), _) => Self::Known(pin.clone()),
            (None, Some(file)) => Self::File(file.clone()),
            (None, None) => Self::None,
        }
    }
}

/// One thing that is wrong with a sensor's settings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{key}`: {message}")]
pub struct Problem {
    /// The key, relative to the sensor: `interval`, `transmitter.low`.
    pub key: &'static str,
    /// What is wrong and what would be right.
    pub message: String,
}

impl Plan {
    /// The plan, if the settings make one.
    ///
    /// # Errors
    /// All problems at once.
    pub fn new(settings: &SensorSettings) -> Result<Self, Vec<Problem>> {
        let mut problems = Problems::default();
        let imei = settings.imei.as_deref().and_then(|text| problems.imei(text));
        let wanted = problems.wanted(settings);
        let history = problems.history(settings.history_interval);
        problems.interval(settings);
        if settings.port.is_none() && settings.imei.is_none() {
            problems.add("port", "is missing: give it, or the sensor's `imei`, and it is looked for on every port");
        }
        let scale = Scale { transmitter: settings.transmitter, calibration: settings.calibration.clone() };
        problems.scale(&scale);
        problems.humidity(settings.humidity.as_ref());
        if !JUMP.contains(&settings.jump) {
            problems.add("jump", format!("not between {} and {} °C", JUMP.start(), JUMP.end()));
        }
        match wanted.zip(history) {
            Some((wanted, history)) if problems.found.is_empty() => Ok(Self {
                device_id: settings.device_id.clone(),
                port: settings.port.clone(),
                pin: Pin::new(settings),
                imei,
                interval: settings.interval,
                warm_up: settings.warm_up,
                scale,
                humidity: settings.humidity,
                jump: settings.jump,
                wanted,
                history,
            }),
            Some(_) | None => Err(problems.found),
        }
    }
}

#[derive(Default)]
struct Problems {
    found: Vec<Problem>,
}

impl Problems {
    fn add(&mut self, key: &'static str, message: impl Into<String>) {
        self.found.push(Problem { key, message: message.into() });
    }

    fn keep<T>(&mut self, key: &'static str, outcome: Result<T, OutOfRange>) -> Option<T> {
        outcome.map_err(|error| self.add(key, error.to_string())).ok()
    }

    fn imei(&mut self, text: &str) -> Option<Imei> {
        let imei = Imei::parse(text);
        if imei.is_none() {
            self.add("imei", format!("`{text}` is not an IMEI: 15 digits"));
        }
        imei
    }

    fn interval(&mut self, settings: &SensorSettings) {
        let least = settings.warm_up.saturating_add(MEASURE_TAKES);
        if settings.interval < least {
            self.add(
                "interval",
                format!("{:?} is too short: warm-up and measurement take {least:?}", settings.interval),
            );
        } else if settings.interval > INTERVAL_MAX {
            self.add("interval", "longer than a day");
        }
    }

    fn wanted(&mut self, settings: &SensorSettings) -> Option<Wanted> {
        let warm_up_ms = self.whole("warm_up", settings.warm_up, Duration::from_millis(1));
        let report_s = self.whole("report_interval", settings.report_interval, Duration::from_secs(1));
        let warm_up = self.keep("warm_up", WarmUp::new(warm_up_ms?));
        let report_interval = self.keep("report_interval", ReportInterval::new(report_s?));
        let report_on_change = self.report_on_change(settings.report_on_change, &settings.transmitter);
        Some(Wanted { warm_up: warm_up?, report_interval: report_interval?, report_on_change: report_on_change? })
    }

    fn history(&mut self, interval: Duration) -> Option<HistoryLog> {
        if interval.is_zero() {
            return Some(HistoryLog::OFF);
        }
        let minutes = self.whole("history_interval", interval, Duration::from_secs(60))?;
        self.keep("history_interval", HistoryLog::every(minutes))
    }

    fn report_on_change(
        &mut self,
        settings: Option<settings::ReportOnChange>,
        transmitter: &Transmitter,
    ) -> Option<ReportOnChange> {
        let Some(settings) = settings else {
            return Some(ReportOnChange::OFF);
        };
        let every_s = self.whole("report_on_change.every", settings.every, Duration::from_secs(1))?;
        let threshold_ua = transmitter.microamps(settings.by).round();
        if !settings.by.is_finite() || settings.by <= 0.0 || !(1.0..=20_000.0).contains(&threshold_ua) {
            self.add(
                "report_on_change.by",
                format!("{} °C is not between 1 and 20000 µA over this transmitter's range", settings.by),
            );
            return None;
        }
        self.keep("report_on_change.every", ReportOnChange::on(every_s, threshold_ua as u64))
    }

    /// A duration as a whole number of units.
    fn whole(&mut self, key: &'static str, duration: Duration, unit: Duration) -> Option<u64> {
        let number = duration.as_nanos() / unit.as_nanos();
        if !duration.as_nanos().is_multiple_of(unit.as_nanos()) {
            self.add(key, format!("{duration:?} is not a whole number of {unit:?}"));
            return None;
        }
        Some(u64::try_from(number).unwrap_or(u64::MAX))
    }

    fn scale(&mut self, scale: &Scale) {
        let Transmitter { low, high, accuracy, .. } = scale.transmitter;
        if low == high {
            self.add("transmitter.high", "4 and 20 mA cannot stand for the same temperature");
        }
        if !(0.0..=ACCURACY_MAX).contains(&accuracy) {
            self.add("transmitter.accuracy", format!("not between 0 and {ACCURACY_MAX} °C"));
        }
        if let Some(calibration) = &scale.calibration {
            self.calibration(calibration);
        }
        if VALID_MA.into_iter().any(|milliamps| Celsius::new(scale.celsius(milliamps)).is_err()) {
            self.add("transmitter", "3.8 and 20.5 mA must both stand for a possible temperature");
        }
    }

    fn calibration(&mut self, calibration: &settings::Calibration) {
        if !(-OFFSET_MAX..=OFFSET_MAX).contains(&calibration.offset.get()) {
            self.add("calibration.offset", format!("not between -{OFFSET_MAX} and {OFFSET_MAX} °C"));
        }
        if !GAIN.contains(&calibration.gain.get()) {
            self.add("calibration.gain", format!("not between {} and {}", GAIN.start(), GAIN.end()));
        }
        if calibration.by.trim().is_empty() || calibration.by.chars().count() > NAME_LEN_MAX {
            self.add("calibration.by", format!("who calibrated it, in at most {NAME_LEN_MAX} letters"));
        }
    }

    fn humidity(&mut self, transmitter: Option<&HumidityTransmitter>) {
        let Some(HumidityTransmitter { low, high }) = transmitter else { return };
        if !(-50.0..=150.0).contains(low) || !(-50.0..=150.0).contains(high) || low == high {
            self.add("humidity", "0 and 10 V stand for two different humidities, in %RH");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(change: &str, expected: &[&str]) {
        let good = "device_id = 'fridge-1'\nport = '/dev/ttyUSB0'\nimei = '861234509876543'\ninterval = '60s'\n\
                    report_interval = '20m'\nwarm_up = '6s'\nreport_on_change = { every = '5m', by = 2.0 }\n\
                    transmitter = { low = -40.0, high = 60.0 }\n";
        let (key, _) = change.split_once(" = ").unwrap_or(("no key", ""));
        let lines = good.lines().filter(|line| !line.starts_with(key)).chain([change]);
        let text: String = lines.map(|line| format!("{line}\n")).collect();
        let problems = Plan::new(&toml::from_str(&text).unwrap()).err().unwrap_or_default();
        let keys: Vec<&str> = problems.iter().map(|problem| problem.key).collect();
        assert_eq!(keys, expected, "{change}: {problems:?}");
    }

    #[test]
    fn what_the_device_would_wrap_is_named_by_its_key() {
        check("", &[]);
        check("imei = '86123450987654'", &["imei"]);
        check("interval = '9s'", &["interval"]);
        check("interval = '2days'", &["interval"]);
        check("report_interval = '59s'", &["report_interval"]);
        check("report_interval = '90500ms'", &["report_interval"]);
        check("history_interval = '90s'", &["history_interval"]);
        check("history_interval = '256m'", &["history_interval"]);
        check("warm_up = '181s'", &["warm_up", "interval"]);
        check("warm_up = '6s 1us'", &["warm_up"]);
        check("report_on_change = { every = '19h', by = 2.0 }", &["report_on_change.every"]);
        check("report_on_change = { every = '5m', by = 0.0 }", &["report_on_change.by"]);
        check("report_on_change = { every = '5m', by = nan }", &["report_on_change.by"]);
        check("report_on_change = { every = '5m', by = 126.0 }", &["report_on_change.by"]);
        check("transmitter = { low = 5.0, high = 5.0 }", &["report_on_change.by", "transmitter.high"]);
        check("transmitter = { low = -40.0, high = 60.0, accuracy = nan }", &["transmitter.accuracy"]);
        check(
            "calibration = { offset = 20.1, gain = 1.2, date = 2026-11-23, by = ' ' }",
            &["calibration.offset", "calibration.gain", "calibration.by"],
        );
        check("humidity = { low = 0.0, high = nan }", &["humidity"]);
        check("jump = 0.0", &["jump"]);
        check("transmitter = { low = 0.0, high = 1000.0 }", &["transmitter"]);
    }

    #[test]
    fn degrees_become_microamps_over_the_range() {
        let text = "device_id = 'f'\nport = 'p'\ninterval = '60s'\nreport_interval = '20m'\nwarm_up = '6s'\n\
                    report_on_change = { every = '5m', by = 2.0 }\ntransmitter = { low = -40.0, high = 60.0 }\n";
        let plan = Plan::new(&toml::from_str(text).unwrap()).unwrap();
        assert_eq!(plan.wanted.report_on_change.to_string(), "1,300,320,0");
    }
}
