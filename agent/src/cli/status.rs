//! `status`: how the running agent is, and what to do about it, on one screen of 80 columns.

use std::fmt::{self, Formatter};

use kitchen_contract::unit::{Celsius, Volt};
use serde::Serialize;

use crate::report::{Paint, Report, paint};
use crate::sampler::punctuality::{Late, Punctuality};
use crate::status::Document;
use crate::status::document::{Buffer, Certificate, Clock, Disk, LastReading, Mqtt, Sensor, Trust};
use crate::status::verdict::{Problem, verdict};
use crate::words::span;

/// Late polls are worth a line when they are more than one in so many …
const LATE_SHARE: u64 = 10;
/// … of so many: the first ones after a start are always late.
const POLLS_MIN: u64 = 20;

/// How the agent is, and what is wrong with that.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// What is wrong; nothing if all is fine.
    pub problems: Vec<Problem>,
    #[serde(flatten)]
    document: Document,
}

impl Report for Status {}

impl From<Document> for Status {
    fn from(document: Document) -> Self {
        Self { problems: verdict(&document), document }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let Document { mqtt, buffer, clock, sensors, .. } = &self.document;
        self.verdict(out)?;
        table(sensors, out)?;
        sensors.iter().try_for_each(|sensor| late(sensor, out))?;
        writeln!(out)?;
        line(out, "cloud", &cloud(mqtt))?;
        mqtt.certificate.map_or(Ok(()), |certificate| line(out, "", &validity(certificate)))?;
        line(out, "buffer", &held(buffer))?;
        lost(buffer, out)?;
        line(out, "clock", &time(clock))?;
        let Document { gateway_id, kitchen_id, version, uptime_s, .. } = &self.document;
        let uptime = span(*uptime_s);
        line(out, "agent", &format!("{gateway_id} in {kitchen_id}, version {version}, running for {uptime}"))
    }
}

impl Status {
    fn verdict(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let (paint_as, text) = match self.problems.len() {
            0 => (Paint::Good, "all is fine".to_owned()),
            1 => (Paint::Bad, "1 problem".to_owned()),
            count => (Paint::Bad, format!("{count} problems")),
        };
        paint(out, paint_as, &text)?;
        writeln!(out)?;
        for Problem { with, what, hint } in &self.problems {
            writeln!(out)?;
            paint(out, Paint::Bad, with)?;
            writeln!(out, ": {what}")?;
            if let Some(hint) = hint {
                writeln!(out, "  hint: {hint}")?;
            }
        }
        writeln!(out)
    }
}

fn table(sensors: &[Sensor], out: &mut Formatter<'_>) -> fmt::Result {
    let width = sensors.iter().map(|sensor| sensor.device_id.as_str().len()).max().unwrap_or(0).max("sensor".len());
    let mut row = |[name, state, since, value, age, battery]: [&str; 6]| {
        let row = format!("{name:<width$}  {state:<16}  {since:<10}  {value:>9}  {age:>12}  {battery:>7}");
        writeln!(out, "{}", row.trim_end())
    };
    row(["sensor", "state", "for", "last", "taken", "battery"])?;
    sensors.iter().try_for_each(|sensor| {
        let (state, since) = (sensor.state.replace('-', " "), span(sensor.since.ago_s));
        let [value, age, battery] =
            sensor.last_reading.as_ref().map_or_else(|| ["none", "", ""].map(str::to_owned), last);
        row([sensor.device_id.as_str(), &state, &since, &value, &age, &battery])
    })
}

fn last(reading: &LastReading) -> [String; 3] {
    let celsius = |value: Celsius| format!("{:.1} °C", value.get());
    let volts = |value: Volt| format!("{:.2} V", value.get());
    [
        reading.temperature.map_or("fault".to_owned(), celsius),
        format!("{} ago", span(reading.when.ago_s)),
        reading.battery_voltage.map_or(String::new(), volts),
    ]
}

/// Nothing where nearly every poll was on time.
fn late(sensor: &Sensor, out: &mut Formatter<'_>) -> fmt::Result {
    let Punctuality { punctual, restart, relock, uplink, command } = sensor.punctuality;
    let causes = [("restart", restart), ("relock", relock), ("uplink", uplink), ("second measurement", command)];
    let met = || causes.iter().filter(|(_, late)| late.polls > 0);
    let count: u64 = met().map(|(_, late)| late.polls).sum();
    let all = punctual + count;
    if all < POLLS_MIN || count * LATE_SHARE <= all {
        return Ok(());
    }
    let longest_s = met().map(|(_, late)| late.longest_ms).max().unwrap_or(0) as f64 / 1000.0;
    let causes: Vec<String> = met().map(|(cause, Late { polls, .. })| format!("{polls} by {cause}")).collect();
    let (device_id, causes) = (&sensor.device_id, causes.join(", "));
    writeln!(out, "{device_id}: {count} of {all} polls late, at most by {longest_s:.1} s ({causes})")
}

