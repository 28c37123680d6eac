//! From the serial console to the REST API with separate processes: whatever is killed, unplugged or gone, every sequence
//! number ends up stored exactly once and judged.

use std::time::Duration;

use rand::RngExt;
use serde_json::Value;

use crate::evidence::Evidence;
use crate::kitchen::{Kitchen, plan, wait_for};

const FRIDGE: &str = "walk-in-fridge";
const FREEZER: &str = "freezer";

/// How often a test kills, from the environment so that CI can do more.
fn kills(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn has_temperature(reading: &Value) -> bool {
    reading["temperature"].is_number()
}

#[tokio::test]
async fn readings_of_both_sensors_come_back_through_the_api() {
    let mut kitchen = Kitchen::start(plan()).await;
    let fridge = kitchen.readings(FRIDGE, 5, has_temperature).await;
    let freezer = kitchen.readings(FREEZER, 5, has_temperature).await;
    for (readings, range) in [(fridge, -5.0..12.0), (freezer, -30.0..-10.0)] {
        for reading in readings {
            let celsius = reading["temperature"].as_f64().unwrap();
            assert!(range.contains(&celsius), "{reading}");
        }
    }
    let current = kitchen.client().await.get(&format!("/sensors/{FRIDGE}/current")).await.unwrap();
    assert_eq!((current["unit"].as_str(), current["status"].as_str()), (Some("celsius"), Some("normal")));
    kitchen.settle().await;
    Evidence::of(&kitchen.layout).await.is_whole();
}

#[tokio::test]
async fn the_agent_survives_kill_9_at_any_moment() {
    let mut kitchen = Kitchen::start(plan()).await;
    kitchen.readings(FRIDGE, 1, has_temperature).await;
    let kills = kills("KITCHEN_AGENT_KILLS", 10);
    for _ in 0..kills {
        let alive = Duration::from_millis(rand::rng().random_range(20..1500));
        tokio::time::sleep(alive).await;
        kitchen.agent.take().unwrap().kill().await.unwrap();
        kitchen.start_agent();
    }
    let before = kitchen.readings(FRIDGE, 1, has_temperature).await.len();
    kitchen.readings(FRIDGE, before + 2, has_temperature).await;
    kitchen.settle().await;
    let evidence = Evidence::of(&kitchen.layout).await;
    evidence.is_whole();
    assert!(evidence.epochs() > 1, "no epoch but the first left a trace after {kills} kills");
}

#[tokio::test]
async fn the_cloud_survives_kill_9_at_any_moment() {
    let mut kitchen = Kitchen::start(plan()).await;
    kitchen.readings(FRIDGE, 1, has_temperature).await;
    for _ in 0..kills("KITCHEN_CLOUD_KILLS", 5) {
        let alive = Duration::from_millis(rand::rng().random_range(100..2000));
        tokio::time::sleep(alive).await;
        kitchen.cloud.take().unwrap().kill().await.unwrap();
        kitchen.start_cloud().await;
    }
    let before = kitchen.readings(FRIDGE, 1, has_temperature).await.len();
    kitchen.readings(FRIDGE, before + 2, has_temperature).await;
    kitchen.settle().await;
    Evidence::of(&kitchen.layout).await.is_whole();
}

#[tokio::test]
async fn readings_taken_without_a_cloud_arrive_when_it_comes() {
    let mut kitchen = Kitchen::prepare(plan()).await;
    kitchen.start_sensors();
    kitchen.start_agent();
    let log = kitchen.layout.dir().join("agent.log");
    wait_for("readings on disk without a cloud", || {
        let text = std::fs::read_to_string(&log).unwrap_or_default();
        async move { (text.matches("round buffered").count() >= 6).then_some(()) }
    })
    .await;
    kitchen.start_cloud().await;
    kitchen.readings(FRIDGE, 3, has_temperature).await;
    kitchen.settle().await;
    Evidence::of(&kitchen.layout).await.is_whole();
}

#[tokio::test]
async fn an_unplugged_sensor_is_a_fault_and_comes_back() {
    let mut kitchen = Kitchen::start(plan()).await;
    kitchen.readings(FRIDGE, 2, has_temperature).await;
    kitchen.sensors[0].kill().await.unwrap();
    kitchen.readings(FRIDGE, 1, |reading| reading["fault"] == "no-port").await;
    let others = kitchen.readings(FREEZER, 1, has_temperature).await.len();
    kitchen.readings(FREEZER, others + 2, has_temperature).await;
    let before = kitchen.readings(FRIDGE, 1, has_temperature).await.len();
    kitchen.sensors[0] = kitchen.layout.start_sensor(0).unwrap();
    kitchen.readings(FRIDGE, before + 2, has_temperature).await;
    kitchen.settle().await;
    Evidence::of(&kitchen.layout).await.is_whole();
}

#[tokio::test]
async fn a_door_left_open_raises_an_alert_that_resolves() {
    let mut plan = plan();
    plan.sensors[0].door_open = Some((60, 600));
    let mut kitchen = Kitchen::start(plan).await;
    let client = kitchen.client().await;
    let alert = wait_for("a HIGH_TEMP alert", || {
        let client = client.clone();
        async move { client.get("/alerts").await.ok()?["alerts"].as_array()?.first().cloned() }
    })
    .await;
    assert_eq!((alert["type"].as_str(), alert["deviceId"].as_str()), (Some("HIGH_TEMP"), Some(FRIDGE)));
    assert_eq!(alert["threshold"].as_f64(), Some(8.0));
    assert_eq!(alert["acknowledged"].as_bool(), Some(false));
    wait_for("the alert to resolve", || {
        let client = client.clone();
        async move { (client.get("/alerts").await.ok()?["totalActive"] == 0).then_some(()) }
    })
    .await;
    kitchen.settle().await;
    Evidence::of(&kitchen.layout).await.is_whole();
}
