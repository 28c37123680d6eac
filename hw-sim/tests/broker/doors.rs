//! Both doors against a real MQTT client: what a gateway's certificate must not be able to do.
//!
//! The hostile gateway `gw-other` has a certificate of ours and is registered, in another kitchen of another customer.

use std::path::Path;

use hw_sim::bench::layout::{GATEWAY, KITCHEN};
use hw_sim::bench::{Layout, Plan};

use crate::evidence::Evidence;
use crate::kitchen::{Kitchen, plan, wait_for};
use crate::mosquitto::{Client, LISTEN, said};
use crate::path::kitchen_with_broker;

const OTHER_GATEWAY: &str = "gw-other";
const OTHER_KITCHEN: &str = "kitchen-other";

/// Registers the hostile gateway; its certificate is then below `pki/gateways/`.
async fn add_other(layout: &Layout) {
    layout.cloud_command(&["pki", "gateway", OTHER_GATEWAY]).await.unwrap();
    let seed = format!(
        "[[tenants]]\nid = \"cust-other\"\nname = \"Other\"\n\n\
         [[kitchens]]\nid = \"{OTHER_KITCHEN}\"\ntenant = \"cust-other\"\nname = \"Other kitchen\"\n\n\
         [[gateways]]\nid = \"{OTHER_GATEWAY}\"\nkitchen = \"{OTHER_KITCHEN}\"\n"
    );
    std::fs::write(layout.dir().join("other.toml"), seed).unwrap();
    layout.cloud_command(&["seed", "other.toml"]).await.unwrap();
}

/// A door: where it is, and whose certificate knocks.
struct Door<'a> {
    dir: &'a Path,
    port: u16,
}

impl Door<'_> {
    fn client(&self) -> Client<'_> {
        Client { dir: self.dir, port: self.port, pair: "gateways/gw-other", client_id: OTHER_GATEWAY }
    }

    /// Publishing where the gateway may not: told so (reason 135), or disconnected.
    fn refuses_publish(&self, topic: &str, message: &[u8]) {
        let output = self.client().publish(topic, message);
        let words = said(&output);
        assert!(words.contains("Not authorized") || !output.status.success(), "{topic}: {words}");
    }

    /// Subscribing where the gateway may not: nothing arrives, although messages are on their way all the time.
    fn refuses_subscribe(&self, filter: &str) {
        let words = said(&self.client().subscribe(filter, LISTEN.as_secs()));
        assert!(words.contains("SUBACK") || words.contains("denied"), "{filter}: never asked: {words}");
        assert!(!words.contains("received PUBLISH"), "{filter}: {words}");
    }

    fn refuses_everything_foreign(&self) {
        let signed = include_bytes!("../../../agent/contract/tests/it/v1-envelope.json");
        for topic in [
            format!("visiondrive/kitchen/{KITCHEN}/temperature"),
            format!("visiondrive/gateway/{GATEWAY}/status"),
            format!("visiondrive/gateway/{GATEWAY}/command/reply"),
            format!("visiondrive/gateway/{GATEWAY}/ack"),
            format!("visiondrive/gateway/{GATEWAY}/command"),
            format!("visiondrive/gateway/{OTHER_GATEWAY}/ack"),
            format!("visiondrive/gateway/{OTHER_GATEWAY}/command"),
        ] {
            self.refuses_publish(&topic, signed);
        }
        for filter in [
            format!("visiondrive/gateway/{GATEWAY}/ack"),
            format!("visiondrive/gateway/{GATEWAY}/command"),
            "visiondrive/gateway/+/ack".to_owned(),
            "visiondrive/#".to_owned(),
            "#".to_owned(),
            format!("visiondrive/kitchen/{KITCHEN}/temperature"),
        ] {
            self.refuses_subscribe(&filter);
        }
    }

    /// What a gateway may do works, so that the refusals above mean something.
    fn serves_its_own(&self) {
        let words = said(&self.client().subscribe(&format!("visiondrive/gateway/{OTHER_GATEWAY}/ack"), 1));
        assert!(!words.contains("ot authorized") && !words.contains("denied"), "{words}");
        let output = self.client().publish(&format!("visiondrive/kitchen/{OTHER_KITCHEN}/temperature"), b"{}");
        assert!(output.status.success(), "{}", said(&output));
    }

    /// In its own kitchen's topic the gateway speaks in another gateway's name: taken at the door, believed by nobody.
    fn speaks_for_another(&self) {
        let signed = include_bytes!("../../../agent/contract/tests/it/v1-envelope.json");
        let output = self.client().publish(&format!("visiondrive/kitchen/{OTHER_KITCHEN}/temperature"), signed);
        assert!(output.status.success(), "{}", said(&output));
    }

    fn refuses_strangers(&self) {
        let identity = Client { client_id: GATEWAY, ..self.client() };
        let output = identity.publish(&format!("visiondrive/gateway/{GATEWAY}/status"), b"{}");
        assert!(!output.status.success(), "another gateway's client id is let in: {}", said(&output));
    }
}

