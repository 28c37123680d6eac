//! The bridge before a broker that the test plays, over real TLS.

use kitchen_cloud::bridge::{self, Bridge, client_config};
use kitchen_cloud::clock::Clock;
use kitchen_cloud::config::BrokerConfig;
use kitchen_cloud::endpoint::tls::server_config;
use kitchen_cloud::ingest::IngestTask;
use kitchen_cloud::pki::authority::Subject;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::endpoint::wire::{CONNECT, DISCONNECT, PUBACK, PUBLISH, Peer, SUBSCRIBE, Version, publish};
use crate::field::{Field, Gateway, ago, enrol, now, reading};

const TOPIC: &str = "visiondrive/kitchen/kitchen-a/temperature";

/// A running bridge that has connected and subscribed.
struct Bridged {
    field: Field,
    a: Gateway,
    broker: Peer,
    shutdown: CancellationToken,
    task: JoinHandle<()>,
}

impl Bridged {
    async fn connect() -> Self {
        let _installed_before = rustls::crypto::ring::default_provider().install_default();
        let field = Field::new();
        let (a, sink) = (field.gateway("gw-a"), field.issue(&Subject::Sink));
        std::fs::write(field.path("sink.pem"), &sink.certificate).unwrap();
        std::fs::write(field.path("sink.key"), &sink.key).unwrap();
        let store = field.store().await;
        enrol(&store, &[&a]).await;
        let (ingest_task, ingest) = IngestTask::new(store, Clock::fixed(now()));
        tokio::spawn(ingest_task.run(CancellationToken::new()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let broker = BrokerConfig {
            host: "localhost".to_owned(),
            port: listener.local_addr().unwrap().port(),
            ca: field.path("ca.pem"),
            certificate: field.path("sink.pem"),
            key: field.path("sink.key"),
            client_id: "sink".to_owned(),
        };
        let tls = client_config(&broker.certificate, &broker.key, &broker.ca).unwrap();
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(bridge::run(Bridge { broker, tls, ingest }, shutdown.clone()));
        let broker = accept(&field, listener).await;
        Self { field, a, broker, shutdown, task }
    }

    /// Sends so many messages, and returns when all of them are with ingest: what is none of ours is confirmed at once, in
    /// its turn.
    async fn hand_in(&mut self, count: u16) {
        for id in 1..=count {
            let reading = reading(u64::from(id), "sensor-a", (ago(60 - i64::from(id)), 4.0));
            self.broker.publish(TOPIC, Some(id), &self.a.envelope("kitchen-a", "cepoch", vec![reading])).await;
        }
        self.broker.send(&publish(Version::V3, "elsewhere", Some(99), b"x")).await;
        assert_eq!(self.broker.expect(PUBACK).await.body, [0, 99]);
    }

    /// What the bridge still confirms before it says goodbye.
    async fn confirmed_before_goodbye(&mut self) -> Vec<u8> {
        let mut confirmed = Vec::new();
        loop {
            let packet = self.broker.next().await.expect("closed without a goodbye");
            match packet.kind {
                PUBACK => confirmed.push(packet.body[1]),
                PUBLISH => {}
                other => {
                    assert_eq!(other, DISCONNECT);
                    return confirmed;
                }
            }
        }
    }
}

/// The broker's side: lets the sink in and grants what it asks for.
async fn accept(field: &Field, listener: TcpListener) -> Peer {
    let tls = server_config(&field.path("server.pem"), &field.path("server.key"), &field.path("ca.pem")).unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    let mut broker = Peer::new(TlsAcceptor::from(tls).accept(stream).await.unwrap(), Version::V3);
    broker.expect(CONNECT).await;
    broker.send(&[0x20, 2, 0, 0]).await;
    let subscribe = broker.expect(SUBSCRIBE).await;
    let filters = kitchen_contract::topic::SINK_FILTERS.len();
    broker.send(&[&[0x90, 2 + filters as u8], &subscribe.body[..2], &vec![1; filters]].concat()).await;
    broker
}

#[tokio::test]
async fn a_stop_confirms_what_was_received_and_says_goodbye() {
    let mut bridged = Bridged::connect().await;
    let blocked = bridged.field.blocked_store().await;
    bridged.hand_in(5).await;
    bridged.shutdown.cancel();
    drop(blocked);
    assert_eq!(bridged.confirmed_before_goodbye().await, [1, 2, 3, 4, 5]);
    bridged.task.await.unwrap();
}

#[tokio::test]
async fn a_stop_neither_waits_for_ever_nor_confirms_what_is_not_stored() {
    let mut bridged = Bridged::connect().await;
    let blocked = bridged.field.blocked_store().await;
    bridged.hand_in(2).await;
    bridged.shutdown.cancel();
    assert!(bridged.confirmed_before_goodbye().await.is_empty());
    bridged.task.await.unwrap();
    drop(blocked);
}
