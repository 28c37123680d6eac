//! `check`: the configuration as it is in effect, secrets redacted.

use std::fmt;
use std::time::Duration;

use humantime_serde::re::humantime::format_duration;
use serde::Serialize;
use serde_json::{Value, json};

use crate::config::Config;
use crate::report::Report;
use crate::settings::SensorSettings;

/// What stands for a secret.
const REDACTED: &str = "<redacted>";

/// The configuration in effect.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct Effective(Value);

impl Report for Effective {}

/// What is in effect.
pub fn check(config: &Config) -> Effective {
    let Config { gateway, mqtt, buffer, status, log, sensors } = config;
    Effective(json!({
        "gateway": { "id": gateway.id, "kitchen_id": gateway.kitchen_id, "data_dir": gateway.data_dir, "ports": gateway.ports },
        "mqtt": {
            "host": mqtt.host,
            "port": mqtt.port,
            "fallbacks": mqtt.addresses().iter().skip(1).map(|(host, port)| format!("{host}:{port}")).collect::<Vec<_>>(),
            "ca": mqtt.ca,
            "certificate": mqtt.certificate,
            "key": mqtt.key,
            "keep_alive": duration(mqtt.keep_alive),
            "heartbeat": duration(mqtt.heartbeat),
        },
        "buffer": {
            "records_max": buffer.records_max,
            "bytes_max": buffer.bytes_max,
            "free_bytes_min": buffer.free_bytes_min,
        },
        "status": { "socket": status.socket },
        "log": {
            "level": format!("{:?}", log.level).to_lowercase(),
            "format": format!("{:?}", log.format).to_lowercase(),
        },
        "sensors": sensors.iter().map(|each| sensor(&each.settings)).collect::<Vec<_>>(),
    }))
}

fn sensor(settings: &SensorSettings) -> Value {
    let change = settings.report_on_change.map(|change| json!({ "every": duration(change.every), "by": change.by }));
    json!({
        "device_id": settings.device_id,
        "port": settings.port,
        "pin": settings.pin.as_ref().map(|_| REDACTED),
        "pin_file": settings.pin_file,
        "imei": settings.imei,
        "interval": duration(settings.interval),
        "report_interval": duration(settings.report_interval),
        "history_interval": duration(settings.history_interval),
        "warm_up": duration(settings.warm_up),
        "report_on_change": change,
        "transmitter": {
            "low": settings.transmitter.low,
            "high": settings.transmitter.high,
            "accuracy": settings.transmitter.accuracy,
            "probe_class": format!("{:?}", settings.transmitter.probe_class),
        },
        "calibration": settings.calibration.as_ref().map(|calibration| json!({
            "offset": calibration.offset,
            "gain": calibration.gain,
            "date": calibration.date.to_string(),
            "by": calibration.by,
        })),
        "humidity": settings.humidity.map(|humidity| json!({ "low": humidity.low, "high": humidity.high })),
        "jump": settings.jump,
        "alert_thresholds": settings.alert_thresholds,
    })
}

fn duration(duration: Duration) -> String {
    format_duration(duration).to_string()
}

impl fmt::Display for Effective {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        lines("", &self.0, formatter)
    }
}

/// One `key = value` per line; what is not set is left out.
fn lines(path: &str, value: &Value, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
    match value {
        Value::Object(fields) => fields.iter().try_for_each(|(key, value)| {
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            lines(&path, value, formatter)
        }),
        Value::Array(items) => {
            items.iter().enumerate().try_for_each(|(number, item)| lines(&format!("{path}[{number}]"), item, formatter))
        }
        Value::Null => Ok(()),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => writeln!(formatter, "{path} = {value}"),
    }
}
