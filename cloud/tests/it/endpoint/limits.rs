//! What the endpoint promises about time, size, order and ends.

use kitchen_cloud::store::keys;
use kitchen_contract::envelope::ENVELOPE_BYTES_MAX;
use kitchen_contract::status::StatusKind;
use rustls::HandshakeKind;
use tokio::io::AsyncWriteExt;

use super::door::Door;
use super::wire::{BOTH, Connect, DISCONNECT, GOODBYE, PUBACK, Peer, Version, publish, publish_with};
use crate::field::{Gateway, ago, reading};

const TOPIC: &str = "visiondrive/kitchen/kitchen-a/temperature";

fn envelope(gateway: &Gateway, seq: u64) -> Vec<u8> {
    gateway.envelope("kitchen-a", "cepoch", vec![reading(seq, "sensor-a", (ago(10_000 - seq as i64), 4.0))])
}

/// So many messages at once, with packet ids and sequence numbers from 1.
fn frames(gateway: &Gateway, count: u16) -> Vec<u8> {
    (1..=count).flat_map(|id| publish(Version::V5, TOPIC, Some(id), &envelope(gateway, u64::from(id)))).collect()
}

async fn pubacks(peer: &mut Peer, count: u16) {
    for packet_id in 1..=count {
        assert_eq!(peer.expect(PUBACK).await.body[..2], packet_id.to_be_bytes());
    }
}

#[tokio::test]
async fn a_message_is_confirmed_when_it_is_stored_however_many_are_on_their_way() {
    let door = Door::open().await;
    for (version, offset) in BOTH.into_iter().zip([0, 300]) {
        let mut a = door.enter(&door.a, version).await;
        let frames =
            (1..=64u16).flat_map(|id| publish(version, TOPIC, Some(id), &envelope(&door.a, offset + u64::from(id))));
        a.send(&frames.collect::<Vec<_>>()).await;
        pubacks(&mut a, 64).await;
        assert_eq!(door.stored("sensor-a").await.iter().filter(|seq| **seq > offset).count(), 64);
    }
}

#[tokio::test]
async fn bytes_may_come_one_by_one() {
    let door = Door::open().await;
    let mut a = door.enter(&door.a, Version::V3).await;
    for byte in publish(Version::V3, TOPIC, Some(1), &envelope(&door.a, 1)) {
        a.send(&[byte]).await;
    }
    pubacks(&mut a, 1).await;
}

#[tokio::test]
async fn the_largest_envelope_fits_and_more_does_not() {
    let door = Door::open().await;
    for version in BOTH {
        let mut a = door.enter(&door.a, version).await;
        assert_eq!(a.confirmed(TOPIC, &vec![b' '; ENVELOPE_BYTES_MAX]).await, 0);
        a.publish(TOPIC, Some(8), &vec![b' '; 2 * ENVELOPE_BYTES_MAX]).await;
        assert!(a.next().await.is_none_or(|packet| packet.kind == DISCONNECT));
        // 256 MB are announced and never sent.
        let mut a = door.enter(&door.a, version).await;
        a.send(&[0x32, 0xFF, 0xFF, 0xFF, 0x7F, 0, 1, b'x']).await;
        assert!(a.next().await.is_none_or(|packet| packet.kind == DISCONNECT));
    }
}

#[tokio::test]
async fn qos_2_is_not_offered() {
    let door = Door::open().await;
    for version in BOTH {
        let mut a = door.enter(&door.a, version).await;
        a.send(&publish_with(version, 0x34, (TOPIC, Some(1)), &envelope(&door.a, 1))).await;
        if version == Version::V5 {
            assert_eq!(a.expect(DISCONNECT).await.body[0], 0x9B);
        }
        a.is_closed().await;
    }
    assert!(door.stored("sensor-a").await.is_empty());
}

#[tokio::test]
async fn rubbish_ends_its_own_connection_only() {
    let door = Door::open().await;
    let mut b = door.enter(&door.b, Version::V5).await;
    for rubbish in [&[0xFF; 40][..], &[0x10, 0x02, 0, 4], &[0x00, 0x00], &[0x62, 0x00], &[0x36, 0x03, 0, 0, 0]] {
        let mut stranger = door.knock(Some(&door.a.issued), Version::V3).await.unwrap();
        stranger.send(rubbish).await;
        stranger.is_closed().await;
        let mut a = door.enter(&door.a, Version::V3).await;
        a.send(rubbish).await;
        a.is_closed().await;
    }
    b.is_quiet().await;
}

#[tokio::test]
async fn the_newer_connection_of_a_gateway_takes_over() {
    let door = Door::open().await;
    for version in BOTH {
        let mut older = door.enter(&door.a, version).await;
        let mut newer = door.enter(&door.a, version).await;
        if version == Version::V5 {
            assert_eq!(older.expect(DISCONNECT).await.body[0], 0x8E);
        }
        older.is_closed().await;
        newer.is_quiet().await;
        newer.send(&GOODBYE).await;
        newer.is_closed().await;
    }
}

#[tokio::test]
async fn silence_beyond_the_keep_alive_ends_a_connection() {
    let door = Door::open().await;
    let connect = Connect { client_id: "gw-a", keep_alive_s: 1, will: None };
    let mut a = door.enter_with(&door.a, &connect, Version::V5).await;
    a.is_quiet().await;
    assert_eq!(a.expect(DISCONNECT).await.body[0], 0x8D);
    a.is_closed().await;
}

