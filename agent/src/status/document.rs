//! What the agent tells of itself, as JSON. Pure.
//!
//! Fields are added and never change their meaning. Every moment is told twice: how long ago, which is always known, and
//! when, which is known once the clock is.

use kitchen_contract::fault::SensorFault;
use kitchen_contract::id::{DeviceId, Epoch, GatewayId, KitchenId};
use kitchen_contract::record::Trigger;
use kitchen_contract::time::Timestamp;
use kitchen_contract::unit::{Celsius, CelsiusDifference, Humidity, MilliAmp, Volt};
use serde::{Deserialize, Serialize};

use crate::sampler::punctuality::Punctuality;

/// How the agent is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Document {
    /// The gateway.
    pub gateway_id: GatewayId,
    /// The kitchen whose readings these are.
    pub kitchen_id: KitchenId,
    /// Version of the agent that runs.
    pub version: String,
    /// Its run.
    pub epoch: Epoch,
    /// When it began; absent while no clock can be trusted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// How long it has been running, in seconds.
    pub uptime_s: u64,
    /// What is known of UTC.
    pub clock: Clock,
    /// The connection to the cloud.
    pub mqtt: Mqtt,
    /// What is on disk and not acknowledged.
    pub buffer: Buffer,
    /// Whether every due round ends in a record.
    #[serde(default)]
    pub watchdog: Watchdog,
    /// In the order of the configuration.
    pub sensors: Vec<Sensor>,
}

/// Whether every due round ends in a record, or in a state that has a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Watchdog {
    /// It does.
    pub fed: bool,
    /// Which does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

impl Default for Watchdog {
    fn default() -> Self {
        Self { fed: true, problem: None }
    }
}

/// A moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct When {
    /// Seconds since then.
    pub ago_s: u64,
    /// UTC; absent while no clock can be trusted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

/// What is known of UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Clock {
    /// How far.
    pub trust: Trust,
    /// It is off by at most this many milliseconds, where something bounds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bound_ms: Option<u64>,
    /// What it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<Timestamp>,
}

/// How far the clock can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trust {
    /// Within a second.
    Synced,
    /// Not compared, or not lately.
    Estimated,
    /// Not at all: records wait in the buffer until the cloud tells its time.
    Unknown,
}

/// The connection to the cloud.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Mqtt {
    /// Where to, as `host:port`.
    pub address: String,
    /// Records can be sent.
    pub connected: bool,
    /// `offline`, `connecting`, `catching-up`, `live` or `draining`.
    pub state: String,
    /// Since when records can be sent, or since when they cannot.
    pub since: When,
    /// The cloud has left records unacknowledged for too long, although the connection stands.
    pub unacknowledged: bool,
    /// The cloud takes no notice of some records, usually for a mistyped kitchen; they are kept and tried again.
    pub passed_over: bool,
    /// Why the cloud did not take what it got last; absent while it takes records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// When the cloud acknowledged records last, in this run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_ack: Option<When>,
    /// When the cloud last said anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_answer: Option<When>,
    /// Why there was no connection when there was none last; stays while there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_fault: Option<LinkFault>,
    /// The certificate that is used, or was tried last; absent before the first attempt to connect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Certificate>,
    /// Why the certificate files are not used as they are now; what they held before is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unused_files: Option<UnusedFiles>,
}

/// The gateway's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Certificate {
    /// When it ends.
    pub ends: Timestamp,
    /// In how many seconds that is, negative if it has ended; absent while no clock can be trusted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_in_s: Option<i64>,
}

/// Certificate files that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UnusedFiles {
    /// When that was found first.
    #[serde(flatten)]
    pub when: When,
    /// Why.
    pub text: String,
    /// What to do.
    pub hint: String,
}

/// Why there was no connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LinkFault {
    /// When that was found last.
    #[serde(flatten)]
    pub when: When,
    /// One word for it: `unreachable`, `tls-refused`, `not-authorised`, `identity-unusable`, `protocol`, `no-answer`.
    pub kind: String,
    /// What.
    pub text: String,
    /// What to do.
    pub hint: String,
}

/// What is on disk and not acknowledged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Buffer {
    /// Records.
    pub records: u64,
    /// As many as there may be.
    pub records_max: u64,
    /// Bytes of their frames.
    pub bytes: u64,
    /// As many as there may be.
    pub bytes_max: u64,
    /// When the oldest record happened; absent if there is none, it waits for a clock, or the disk refuses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest: Option<When>,
    /// Records that wait for a clock.
    pub unsettled: u64,
    /// In so many hours the buffer is full if nothing is acknowledged from now on; absent if nothing is measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hours_left: Option<u64>,
    /// Records given up at the limit, in this run.
    pub evicted: u64,
    /// Of these, faults, excursions and events.
    #[serde(default)]
    pub evicted_last: u64,
    /// Entries that were damaged on disk, in this run.
    pub damaged: u64,
    /// Records that the store had lost and that were brought back, in this run.
    #[serde(default)]
    pub recovered: u64,
    /// Records that were damaged and are lost, in this run.
    #[serde(default)]
    pub lost: u64,
    /// Stores that were set aside because they were damaged, in this run.
    pub set_aside: u64,
    /// Whether the disk takes records.
    pub disk: Disk,
}

/// Whether the disk takes records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Disk {
    /// As far as is known.
    Taking,
    /// It refuses; readings wait in memory.
    Refusing {
        /// From when on.
        since: When,
        /// When it was tried last.
        tried: When,
        /// What it said.
        reason: String,
        /// Observations that wait in memory.
        waiting: u64,
        /// Observations of this run that were given up because memory was full too.
        dropped: u64,
    },
    /// It says neither yes nor no.
    Stuck,
}

/// One measuring point.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sensor {
    /// The measuring point.
    pub device_id: DeviceId,
    /// The port: as configured, or else where the sensor was found last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<String>,
    /// The sensor that was let in last; before that, the configured one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imei: Option<String>,
    /// Time between two polls, in seconds.
    pub interval_s: u64,
    /// The sensor is there, set as configured, and measures. Its readings may be faults nevertheless.
    pub ready: bool,
    /// One word for where its task is.
    pub state: String,
    /// The same for people.
    pub state_text: String,
    /// Since when it measures, or since when it does not.
    pub since: When,
    /// What is wrong, if it is not ready and that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Trouble>,
    /// The newest reading on disk, of this run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_reading: Option<LastReading>,
    /// Readings of this run, faults included.
    pub readings: u64,
    /// How punctual its polls were, and what held up the late ones.
    pub punctuality: Punctuality,
}

/// Something wrong, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Trouble {
    /// What.
    pub text: String,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// The newest reading of a measuring point: a temperature, or why there is none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LastReading {
    /// When it was taken.
    #[serde(flatten)]
    pub when: When,
    /// In °C.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<Celsius>,
    /// The true temperature lies within this of it, two times out of three.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uncertainty: Option<CelsiusDifference>,
    /// Why there is no temperature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<SensorFault>,
    /// The same for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault_text: Option<String>,
    /// The loop current.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw_ma: Option<MilliAmp>,
    /// The sensor's battery.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub battery_voltage: Option<Volt>,
    /// In %RH.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub humidity: Option<Humidity>,
    /// Why it was taken.
    pub trigger: Trigger,
}
