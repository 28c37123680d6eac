//! What a reading says, as the API says it: a missing value is null, and its reason stands next to it.

use std::collections::BTreeMap;

use kitchen_contract::fault::SensorFault;
use kitchen_contract::id::{Epoch, GatewayId};
use kitchen_contract::record::{Absence, Body, Reading, Trigger};
use kitchen_contract::time::{Clock, Timestamp};
use kitchen_contract::unit::{Celsius, CelsiusDifference, Humidity, MilliAmp, Volt};
use serde::Serialize;
use serde_json::{Number, Value, json};

use crate::registry::StoredReading;

/// The unit of every temperature.
const UNIT: &str = "celsius";

/// The reason for everything that is missing as long as nothing was measured.
const NO_READING: &str = "no-reading";

/// What a reading says: the customer's fields first, then its identity and how it came to be.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Measured {
    temperature: Option<Celsius>,
    unit: &'static str,
    /// A fault has none, nor has a reading of an agent that does not say it.
    #[serde(skip_serializing_if = "Option::is_none")]
    uncertainty: Option<CelsiusDifference>,
    fault: Option<SensorFault>,
    battery_voltage: Option<Volt>,
    signal_strength: Option<Value>,
    humidity: Option<Humidity>,
    raw_ma: Option<MilliAmp>,
    missing: BTreeMap<&'static str, &'static str>,
    timestamp: Option<Timestamp>,
    clock: Option<Clock>,
    received_at: Option<Timestamp>,
    trigger: Option<Trigger>,
    gateway_id: Option<GatewayId>,
    epoch: Option<Epoch>,
    seq: Option<u64>,
}

impl Measured {
    /// What a stored record says; `None` if it is not a reading.
    pub fn of(stored: &StoredReading) -> Option<Self> {
        let Body::Reading(reading) = &stored.record.body else { return None };
        Some(Self {
            temperature: reading.value.ok(),
            uncertainty: reading.uncertainty,
            fault: reading.value.err(),
            battery_voltage: reading.battery.ok(),
            signal_strength: reading.signal.ok().map(|signal| whole(signal.get())),
            humidity: reading.humidity.ok(),
            raw_ma: reading.raw_ma,
            missing: missing(reading),
            timestamp: Some(stored.record.timestamp),
            clock: Some(stored.record.clock),
            received_at: Some(stored.received_at),
            trigger: Some(reading.trigger),
            gateway_id: Some(stored.gateway_id.clone()),
            epoch: Some(stored.epoch.clone()),
            seq: Some(stored.record.seq),
            ..nothing_measured()
        })
    }
}

/// What a sensor says of which there is no reading.
pub fn nothing_measured() -> Measured {
    let names = ["temperature", "batteryVoltage", "signalStrength", "humidity", "rawMa", "timestamp"];
    Measured {
        temperature: None,
        uncertainty: None,
        unit: UNIT,
        fault: None,
        battery_voltage: None,
        signal_strength: None,
        humidity: None,
        raw_ma: None,
        missing: names.map(|name| (name, NO_READING)).into_iter().collect(),
        timestamp: None,
        clock: None,
        received_at: None,
        trigger: None,
        gateway_id: None,
        epoch: None,
        seq: None,
    }
}

/// Why side values are missing; a missing temperature has its `fault`.
fn missing(reading: &Reading) -> BTreeMap<&'static str, &'static str> {
    let current = reading.raw_ma.is_none().then_some(Absence::NotReported);
    let absences = [
        ("batteryVoltage", reading.battery.err()),
        ("signalStrength", reading.signal.err()),
        ("humidity", reading.humidity.err()),
        ("rawMa", current),
    ];
    absences.into_iter().filter_map(|(name, reason)| Some((name, word(reason?)))).collect()
}

const fn word(absence: Absence) -> &'static str {
    match absence {
        Absence::NotConfigured => "not-configured",
        Absence::NotReported => "not-reported",
        Absence::Invalid => "invalid",
        Absence::Unknown => "unknown",
    }
}

/// A whole number without a fraction, as the customer writes dBm.
fn whole(number: f64) -> Value {
    if number.fract() == 0.0 { Value::Number(Number::from(number as i64)) } else { json!(number) }
}
