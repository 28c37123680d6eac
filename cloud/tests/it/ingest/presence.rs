//! A status message that is told again makes no gateway look heard of, and none look lost.

use kitchen_cloud::store::{Key, keys};
use kitchen_contract::status::StatusKind;
use kitchen_contract::time::Timestamp;

use super::bench::{Sink, status};
use super::scene::Scene;
use crate::field::{ago, reading};

/// Tells the message at a moment; when the sink last heard what is under `key`, by then.
async fn told(scene: &Scene, (age_s, payload): (i64, &[u8]), key: &Key) -> Option<Timestamp> {
    let sink = Sink::open_at(&scene.field, ago(age_s)).await;
    let ack = sink.deliver(status("gw-a", payload.to_vec(), None)).await;
    let asks = payload.windows(10).any(|part| part == b"\"question\"");
    assert_eq!(ack.map(|ack| (ack.ranges.is_empty(), ack.answers)), asks.then_some((true, Some(1))), "new or not");
    let heard = sink.store.get(key).await.unwrap();
    sink.stop().await;
    heard.map(|item| serde_json::from_value(item.body["receivedAt"].clone()).unwrap())
}

#[tokio::test]
async fn a_heartbeat_that_is_told_again_does_not_count_as_heard() {
    let scene = Scene::new().await;
    let key = keys::status(&scene.a.id);
    let heartbeat = |last_seq, age_s| scene.a.status("cnow", StatusKind::Heartbeat, (last_seq, Some(ago(age_s))));
    // Of the earlier run something is stored; of a run of which nothing is, a message is always new.
    let payload = scene.a.envelope("kitchen-a", "cold", vec![reading(1, "sensor-a", (ago(900), 4.0))]);
    scene.sink.send("kitchen-a", payload).await.unwrap();
    let (earlier, first) = (scene.a.status("cold", StatusKind::Birth, (7, Some(ago(900)))), heartbeat(3, 600));
    assert_eq!(told(&scene, (900, &earlier), &key).await, Some(ago(900)));
    assert_eq!(told(&scene, (600, &first), &key).await, Some(ago(600)));
    assert_eq!(told(&scene, (500, &first), &key).await, Some(ago(600)));
    assert_eq!(told(&scene, (500, &earlier), &key).await, Some(ago(600)));
    assert_eq!(told(&scene, (400, &heartbeat(3, 400)), &key).await, Some(ago(400)));
    assert_eq!(told(&scene, (300, &first), &key).await, Some(ago(400)));
}

#[tokio::test]
async fn a_last_will_neither_shows_a_gateway_online_nor_is_it_overwritten() {
    let scene = Scene::new().await;
    let (heard, lost) = (keys::status(&scene.a.id), keys::last_will(&scene.a.id));
    let birth = scene.a.status("cnow", StatusKind::Birth, (3, Some(ago(600))));
    let will = scene.a.status("cnow", StatusKind::LastWill, (3, Some(ago(601))));
    told(&scene, (600, &birth), &heard).await;
    assert_eq!(told(&scene, (500, &will), &heard).await, Some(ago(600)), "a will is not being heard of");
    assert_eq!(told(&scene, (400, &birth), &lost).await, Some(ago(500)));
    assert_eq!(told(&scene, (400, &birth), &heard).await, Some(ago(600)), "it stays lost");
    let back = scene.a.status("cnow", StatusKind::Birth, (3, Some(ago(300))));
    assert_eq!(told(&scene, (300, &back), &heard).await, Some(ago(300)));
    assert_eq!(told(&scene, (200, &will), &lost).await, Some(ago(500)), "it is lost once");
}
