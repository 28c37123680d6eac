//! One `[[sensors]]` table: read, and held against what the device can do.
//!
//! The device wraps numbers that are too large without a word, so its ranges are checked here (device reference 6).

use std::collections::BTreeSet;
use std::fs;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kitchen_contract::id::DeviceId;
use kitchen_contract::unit::Celsius;
use secrecy::{ExposeSecret, SecretString};

use super::reader::{Section, Span};
use crate::settings::{ReportOnChange, SensorSettings, Transmitter};

/// `AT+TDC`, in seconds.
const REPORT_INTERVAL_S: RangeInclusive<u64> = 60..=16_777_215;
/// `AT+12VT`.
const WARM_UP_MAX: Duration = Duration::from_secs(180);
/// What a measurement takes besides the warm-up.
const MEASURING_MAX: Duration = Duration::from_secs(5);
/// The longest interval between two measurements that still is monitoring.
const INTERVAL_MAX: Duration = Duration::from_secs(24 * 3600);
/// `AT+ROC`, how often the sensor looks, in seconds.
const CHANGE_EVERY_S: RangeInclusive<u64> = 1..=65_535;
/// `AT+ROC`, by how much, in µA.
const CHANGE_UA: RangeInclusive<f64> = 1.0..=20_000.0;
/// The span of the loop, in µA: 4 to 20 mA.
const LOOP_SPAN_UA: f64 = 16_000.0;
/// The longest PIN, in characters.
const PIN_LEN_MAX: usize = 8;
/// Digits of an IMEI.
const IMEI_LEN: usize = 15;

