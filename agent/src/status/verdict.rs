//! What of a status is wrong, and what to do. Pure.
//!
//! No data is never fine: a sensor without a reading is a problem, however young the agent is.

use std::fmt;

use serde::Serialize;

use super::document::{Disk, Document, Mqtt, Sensor};
use super::remedy::remedy;
use crate::words::ago;

/// A reading may be so late before it is missed, in intervals …
const LATE_INTERVALS: u64 = 2;
/// … and this, in seconds: a sensor that was restarted is deaf for so long.
const LATE_S: u64 = 90;

/// Something wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// With what: a measuring point, `cloud` or `disk`.
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
    let sensors = document.sensors.iter().filter_map(|each| sensor(each, document.uptime_s, disk.is_none()));
    let sensors: Vec<Problem> = sensors.collect();
    sensors.into_iter().chain(cloud(&document.mqtt)).chain(disk).collect()
}

fn sensor(sensor: &Sensor, uptime_s: u64, disk_is_fine: bool) -> Option<Problem> {
    let problem = |what: String, hint: Option<String>| Some(Problem { with: sensor.device_id.to_string(), what, hint });
    if !sensor.ready {
        return match &sensor.problem {
            Some(trouble) => problem(trouble.text.clone(), trouble.hint.clone()),
            None => problem(sensor.state_text.clone(), Some("wait; it takes up to a minute".to_owned())),
        };
    }
    let Some(last) = &sensor.last_reading else {
        let hint =
            format!("the agent has been running for {}; a poll is due every {}", ago(uptime_s), ago(sensor.interval_s));
        return problem("no reading yet".to_owned(), Some(hint));
    };
    if let Some(fault) = last.fault {
        return problem(fault.text().to_owned(), Some(remedy(fault).to_owned()));
    }
    // What a disk refuses waits in memory, which is the disk's problem alone.
    let late = last.when.ago_s > LATE_INTERVALS * sensor.interval_s + LATE_S;
    let hint = "the agent may be stuck: `systemctl restart kitchen-agent` (nothing on disk is lost)";
    if late && disk_is_fine {
        problem(format!("no reading for {}", ago(last.when.ago_s)), Some(hint.to_owned()))
    } else {
        None
    }
}

fn cloud(mqtt: &Mqtt) -> Option<Problem> {
    let since = ago(mqtt.since.ago_s);
    let (what, hint) = match &mqtt.last_fault {
        _ if mqtt.connected && mqtt.unacknowledged => {
            let hint = "check `gateway.kitchen_id`, and that the cloud knows this gateway; readings are kept meanwhile";
            ("it does not acknowledge".to_owned(), Some(hint))
        }
        _ if mqtt.connected => return None,
        Some(fault) => (format!("not connected for {since}: {}", fault.text), Some(fault.hint.as_str())),
        None => (format!("not connected for {since}"), Some("wait; the first attempt takes some seconds")),
    };
    Some(Problem { with: "cloud".to_owned(), what, hint: hint.map(str::to_owned) })
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
                format!("takes nothing for {}: {reason}; {waiting} records wait in memory{lost}", ago(since.ago_s));
            (what, "make room, or check its mount; the agent goes on by itself, a restart would lose what waits")
        }
    };
    Some(Problem { with: "disk".to_owned(), what, hint: Some(hint.to_owned()) })
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.with, self.what)
    }
}
