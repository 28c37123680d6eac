//! Two customers with a gateway each, their certificates, and what their gateways say.

use std::path::PathBuf;
use std::time::Duration;

use kitchen_cloud::clock::Clock;
use kitchen_cloud::pki::authority::{Authority, Issued, Subject, Validity};
use kitchen_cloud::registry::{
    Device, Enrolment, GatewayEnrolment, KitchenEnrolment, Registry, SensorEnrolment, ThingStatus,
};
use kitchen_cloud::store::Store;
use kitchen_contract::alarm::Limits;
use kitchen_contract::envelope::Envelope;
use kitchen_contract::fault::SensorFault;
use kitchen_contract::id::GatewayId;
use kitchen_contract::record::{Absence, Body, Reading, Record, Trigger};
use kitchen_contract::signature::DeviceKey;
use kitchen_contract::status::{Status, StatusKind};
use kitchen_contract::time::Timestamp;
use kitchen_contract::unit::{Celsius, MilliAmp};
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use tempfile::TempDir;

/// The sink's clock in tests that do not look at time.
pub(crate) const NOW: &str = "2026-01-11T12:00:00.000Z";

pub(crate) fn now() -> Timestamp {
    NOW.parse().unwrap()
}

/// A moment, in seconds before [`now`].
pub(crate) fn ago(seconds: i64) -> Timestamp {
    now().saturating_add_ms(-seconds * 1000)
}

/// What is there: an authority, gateways `gw-a` and `gw-b` with kitchens `kitchen-a`, `kitchen-b`, sensors `sensor-a`,
/// `sensor-b` (0 to 8 °C) of customers `cust-a`, `cust-b`, and `gw-x`, which has a certificate but is not registered.
pub(crate) struct Field {
    dir: TempDir,
    authority: Authority,
}

/// One gateway's files and key.
pub(crate) struct Gateway {
    pub(crate) id: GatewayId,
    pub(crate) key: DeviceKey,
    pub(crate) issued: Issued,
}

impl Field {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (authority, ca) = Authority::create(validity()).unwrap();
        std::fs::write(dir.path().join("ca.pem"), &ca.certificate).unwrap();
        let server = authority.issue(&Subject::Server(vec!["localhost".to_owned()]), validity()).unwrap();
        std::fs::write(dir.path().join("server.pem"), &server.certificate).unwrap();
        std::fs::write(dir.path().join("server.key"), &server.key).unwrap();
        Self { dir, authority }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn issue(&self, subject: &Subject) -> Issued {
        self.authority.issue(subject, validity()).unwrap()
    }

    pub(crate) fn gateway(&self, id: &str) -> Gateway {
        Gateway::new(id, self.issue(&Subject::Gateway(id.parse().unwrap())))
    }

    pub(crate) async fn store(&self) -> Store {
        Store::open_sqlite(&self.path("store.sqlite")).await.unwrap()
    }

    /// A store that takes nothing until this is dropped: messages stay on their way.
    pub(crate) async fn blocked_store(&self) -> SqliteConnection {
        let options = SqliteConnectOptions::new().filename(self.path("store.sqlite"));
        let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
        sqlx::query("BEGIN IMMEDIATE").execute(&mut connection).await.unwrap();
        connection
    }
}

impl Gateway {
    pub(crate) fn new(id: &str, issued: Issued) -> Self {
        let key = DeviceKey::from_pkcs8_pem(&issued.key).unwrap();
        Self { id: id.parse().unwrap(), key, issued }
    }

    /// Signed records of one kitchen and epoch.
    pub(crate) fn envelope(&self, kitchen: &str, epoch: &str, records: Vec<Record>) -> Vec<u8> {
        let envelope = Envelope {
            gateway_id: self.id.clone(),
            kitchen_id: kitchen.parse().unwrap(),
            epoch: epoch.parse().unwrap(),
            records: records.iter().map(|record| record.try_into().unwrap()).collect(),
        };
        envelope.seal(&self.key).unwrap()
    }

