//! What is configured for one sensor: the part of the configuration that the device and the sampler work with.

use std::path::PathBuf;
use std::time::Duration;

use kitchen_contract::id::DeviceId;
use kitchen_contract::unit::Celsius;
use secrecy::SecretString;
use serde::Deserialize;

/// One sensor of the configuration, `[[sensors]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SensorSettings {
    /// The measuring point.
    pub device_id: DeviceId,
    /// Its serial port; `/dev/serial/by-id/…` survives a replug.
    pub port: PathBuf,
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
    /// How long the transmitter is powered before it is read (`AT+12VT`), in whole milliseconds, at most 180 s.
    #[serde(with = "humantime_serde")]
    pub warm_up: Duration,
    /// Report on change (`AT+ROC`); absent switches it off.
    #[serde(default)]
    pub report_on_change: Option<ReportOnChange>,
    /// What 4 and 20 mA stand for.
    pub transmitter: Transmitter,
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
    /// Calibration: added to the converted temperature, in °C.
    #[serde(default)]
    pub offset: f64,
}

/// mA at the lower end of the transmitter's range.
const RANGE_FROM_MA: f64 = 4.0;
/// mA from the lower to the upper end.
const RANGE_SPAN_MA: f64 = 16.0;

impl Transmitter {
    /// The temperature that a current stands for, calibrated. Linear, also beyond the ends of the range.
    pub fn celsius(&self, milliamps: f64) -> f64 {
        let share = (milliamps - RANGE_FROM_MA) / RANGE_SPAN_MA;
        self.low.get() + share * (self.high.get() - self.low.get()) + self.offset
    }

    /// By how many µA the current moves when the temperature moves by that many °C.
    pub fn microamps(&self, celsius: f64) -> f64 {
        (celsius / (self.high.get() - self.low.get()) * RANGE_SPAN_MA * 1000.0).abs()
    }
}

/// The longest PIN, in characters.
pub const PIN_LEN_MAX: usize = 8;

/// Whether a text can be a console's PIN: 1 to 8 letters and digits.
pub fn is_pin(text: &str) -> bool {
    (1..=PIN_LEN_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}