/// What earlier sensors are called and where they hang: each only once.
#[derive(Debug, Default)]
pub struct Seen(BTreeSet<(&'static str, String)>);

/// Reads one sensor; none after a problem that leaves no value to go on with.
pub fn read(mut section: Section<'_>, base: &Path, seen: &mut Seen) -> Option<SensorSettings> {
    let device_id: Option<DeviceId> = section.required("device_id");
    let port: Option<PathBuf> = section.required("port");
    let pin = read_pin(&mut section, base);
    let imei: Option<String> = section.optional("imei");
    let interval = section.required("interval").map(|Span(interval)| interval);
    let report_interval = section.required("report_interval").map(|Span(interval)| interval);
    let warm_up = section.required("warm_up").map(|Span(warm_up)| warm_up);
    let transmitter = read_transmitter(section.section("transmitter"));
    let change = section.optional_section("report_on_change");
    let report_on_change = if change.is_present() { Some(read_change(change, transmitter)) } else { None };
    check_times(&section, interval, warm_up);
    if let Some(report_interval) = report_interval {
        check_whole_seconds(&section, "report_interval", report_interval, REPORT_INTERVAL_S);
    }
    check_imei(&section, imei.as_deref());
    seen.check(&section, "device_id", device_id.as_ref().map(ToString::to_string));
    seen.check(&section, "port", port.as_ref().map(|port| base.join(port).display().to_string()));
    seen.check(&section, "imei", imei.clone());
    section.finish();
    let (pin, pin_file) = pin;
    Some(SensorSettings {
        device_id: device_id?,
        port: base.join(port?),
        pin,
        pin_file,
        imei,
        interval: interval?,
        report_interval: report_interval?,
        warm_up: warm_up?,
        report_on_change: report_on_change.flatten(),
        transmitter: transmitter?,
    })
}

impl Seen {
    fn check(&mut self, section: &Section<'_>, key: &'static str, value: Option<String>) {
        if value.is_some_and(|value| !self.0.insert((key, value))) {
            section.refuse(key, "is that of another sensor already".to_owned());
        }
    }
}

fn read_pin(section: &mut Section<'_>, base: &Path) -> (Option<SecretString>, Option<PathBuf>) {
    let pin: Option<toml::Value> = section.optional("pin");
    let pin_file: Option<PathBuf> = section.optional("pin_file");
    let pin_file = pin_file.map(|file| base.join(file));
    let text = pin.as_ref().map(|pin| pin.as_str().map(|text| SecretString::from(text.to_owned())));
    match (&text, &pin_file) {
        (Some(_), Some(_)) => section.refuse("pin_file", "give either `pin` or `pin_file`".to_owned()),
        (None, None) => section.refuse("pin", "is missing: give `pin` or `pin_file`".to_owned()),
        (Some(None), None) => section.refuse("pin", "must be a text in quotes".to_owned()),
        (Some(Some(pin)), None) if !is_pin(pin.expose_secret()) => {
            section.refuse("pin", format!("must be 1 to {PIN_LEN_MAX} letters and digits"));
        }
        (Some(Some(_)), None) => {}
        (None, Some(file)) => check_pin_file(section, file),
    }
    (text.flatten(), pin_file)
}

fn check_pin_file(section: &Section<'_>, file: &Path) {
    match fs::read_to_string(file).map(SecretString::from) {
        Ok(pin) if is_pin(pin.expose_secret().trim_end()) => {}
        Ok(_) => section.refuse("pin_file", format!("its content must be 1 to {PIN_LEN_MAX} letters and digits")),
        Err(error) => section.refuse("pin_file", format!("cannot read `{}`: {error}", file.display())),
    }
}

fn is_pin(text: &str) -> bool {
    (1..=PIN_LEN_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn read_transmitter(mut section: Section<'_>) -> Option<Transmitter> {
    let low: Option<Celsius> = section.required("low");
    let high: Option<Celsius> = section.required("high");
    let offset = section.or("offset", 0.0);
    if let (Some(low), Some(high)) = (low, high)
        && low >= high
    {
        section.refuse("high", format!("must be above `low`, {low}"));
    }
    if !f64::is_finite(offset) {
        section.refuse("offset", "must be a number".to_owned());
    }
    section.finish();
    Some(Transmitter { low: low?, high: high?, offset })
}

fn read_change(mut section: Section<'_>, transmitter: Option<Transmitter>) -> Option<ReportOnChange> {
    let every = section.required("every").map(|Span(every)| every);
    let by: Option<f64> = section.required("by");
    if let Some(every) = every {
        check_whole_seconds(&section, "every", every, CHANGE_EVERY_S);
    }
    if let (Some(by), Some(transmitter)) = (by, transmitter) {
        let change_ua = by / (transmitter.high.get() - transmitter.low.get()) * LOOP_SPAN_UA;
        if !CHANGE_UA.contains(&change_ua) {
            section.refuse("by", format!("becomes {change_ua:.0} µA; the sensor takes 1 to 20000 µA"));
        }
    }
    section.finish();
    Some(ReportOnChange { every: every?, by: by? })
}

fn check_times(section: &Section<'_>, interval: Option<Duration>, warm_up: Option<Duration>) {
    let Some(warm_up) = warm_up else { return };
    if warm_up > WARM_UP_MAX {
        section.refuse("warm_up", "must be at most 180s".to_owned());
    }
    if warm_up.subsec_nanos() % 1_000_000 != 0 {
        section.refuse("warm_up", "must be whole milliseconds".to_owned());
    }
    let Some(interval) = interval else { return };
    if interval < warm_up + MEASURING_MAX {
        let least = (warm_up + MEASURING_MAX).as_secs_f64();
        section.refuse("interval", format!("must be at least {least} s: `warm_up` and 5 s for the measurement"));
    }
    if interval > INTERVAL_MAX {
        section.refuse("interval", "must be at most a day".to_owned());
    }
}

fn check_whole_seconds(section: &Section<'_>, key: &str, value: Duration, range: RangeInclusive<u64>) {
    if value.subsec_nanos() != 0 || !range.contains(&value.as_secs()) {
        section.refuse(key, format!("must be {} to {} whole seconds", range.start(), range.end()));
    }
}

fn check_imei(section: &Section<'_>, imei: Option<&str>) {
    let shaped = |imei: &str| imei.len() == IMEI_LEN && imei.bytes().all(|byte| byte.is_ascii_digit());
    if imei.is_some_and(|imei| !shaped(imei)) {
        section.refuse("imei", format!("must be {IMEI_LEN} digits"));
    }
}
