//! What is not believed frees nothing; what is signed but cannot be taken is kept aside, within a bound, and answered.

use kitchen_cloud::registry::Enrolment;
use kitchen_cloud::store::{Item, Write, keys};
use kitchen_contract::ack::{Ack, RejectReason};
use kitchen_contract::record::{Body, Event, Record};
use kitchen_contract::signature;
use kitchen_contract::status::StatusKind;
use kitchen_contract::time::Clock;
use serde_json::{Map, Value, json};

use super::bench::{Sink, records, status};
use super::scene::Scene;
use crate::field::{Gateway, ago, now, reading, sensor};

impl Scene {
    fn good(&self) -> Vec<u8> {
        self.a.envelope("kitchen-a", "cepoch", vec![reading(1, "sensor-a", (ago(60), 4.0))])
    }

    async fn nothing_stored(&self) {
        assert!(self.sink.readings("sensor-a").await.is_empty());
        assert!(self.sink.ledger(&self.a.id, "cepoch").await.is_empty());
    }
}

/// Signs any JSON as a gateway.
fn signed(gateway: &Gateway, document: Value) -> Vec<u8> {
    let Value::Object(mut document) = document else { panic!("an object") };
    signature::sign(&mut document, &gateway.key).unwrap();
    serde_json::to_vec(&document).unwrap()
}

fn reasons(ack: &Ack) -> Vec<((u64, u64), RejectReason)> {
    ack.rejected.iter().map(|rejected| (rejected.range, rejected.reason)).collect()
}

#[tokio::test]
async fn without_the_named_gateways_signature_nobody_is_answered() {
    let scene = Scene::new().await;
    let unsigned = |payload: &[u8]| {
        let mut document: Map<String, Value> = serde_json::from_slice(payload).unwrap();
        document.remove("signature");
        serde_json::to_vec(&document).unwrap()
    };
    let text = String::from_utf8(scene.good()).unwrap();
    let stranger = scene.field.gateway("gw-a");
    let foreign = stranger.envelope("kitchen-a", "cepoch", vec![reading(1, "sensor-a", (ago(60), 4.0))]);
    let rows = vec![reading(1, "sensor-a", (ago(60), 4.0))];
    let unknown = scene.field.gateway("gw-x").envelope("kitchen-a", "cepoch", rows);
    for payload in [
        b"".to_vec(),
        b"\xff\xfe".to_vec(),
        b"[]".to_vec(),
        "[".repeat(100_000).into_bytes(),
        unsigned(&scene.good()),
        foreign,
        unknown,
        text.replace("11.072", "11.073").into_bytes(),
        text.replace("\"seq\":1", "\"seq\":2").replace("\"to\":1", "\"to\":2").into_bytes(),
        text.replace("cepoch", "cother").into_bytes(),
    ] {
        assert_eq!(scene.sink.send("kitchen-a", payload).await, None);
    }
    scene.nothing_stored().await;
}

#[tokio::test]
async fn who_is_let_in_as_one_gateway_cannot_speak_for_another() {
    let scene = Scene::new().await;
    let as_b = records("kitchen-a", scene.good(), Some("gw-b"));
    assert_eq!(scene.sink.deliver(as_b).await, None);
    let elsewhere = records("kitchen-b", scene.good(), Some("gw-a"));
    assert_eq!(scene.sink.deliver(elsewhere).await, None);
    let birth = status("gw-a", scene.a.birth("cepoch"), Some("gw-b"));
    assert_eq!(scene.sink.deliver(birth).await, None);
    let others_birth = status("gw-b", scene.a.birth("cepoch"), None);
    assert_eq!(scene.sink.deliver(others_birth).await, None);
    scene.nothing_stored().await;
    let own = records("kitchen-a", scene.good(), Some("gw-a"));
    assert_eq!(scene.sink.deliver(own).await.unwrap().ranges, vec![(1, 1)].into());
}

#[tokio::test]
async fn a_birth_is_answered_without_ranges_and_with_the_time() {
    let scene = Scene::new().await;
    let ack = scene.sink.deliver(status("gw-a", scene.a.birth("cepoch"), Some("gw-a"))).await.unwrap();
    assert!(ack.ranges.is_empty() && ack.rejected.is_empty());
    assert_eq!((ack.epoch.as_str(), ack.server_time, ack.lease_until), ("cepoch", now(), None));
}

