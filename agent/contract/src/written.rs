//! A record as it is kept, signed and sent: its JSON in the canonical form of RFC 8785, written once.
//!
//! A gateway's processor should not write a record again at every stage of its way. Readings are nearly all there is, so
//! their fields stand here in the order that the RFC wants; that the outcome is what its library writes is tested.

use serde::ser::Error as _;
use serde::{Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};

use crate::fault::SensorFault;
use crate::id::DeviceId;
use crate::record::{Absence, Body, Reading, Record, SEQ_MAX, Trigger};
use crate::time::{Clock, Timestamp};
use crate::unit::{
    DecibelMilliwatt, DegreeCelsius, DegreeDifference, Milliampere, PercentRelativeHumidity, Quantity, Unit, VoltUnit,
};

/// A record in its canonical form.
#[derive(Clone, Debug)]
pub struct WrittenRecord {
    seq: u64,
    json: Box<RawValue>,
}

/// Why a record cannot be written, which no record of the contract is known to cause.
#[derive(Debug, thiserror::Error)]
#[error("record {seq} has no canonical form: {source}")]
pub struct WriteError {
    seq: u64,
    source: serde_json::Error,
}

impl WrittenRecord {
    /// Writes the record of these parts.
    ///
    /// # Errors
    /// (Never seen) no canonical form.
    pub fn new(seq: u64, timestamp: Timestamp, clock: Clock, body: &Body) -> Result<Self, WriteError> {
        let json =
            to_raw_value(&RecordForm { seq, timestamp, clock, body }).map_err(|source| WriteError { seq, source })?;
        Ok(Self { seq, json })
    }

    /// What was written before and kept since, unchanged.
    pub fn kept(seq: u64, json: &RawValue) -> Self {
        Self { seq, json: json.to_owned() }
    }

    /// Its place in the sequence.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// Its canonical JSON.
    pub fn json(&self) -> &RawValue {
        &self.json
    }

    /// Reads it back.
    ///
    /// # Errors
    /// What was kept is no record.
    pub fn read(&self) -> serde_json::Result<Record> {
        serde_json::from_str(self.json.get())
    }
}

impl PartialEq for WrittenRecord {
    fn eq(&self, other: &Self) -> bool {
        self.json.get() == other.json.get()
    }
}

impl TryFrom<&Record> for WrittenRecord {
    type Error = WriteError;

    fn try_from(record: &Record) -> Result<Self, WriteError> {
        Self::new(record.seq, record.timestamp, record.clock, &record.body)
    }
}

/// The record of these parts, for a serializer of JSON: it writes the canonical form.
#[derive(Clone, Copy, Debug)]
pub struct RecordForm<'a> {
    /// Its place in the sequence.
    pub seq: u64,
    /// When it happened.
    pub timestamp: Timestamp,
    /// How sure that is.
    pub clock: Clock,
    /// What it is.
    pub body: &'a Body,
}

impl Serialize for RecordForm<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { seq, timestamp, clock, body } = *self;
        match body {
            Body::Reading(reading) => ReadingForm::new(seq, timestamp, clock, reading).serialize(serializer),
            Body::Gap(_) | Body::Event(_) => {
                let json = serde_json_canonicalizer::to_string(&Record { seq, timestamp, clock, body: body.clone() });
                json.and_then(RawValue::from_string).map_err(S::Error::custom)?.serialize(serializer)
            }
        }
    }
}

