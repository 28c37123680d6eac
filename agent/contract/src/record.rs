//! Records: readings, gaps and events in one sequence per epoch.
//!
//! The identity of a record is (`gatewayId`, `epoch`, `seq`); `seq` counts up from 1 without gaps, so storing is
//! idempotent and a hole is provable. The wire form is private to this file; the domain types cannot hold a reading with
//! both or neither of temperature and fault.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::fault::SensorFault;
use crate::id::{DeviceId, Epoch};
use crate::time::{Clock, Timestamp};
use crate::unit::{Celsius, CelsiusDifference, Dbm, Humidity, MilliAmp, Volt};

pub use crate::event::{Calibration, Diagnostic, EpochEnd, Event};

/// The largest sequence number: what every JSON reader can hold exactly (2^53 - 1).
pub const SEQ_MAX: u64 = (1 << 53) - 1;

/// One entry of the sequence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Wire", into = "Wire")]
pub struct Record {
    /// Place in the sequence of its epoch, from 1.
    pub seq: u64,
    /// When it happened; of a reading, when its value line arrived.
    pub timestamp: Timestamp,
    /// How far `timestamp` can be trusted.
    pub clock: Clock,
    /// What it is.
    pub body: Body,
}

/// What a record is.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// One value (or fault) at one time.
    Reading(Reading),
    /// Records that will never come.
    Gap(Gap),
    /// Something that happened.
    Event(Event),
}

/// One value, or the reason why there is none, at one time.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// The measuring point.
    pub device_id: DeviceId,
    /// The temperature, or why there is none.
    pub value: Result<Celsius, SensorFault>,
    /// The true temperature lies within this of the value, two times out of three; none of a fault.
    pub uncertainty: Option<CelsiusDifference>,
    /// The loop current as the sensor printed it; absent only if the fault is that nothing was printed.
    pub raw_ma: Option<MilliAmp>,
    /// The sensor's battery.
    pub battery: Result<Volt, Absence>,
    /// The sensor's own radio, where it has one in use.
    pub signal: Result<Dbm, Absence>,
    /// Relative humidity, where the voltage input carries a transmitter.
    pub humidity: Result<Humidity, Absence>,
    /// Why it was taken.
    pub trigger: Trigger,
}

/// Why a side value of a reading is missing. The wire form is the kebab-case name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Absence {
    /// Nothing is configured to measure it.
    NotConfigured,
    /// The sensor did not report it with this reading.
    NotReported,
    /// The sensor reported something that cannot be.
    Invalid,
    /// A reason newer than this contract.
    #[serde(other)]
    Unknown,
}

/// Why a reading was taken. The wire form is the kebab-case name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trigger {
    /// The agent asked for it.
    Poll,
    /// The sensor printed it because a threshold was crossed (`AT+ROC`).
    Change,
    /// The sensor printed it at its own interval (`AT+TDC`).
    Interval,
    /// The sensor printed it and did not say why.
    Unsolicited,
    /// From the sensor's own history, for a time when the agent could not read it.
    Backfill,
    /// A reason newer than this contract.
    #[serde(other)]
    Unknown,
}

/// Records that will never come, named so that a hole in the sequence is explained. Those of the range that have come, or
/// still come, were kept: a full buffer gives up ordinary readings first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The epoch whose records are missing; may be an earlier one than the gap record's own.
    pub epoch: Epoch,
    /// First missing sequence number.
    pub from: u64,
    /// Last missing sequence number.
    pub to: u64,
    /// Why they are missing.
    pub reason: GapReason,
}

/// Why records are missing. The wire form is the kebab-case name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GapReason {
    /// The buffer was full and gave up its oldest records.
    Evicted,
    /// The buffer's own checksum failed.
    Damaged,
    /// A reason newer than this contract.
    #[serde(other)]
    Unknown,
}

/// Why a record's fields contradict each other.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Neither or both of `temperature` and `fault`.
    #[error("a reading carries either `temperature` or `fault`")]
    ValueOrFault,
    /// A temperature without the current it was made of.
    #[error("a temperature needs its `rawMa`")]
    TemperatureWithoutCurrent,
    /// A side value with neither value nor reason, or with both.
    #[error("`{0}` needs either a value or a reason under `missing`")]
    SideValue(&'static str),
    /// Outside 1 to [`SEQ_MAX`], or a range that ends before it begins.
    #[error("sequence numbers go from 1 to {SEQ_MAX}, and ranges upwards")]
    Seq,
}