#[tokio::test]
async fn signed_records_that_cannot_be_taken_are_answered_with_the_reason() {
    let scene = Scene::new().await;
    let rows = vec![
        reading(1, "sensor-a", (ago(60), 4.0)),
        reading(2, "sensor-z", (ago(60), 4.0)),
        reading(3, "sensor-b", (ago(60), 4.0)),
        reading(4, "sensor-a", (ago(-86_401), 4.0)),
        reading(5, "sensor-a", (ago(-86_399), 4.0)),
    ];
    let ack = scene.sink.send("kitchen-a", scene.a.envelope("kitchen-a", "cepoch", rows)).await.unwrap();
    assert_eq!(ack.ranges, vec![(1, 1), (5, 5)].into());
    assert_eq!(
        reasons(&ack),
        [
            ((2, 2), RejectReason::UnknownDevice),
            ((3, 3), RejectReason::NotAssigned),
            ((4, 4), RejectReason::FutureTimestamp)
        ]
    );
    let elsewhere = vec![reading(6, "sensor-a", (ago(60), 4.0))];
    let ack = scene.sink.send("kitchen-b", scene.a.envelope("kitchen-b", "cepoch", elsewhere)).await.unwrap();
    assert_eq!(reasons(&ack), [((6, 6), RejectReason::NotAssigned)]);
    assert!(scene.sink.readings("sensor-b").await.is_empty());
}

#[tokio::test]
async fn a_status_that_is_played_again_does_not_make_a_silent_gateway_look_alive() {
    let scene = Scene::new().await;
    let kept = async || {
        let item = scene.sink.store.get(&keys::status(&scene.a.id)).await.unwrap().unwrap();
        (item.body["epoch"].clone(), item.body["lastSeq"].clone(), item.body["timestamp"].clone())
    };
    let says = async |epoch: &str, kind, at: (u64, i64)| {
        let payload = scene.a.status(epoch, kind, (at.0, Some(ago(at.1))));
        scene.sink.deliver(status("gw-a", payload, None)).await;
        kept().await
    };
    let heartbeat = StatusKind::Heartbeat;
    let first = says("cepoch", heartbeat, (5, 300)).await;
    assert_eq!(says("cepoch", heartbeat, (5, 300)).await, first);
    assert_eq!(says("cepoch", heartbeat, (4, 400)).await, first);
    assert_eq!(says("cepoch", StatusKind::LastWill, (5, 301)).await, first);
    assert_ne!(says("cepoch", heartbeat, (5, 200)).await, first, "later, and nothing else has changed");
    assert_eq!(says("cepoch", heartbeat, (6, 900)).await.1, 6, "a clock that was set back");
    let good = records("kitchen-a", scene.good(), None);
    scene.sink.deliver(good).await.unwrap();
    assert_eq!(says("cnew", heartbeat, (0, 1000)).await.0, "cnew", "a new epoch, whatever its clock says");
    assert_eq!(says("cepoch", heartbeat, (6, 1100)).await.0, "cnew", "the old one played again");
}

#[tokio::test]
async fn a_signed_body_that_cannot_be_read_is_answered_as_a_whole() {
    let scene = Scene::new().await;
    let header = |v: u64, from: u64, to: u64, records: Value| {
        json!({ "v": v, "gatewayId": "gw-a", "kitchenId": "kitchen-a", "epoch": "cepoch",
                "from": from, "to": to, "records": records })
    };
    for (document, expected) in [
        (header(2, 1, 4, json!([])), ((1, 4), RejectReason::UnknownVersion)),
        (header(1, 5, 6, json!([])), ((5, 6), RejectReason::MalformedBody)),
        (header(1, 7, 7, json!("what")), ((7, 7), RejectReason::MalformedBody)),
        (header(1, 8, 9, json!([{ "seq": 9 }, { "seq": 8 }])), ((8, 9), RejectReason::MalformedBody)),
        (header(1, 10, 10, json!([{ "seq": 10, "kind": "odd" }])), ((10, 10), RejectReason::MalformedRecord)),
        (header(2, 501, 1000, json!([])), ((501, 1000), RejectReason::UnknownVersion)),
    ] {
        let ack = scene.sink.send("kitchen-a", signed(&scene.a, document)).await.unwrap();
        assert_eq!(reasons(&ack), [expected]);
        assert!(ack.ranges.is_empty());
    }
    // What is no range, or wider than an envelope has records, could free what the envelope did not bring.
    for (from, to) in [(12, 3), (0, 3), (1, 1 << 53), (0, u64::MAX), (1001, 1501)] {
        let odd = signed(&scene.a, header(2, from, to, json!([])));
        assert!(scene.sink.send("kitchen-a", odd).await.is_none(), "{from} to {to}");
    }
    scene.nothing_stored().await;
}