/// A reading's JSON, in the order of its keys.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReadingForm<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    battery_voltage: Option<Number<VoltUnit>>,
    clock: ClockForm,
    device_id: &'a DeviceId,
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<SensorFault>,
    #[serde(skip_serializing_if = "Option::is_none")]
    humidity: Option<Number<PercentRelativeHumidity>>,
    kind: &'static str,
    #[serde(skip_serializing_if = "MissingForm::is_empty")]
    missing: MissingForm,
    #[serde(skip_serializing_if = "Option::is_none")]
    raw_ma: Option<Number<Milliampere>>,
    seq: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    signal_strength: Option<Number<DecibelMilliwatt>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<Number<DegreeCelsius>>,
    timestamp: Timestamp,
    trigger: Trigger,
    #[serde(skip_serializing_if = "Option::is_none")]
    uncertainty: Option<Number<DegreeDifference>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ClockForm {
    #[serde(skip_serializing_if = "Option::is_none")]
    bound_ms: Option<u64>,
    state: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MissingForm {
    #[serde(skip_serializing_if = "Option::is_none")]
    battery_voltage: Option<Absence>,
    #[serde(skip_serializing_if = "Option::is_none")]
    humidity: Option<Absence>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signal_strength: Option<Absence>,
}

impl<'a> ReadingForm<'a> {
    fn new(seq: u64, timestamp: Timestamp, clock: Clock, reading: &'a Reading) -> Self {
        Self {
            battery_voltage: reading.battery.ok().map(Number),
            clock: ClockForm::from(clock),
            device_id: &reading.device_id,
            fault: reading.value.err(),
            humidity: reading.humidity.ok().map(Number),
            kind: "reading",
            missing: MissingForm {
                battery_voltage: reading.battery.err(),
                humidity: reading.humidity.err(),
                signal_strength: reading.signal.err(),
            },
            raw_ma: reading.raw_ma.map(Number),
            seq,
            signal_strength: reading.signal.ok().map(Number),
            temperature: reading.value.ok().map(Number),
            timestamp,
            trigger: reading.trigger,
            uncertainty: reading.uncertainty.map(Number),
        }
    }
}

impl From<Clock> for ClockForm {
    fn from(clock: Clock) -> Self {
        match clock {
            Clock::Synced => Self { bound_ms: None, state: "synced" },
            // No larger number has a canonical form of its own.
            Clock::Estimated { bound_ms } => Self { bound_ms: bound_ms.map(|ms| ms.min(SEQ_MAX)), state: "estimated" },
        }
    }
}

impl MissingForm {
    fn is_empty(&self) -> bool {
        let Self { battery_voltage, humidity, signal_strength } = self;
        battery_voltage.is_none() && humidity.is_none() && signal_strength.is_none()
    }
}

/// A quantity as the RFC spells it: `4`, where Rust writes `4.0`.
struct Number<U>(Quantity<U>);

impl<U: Unit + Copy> Serialize for Number<U> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let number = self.0.get();
        // No quantity is too large for an i32.
        if number.fract() == 0.0 { serializer.serialize_i32(number as i32) } else { serializer.serialize_f64(number) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::unit::Celsius;

    fn quantity<U: Unit + Copy + std::fmt::Debug>() -> impl Strategy<Value = Quantity<U>> {
        (U::MIN..=U::MAX, any::<bool>())
            .prop_map(|(number, whole)| Quantity::new(if whole { number.trunc() } else { number }).unwrap())
    }

    fn absence() -> impl Strategy<Value = Absence> {
        prop::sample::select(vec![Absence::NotConfigured, Absence::NotReported, Absence::Invalid])
    }

    fn value() -> impl Strategy<Value = Result<Celsius, SensorFault>> {
        let faults = prop::sample::select(vec![SensorFault::LoopOpen, SensorFault::NoPort, SensorFault::DamagedReply]);
        prop_oneof![quantity().prop_map(Ok), faults.prop_map(Err)]
    }

    fn reading() -> impl Strategy<Value = Reading> {
        let battery = prop::result::maybe_ok(quantity(), absence());
        let signal = prop::result::maybe_ok(quantity(), absence());
        let humidity = prop::result::maybe_ok(quantity(), absence());
        let triggers = vec![Trigger::Poll, Trigger::Change, Trigger::Interval, Trigger::Unsolicited, Trigger::Backfill];
        let current = (prop::option::of(quantity()), quantity());
        let sides = (battery, signal, humidity, prop::sample::select(triggers));
        (value(), prop::option::of(quantity()), current, sides).prop_map(|(value, uncertainty, current, sides)| {
            let (perhaps, surely) = current;
            let (battery, signal, humidity, trigger) = sides;
            Reading {
                device_id: "sensor-001".parse().unwrap(),
                value,
                uncertainty: uncertainty.filter(|_| value.is_ok()),
                raw_ma: perhaps.or_else(|| value.ok().map(|_| surely)),
                battery,
                signal,
                humidity,
                trigger,
            }
        })
    }

    fn clock() -> impl Strategy<Value = Clock> {
        let estimated = prop::option::of(0..=SEQ_MAX).prop_map(|bound_ms| Clock::Estimated { bound_ms });
        prop_oneof![Just(Clock::Synced), estimated]
    }

    proptest! {
        #[test]
        fn a_reading_is_written_as_the_librarys_canonical_form_and_reads_back(
            seq in 1..=SEQ_MAX,
            unix_ms in 0..4_000_000_000_000_i64,
            clock in clock(),
            reading in reading(),
        ) {
            let timestamp = Timestamp::from_unix_ms(unix_ms).unwrap();
            let record = Record { seq, timestamp, clock, body: Body::Reading(reading) };
            let written = WrittenRecord::try_from(&record).unwrap();
            prop_assert_eq!(written.json().get(), serde_json_canonicalizer::to_string(&record).unwrap());
            prop_assert_eq!(written.read().unwrap(), record);
        }
    }
}