/// The JSON of a record.
#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
enum Wire {
    Reading {
        seq: u64,
        timestamp: Timestamp,
        clock: Clock,
        device_id: DeviceId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        temperature: Option<Celsius>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        uncertainty: Option<CelsiusDifference>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fault: Option<SensorFault>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        raw_ma: Option<MilliAmp>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        battery_voltage: Option<Volt>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signal_strength: Option<Dbm>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        humidity: Option<Humidity>,
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        missing: BTreeMap<String, Absence>,
        trigger: Trigger,
    },
    Gap {
        seq: u64,
        timestamp: Timestamp,
        clock: Clock,
        epoch: Epoch,
        from: u64,
        to: u64,
        reason: GapReason,
    },
    Event {
        seq: u64,
        timestamp: Timestamp,
        clock: Clock,
        event: Event,
    },
}

/// The wire's names of the side values, also the keys under `missing`.
const BATTERY: &str = "batteryVoltage";
const SIGNAL: &str = "signalStrength";
const HUMIDITY: &str = "humidity";

impl From<Record> for Wire {
    fn from(record: Record) -> Self {
        let Record { seq, timestamp, clock, body } = record;
        match body {
            Body::Reading(reading) => {
                let Reading { device_id, value, uncertainty, raw_ma, battery, signal, humidity, trigger } = reading;
                let absences = [(BATTERY, battery.err()), (SIGNAL, signal.err()), (HUMIDITY, humidity.err())];
                let missing =
                    absences.into_iter().filter_map(|(name, reason)| Some((name.to_owned(), reason?))).collect();
                Self::Reading {
                    seq,
                    timestamp,
                    clock,
                    device_id,
                    temperature: value.ok(),
                    uncertainty,
                    fault: value.err(),
                    raw_ma,
                    battery_voltage: battery.ok(),
                    signal_strength: signal.ok(),
                    humidity: humidity.ok(),
                    missing,
                    trigger,
                }
            }
            Body::Gap(Gap { epoch, from, to, reason }) => Self::Gap { seq, timestamp, clock, epoch, from, to, reason },
            Body::Event(event) => Self::Event { seq, timestamp, clock, event },
        }
    }
}

impl TryFrom<Wire> for Record {
    type Error = RecordError;

    fn try_from(wire: Wire) -> Result<Self, RecordError> {
        let (seq, timestamp, clock, body) = match wire {
            Wire::Reading {
                seq,
                timestamp,
                clock,
                device_id,
                temperature,
                uncertainty,
                fault,
                raw_ma,
                battery_voltage,
                signal_strength,
                humidity,
                missing,
                trigger,
            } => {
                let value = value_or_fault(temperature, fault)?;
                if value.is_ok() && raw_ma.is_none() {
                    return Err(RecordError::TemperatureWithoutCurrent);
                }
                let reading = Reading {
                    device_id,
                    value,
                    uncertainty: uncertainty.filter(|_| value.is_ok()),
                    raw_ma,
                    battery: side_value(battery_voltage, &missing, BATTERY)?,
                    signal: side_value(signal_strength, &missing, SIGNAL)?,
                    humidity: side_value(humidity, &missing, HUMIDITY)?,
                    trigger,
                };
                (seq, timestamp, clock, Body::Reading(reading))
            }
            Wire::Gap { seq, timestamp, clock, epoch, from, to, reason } => {
                if from < 1 || to < from || to > SEQ_MAX {
                    return Err(RecordError::Seq);
                }
                (seq, timestamp, clock, Body::Gap(Gap { epoch, from, to, reason }))
            }
            Wire::Event { seq, timestamp, clock, event } => (seq, timestamp, clock, Body::Event(event)),
        };
        if !(1..=SEQ_MAX).contains(&seq) {
            return Err(RecordError::Seq);
        }
        Ok(Self { seq, timestamp, clock, body })
    }
}

fn value_or_fault(
    temperature: Option<Celsius>,
    fault: Option<SensorFault>,
) -> Result<Result<Celsius, SensorFault>, RecordError> {
    match (temperature, fault) {
        (Some(temperature), None) => Ok(Ok(temperature)),
        (None, Some(fault)) => Ok(Err(fault)),
        (Some(_), Some(_)) | (None, None) => Err(RecordError::ValueOrFault),
    }
}

fn side_value<T>(
    value: Option<T>,
    missing: &BTreeMap<String, Absence>,
    name: &'static str,
) -> Result<Result<T, Absence>, RecordError> {
    match (value, missing.get(name)) {
        (Some(value), None) => Ok(Ok(value)),
        (None, Some(reason)) => Ok(Err(*reason)),
        (Some(_), Some(_)) | (None, None) => Err(RecordError::SideValue(name)),
    }
}