fn line(out: &mut Formatter<'_>, name: &str, text: &str) -> fmt::Result {
    writeln!(out, "{name:<8}{text}")
}

fn cloud(mqtt: &Mqtt) -> String {
    let Mqtt { address, state, since, last_ack, .. } = mqtt;
    let acknowledged = match last_ack {
        Some(when) => format!("last acknowledgement {} ago", span(when.ago_s)),
        None => "nothing acknowledged yet".to_owned(),
    };
    format!("{} for {}; {acknowledged}; {address}", state.replace('-', " "), span(since.ago_s))
}

fn validity(Certificate { ends, ends_in_s }: Certificate) -> String {
    match ends_in_s {
        None => format!("the gateway's certificate ends {ends}"),
        Some(seconds @ 0..) => format!("the gateway's certificate ends in {}, {ends}", span(seconds.unsigned_abs())),
        Some(seconds) => format!("the gateway's certificate ended {} ago, {ends}", span(seconds.unsigned_abs())),
    }
}

fn held(buffer: &Buffer) -> String {
    let Buffer { records, records_max, bytes, bytes_max, oldest, unsettled, hours_left, disk, .. } = buffer;
    let disk = match disk {
        Disk::Taking => "the disk takes more",
        Disk::Refusing { .. } => "the disk takes nothing",
        Disk::Stuck => "the disk does not answer",
    };
    let room = hours_left.map_or(String::new(), |hours| format!("; room for {}", span(hours * 3_600)));
    if *records == 0 {
        return format!("empty{room}; {disk}");
    }
    let percent = 100.0 * (*records as f64 / *records_max as f64).max(*bytes as f64 / *bytes_max as f64);
    let oldest = oldest.map_or(String::new(), |when| format!(", the oldest for {}", span(when.ago_s)));
    let clockless = if *unsettled > 0 { format!(", {unsettled} without a time") } else { String::new() };
    format!("{records} records wait ({percent:.0} % full){oldest}{clockless}{room}; {disk}")
}

/// Nothing where nothing was lost.
fn lost(buffer: &Buffer, out: &mut Formatter<'_>) -> fmt::Result {
    let counts = [
        (buffer.evicted, "records given up because it was full"),
        (buffer.evicted_last, "of them faults, excursions or events"),
        (buffer.damaged, "damaged entries"),
        (buffer.recovered, "records brought back after damage"),
        (buffer.lost, "records lost to damage"),
        (buffer.set_aside, "damaged stores set aside"),
    ];
    let met = counts.into_iter().filter(|(count, _)| *count > 0);
    met.into_iter().try_for_each(|(count, what)| line(out, "", &format!("{count} {what}, since the start")))
}

