//! The whole path through Mosquitto instead of the cloud's own endpoint, and through its death.

use std::time::Instant;

use hw_sim::bench::Plan;
use hw_sim::bench::layout::free_port;
use serde_json::Value;

use crate::evidence::Evidence;
use crate::kitchen::{Kitchen, plan, wait_for, within_a_minute};
use crate::mosquitto::Mosquitto;

fn has_temperature(reading: &Value) -> bool {
    reading["temperature"].is_number()
}

/// A kitchen whose agent and cloud meet at Mosquitto.
pub(crate) async fn kitchen_with_broker() -> (Kitchen, Mosquitto) {
    let port = free_port().unwrap();
    let mut kitchen = Kitchen::prepare(Plan { broker_port: Some(port), ..plan() }).await;
    let broker = Mosquitto::start(&kitchen.layout, port).await;
    kitchen.start_cloud().await;
    (kitchen, broker)
}

#[tokio::test]
async fn readings_cross_mosquitto_and_every_one_is_stored_once() {
    let (mut kitchen, _broker) = kitchen_with_broker().await;
    kitchen.start_sensors();
    kitchen.start_agent();
    kitchen.readings("walk-in-fridge", 5, has_temperature).await;
    kitchen.readings("freezer", 5, has_temperature).await;
    kitchen.settle().await;
    Evidence::of(&kitchen.layout).await.is_whole();
}

#[tokio::test]
async fn nothing_is_lost_when_the_broker_is_killed_again_and_again() {
    let (mut kitchen, mut broker) = kitchen_with_broker().await;
    kitchen.start_sensors();
    kitchen.start_agent();
    for _ in 0..3 {
        let before = kitchen.readings("walk-in-fridge", 1, has_temperature).await.len();
        kitchen.readings("walk-in-fridge", before + 2, has_temperature).await;
        broker.restart().await;
    }
    let before = kitchen.readings("walk-in-fridge", 1, has_temperature).await.len();
    kitchen.readings("walk-in-fridge", before + 2, has_temperature).await;
    kitchen.settle().await;
    Evidence::of(&kitchen.layout).await.is_whole();
}

/// N9: the broker forgets everything while the cloud is away, the window is full and more waits behind it; the client must not
/// wait for what nobody will ever acknowledge.
#[tokio::test]
async fn a_broker_that_forgets_everything_in_flight_is_used_again_within_a_minute() {
    let (mut kitchen, mut broker) = kitchen_with_broker().await;
    kitchen.start_sensors();
    kitchen.start_agent();
    let log = kitchen.layout.dir().join("agent.log");
    let said = |message: &str| {
        let text = std::fs::read_to_string(&log).unwrap_or_default();
        text.matches(&format!("\"message\":\"{message}\"")).count()
    };
    kitchen.readings("walk-in-fridge", 1, has_temperature).await;
    for _ in 0..2 {
        kitchen.cloud.as_mut().unwrap().kill().await.unwrap();
        let before = said("reading taken");
        wait_for("a hundred readings more", || async { (said("reading taken") >= before + 100).then_some(()) }).await;
        broker.restart().await;
        let acknowledged = said("acknowledged");
        kitchen.start_cloud().await;
        let (began, most) = (Instant::now(), within_a_minute(&kitchen));
        wait_for("an acknowledgement", || async { (said("acknowledged") > acknowledged).then_some(()) }).await;
        let took = began.elapsed();
        assert!(took < most, "{took:?} instead of {most:?}");
    }
    kitchen.settle().await;
    Evidence::of(&kitchen.layout).await.is_whole();
}
