//! What the two customers have: a kitchen each with sensors, readings and an alert.

use kitchen_contract::alarm::{AlertType, Excursion, Limits};
use kitchen_contract::fault::SensorFault;
use kitchen_contract::id::DeviceId;
use kitchen_contract::record::{Absence, Body, Reading, Record, Trigger};
use kitchen_contract::time::{Clock, Timestamp};
use kitchen_contract::unit::{Celsius, Dbm, MilliAmp, Volt};

use super::bench::now;
use crate::alert::{self, Exceeded, Place};
use crate::ingest::Judged;
use crate::registry::{
    Device, Enrolment, KitchenEnrolment, Registry, SensorEnrolment, StoredReading, ThingStatus, fields,
};
use crate::store::keys::{self, RecordRef};
use crate::store::{Batch, Item, Store};

/// `sensor-a1` has five readings (one a fault), `sensor-a2` none, `sensor-b1` one; each customer has one active alert.
pub(super) async fn fill(store: &Store) {
    let mut enrolment = Enrolment::default();
    for letter in ["a", "b"] {
        enrolment.customers.push((format!("cust-{letter}").parse().unwrap(), format!("Customer {letter}")));
        enrolment.kitchens.push(kitchen(letter, "1"));
        enrolment.sensors.push(sensor(letter, "1"));
    }
    enrolment.kitchens.push(kitchen("a", "2"));
    enrolment.sensors.push(sensor("a", "2"));
    Registry::new(store.clone()).enrol(&enrolment, now()).await.unwrap();
    let mut batch = Batch::new(store);
    let too_warm = Celsius::new(12.5).unwrap();
    for (seq, age_s, value) in [
        (1, 1230, Ok(Celsius::new(4.0).unwrap())),
        (2, 930, Err(SensorFault::LoopOpen)),
        (3, 630, Ok(too_warm)),
        (4, 330, Ok(Celsius::new(4.9).unwrap())),
        (5, 30, Ok(Celsius::new(4.2).unwrap())),
    ] {
        batch.put(reading("a", (seq, age_s), value));
    }
    batch.put(reading("b", (1, 30), Ok(too_warm)));
    batch.put(alert("a", 630));
    batch.put(alert("b", 30));
    batch.commit().await.unwrap();
}

fn kitchen(letter: &str, number: &str) -> KitchenEnrolment {
    KitchenEnrolment {
        kitchen_id: format!("kitchen-{letter}{number}").parse().unwrap(),
        customer_id: format!("cust-{letter}").parse().unwrap(),
        name: format!("Kitchen {number}"),
        address: (number == "1").then(|| "Dubai Marina, Building A".to_owned()),
        manager: None,
        phone: None,
        created_at: now(),
    }
}

fn sensor(letter: &str, number: &str) -> SensorEnrolment {
    let limits = Limits::new(Celsius::new(0.0).ok(), Celsius::new(8.0).ok()).unwrap();
    let device = Device {
        device_id: format!("sensor-{letter}{number}").parse().unwrap(),
        kitchen_id: format!("kitchen-{letter}1").parse().unwrap(),
        customer_id: format!("cust-{letter}").parse().unwrap(),
        location: "Walk-in Fridge".to_owned(),
        install_date: Some("2026-01-11".to_owned()),
        probe_model: Some("PT100".to_owned()),
        alert_thresholds: Some(limits),
        transmission_interval: 300,
        status: ThingStatus::Active,
    };
    SensorEnrolment { device, since: Timestamp::from_unix_ms(0).unwrap() }
}

fn reading(letter: &str, (seq, age_s): (u64, i64), value: Result<Celsius, SensorFault>) -> Item {
    let device_id: DeviceId = format!("sensor-{letter}1").parse().unwrap();
    let timestamp = now().saturating_add_ms(-age_s * 1000);
    let reading = Reading {
        device_id: device_id.clone(),
        value,
        uncertainty: None,
        raw_ma: MilliAmp::new(if value.is_ok() { 8.672 } else { 0.0 }).ok(),
        battery: Ok(Volt::new(3.52).unwrap()),
        signal: if seq == 4 { Err(Absence::NotReported) } else { Ok(Dbm::new(-85.0).unwrap()) },
        humidity: Err(Absence::NotConfigured),
        trigger: Trigger::Poll,
    };
    let stored = StoredReading {
        record: Record { seq, timestamp, clock: Clock::Synced, body: Body::Reading(reading) },
        epoch: "cepoch".parse().unwrap(),
        gateway_id: format!("gw-{letter}").parse().unwrap(),
        kitchen_id: format!("kitchen-{letter}1").parse().unwrap(),
        customer_id: format!("cust-{letter}").parse().unwrap(),
        verdict: Judged::InRange,
        received_at: timestamp.saturating_add_ms(1200),
    };
    let place = RecordRef { timestamp, epoch: &stored.epoch, seq };
    Item::new(keys::reading(&device_id, place), fields(&stored))
}

fn alert(letter: &str, age_s: i64) -> Item {
    let place = Place {
        device_id: &format!("sensor-{letter}1").parse().unwrap(),
        kitchen_id: &format!("kitchen-{letter}1").parse().unwrap(),
        customer_id: &format!("cust-{letter}").parse().unwrap(),
    };
    let excursion = Excursion { alert_type: AlertType::HighTemp, since: now().saturating_add_ms(-age_s * 1000) };
    let exceeded = Exceeded { temperature: Celsius::new(12.5).unwrap(), threshold: Celsius::new(8.0).unwrap() };
    alert::item(&alert::opened(place, excursion, exceeded, None))
}