fn time(clock: &Clock) -> String {
    let now = clock.now.map_or(String::new(), |now| format!("; {now}"));
    match (clock.trust, clock.bound_ms) {
        (Trust::Synced, _) => format!("right within a second{now}"),
        (Trust::Estimated, Some(bound_ms)) => format!("right within {:.1} s{now}", bound_ms as f64 / 1000.0),
        (Trust::Estimated, None) => format!("the gateway's own, not compared with the cloud's{now}"),
        (Trust::Unknown, _) => "not known; readings get their time once the cloud answers".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use serde_json::{Value, json};

    use super::*;

    fn fine() -> Value {
        let when = |ago_s: u64| json!({ "agoS": ago_s, "at": "2026-12-01T10:00:00.000Z" });
        let late = |polls: u64, longest_ms: u64| json!({ "polls": polls, "longestMs": longest_ms });
        let sensor = |device_id: &str, celsius: f64| {
            json!({
                "deviceId": device_id, "intervalS": 60, "ready": true, "state": "ready", "stateText": "ready",
                "since": when(8_000), "readings": 133,
                "lastReading": {
                    "agoS": 12, "temperature": celsius, "rawMa": 10.9, "batteryVoltage": 3.55, "trigger": "poll",
                },
                "punctuality": {
                    "punctual": 132, "restart": late(1, 4_100), "relock": late(0, 0), "uplink": late(0, 0),
                    "command": late(0, 0),
                },
            })
        };
        json!({
            "gatewayId": "gateway-1", "kitchenId": "kitchen-1", "version": "0.1.0", "epoch": "c0", "uptimeS": 8_040,
            "clock": { "trust": "synced", "now": "2026-12-01T10:00:00.000Z" },
            "mqtt": {
                "address": "cloud.example:8883", "connected": true, "state": "live", "since": when(7_200),
                "unacknowledged": false, "passedOver": false, "lastAck": when(12),
                "lastFault": { "agoS": 7_260, "kind": "unreachable", "text": "unreachable: no route", "hint": "wait" },
                "certificate": { "ends": "2027-12-01T10:00:00.000Z", "endsInS": 365 * 86_400 },
            },
            "buffer": {
                "records": 0, "recordsMax": 200_000, "bytes": 0, "bytesMax": 67_108_864, "hoursLeft": 8_784, "unsettled": 0, "evicted": 0,
                "damaged": 0, "setAside": 0, "disk": { "state": "taking" },
            },
            "sensors": [sensor("walk-in-fridge", 3.44), sensor("freezer", -19.96)],
        })
    }

    /// The good status with some of it changed, by JSON pointer.
    fn status(changes: &[(&str, Value)]) -> Status {
        let mut document = fine();
        for (pointer, value) in changes {
            let (parent, key) = pointer.rsplit_once('/').unwrap();
            let parent = document.pointer_mut(parent).unwrap();
            parent.as_object_mut().unwrap().insert(key.to_owned(), value.clone());
        }
        Status::from(serde_json::from_value::<Document>(document).unwrap())
    }

    #[test]
    fn all_is_fine() {
        assert_snapshot!(status(&[]));
        assert!(format!("{:#}", status(&[])).starts_with("\x1b[1;32mall is fine\x1b[0m\n"));
    }

    #[test]
    fn everything_is_wrong() {
        assert_snapshot!(status(&[
            ("/sensors/0/ready", json!(false)),
            ("/sensors/0/state", json!("no-answer")),
            ("/sensors/0/problem", json!({ "text": "no answer to `AT` on `/dev/ttyUSB0` within 2s", "hint": "check" })),
            ("/sensors/0/punctuality/relock", json!({ "polls": 20, "longestMs": 7_250 })),
            ("/sensors/1/lastReading", json!({ "agoS": 3, "fault": "loop-open", "rawMa": 0.1, "trigger": "poll" })),
            ("/mqtt/connected", json!(false)),
            ("/mqtt/state", json!("connecting")),
            (
                "/mqtt/unusedFiles",
                json!({ "agoS": 700, "text": "the key is not the one of the certificate", "hint": "copy both again" }),
            ),
            ("/mqtt/certificate", json!({ "ends": "2026-12-20T10:00:00.000Z", "endsInS": 19 * 86_400 })),
            ("/clock", json!({ "trust": "unknown" })),
            ("/buffer/records", json!(100_000)),
            ("/buffer/unsettled", json!(12)),
            ("/buffer/oldest", json!({ "agoS": 3 * 86_400 + 3_600 })),
            ("/buffer/hoursLeft", json!(50)),
            ("/buffer/evicted", json!(31)),
            (
                "/buffer/disk",
                json!({
                    "state": "refusing", "since": { "agoS": 700 }, "tried": { "agoS": 2 }, "waiting": 24, "dropped": 3,
                    "reason": "cannot use the buffer in `data/buffer`: No space left on device",
                }),
            ),
        ]));
    }

    #[test]
    fn no_data_is_never_fine() {
        let wrong = |changes: &[(&str, Value)]| {
            status(changes)
                .problems
                .iter()
                .map(|problem| format!("{}: {}", problem.with, problem.what))
                .collect::<Vec<_>>()
        };
        assert_eq!(wrong(&[]), [""; 0]);
        assert_eq!(wrong(&[("/sensors/0/lastReading", json!(null))]), ["walk-in-fridge: no reading for 2 h 13 min"]);
        let young = [("/sensors/0/lastReading", json!(null)), ("/sensors/0/since", json!({ "agoS": 5 }))];
        assert_eq!(wrong(&young), ["walk-in-fridge: no reading yet"]);
        assert_eq!(wrong(&[("/sensors/0/lastReading/agoS", json!(210))]), [""; 0]);
        assert_eq!(
            wrong(&[("/sensors/0/lastReading/agoS", json!(211))]),
            ["walk-in-fridge: no reading for 3 min 31 s"]
        );
        assert_eq!(wrong(&[("/buffer/disk", json!({ "state": "stuck" }))]), ["disk: it does not answer"]);
    }

    #[test]
    fn a_certificate_that_ends_is_wrong_a_month_before() {
        let wrong = |ends_in: Value| {
            let certificate = json!({ "ends": "2027-12-01T10:00:00.000Z", "endsInS": ends_in });
            let problems = status(&[("/mqtt/certificate", certificate)]).problems;
            problems.iter().map(|problem| format!("{}: {}", problem.with, problem.what)).collect::<Vec<_>>()
        };
        assert_eq!(wrong(json!(30 * 86_400)), [""; 0]);
        assert_eq!(wrong(Value::Null), [""; 0], "nobody knows what time it is");
        assert_eq!(wrong(json!(30 * 86_400 - 1)), ["certificate: it ends in 29 d, 2027-12-01T10:00:00.000Z"]);
        assert_eq!(wrong(json!(-3_600)), ["certificate: it ended 1 h ago, 2027-12-01T10:00:00.000Z"]);
    }

    #[test]
    fn a_cloud_that_takes_nothing_is_wrong_although_it_is_connected() {
        for flag in ["/mqtt/unacknowledged", "/mqtt/passedOver"] {
            let problems = status(&[(flag, json!(true))]).problems;
            assert_eq!(problems.iter().map(|problem| problem.with.as_str()).collect::<Vec<_>>(), ["cloud"], "{flag}");
        }
    }
}
