//! What a peer sends before it is let in, right behind CONNECT, and faster than it is confirmed.

use kitchen_cloud::endpoint::session::{Heard, Session};
use proptest::prelude::*;

use super::door::Door;
use super::wire::{BOTH, CONNACK, Connect, GOODBYE, PINGREQ, PINGRESP, PUBACK, Version, publish};

const TOPIC: &str = "visiondrive/kitchen/kitchen-a/temperature";
const WILL: (&str, &[u8]) = ("visiondrive/gateway/gw-a/status", b"gone");

fn connect(version: Version, will: Option<(&str, &[u8])>) -> Vec<u8> {
    Connect { client_id: "gw-a", keep_alive_s: 60, will }.bytes(version)
}

#[tokio::test]
async fn what_comes_right_behind_connect_is_answered() {
    let door = Door::open().await;
    for version in BOTH {
        let mut peer = door.knock(Some(&door.a.issued), version).await.unwrap();
        peer.send(&[connect(version, None), PINGREQ.to_vec(), publish(version, TOPIC, Some(7), b"x")].concat()).await;
        assert_eq!(peer.expect(CONNACK).await.body[1], 0);
        peer.expect(PINGRESP).await;
        assert_eq!(peer.expect(PUBACK).await.body[..2], [0, 7]);
    }
}

#[tokio::test]
async fn a_goodbye_right_behind_connect_is_one() {
    let door = Door::open().await;
    for version in BOTH {
        let mut peer = door.knock(Some(&door.a.issued), version).await.unwrap();
        peer.send(&[connect(version, Some(WILL)), GOODBYE.to_vec()].concat()).await;
        peer.expect(CONNACK).await;
        peer.is_closed().await;
    }
}

/// A client of version 3.1.1 cannot be told of our window; the usual one sends 100 messages ahead.
#[tokio::test]
async fn more_messages_than_the_window_hold_up_a_gateway_but_do_not_end_its_connection() {
    const MESSAGES: u16 = 200;
    let door = Door::open().await;
    let mut a = door.enter(&door.a, Version::V3).await;
    a.send(&(1..=MESSAGES).flat_map(|id| publish(Version::V3, TOPIC, Some(id), b"x")).collect::<Vec<_>>()).await;
    for id in 1..=MESSAGES {
        assert_eq!(a.expect(PUBACK).await.body, id.to_be_bytes());
    }
}

/// Bytes that come close to being MQTT.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let version = prop::sample::select(BOTH.as_slice());
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..24),
        version.clone().prop_map(|version| publish(version, TOPIC, Some(7), b"x")),
        (version.clone(), any::<prop::sample::Index>(), any::<u8>()).prop_map(|(version, place, byte)| {
            let mut bytes = connect(version, Some(WILL));
            let place = place.index(bytes.len());
            bytes[place] = byte;
            bytes
        }),
        version.prop_map(|version| connect(version, None)),
    ]
}

/// What a session hears of the chunks when CONNECT is answered at once.
fn hear(chunks: &[&[u8]]) -> Vec<Heard> {
    let mut session = Session::new();
    let mut heard = Vec::new();
    for chunk in chunks {
        let mut output = session.received(chunk);
        let asked = matches!(output.heard.last(), Some(Heard::Connect(_)));
        heard.append(&mut output.heard);
        if asked && !output.close {
            output = session.accept();
            heard.append(&mut output.heard);
        }
        if output.close {
            break;
        }
    }
    heard
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_session_never_panics_and_hears_nothing_before_connect(chunks in prop::collection::vec(pieces(), 0..8)) {
        let heard = hear(&chunks.iter().map(Vec::as_slice).collect::<Vec<_>>());
        prop_assert!(heard.is_empty() || matches!(heard[0], Heard::Connect(_)));
        prop_assert!(heard.iter().skip(1).all(|heard| !matches!(heard, Heard::Connect(_))));
    }

    #[test]
    fn a_session_hears_the_same_in_whatever_chunks_it_comes(
        pieces in prop::collection::vec(pieces(), 0..4),
        size in 1usize..9,
    ) {
        let bytes: Vec<u8> = [connect(Version::V5, None), pieces.concat()].concat();
        prop_assert_eq!(hear(&bytes.chunks(size).collect::<Vec<_>>()), hear(&[&bytes]));
    }

    #[test]
    fn a_session_hears_only_connect_until_the_peer_is_let_in(pieces in prop::collection::vec(pieces(), 0..4)) {
        let mut session = Session::new();
        let mut heard = session.received(&connect(Version::V5, None)).heard;
        for piece in pieces {
            heard.extend(session.received(&piece).heard);
        }
        prop_assert_eq!(heard.len(), 1);
    }
}