#[tokio::test]
async fn a_body_that_cannot_be_read_rejects_nothing_that_is_stored() {
    let scene = Scene::new().await;
    let stored = vec![reading(2, "sensor-a", (ago(60), 4.0)), reading(3, "sensor-a", (ago(50), 4.0))];
    scene.sink.send("kitchen-a", scene.a.envelope("kitchen-a", "cepoch", stored)).await.unwrap();
    let odd = json!({ "v": 2, "gatewayId": "gw-a", "kitchenId": "kitchen-a", "epoch": "cepoch",
                      "from": 1, "to": 4, "records": [] });
    let ack = scene.sink.send("kitchen-a", signed(&scene.a, odd)).await.unwrap();
    let unknown = RejectReason::UnknownVersion;
    assert_eq!(reasons(&ack), [((1, 1), unknown), ((4, 4), unknown)]);
    assert_eq!(ack.ranges.iter().collect::<Vec<_>>(), [(2, 3)]);
}

#[tokio::test]
async fn what_was_kept_aside_is_kept_once_and_can_be_taken_later() {
    let scene = Scene::new().await;
    let envelope = scene.a.envelope("kitchen-a", "cepoch", vec![reading(1, "sensor-z", (ago(60), 4.0))]);
    for _ in 0..50 {
        let ack = scene.sink.send("kitchen-a", envelope.clone()).await.unwrap();
        assert_eq!(reasons(&ack), [((1, 1), RejectReason::UnknownDevice)]);
    }
    assert_eq!(scene.sink.of_gateway("gw-a", "QUARANTINE#").await.len(), 1);
    let sensors = vec![sensor("z", "a", ago(3600))];
    scene.registry().enrol(&Enrolment { sensors, ..Enrolment::default() }, now()).await.unwrap();
    let ack = scene.sink.send("kitchen-a", envelope).await.unwrap();
    assert_eq!((ack.ranges, ack.rejected), (vec![(1, 1)].into(), vec![]));
    assert_eq!(scene.sink.readings("sensor-z").await.len(), 1);
}

#[tokio::test]
async fn a_gateway_that_only_sends_what_cannot_be_taken_fills_no_disk() {
    const PLACES: u64 = 32_768;
    let scene = Scene::new().await;
    let ring = json!({ "gatewayId": "gw-a", "count": PLACES - 2 });
    let key = keys::quarantine_ring(&"gw-a".parse().unwrap());
    let ring = Item::new(key, ring.as_object().unwrap().clone());
    scene.sink.store.commit(&[Write::Put(ring)]).await.unwrap();
    for seq in 1..=5 {
        let envelope = scene.a.envelope("kitchen-a", "cepoch", vec![reading(seq, "sensor-z", (ago(60), 4.0))]);
        assert_eq!(scene.sink.send("kitchen-a", envelope).await.unwrap().rejected.len(), 1);
    }
    let kept = scene.sink.of_gateway("gw-a", "QUARANTINE#").await;
    let slots: Vec<_> = kept.iter().map(|item| item.key.sort.rsplit('#').next().unwrap().to_owned()).collect();
    assert_eq!(slots, ["000000", "000001", "000002", "032766", "032767"]);
}

#[tokio::test]
async fn what_was_kept_aside_and_is_gone_from_the_ring_is_kept_again() {
    let scene = Scene::new().await;
    let envelope = scene.a.envelope("kitchen-a", "cepoch", vec![reading(1, "sensor-z", (ago(60), 4.0))]);
    for (age_s, kept) in [(0, 1), (0, 1), (-9 * 86_400, 1), (-10 * 86_400, 2), (-11 * 86_400, 2)] {
        let sink = Sink::open_at(&scene.field, ago(age_s)).await;
        let ack = sink.send("kitchen-a", envelope.clone()).await.unwrap();
        assert_eq!(reasons(&ack), [((1, 1), RejectReason::UnknownDevice)]);
        assert_eq!(sink.of_gateway("gw-a", "QUARANTINE#").await.len(), kept, "{age_s}");
        sink.stop().await;
    }
}

