//! What of a status is wrong, and what to do. Pure.
//!
//! No data is never fine: a sensor without a reading is a problem, however young the agent is.

use serde::Serialize;

use super::document::{Buffer, Certificate, Disk, Document, Mqtt, Sensor, UnusedFiles};
use super::remedy::remedy;
use crate::words::span;

/// A reading may be so late before it is missed, in intervals …
const LATE_INTERVALS: u64 = 2;
/// … and this, in seconds: a sensor that was restarted is deaf for so long.
const LATE_S: u64 = 90;

/// With less room than this in the buffer, in hours, somebody must act: a long weekend.
const ROOM_HOURS_MIN: u64 = 96;

/// With less time left of the certificate, in seconds, somebody must act: 30 days.
const CERTIFICATE_S_MIN: i64 = 30 * 86_400;

/// Something wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// With what: a measuring point, `cloud`, `certificate`, `disk` or `buffer`.
    pub with: String,
    /// What.
    pub what: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// Everything that is wrong, the sensors first; nothing if all is fine.
pub fn verdict(document: &Document) -> Vec<Problem> {
    let disk = disk(&document.buffer.disk);
    let sensors = document.sensors.iter().filter_map(|each| sensor(each, disk.is_none()));
    let sensors: Vec<Problem> = sensors.collect();
    let buffer = buffer(&document.buffer);
    let certificate = files(&document.mqtt).into_iter().chain(ending(&document.mqtt));
    sensors.into_iter().chain(cloud(&document.mqtt)).chain(certificate).chain(disk).chain(buffer).collect()
}

/// What is wrong, and what to do.
type Finding = (String, Option<String>);

fn sensor(sensor: &Sensor, disk_is_fine: bool) -> Option<Problem> {
    let (what, hint) = if sensor.ready { reading(sensor, disk_is_fine)? } else { not_ready(sensor) };
    Some(Problem { with: sensor.device_id.to_string(), what, hint })
}

fn not_ready(sensor: &Sensor) -> Finding {
    match &sensor.problem {
        Some(trouble) => (trouble.text.clone(), trouble.hint.clone()),
        None => (sensor.state_text.clone(), Some("wait; it takes up to a minute".to_owned())),
    }
}

fn reading(sensor: &Sensor, disk_is_fine: bool) -> Option<Finding> {
    let last = sensor.last_reading.as_ref();
    if let Some(fault) = last.and_then(|last| last.fault) {
        return Some((fault.text().to_owned(), Some(remedy(fault).to_owned())));
    }
    let none_for_s = last.map_or(sensor.since.ago_s, |last| last.when.ago_s);
    // What a disk refuses waits in memory, which is the disk's problem alone.
    if none_for_s > LATE_INTERVALS * sensor.interval_s + LATE_S && disk_is_fine {
        let hint = "the agent may be stuck: `systemctl restart kitchen-agent` (nothing on disk is lost)";
        return Some((format!("no reading for {}", span(none_for_s)), Some(hint.to_owned())));
    }
    let wait = || Some(format!("wait; a poll is due every {}", span(sensor.interval_s)));
    last.is_none().then(|| ("no reading yet".to_owned(), wait()))
}

fn cloud(mqtt: &Mqtt) -> Option<Problem> {
    let (what, hint) = match &mqtt.last_fault {
        _ if mqtt.connected && mqtt.refused.is_some() => (
            format!("it refuses records: {}; they are kept", mqtt.refused.as_deref().unwrap_or_default()),
            "ask whoever runs the cloud: this gateway is connected, and its records are not taken now",
        ),
        _ if mqtt.connected && mqtt.passed_over => (
            "it does not take the records of this kitchen; they are kept".to_owned(),
            "check `gateway.kitchen_id`, and that the cloud has assigned the gateway to that kitchen",
        ),
        _ if mqtt.connected && mqtt.unacknowledged => (
            "it does not acknowledge; records are kept and sent again".to_owned(),
            "look at the cloud: this gateway reaches it, and its readings are not stored",
        ),
        _ if mqtt.connected => return None,
        Some(fault) => (format!("not connected for {}: {}", span(mqtt.since.ago_s), fault.text), fault.hint.as_str()),
        None => (format!("not connected for {}", span(mqtt.since.ago_s)), "wait; the first attempt takes some seconds"),
    };
    Some(Problem { with: "cloud".to_owned(), what, hint: Some(hint.to_owned()) })
}

fn files(mqtt: &Mqtt) -> Option<Problem> {
    let UnusedFiles { when, text, hint } = mqtt.unused_files.as_ref()?;
    let what = format!("its files are not used for {}, what they held before is: {text}", span(when.ago_s));
    Some(Problem { with: "certificate".to_owned(), what, hint: Some(hint.clone()) })
}

fn ending(mqtt: &Mqtt) -> Option<Problem> {
    let Certificate { ends, ends_in_s } = mqtt.certificate?;
    let ends_in_s = ends_in_s.filter(|seconds| *seconds < CERTIFICATE_S_MIN)?;
    let far = span(ends_in_s.unsigned_abs());
    let what = if ends_in_s < 0 { format!("it ended {far} ago, {ends}") } else { format!("it ends in {far}, {ends}") };
    let hint = "let whoever runs the cloud issue a new one; it is used as soon as its files are in place of the old";
    Some(Problem { with: "certificate".to_owned(), what, hint: Some(hint.to_owned()) })
}

fn buffer(buffer: &Buffer) -> Option<Problem> {
    let hours = buffer.hours_left.filter(|hours| *hours < ROOM_HOURS_MIN)?;
    let what = match hours {
        0 => "it is full: the oldest ordinary readings are given up".to_owned(),
        _ => format!("it is full in {}; then the oldest ordinary readings are given up", span(hours * 3_600)),
    };
    let hint = "bring back the connection to the cloud, or raise `buffer.days`";
    Some(Problem { with: "buffer".to_owned(), what, hint: Some(hint.to_owned()) })
}

fn disk(disk: &Disk) -> Option<Problem> {
    let (what, hint) = match disk {
        Disk::Taking => return None,
        Disk::Stuck => (
            "it does not answer".to_owned(),
            "check the kernel's log: `dmesg | tail`; a storage card that dies does this",
        ),
        Disk::Refusing { since, reason, waiting, dropped, .. } => {
            let lost = if *dropped > 0 { format!(", {dropped} are lost") } else { String::new() };
            let what =
                format!("takes nothing for {}: {reason}; {waiting} records wait in memory{lost}", span(since.ago_s));
            (what, "make room, or check its mount; the agent goes on by itself, a restart would lose what waits")
        }
    };
    Some(Problem { with: "disk".to_owned(), what, hint: Some(hint.to_owned()) })
}
