//! The JSON payload in its dialects (device reference section 9.3).
//!
//! Written by hand, because the firmware does: fixed decimals, the vendor's spelling and order, and before March 2024
//! a history that is no JSON.

use serde::Deserialize;

use super::super::calendar::TimeText;
use super::super::history::Record;
use super::content::{Alarm, Payload, Position};
use super::number::{millionths, thousandths};
use super::probe::{Probe, Quantity};

/// What one firmware's JSON looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JsonDialect {
    /// Spelling of the inputs' keys (O12).
    pub keys: JsonKeys,
    /// Style of all times (O13).
    pub time: JsonTime,
    /// Form of the history.
    pub history: JsonHistory,
    /// Decimals of the battery voltage.
    pub battery: BatteryDecimals,
    /// Whether there are an IMSI and the measurement's time: from stack 004.
    pub imsi_and_time: bool,
    /// Whether there are alarms: firmware with report on change.
    pub alarms: bool,
    /// Whether there is a position: PS-CB.
    pub position: bool,
}

/// Spelling of the inputs' keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JsonKeys {
    /// `idc_intput`, as seen in the wild.
    Misspelt,
    /// `idc_input`.
    Correct,
}

/// Style of a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JsonTime {
    /// `2025/03/09 14:30:05`
    Slashes,
    /// `2025-03-09T14:30:05Z`
    Iso,
}

/// Form of a history entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JsonHistory {
    /// `[8.704,0.012,"2025/03/09 14:15:00"]`
    Lists,
    /// `{8.704,0.012,2025/03/09 14:15:00}`: not JSON; before March 2024.
    Unquoted,
}

/// Decimals of the battery voltage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BatteryDecimals {
    /// `3.57`
    Two,
    /// `3.572`
    Three,
}

/// Writes the payload.
pub(crate) fn text(payload: &Payload, dialect: &JsonDialect) -> String {
    let mut members = identity(payload, dialect);
    members.extend(measurement(payload, dialect));
    if dialect.alarms {
        members.push(format!(r#""idc_alarm":"{}""#, alarm("IDC", payload.alarms.idc)));
        members.push(format!(r#""vdc_alarm":"{}""#, alarm("VDC", payload.alarms.vdc)));
    }
    if dialect.position {
        members.extend(position(payload.position, dialect));
    }
    if dialect.imsi_and_time {
        members.push(format!(r#""time":"{}""#, dialect.time.of(payload.sample.unix_s)));
    }
    members.extend(history(&payload.history, dialect));
    object(&members)
}

/// Joins members to an object.
pub(crate) fn object(members: &[String]) -> String {
    format!("{{{}}}", members.join(","))
}

/// The history's members: keys from `"1"`, the newest.
pub(crate) fn history(records: &[Record], dialect: &JsonDialect) -> impl Iterator<Item = String> {
    let entry = |record: &Record| {
        let (idc, vdc) = (thousandths(record.idc_ua), thousandths(record.vdc_mv));
        let time = dialect.time.of(record.unix_s);
        match dialect.history {
            JsonHistory::Lists => format!(r#"[{idc},{vdc},"{time}"]"#),
            JsonHistory::Unquoted => format!("{{{idc},{vdc},{time}}}"),
        }
    };
    records.iter().enumerate().map(move |(index, record)| format!(r#""{}":{}"#, index + 1, entry(record)))
}

impl JsonTime {
    fn of(self, unix_s: u32) -> String {
        let form = match self {
            Self::Slashes => TimeText::Slashes,
            Self::Iso => TimeText::Iso,
        };
        form.of(unix_s.into())
    }
}

fn identity(payload: &Payload, dialect: &JsonDialect) -> Vec<String> {
    let mut members = vec![format!(r#""IMEI":"{}""#, payload.imei)];
    if dialect.imsi_and_time {
        members.push(format!(r#""IMSI":"{}""#, payload.imsi));
    }
    members.push(format!(r#""Model":"{}""#, payload.model));
    members
}

fn measurement(payload: &Payload, dialect: &JsonDialect) -> Vec<String> {
    let spelling = match dialect.keys {
        JsonKeys::Misspelt => "intput",
        JsonKeys::Correct => "input",
    };
    let mut members = vec![
        format!(r#""idc_{spelling}":{}"#, thousandths(payload.idc_printed)),
        format!(r#""vdc_{spelling}":{}"#, thousandths(payload.vdc_printed)),
    ];
    members.extend(probe(payload.probe, payload.sample.idc_ua));
    members.extend([
        format!(r#""interrupt":{}"#, u8::from(payload.inputs.exti_flag)),
        format!(r#""interrupt_level":{}"#, u8::from(payload.inputs.exti_level)),
        format!(r#""battery":{}"#, battery(payload.battery_mv, dialect.battery)),
        format!(r#""signal":{}"#, payload.csq),
    ]);
    members
}

fn probe(probe: Probe, idc_ua: u16) -> Vec<String> {
    if !probe.is_set() {
        return Vec::new();
    }
    let mut members = vec![format!(r#""probe_model":"{probe}""#)];
    members.extend(probe.reading(idc_ua).map(|reading| {
        let key = match reading.quantity {
            Quantity::WaterDepth => "water_deep_cm",
            Quantity::Pressure => "pressure_kPa",
            Quantity::DifferentialPressure => "differential_pressure_Pa",
        };
        format!(r#""{key}":{:.2}"#, reading.value)
    }));
    members
}

fn battery(battery_mv: u16, decimals: BatteryDecimals) -> String {
    match decimals {
        BatteryDecimals::Two => format!("{:.2}", f64::from(battery_mv) / 1000.0),
        BatteryDecimals::Three => thousandths(battery_mv),
    }
}

fn alarm(channel: &str, alarm: Option<Alarm>) -> String {
    alarm.map_or_else(|| "NULL".to_owned(), |alarm| format!("{channel}_{}", alarm.word()))
}

fn position(position: Position, dialect: &JsonDialect) -> [String; 3] {
    [
        format!(r#""latitude":{}"#, millionths(position.latitude_e6)),
        format!(r#""longitude":{}"#, millionths(position.longitude_e6)),
        format!(r#""gps_time":"{}""#, dialect.time.of(position.unix_s)),
    ]
}
