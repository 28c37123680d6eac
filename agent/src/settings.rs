//! What is configured for one sensor: the part of the configuration that the device and the sampler work with.

use std::path::PathBuf;
use std::time::Duration;

use kitchen_contract::alarm::Limits;
use kitchen_contract::id::DeviceId;
use kitchen_contract::unit::{Celsius, CelsiusDifference, Gain};
use secrecy::SecretString;
use serde::Deserialize;

/// One sensor of the configuration, `[[sensors]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SensorSettings {
    /// The measuring point.
    pub device_id: DeviceId,
    /// Its serial port; `/dev/serial/by-id/…` survives a replug. Without, the sensor is looked for by its IMEI.
    #[serde(default)]
    pub port: Option<PathBuf>,
    /// The console's PIN, from the label on the box. Give this or `pin_file`.
    #[serde(default)]
    pub pin: Option<SecretString>,
    /// A file that holds the PIN.
    #[serde(default)]
    pub pin_file: Option<PathBuf>,
    /// The sensor's IMEI (15 digits); given, another sensor on this port is a fault.
    #[serde(default)]
    pub imei: Option<String>,
    /// How often to measure.
    #[serde(with = "humantime_serde")]
    pub interval: Duration,
    /// The sensor's own reporting interval (`AT+TDC`), 60 s to 16777215 s.
    #[serde(with = "humantime_serde")]
    pub report_interval: Duration,
    /// How often the sensor measures for its own history (`AT+CLOCKLOG`), which fills the holes in ours: whole minutes, 1 to
    /// 255; 0 switches it off.
    #[serde(default = "default_history_interval", with = "humantime_serde")]
    pub history_interval: Duration,
    /// How long the transmitter is powered before it is read (`AT+12VT`), in whole milliseconds, at most 180 s.
    #[serde(with = "humantime_serde")]
    pub warm_up: Duration,
    /// Report on change (`AT+ROC`); absent switches it off.
    #[serde(default)]
    pub report_on_change: Option<ReportOnChange>,
    /// What 4 and 20 mA stand for.
    pub transmitter: Transmitter,
    /// What a comparison with a reference thermometer found.
    #[serde(default)]
    pub calibration: Option<Calibration>,
    /// A humidity transmitter at the voltage input.
    #[serde(default)]
    pub humidity: Option<HumidityTransmitter>,
    /// How far the temperature may move between two polls, in °C, before it is measured again at once.
    #[serde(default = "default_jump")]
    pub jump: f64,
    /// Beyond these a reading is an excursion, which a full buffer gives up last.
    #[serde(default)]
    pub alert_thresholds: Option<Limits>,
}

/// Catches each changed digit of whole mA on every usual range; an air probe in a unit seldom moves so far between two
/// polls, and then a second measurement is all it costs.
pub const JUMP_DEFAULT: f64 = 2.0;

/// Its 32 rows reach back eight hours: a night without power.
pub const HISTORY_INTERVAL_DEFAULT: Duration = Duration::from_secs(15 * 60);

fn default_history_interval() -> Duration {
    HISTORY_INTERVAL_DEFAULT
}

fn default_jump() -> f64 {
    JUMP_DEFAULT
}

/// Report on change: the sensor prints a measurement by itself when the temperature has moved.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportOnChange {
    /// How often the sensor looks, 1 s to 65535 s.
    #[serde(with = "humantime_serde")]
    pub every: Duration,
    /// By how many °C it must have moved; becomes µA over the transmitter's range, at most 20000 µA.
    pub by: f64,
}

/// What the loop current stands for: linear from 4 mA at `low` to 20 mA at `high`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transmitter {
    /// °C at 4 mA.
    pub low: Celsius,
    /// °C at 20 mA.
    pub high: Celsius,
    /// What its data sheet promises, in ± °C.
    #[serde(default = "default_accuracy")]
    pub accuracy: f64,
    /// How exact its PT100 is.
    #[serde(default)]
    pub probe_class: ProbeClass,
}

/// What common head transmitters promise, in °C (device reference 13.3).
pub const ACCURACY_DEFAULT: f64 = 0.1;

fn default_accuracy() -> f64 {
    ACCURACY_DEFAULT
}

/// Tolerance class of a PT100 (IEC 60751).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum ProbeClass {
    /// 0.15 °C and 0.2 % of the temperature.
    A,
    /// 0.30 °C and 0.5 % of the temperature; what a probe has that does not say.
    #[default]
    B,
}

/// What a comparison with a reference thermometer found: temperature = `gain` × what the range gives + `offset`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// Added, in °C.
    pub offset: CelsiusDifference,
    /// Multiplied first; 1 without.
    pub gain: Gain,
    /// When, as `2026-11-23`.
    pub date: toml::value::Date,
    /// By whom.
    pub by: String,
}

/// A humidity transmitter with 0 to 10 V: linear between the two.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HumidityTransmitter {
    /// %RH at 0 V.
    pub low: f64,
    /// %RH at 10 V.
    pub high: f64,
}

/// mA at the lower end of the transmitter's range.
const RANGE_FROM_MA: f64 = 4.0;
/// mA from the lower to the upper end.
const RANGE_SPAN_MA: f64 = 16.0;

impl Transmitter {
    /// A transmitter of that range, as good as common ones, with a probe of which nothing is known.
    pub fn new(low: Celsius, high: Celsius) -> Self {
        Self { low, high, accuracy: ACCURACY_DEFAULT, probe_class: ProbeClass::default() }
    }

    /// The temperature that a current stands for, not calibrated. Linear, also beyond the ends of the range.
    pub fn celsius(&self, milliamps: f64) -> f64 {
        self.low.get() + (milliamps - RANGE_FROM_MA) * self.celsius_per_milliamp()
    }

    /// By how many °C the temperature moves with each mA.
    pub fn celsius_per_milliamp(&self) -> f64 {
        (self.high.get() - self.low.get()) / RANGE_SPAN_MA
    }

    /// By how many µA the current moves when the temperature moves by that many °C.
    pub fn microamps(&self, celsius: f64) -> f64 {
        (celsius / self.celsius_per_milliamp() * 1000.0).abs()
    }
}

/// The longest PIN, in characters.
pub const PIN_LEN_MAX: usize = 8;

/// Whether a text can be a console's PIN: 1 to 8 letters and digits.
pub fn is_pin(text: &str) -> bool {
    (1..=PIN_LEN_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}
