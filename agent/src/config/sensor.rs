//! One `[[sensors]]` table: read here, held against what the device can do by the sampler's [`Plan`].

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{env, fs};

use kitchen_contract::id::DeviceId;
use kitchen_contract::unit::Gain;
use secrecy::{ExposeSecret, SecretString};

use super::reader::{Section, Span};
use super::sections::Sensor;
use crate::sampler::Plan;
use crate::settings::{
    ACCURACY_DEFAULT, Calibration, HISTORY_INTERVAL_DEFAULT, HumidityTransmitter, JUMP_DEFAULT, PIN_LEN_MAX,
    ProbeClass, ReportOnChange, SensorSettings, Transmitter, is_pin,
};

/// What earlier sensors are called and where they hang: each only once.
#[derive(Debug, Default)]
pub struct Seen(BTreeSet<(&'static str, String)>);

/// Reads one sensor; none after a problem.
pub fn read(mut section: Section<'_>, base: &Path, seen: &mut Seen) -> Option<Sensor> {
    let settings = read_settings(&mut section, base, seen);
    let plan = settings.as_ref().and_then(|settings| match Plan::new(settings) {
        Ok(plan) => Some(plan),
        Err(problems) => {
            problems.into_iter().for_each(|problem| section.refuse(problem.key, problem.message));
            None
        }
    });
    section.finish();
    Some(Sensor { settings: settings?, plan: plan? })
}

fn read_settings(section: &mut Section<'_>, base: &Path, seen: &mut Seen) -> Option<SensorSettings> {
    let device_id: Option<DeviceId> = section.required("device_id");
    let port: Option<PathBuf> = section.optional("port");
    let port = port.map(|port| base.join(port));
    let (pin, pin_file) = read_pin(section, base);
    let imei: Option<String> = section.optional("imei");
    let interval = section.required("interval").map(|Span(interval)| interval);
    let report_interval = section.required("report_interval").map(|Span(interval)| interval);
    let Span(history_interval) = section.or("history_interval", Span(HISTORY_INTERVAL_DEFAULT));
    let warm_up = section.required("warm_up").map(|Span(warm_up)| warm_up);
    let transmitter = read_transmitter(section.section("transmitter"));
    let report_on_change = read_change(section.optional_section("report_on_change"));
    let calibration = read_calibration(section.optional_section("calibration"));
    let humidity = read_humidity(section.optional_section("humidity"));
    let jump = section.or("jump", JUMP_DEFAULT);
    let alert_thresholds = section.optional("alert_thresholds");
    seen.check(section, "device_id", device_id.as_ref().map(ToString::to_string));
    seen.check(section, "port", port.as_ref().map(|port| port.display().to_string()));
    seen.check(section, "imei", imei.clone());
    Some(SensorSettings {
        device_id: device_id?,
        port,
        pin,
        pin_file,
        imei,
        interval: interval?,
        report_interval: report_interval?,
        history_interval,
        warm_up: warm_up?,
        report_on_change,
        transmitter: transmitter?,
        calibration,
        humidity,
        jump,
        alert_thresholds,
    })
}

impl Seen {
    fn check(&mut self, section: &Section<'_>, key: &'static str, value: Option<String>) {
        if value.is_some_and(|value| !self.0.insert((key, value))) {
            section.refuse(key, "is that of another sensor already".to_owned());
        }
    }
}

/// A console without a PIN is possible, so neither need be there.
fn read_pin(section: &mut Section<'_>, base: &Path) -> (Option<SecretString>, Option<PathBuf>) {
    let text = text_of(section, "pin").map(SecretString::from);
    let pin_file = text_of(section, "pin_file").map(|file| base.join(file));
    let pin_env = text_of(section, "pin_env");
    if let Some(variable) = pin_env {
        if text.is_some() || pin_file.is_some() {
            section.refuse("pin_env", "give only one of `pin`, `pin_file` and `pin_env`".to_owned());
        }
        return (pin_in_environment(section, &variable), None);
    }
    match (&text, &pin_file) {
        (Some(_), Some(_)) => section.refuse("pin_file", "give either `pin` or `pin_file`".to_owned()),
        (Some(pin), None) if !is_pin(pin.expose_secret()) => {
            section.refuse("pin", format!("must be 1 to {PIN_LEN_MAX} letters and digits"));
        }
        (None, Some(file)) => check_pin_file(section, file),
        (Some(_), None) | (None, None) => {}
    }
    (text, pin_file)
}

/// A text of which no problem shows anything: who mistakes one key for another shows no PIN.
fn text_of(section: &mut Section<'_>, key: &'static str) -> Option<String> {
    let value: toml::Value = section.optional(key)?;
    let text = value.as_str().map(str::to_owned);
    if text.is_none() {
        section.refuse(key, "must be a text in quotes".to_owned());
    }
    text
}

/// As the service manager hands over credentials that are to be in no file.
fn pin_in_environment(section: &Section<'_>, variable: &str) -> Option<SecretString> {
    let name = if is_pin(variable) { "of this name".to_owned() } else { format!("`{variable}`") };
    let problem = match env::var(variable) {
        Ok(text) if is_pin(text.trim()) => return Some(text.trim().into()),
        Ok(_) => format!("the environment variable {name} holds no PIN: 1 to {PIN_LEN_MAX} letters and digits"),
        Err(_) => format!("there is no environment variable {name}"),
    };
    section.refuse("pin_env", problem);
    None
}

/// A name that could be a PIN is not shown.
fn check_pin_file(section: &Section<'_>, file: &Path) {
    let could_be_pin = file.file_name().and_then(|name| name.to_str()).is_some_and(is_pin);
    let name = if could_be_pin { "the file".to_owned() } else { format!("`{}`", file.display()) };
    let problem = match fs::read_to_string(file) {
        Ok(text) if is_pin(text.trim()) => return,
        Ok(_) => format!("{name} holds no PIN: 1 to {PIN_LEN_MAX} letters and digits"),
        Err(error) => format!("{name} cannot be read: {error}"),
    };
    section.refuse("pin_file", problem);
}

fn read_transmitter(mut section: Section<'_>) -> Option<Transmitter> {
    let low = section.required("low");
    let high = section.required("high");
    let accuracy = section.or("accuracy", ACCURACY_DEFAULT);
    let probe_class = section.or("probe_class", ProbeClass::default());
    section.finish();
    Some(Transmitter { low: low?, high: high?, accuracy, probe_class })
}

/// A correction nobody answers for is none.
fn read_calibration(mut section: Section<'_>) -> Option<Calibration> {
    if !section.is_present() {
        return None;
    }
    let offset = section.required("offset");
    let gain = section.or("gain", 1.0);
    let date: Option<toml::value::Datetime> = section.required("date");
    let by = section.required("by");
    let date = date.and_then(|date| {
        let day = date.date.filter(|_| date.time.is_none() && date.offset.is_none());
        if day.is_none() {
            section.refuse("date", "must be a day, such as 2026-11-23".to_owned());
        }
        day
    });
    let gain = Gain::new(gain).map_err(|error| section.refuse("gain", error.to_string())).ok();
    section.finish();
    Some(Calibration { offset: offset?, gain: gain?, date: date?, by: by? })
}

fn read_humidity(mut section: Section<'_>) -> Option<HumidityTransmitter> {
    if !section.is_present() {
        return None;
    }
    let (low, high) = (section.required("low"), section.required("high"));
    section.finish();
    Some(HumidityTransmitter { low: low?, high: high? })
}

fn read_change(mut section: Section<'_>) -> Option<ReportOnChange> {
    if !section.is_present() {
        return None;
    }
    let every = section.required("every").map(|Span(every)| every);
    let by = section.required("by");
    section.finish();
    Some(ReportOnChange { every: every?, by: by? })
}