#[tokio::test]
async fn a_stop_confirms_what_was_taken_and_says_goodbye() {
    let door = Door::open().await;
    let blocked = door.blocked_store().await;
    let mut a = door.enter(&door.a, Version::V5).await;
    a.send(&frames(&door.a, 60)).await;
    a.is_quiet().await;
    door.shutdown.cancel();
    drop(blocked);
    pubacks(&mut a, 60).await;
    assert_eq!(a.expect(DISCONNECT).await.body[0], 0x8B);
    a.is_closed().await;
    assert_eq!(door.stored("sensor-a").await.len(), 60);
    door.task.await.unwrap();
}

#[tokio::test]
async fn a_full_window_is_not_the_gateways_silence() {
    let door = Door::open().await;
    let blocked = door.blocked_store().await;
    let impatient = |client_id| Connect { client_id, keep_alive_s: 1, will: None };
    let mut a = door.enter_with(&door.a, &impatient("gw-a"), Version::V5).await;
    a.send(&frames(&door.a, 64)).await;
    // Another gateway's silence is the clock here: once it is over, so would be this one's.
    let mut b = door.enter_with(&door.b, &impatient("gw-b"), Version::V5).await;
    assert_eq!(b.expect(DISCONNECT).await.body[0], 0x8D);
    drop(blocked);
    pubacks(&mut a, 64).await;
    a.is_quiet().await;
}

#[tokio::test]
async fn nothing_is_confirmed_while_the_store_takes_nothing() {
    let door = Door::open().await;
    let blocked = door.blocked_store().await;
    for version in BOTH {
        let mut a = door.enter(&door.a, version).await;
        a.publish(TOPIC, Some(1), &envelope(&door.a, 1)).await;
        a.is_quiet().await;
        a.is_quiet().await;
    }
    assert!(door.stored("sensor-a").await.is_empty());
    drop(blocked);
}

const STATUS: &str = "visiondrive/gateway/gw-a/status";

fn last_will(gateway: &Gateway) -> Vec<u8> {
    gateway.status("cepoch", StatusKind::LastWill, (0, None))
}

/// The kind of `gw-a`'s last will once it is stored. Messages of another gateway, behind it through the same ingest, are the clock.
async fn will_of_a(door: &Door, b: &mut Peer) -> serde_json::Value {
    for _ in 0..100 {
        b.confirmed("visiondrive/gateway/gw-b/status", &door.b.birth("cepoch")).await;
        if let Some(item) = door.store.get(&keys::last_will(&door.a.id)).await.unwrap() {
            return item.body["kind"].clone();
        }
    }
    panic!("no last will");
}

#[tokio::test]
async fn the_last_will_speaks_only_when_the_gateway_is_lost() {
    let door = Door::open().await;
    let will = last_will(&door.a);
    let connect = Connect { client_id: "gw-a", keep_alive_s: 60, will: Some((STATUS, &will)) };
    // Version 5 may spell out that its goodbye is a normal one.
    for (version, goodbye) in [(Version::V3, &GOODBYE[..]), (Version::V5, &GOODBYE), (Version::V5, &[0xE0, 1, 0])] {
        let mut polite = door.enter_with(&door.a, &connect, version).await;
        polite.send(goodbye).await;
        polite.is_closed().await;
    }
    // Another message behind it through the same ingest: had there been a will, it would be stored by now.
    let mut b = door.enter(&door.b, Version::V3).await;
    b.confirmed("visiondrive/gateway/gw-b/status", &door.b.birth("cepoch")).await;
    assert!(door.store.get(&keys::last_will(&door.a.id)).await.unwrap().is_none());
    drop(door.enter_with(&door.a, &connect, Version::V3).await);
    assert_eq!(will_of_a(&door, &mut b).await, "lastWill");
}

#[tokio::test]
async fn a_goodbye_may_ask_for_the_last_will() {
    for goodbye in [&[0xE0, 1, 0x04][..], &[0xE0, 2, 0x04, 0], &[0xE0, 1, 0x80]] {
        let door = Door::open().await;
        let will = last_will(&door.a);
        let connect = Connect { client_id: "gw-a", keep_alive_s: 60, will: Some((STATUS, &will)) };
        let mut a = door.enter_with(&door.a, &connect, Version::V5).await;
        a.send(goodbye).await;
        a.is_closed().await;
        let mut b = door.enter(&door.b, Version::V3).await;
        assert_eq!(will_of_a(&door, &mut b).await, "lastWill", "{goodbye:?}");
    }
}

#[tokio::test]
async fn every_connection_shows_its_certificate_anew() {
    let door = Door::open().await;
    let config = std::sync::Arc::new(door.client_tls(Some(&door.a.issued)));
    for _ in 0..3 {
        let connector = tokio_rustls::TlsConnector::from(std::sync::Arc::clone(&config));
        let stream = tokio::net::TcpStream::connect(door.address).await.unwrap();
        let name = rustls::pki_types::ServerName::try_from("localhost").unwrap();
        let stream = connector.connect(name, stream).await.unwrap();
        assert_eq!(stream.get_ref().1.handshake_kind(), Some(HandshakeKind::Full));
        let mut peer = Peer::new(stream, Version::V3);
        peer.send(&Connect { client_id: "gw-a", keep_alive_s: 60, will: None }.bytes(Version::V3)).await;
        assert!(peer.next().await.is_some());
        peer.is_quiet().await;
    }
}

#[tokio::test]
async fn plain_tcp_is_not_answered() {
    let door = Door::open().await;
    let mut stream = tokio::net::TcpStream::connect(door.address).await.unwrap();
    let connect = Connect { client_id: "gw-a", keep_alive_s: 60, will: None }.bytes(Version::V3);
    stream.write_all(&connect).await.unwrap();
    let mut answer = Vec::new();
    let _reset = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut answer).await;
    // At most a TLS alert.
    assert!(answer.is_empty() || answer[0] == 21, "{answer:?}");
}