/// Sensors and agent run, so that what must not be read or disturbed is there to be read and disturbed.
async fn traffic(kitchen: &mut Kitchen) {
    kitchen.start_sensors();
    kitchen.start_agent();
    kitchen.readings("walk-in-fridge", 3, |reading| reading["temperature"].is_number()).await;
}

async fn settles_with_a_forgery_aside(mut kitchen: Kitchen) {
    kitchen.settle().await;
    let evidence = Evidence::of(&kitchen.layout).await;
    evidence.is_stored_and_judged();
    assert!(evidence.aside >= 1, "the forged envelope left no trace");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_endpoint_keeps_gateways_apart() {
    let mut kitchen = Kitchen::prepare(plan()).await;
    add_other(&kitchen.layout).await;
    kitchen.start_cloud().await;
    traffic(&mut kitchen).await;
    let door = Door { dir: kitchen.layout.dir(), port: kitchen.layout.endpoint_port() };
    door.serves_its_own();
    door.refuses_everything_foreign();
    door.refuses_strangers();
    door.speaks_for_another();
    settles_with_a_forgery_aside(kitchen).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mosquitto_with_our_acl_keeps_gateways_apart() {
    let (mut kitchen, broker) = kitchen_with_broker().await;
    add_other(&kitchen.layout).await;
    let broker = broker.reload_acl(&kitchen.layout).await;
    wait_for("the cloud to come back to the broker", || {
        let log = std::fs::read_to_string(kitchen.layout.dir().join("cloud.log")).unwrap_or_default();
        async move { (log.matches("bridge connected").count() >= 2).then_some(()) }
    })
    .await;
    traffic(&mut kitchen).await;
    let door = Door { dir: kitchen.layout.dir(), port: broker.port() };
    let sink = Client { pair: "sink", client_id: "another-sink", ..door.client() };
    let words = said(&sink.subscribe("visiondrive/kitchen/+/temperature", LISTEN.as_secs()));
    assert!(words.contains("received PUBLISH"), "there is nothing to be overheard: {words}");
    door.serves_its_own();
    door.refuses_everything_foreign();
    door.speaks_for_another();
    settles_with_a_forgery_aside(kitchen).await;
}

#[tokio::test]
async fn a_certificate_of_another_authority_is_no_certificate() {
    let mut kitchen = Kitchen::prepare(plan()).await;
    let stranger = Kitchen::prepare(Plan { ..plan() }).await;
    kitchen.start_cloud().await;
    let mut client = Client {
        dir: stranger.layout.dir(),
        port: kitchen.layout.endpoint_port(),
        pair: "gateways/gw-demo",
        client_id: GATEWAY,
    };
    let output = client.publish(&format!("visiondrive/gateway/{GATEWAY}/status"), b"{}");
    assert!(!output.status.success(), "let in: {}", said(&output));
    client.dir = kitchen.layout.dir();
    let output = client.publish(&format!("visiondrive/gateway/{GATEWAY}/status"), b"{}");
    assert!(output.status.success(), "{}", said(&output));
}
