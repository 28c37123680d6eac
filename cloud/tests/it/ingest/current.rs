//! The newest reading of a sensor that has moved, or whose gateway's clock is ahead.

use kitchen_cloud::registry::{Registry, Viewer};
use kitchen_cloud::store::{Item, Key, Table, Write, keys};
use kitchen_contract::time::Timestamp;
use serde_json::Map;

use super::scene::Scene;
use crate::field::{ago, now, reading};

/// When the reading was taken that customer `letter` sees as the current one of `sensor-a`.
async fn current(registry: &Registry, letter: &str) -> Option<Timestamp> {
    let viewer = Viewer::Tenant(format!("cust-{letter}").parse().unwrap());
    let (scoped, _) = registry.device(&viewer, &"sensor-a".parse().unwrap()).await.unwrap().unwrap();
    registry.current(&scoped, now()).await.unwrap().map(|stored| stored.record.timestamp)
}

#[tokio::test]
async fn what_was_measured_before_a_move_is_not_even_read() {
    let scene = Scene::new().await;
    let sort = format!("{}{}#cepoch#0000000000000001", keys::READING, ago(600));
    let damaged = Item::new(Key::new(Table::Readings, "DEVICE#sensor-a", sort), Map::new());
    scene.sink.store.commit(&[Write::Put(damaged)]).await.unwrap();
    scene.move_to_b(ago(300)).await;
    assert_eq!(current(&scene.registry(), "b").await, None);
    scene.b_says(vec![reading(1, "sensor-a", (ago(200), 4.0))]).await;
    assert_eq!(current(&scene.registry(), "b").await, Some(ago(200)));
}

#[tokio::test]
async fn another_customers_time_between_two_of_ones_own_is_passed_over() {
    let scene = Scene::new().await;
    scene.a_says(vec![reading(1, "sensor-a", (ago(900), 4.0))]).await;
    scene.move_to_b(ago(800)).await;
    scene.b_says((1..=250).map(|seq| reading(seq, "sensor-a", (ago(800 - seq as i64), 4.0))).collect()).await;
    let back = vec![crate::field::sensor("a", "a", ago(100))];
    let enrolment = kitchen_cloud::registry::Enrolment { sensors: back, ..Default::default() };
    scene.registry().enrol(&enrolment, now()).await.unwrap();
    assert_eq!(current(&scene.registry(), "a").await, Some(ago(900)));
}

#[tokio::test]
async fn a_reading_from_the_future_hides_no_newer_one_and_is_shown_if_there_is_no_other() {
    let scene = Scene::new().await;
    scene.a_says(vec![reading(1, "sensor-a", (ago(-80_000), 4.0))]).await;
    assert_eq!(current(&scene.registry(), "a").await, Some(ago(-80_000)));
    for (seq, age_s) in [(2, 300), (3, 0), (4, -59)] {
        scene.a_says(vec![reading(seq, "sensor-a", (ago(age_s), 4.0))]).await;
        assert_eq!(current(&scene.registry(), "a").await, Some(ago(age_s)));
    }
    scene.a_says(vec![reading(5, "sensor-a", (ago(-61), 4.0))]).await;
    assert_eq!(current(&scene.registry(), "a").await, Some(ago(-59)));
}
