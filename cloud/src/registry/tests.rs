//! Who sees what, and who was where when.

use kitchen_contract::id::{CustomerId, DeviceId, KitchenId};
use kitchen_contract::time::Timestamp;
use tempfile::TempDir;

use super::{Device, Enrolment, KitchenEnrolment, Registry, SensorEnrolment, ThingStatus, Viewer};
use crate::store::Store;

fn at(second: i64) -> Timestamp {
    Timestamp::from_unix_ms(1_768_127_400_000 + second * 1000).unwrap()
}

fn kitchen(id: &str, customer: &str) -> KitchenEnrolment {
    KitchenEnrolment {
        kitchen_id: id.parse().unwrap(),
        customer_id: customer.parse().unwrap(),
        name: id.to_owned(),
        address: None,
        manager: None,
        phone: None,
        created_at: at(0),
    }
}

fn sensor(id: &str, (kitchen, customer): (&str, &str), since: i64) -> SensorEnrolment {
    let device = Device {
        device_id: id.parse().unwrap(),
        kitchen_id: kitchen.parse().unwrap(),
        customer_id: customer.parse().unwrap(),
        location: "Freezer".to_owned(),
        install_date: None,
        probe_model: None,
        alert_thresholds: None,
        transmission_interval: 300,
        status: ThingStatus::Active,
    };
    SensorEnrolment { device, since: at(since) }
}

async fn registry(kitchens: Vec<KitchenEnrolment>, sensors: Vec<SensorEnrolment>) -> (TempDir, Registry) {
    let dir = tempfile::tempdir().unwrap();
    let registry = Registry::new(Store::open_sqlite(&dir.path().join("store.sqlite")).await.unwrap());
    registry.enrol(&Enrolment { kitchens, sensors, ..Enrolment::default() }, at(0)).await.unwrap();
    (dir, registry)
}

fn tenant(id: &str) -> Viewer {
    Viewer::Tenant(id.parse().unwrap())
}

#[tokio::test]
async fn a_tenant_finds_its_own_and_an_admin_everything() {
    let kitchens = vec![kitchen("kitchen-a", "cust-a"), kitchen("kitchen-b", "cust-b")];
    let sensors = vec![sensor("sensor-a", ("kitchen-a", "cust-a"), 0), sensor("sensor-b", ("kitchen-b", "cust-b"), 0)];
    let (_dir, registry) = registry(kitchens, sensors).await;
    let (kitchen_b, sensor_b): (KitchenId, DeviceId) = ("kitchen-b".parse().unwrap(), "sensor-b".parse().unwrap());
    for (viewer, count, found) in [(tenant("cust-a"), 1, false), (tenant("cust-b"), 1, true), (Viewer::Admin, 2, true)]
    {
        assert_eq!(registry.kitchens(&viewer).await.unwrap().len(), count, "{viewer:?}");
        assert_eq!(registry.kitchen(&viewer, &kitchen_b).await.unwrap().is_some(), found, "{viewer:?}");
        assert_eq!(registry.device(&viewer, &sensor_b).await.unwrap().is_some(), found, "{viewer:?}");
    }
}

#[tokio::test]
async fn a_sensor_of_another_customer_in_ones_own_kitchen_is_not_shown() {
    let sensors = vec![sensor("sensor-a", ("kitchen-a", "cust-a"), 0), sensor("sensor-b", ("kitchen-a", "cust-b"), 0)];
    let (_dir, registry) = registry(vec![kitchen("kitchen-a", "cust-a")], sensors).await;
    let (scoped, _) = registry.kitchen(&tenant("cust-a"), &"kitchen-a".parse().unwrap()).await.unwrap().unwrap();
    let shown = registry.sensors(&scoped).await.unwrap();
    assert_eq!(shown.iter().map(|(id, _)| id.id().as_str()).collect::<Vec<_>>(), ["sensor-a"]);
}

#[tokio::test]
async fn a_move_ends_one_assignment_and_begins_another_and_the_same_again_changes_nothing() {
    let places = [("kitchen-a", "cust-a"), ("kitchen-b", "cust-b")];
    let (_dir, registry) = registry(vec![], vec![sensor("sensor-1", places[0], 0)]).await;
    let enrol = |place, since| {
        let enrolment = Enrolment { sensors: vec![sensor("sensor-1", place, since)], ..Enrolment::default() };
        let registry = registry.clone();
        async move { registry.enrol(&enrolment, at(since)).await.unwrap() }
    };
    enrol(places[0], 50).await;
    enrol(places[1], 100).await;
    enrol(places[1], 150).await;
    let facts = registry.device_facts(&"sensor-1".parse().unwrap()).await.unwrap().unwrap();
    let whose = |second| -> Option<CustomerId> {
        let held: Vec<_> = facts.assignments.iter().filter(|assignment| assignment.holds_at(at(second))).collect();
        assert!(held.len() < 2, "{held:?}");
        held.first().map(|assignment| assignment.customer_id.clone())
    };
    let rows = [(-1, None), (0, Some("cust-a")), (99, Some("cust-a")), (100, Some("cust-b")), (9999, Some("cust-b"))];
    for (second, expected) in rows {
        assert_eq!(whose(second).as_ref().map(CustomerId::as_str), expected, "{second}");
    }
    assert_eq!(facts.assignments.len(), 2);
}

async fn try_enrol(registry: &Registry, sensors: Vec<SensorEnrolment>) -> Result<(), String> {
    let enrolment = Enrolment { sensors, ..Enrolment::default() };
    registry.enrol(&enrolment, at(500)).await.map_err(|error| error.to_string())
}

async fn spans(registry: &Registry) -> Vec<(String, i64, Option<i64>)> {
    let facts = registry.device_facts(&"sensor-1".parse().unwrap()).await.unwrap().unwrap();
    let second = |moment: Timestamp| moment.ms_since(at(0)) / 1000;
    let span = |held: &super::Assignment| (held.customer_id.to_string(), second(held.from), held.to.map(second));
    facts.assignments.iter().map(span).collect()
}

#[tokio::test]
async fn a_move_into_the_past_is_refused_and_erases_nothing() {
    let (a, b) = (("kitchen-a", "cust-a"), ("kitchen-b", "cust-b"));
    let (_dir, registry) = registry(vec![], vec![sensor("sensor-1", a, 100)]).await;
    for since in [50, 100] {
        let error = try_enrol(&registry, vec![sensor("sensor-1", b, since)]).await.unwrap_err();
        assert!(error.contains("`sensor-1`") && error.contains("`kitchen-a`"), "{error}");
    }
    assert_eq!(spans(&registry).await, [("cust-a".to_owned(), 100, None)]);
    let twice = try_enrol(&registry, vec![sensor("sensor-1", a, 100), sensor("sensor-1", b, 200)]).await;
    assert!(twice.unwrap_err().contains("twice"));
}

#[tokio::test]
async fn an_earlier_start_lengthens_the_stay_up_to_the_one_before() {
    let (a, b) = (("kitchen-a", "cust-a"), ("kitchen-b", "cust-b"));
    let (_dir, registry) = registry(vec![], vec![sensor("sensor-1", a, 100)]).await;
    for _ in 0..2 {
        try_enrol(&registry, vec![sensor("sensor-1", a, 50)]).await.unwrap();
        assert_eq!(spans(&registry).await, [("cust-a".to_owned(), 50, Some(100)), ("cust-a".to_owned(), 100, None)]);
    }
    try_enrol(&registry, vec![sensor("sensor-1", b, 200)]).await.unwrap();
    assert!(try_enrol(&registry, vec![sensor("sensor-1", b, 150)]).await.is_err());
}
