//! Alarms over a sensor's life: opened, resolved, moved to another customer, told of late, told from the future.

use kitchen_cloud::registry::{Alert, Registry, Viewer};
use kitchen_cloud::store::Write;
use kitchen_contract::alarm::AlertType;

use super::bench::Sink;
use super::scene::Scene;
use crate::field::{ago, reading};

impl Scene {
    async fn active(&self, customer: &str) -> Vec<AlertType> {
        let viewer = Viewer::Tenant(format!("cust-{customer}").parse().unwrap());
        let alerts = self.registry().active_alerts(&viewer).await.unwrap();
        alerts.into_iter().map(|alert| alert.alert_type).collect()
    }
}

#[tokio::test]
async fn an_excursion_is_an_alert_with_the_customers_fields_until_back_in_range() {
    let scene = Scene::new().await;
    scene.a_says(vec![reading(1, "sensor-a", (ago(60), 12.5))]).await;
    let alerts = scene.sink.alerts("kitchen-a").await;
    let [alert] = &alerts[..] else { panic!("{alerts:?}") };
    assert_eq!((alert.alert_type, alert.temperature.get(), alert.threshold.get()), (AlertType::HighTemp, 12.5, 8.0));
    assert_eq!((alert.acknowledged, &alert.acknowledged_by, alert.resolved_at), (false, &None, None));
    assert_eq!((alert.created_at, alert.customer_id.as_str()), (ago(60), "cust-a"));
    assert!(alert.id.starts_with('c') && alert.id.len() == 25);
    assert_eq!(scene.active("a").await, [AlertType::HighTemp]);
    assert!(scene.active("b").await.is_empty());
    scene.a_says(vec![reading(2, "sensor-a", (ago(50), f64::NAN))]).await;
    assert_eq!(scene.active("a").await.len(), 1, "no data never clears an alarm");
    scene.a_says(vec![reading(3, "sensor-a", (ago(40), 4.0))]).await;
    assert!(scene.active("a").await.is_empty());
    let resolved = scene.sink.alerts("kitchen-a").await;
    assert_eq!(resolved[0].resolved_at, Some(ago(40)));
    assert_eq!(resolved[0].id, alert.id);
}

#[tokio::test]
async fn late_data_makes_a_historic_alert_that_is_not_active() {
    let scene = Scene::new().await;
    scene.a_says(vec![reading(9, "sensor-a", (ago(10), 4.0))]).await;
    scene.a_says(vec![reading(1, "sensor-a", (ago(90), 9.0)), reading(2, "sensor-a", (ago(80), 9.5))]).await;
    let alerts = scene.sink.alerts("kitchen-a").await;
    assert_eq!(alerts.len(), 1);
    assert!(alerts[0].historic && alerts[0].resolved_at.is_some());
    assert!(scene.active("a").await.is_empty());
}

#[tokio::test]
async fn late_data_of_the_same_moment_does_not_rewrite_an_alert() {
    let scene = Scene::new().await;
    scene.a_says(vec![reading(1, "sensor-a", (ago(60), 12.5)), reading(2, "sensor-a", (ago(30), 4.0))]).await;
    let before = scene.sink.alerts("kitchen-a").await;
    scene.a_says(vec![reading(3, "sensor-a", (ago(60), 11.0))]).await;
    assert_eq!(scene.sink.alerts("kitchen-a").await, before);
}

#[tokio::test]
async fn an_alert_that_opens_again_at_the_same_moment_keeps_what_people_made_of_it() {
    let scene = Scene::new().await;
    scene.a_says(vec![reading(1, "sensor-a", (ago(60), 12.5)), reading(2, "sensor-a", (ago(60), 4.0))]).await;
    let [alert] = &scene.sink.alerts("kitchen-a").await[..] else { panic!("one alert") };
    assert!(alert.resolved_at.is_some());
    let noticed = Alert { acknowledged: true, acknowledged_by: Some("chef".to_owned()), ..alert.clone() };
    scene.sink.store.commit(&[Write::Put(kitchen_cloud::alert::item(&noticed))]).await.unwrap();
    scene.a_says(vec![reading(3, "sensor-a", (ago(60), 11.0))]).await;
    assert_eq!(scene.sink.alerts("kitchen-a").await, [Alert { resolved_at: None, ..noticed }]);
    assert_eq!(scene.active("a").await, [AlertType::HighTemp]);
}

#[tokio::test]
async fn a_sensor_that_moves_leaves_its_alert_resolved_where_it_was() {
    let scene = Scene::new().await;
    scene.a_says(vec![reading(1, "sensor-a", (ago(600), 12.5))]).await;
    scene.move_to_b(ago(300)).await;
    scene.b_says(vec![reading(1, "sensor-a", (ago(200), 4.0))]).await;
    assert!(scene.active("a").await.is_empty());
    assert_eq!(scene.sink.alerts("kitchen-a").await[0].resolved_at, Some(ago(200)));
    assert!(scene.sink.alerts("kitchen-b").await.is_empty());
}

#[tokio::test]
async fn a_sensor_that_moves_while_too_warm_is_an_alert_of_its_new_owner() {
    let scene = Scene::new().await;
    scene.a_says(vec![reading(1, "sensor-a", (ago(600), 12.5))]).await;
    scene.move_to_b(ago(300)).await;
    scene.b_says(vec![reading(1, "sensor-a", (ago(200), 12.0))]).await;
    assert!(scene.active("a").await.is_empty());
    assert_eq!(scene.active("b").await, [AlertType::HighTemp]);
    // What was still under way from before the move lands where it belongs, and wakes nobody.
    scene.a_says(vec![reading(2, "sensor-a", (ago(500), 4.0)), reading(3, "sensor-a", (ago(400), 9.0))]).await;
    assert!(scene.active("a").await.is_empty());
    assert_eq!(scene.active("b").await, [AlertType::HighTemp]);
    assert_eq!(scene.sink.alerts("kitchen-b").await.len(), 1);
    let left = scene.sink.alerts("kitchen-a").await;
    assert_eq!(left.iter().map(|alert| alert.historic).collect::<Vec<_>>(), [false, true]);
}

#[tokio::test]
async fn a_reading_from_the_future_does_not_blind_the_sink_until_then() {
    let scene = Scene::new().await;
    scene.a_says(vec![reading(1, "sensor-a", (ago(-80_000), 4.0))]).await;
    scene.sink.stop().await;
    let sink = Sink::open_at(&scene.field, ago(-3600)).await;
    let payload = scene.a.envelope("kitchen-a", "cepoch", vec![reading(2, "sensor-a", (ago(-3500), 12.5))]);
    sink.send("kitchen-a", payload).await.unwrap();
    let alerts = sink.alerts("kitchen-a").await;
    assert_eq!(alerts.len(), 1);
    assert!(!alerts[0].historic, "{alerts:?}");
    let registry = Registry::new(sink.store.clone());
    let viewer = Viewer::Tenant("cust-a".parse().unwrap());
    let (sensor, _) = registry.device(&viewer, &"sensor-a".parse().unwrap()).await.unwrap().unwrap();
    for (clock, seq) in [(ago(-3600), 2), (ago(-80_000), 1), (ago(60), 1)] {
        let current = registry.current(&sensor, clock).await.unwrap().unwrap();
        assert_eq!(current.record.seq, seq, "{clock}");
    }
}
