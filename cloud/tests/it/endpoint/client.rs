//! The client library that the agent uses, in both versions: from a reading to its acknowledgement.

use std::time::Duration;

use kitchen_contract::ack::Ack;
use rumqttc::{TlsConfiguration, Transport};

use super::door::Door;
use crate::field::{ago, reading};

const ACK: &str = "visiondrive/gateway/gw-a/ack";
const TOPIC: &str = "visiondrive/kitchen/kitchen-a/temperature";

fn envelope(door: &Door, seq: u64) -> Vec<u8> {
    door.a.envelope("kitchen-a", "cepoch", vec![reading(seq, "sensor-a", (ago(60 - seq as i64), 4.0))])
}

fn tls(door: &Door) -> Transport {
    Transport::tls_with_config(TlsConfiguration::Rustls(door.client_tls(Some(&door.a.issued)).into()))
}

fn names(payload: &[u8], seq: u64) {
    let ack: Ack = serde_json::from_slice(payload).unwrap();
    assert_eq!((ack.epoch.as_str(), ack.ranges, ack.rejected), ("cepoch", vec![(seq, seq)].into(), vec![]));
}

#[tokio::test]
async fn version_3() {
    use rumqttc::{AsyncClient, Event, MqttOptions, Packet, QoS};
    let door = Door::open().await;
    let mut options = MqttOptions::new("gw-a", "localhost", door.address.port());
    options.set_keep_alive(Duration::from_secs(30)).set_transport(tls(&door));
    let (client, mut event_loop) = AsyncClient::new(options, 10);
    client.subscribe(ACK, QoS::AtLeastOnce).await.unwrap();
    client.publish(TOPIC, QoS::AtLeastOnce, false, envelope(&door, 1)).await.unwrap();
    loop {
        if let Event::Incoming(Packet::Publish(publish)) = event_loop.poll().await.unwrap() {
            assert_eq!(publish.topic, ACK);
            return names(&publish.payload, 1);
        }
    }
}

#[tokio::test]
async fn version_5() {
    use rumqttc::v5::mqttbytes::QoS;
    use rumqttc::v5::mqttbytes::v5::Packet;
    use rumqttc::v5::{AsyncClient, Event, MqttOptions};
    let door = Door::open().await;
    let mut options = MqttOptions::new("gw-a", "localhost", door.address.port());
    options.set_keep_alive(Duration::from_secs(30)).set_transport(tls(&door));
    let (client, mut event_loop) = AsyncClient::new(options, 10);
    client.subscribe(ACK, QoS::AtLeastOnce).await.unwrap();
    client.publish(TOPIC, QoS::AtLeastOnce, false, envelope(&door, 2)).await.unwrap();
    loop {
        if let Event::Incoming(Packet::Publish(publish)) = event_loop.poll().await.unwrap() {
            assert_eq!(publish.topic, ACK);
            return names(&publish.payload, 2);
        }
    }
}