#[tokio::test]
async fn stored_and_rejected_in_turn_make_no_item_large_and_are_answered_alike_again() {
    const RECORDS: u64 = 9000;
    let scene = Scene::new().await;
    let record = |seq| reading(seq, if seq % 2 == 0 { "sensor-a" } else { "sensor-z" }, (ago(60), 4.0));
    let envelope = |from: u64| scene.a.envelope("kitchen-a", "cepoch", (from..from + 200).map(record).collect());
    for from in (1..RECORDS).step_by(200) {
        let ack = scene.sink.send("kitchen-a", envelope(from)).await.unwrap();
        assert_eq!((ack.ranges.count(), ack.rejected.len()), (100, 100));
    }
    // The one that reaches from the first block into the second.
    let first = scene.sink.send("kitchen-a", envelope(4001)).await.unwrap();
    assert_eq!((first.ranges.count(), first.rejected.len()), (100, 100));
    assert_eq!(scene.sink.ledger(&scene.a.id, "cepoch").await.count(), RECORDS / 2);
    assert_eq!(scene.sink.of_gateway("gw-a", "QUARANTINE#").await.len(), 45);
    let blocks = scene.sink.items(kitchen_cloud::store::Table::Devices, "GATEWAY#gw-a", "EPOCH#").await;
    assert_eq!(blocks.len(), 3);
    for block in blocks {
        assert!(serde_json::to_vec(&block.body).unwrap().len() < 100_000);
    }
}

#[tokio::test]
async fn an_event_newer_than_this_sink_is_stored_as_it_came() {
    let scene = Scene::new().await;
    let record = Record { seq: 1, timestamp: ago(60), clock: Clock::Synced, body: Body::Event(Event::Unknown) };
    let mut raw = serde_json::to_value(&record).unwrap();
    raw["event"] = json!({ "type": "fireDrill", "leader": "chef" });
    let document = json!({ "v": 1, "gatewayId": "gw-a", "kitchenId": "kitchen-a", "epoch": "cepoch",
                           "from": 1, "to": 1, "records": [raw] });
    let ack = scene.sink.send("kitchen-a", signed(&scene.a, document)).await.unwrap();
    assert_eq!(ack.ranges, vec![(1, 1)].into());
    let stored = scene.sink.of_gateway("gw-a", "RECORD#").await;
    assert_eq!(stored[0].body["record"], raw);
    assert_eq!(stored[0].body["customerId"], "cust-a");
}

#[tokio::test]
async fn one_gateways_damaged_item_does_not_hold_up_the_others() {
    let scene = Scene::new().await;
    let key = kitchen_cloud::store::keys::ledger(&scene.a.id, &"cepoch".parse().unwrap(), 0);
    let mut batch = kitchen_cloud::store::Batch::new(&scene.sink.store);
    let Value::Object(body) = json!({ "ranges": "damaged" }) else { panic!("an object") };
    batch.put(kitchen_cloud::store::Item::new(key, body));
    batch.commit().await.unwrap();
    let others = scene.b.envelope("kitchen-b", "cepoch", vec![reading(1, "sensor-b", (ago(60), 4.0))]);
    let damaged = scene.sink.hand_in(records("kitchen-a", scene.good(), None)).await;
    let good = scene.sink.hand_in(records("kitchen-b", others, None)).await;
    let damaged_again = scene.sink.hand_in(records("kitchen-a", scene.good(), None)).await;
    assert!(good.await.unwrap().answer.is_some());
    assert!(damaged.await.is_err() && damaged_again.await.is_err());
}

#[tokio::test]
async fn everything_a_gateway_leaves_names_its_customer() {
    let scene = Scene::new().await;
    let rows = vec![reading(1, "sensor-a", (ago(60), 4.0)), reading(2, "sensor-z", (ago(60), 4.0))];
    scene.sink.send("kitchen-a", scene.a.envelope("kitchen-a", "cepoch", rows)).await.unwrap();
    scene.sink.deliver(status("gw-a", scene.a.birth("cepoch"), None)).await.unwrap();
    for prefix in ["ENVELOPE#", "QUARANTINE#"] {
        for item in scene.sink.of_gateway("gw-a", prefix).await {
            assert_eq!(item.body["customerId"], "cust-a", "{prefix}");
        }
    }
    for prefix in ["EPOCH#", "STATUS", "QUARANTINE"] {
        let items = scene.sink.items(kitchen_cloud::store::Table::Devices, "GATEWAY#gw-a", prefix).await;
        assert_eq!(items.len(), 1, "{prefix}");
        assert_eq!(items[0].body["customerId"], "cust-a", "{prefix}");
    }
}