    /// A signed birth.
    pub(crate) fn birth(&self, epoch: &str) -> Vec<u8> {
        self.status(epoch, StatusKind::Birth, (0, None))
    }

    pub(crate) fn status(
        &self,
        epoch: &str,
        kind: StatusKind,
        (last_seq, timestamp): (u64, Option<Timestamp>),
    ) -> Vec<u8> {
        let status = Status {
            v: kitchen_contract::VERSION,
            gateway_id: self.id.clone(),
            epoch: epoch.parse().unwrap(),
            kind,
            last_seq,
            backlog: 0,
            timestamp,
            agent_version: "0.1.0".to_owned(),
            config_hash: None,
            sensors: Vec::new(),
            counters: None,
            question: (kind != StatusKind::LastWill).then_some(1),
        };
        status.seal(&self.key).unwrap()
    }
}

/// Registers the gateways with their kitchens and sensors; `letters` such as `a`, `b`.
pub(crate) async fn enrol(store: &Store, gateways: &[&Gateway]) {
    let mut enrolment = Enrolment::default();
    for gateway in gateways {
        let letter = gateway.id.as_str().strip_prefix("gw-").unwrap();
        enrolment.customers.push((format!("cust-{letter}").parse().unwrap(), format!("Customer {letter}")));
        enrolment.kitchens.push(kitchen(letter, letter));
        enrolment.gateways.push(GatewayEnrolment {
            gateway_id: gateway.id.clone(),
            kitchen_id: format!("kitchen-{letter}").parse().unwrap(),
            customer_id: format!("cust-{letter}").parse().unwrap(),
            public_key: gateway.key.public(),
            since: Timestamp::from_unix_ms(0).unwrap(),
        });
        enrolment.sensors.push(sensor(letter, letter, Timestamp::from_unix_ms(0).unwrap()));
    }
    Registry::new(store.clone()).enrol(&enrolment, now()).await.unwrap();
}

pub(crate) fn kitchen(letter: &str, customer: &str) -> KitchenEnrolment {
    KitchenEnrolment {
        kitchen_id: format!("kitchen-{letter}").parse().unwrap(),
        customer_id: format!("cust-{customer}").parse().unwrap(),
        name: format!("Kitchen {letter}"),
        address: None,
        manager: None,
        phone: None,
        created_at: now(),
    }
}

/// The sensor `sensor-{letter}` in `kitchen-{place}` of `cust-{place}`.
pub(crate) fn sensor(letter: &str, place: &str, since: Timestamp) -> SensorEnrolment {
    let device = Device {
        device_id: format!("sensor-{letter}").parse().unwrap(),
        kitchen_id: format!("kitchen-{place}").parse().unwrap(),
        customer_id: format!("cust-{place}").parse().unwrap(),
        location: "Walk-in Fridge".to_owned(),
        install_date: None,
        probe_model: None,
        alert_thresholds: Some(Limits::new(Celsius::new(0.0).ok(), Celsius::new(8.0).ok()).unwrap()),
        transmission_interval: 300,
        status: ThingStatus::Active,
    };
    SensorEnrolment { device, since }
}

/// A reading in °C; NaN stands for a broken wire.
pub(crate) fn reading(seq: u64, device: &str, (timestamp, number): (Timestamp, f64)) -> Record {
    let reading = Reading {
        device_id: device.parse().unwrap(),
        value: Celsius::new(number).map_err(|_| SensorFault::LoopOpen),
        uncertainty: None,
        raw_ma: Some(MilliAmp::new(11.072).unwrap()),
        battery: Err(Absence::NotReported),
        signal: Err(Absence::NotReported),
        humidity: Err(Absence::NotConfigured),
        trigger: Trigger::Poll,
    };
    Record { seq, timestamp, clock: kitchen_contract::time::Clock::Synced, body: Body::Reading(reading) }
}

fn validity() -> Validity {
    Validity { now: Clock::system().now(), length: Duration::from_secs(24 * 60 * 60) }
}
