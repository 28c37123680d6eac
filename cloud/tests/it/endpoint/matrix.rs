//! Who may do what: a gateway's certificate against everything that is another's.

use kitchen_cloud::pki::authority::Subject;
use kitchen_contract::ack::Ack;

use super::door::Door;
use super::wire::{BOTH, CONNACK, Connect, DISCONNECT, Version};
use crate::field::{Field, ago, reading};

/// Not authorised, in the words of version 5.
const NOT_AUTHORISED: u8 = 0x87;

/// What `gw-b` must not publish on.
const FOREIGN_TOPICS: [&str; 11] = [
    "visiondrive/kitchen/kitchen-a/temperature",
    "visiondrive/kitchen/kitchen-never/temperature",
    "visiondrive/gateway/gw-a/status",
    "visiondrive/gateway/gw-a/command/reply",
    "visiondrive/gateway/gw-a/ack",
    "visiondrive/gateway/gw-a/command",
    "visiondrive/gateway/gw-b/ack",
    "visiondrive/gateway/gw-b/command",
    "visiondrive/gateway/gw-b/status/more",
    "$SYS/broker/uptime",
    "elsewhere",
];

/// What `gw-b` must not subscribe to.
const FOREIGN_FILTERS: [&str; 10] = [
    "visiondrive/gateway/gw-a/ack",
    "visiondrive/gateway/gw-a/command",
    "visiondrive/gateway/gw-b/status",
    "visiondrive/kitchen/kitchen-b/temperature",
    "visiondrive/gateway/+/ack",
    "visiondrive/gateway/gw-b/+",
    "visiondrive/gateway/gw-b/#",
    "visiondrive/#",
    "#",
    "$share/sink/visiondrive/gateway/gw-b/ack",
];

#[tokio::test]
async fn a_gateway_publishes_on_its_own_topics_and_no_others() {
    let door = Door::open().await;
    for version in BOTH {
        let mut b = door.enter(&door.b, version).await;
        for own in [
            "visiondrive/kitchen/kitchen-b/temperature",
            "visiondrive/gateway/gw-b/status",
            "visiondrive/gateway/gw-b/command/reply",
        ] {
            assert_eq!(b.confirmed(own, b"{}").await, 0, "{own}");
            b.publish(own, None, b"{}").await;
            b.is_quiet().await;
        }
    }
    for foreign in FOREIGN_TOPICS {
        let mut b = door.enter(&door.b, Version::V5).await;
        assert_eq!(b.confirmed(foreign, b"{}").await, NOT_AUTHORISED, "{foreign}");
    }
    for foreign in FOREIGN_TOPICS {
        let mut b = door.enter(&door.b, Version::V5).await;
        b.publish(foreign, None, b"{}").await;
        assert_eq!(b.expect(DISCONNECT).await.body[0], NOT_AUTHORISED, "{foreign}");
        b.is_closed().await;
        for packet_id in [None, Some(7)] {
            let mut b = door.enter(&door.b, Version::V3).await;
            b.publish(foreign, packet_id, b"{}").await;
            b.is_closed().await;
        }
    }
}

#[tokio::test]
async fn a_gateway_reads_its_own_acks_and_commands_and_nothing_else() {
    let door = Door::open().await;
    for version in BOTH {
        let mut a = door.enter(&door.a, version).await;
        let mut b = door.enter(&door.b, version).await;
        for own in ["visiondrive/gateway/gw-b/ack", "visiondrive/gateway/gw-b/command"] {
            assert!(b.subscribe(own).await < 0x80, "{own}");
        }
        let refused = if version == Version::V5 { NOT_AUTHORISED } else { 0x80 };
        for foreign in FOREIGN_FILTERS {
            assert_eq!(b.subscribe(foreign).await, refused, "{foreign}");
        }
        assert!(a.subscribe("visiondrive/gateway/gw-a/ack").await < 0x80);
        assert_eq!(a.confirmed("visiondrive/gateway/gw-a/status", &door.a.birth("cepoch")).await, 0);
        let (topic, payload) = a.message().await;
        assert_eq!(topic, "visiondrive/gateway/gw-a/ack");
        assert_eq!(serde_json::from_slice::<Ack>(&payload).unwrap().epoch.as_str(), "cepoch");
        b.is_quiet().await;
        a.is_quiet().await;
    }
}

#[tokio::test]
async fn what_was_not_asked_for_is_not_sent() {
    let door = Door::open().await;
    let mut a = door.enter(&door.a, Version::V3).await;
    assert_eq!(a.confirmed("visiondrive/gateway/gw-a/status", &door.a.birth("cepoch")).await, 0);
    a.is_quiet().await;
}

#[tokio::test]
async fn a_gateway_cannot_speak_for_another_in_the_envelope() {
    let door = Door::open().await;
    let records = vec![reading(1, "sensor-a", (ago(60), 4.0))];
    let captured = door.a.envelope("kitchen-a", "cepoch", records.clone());
    let restamped = door.a.envelope("kitchen-b", "cepoch", records.clone());
    let text = String::from_utf8(door.b.envelope("kitchen-b", "cepoch", records)).unwrap();
    let renamed = text.replace("gw-b", "gw-a").into_bytes();
    for version in BOTH {
        let mut a = door.enter(&door.a, version).await;
        a.subscribe("visiondrive/gateway/gw-a/ack").await;
        let mut b = door.enter(&door.b, version).await;
        b.subscribe("visiondrive/gateway/gw-b/ack").await;
        for payload in [&captured, &restamped, &renamed] {
            assert_eq!(b.confirmed("visiondrive/kitchen/kitchen-b/temperature", payload).await, 0);
        }
        assert_eq!(b.confirmed("visiondrive/gateway/gw-b/status", &door.a.birth("cepoch")).await, 0);
        b.is_quiet().await;
        a.is_quiet().await;
    }
    assert!(door.stored("sensor-a").await.is_empty());
}

#[tokio::test]
async fn without_a_certificate_of_our_authority_nobody_gets_as_far_as_mqtt() {
    let door = Door::open().await;
    let strangers = Field::new();
    let foreign = strangers.gateway("gw-a").issued;
    let server = door.field.issue(&Subject::Server(vec!["gw-a".to_owned()]));
    let connect = Connect { client_id: "gw-a", keep_alive_s: 60, will: None };
    for version in BOTH {
        for shown in [None, Some(&foreign), Some(&server)] {
            assert!(door.asks(shown, &connect, version).await.is_none());
        }
        assert!(door.asks(Some(&door.a.issued), &connect, version).await.is_some());
    }
}

#[tokio::test]
async fn only_a_registered_gateway_under_its_own_name_is_let_in() {
    let door = Door::open().await;
    let unregistered = door.field.gateway("gw-x").issued;
    let sink = door.field.issue(&Subject::Sink);
    let foreign_will: Option<(&str, &[u8])> = Some(("visiondrive/gateway/gw-b/status", b"{}"));
    for (shown, client_id, will, codes) in [
        (&door.a.issued, "gw-b", None, [2, 0x85]),
        (&door.a.issued, "gw-a2", None, [2, 0x85]),
        (&door.a.issued, "GW-A", None, [2, 0x85]),
        (&unregistered, "gw-x", None, [5, 0x87]),
        (&sink, "sink", None, [5, 0x87]),
        (&door.a.issued, "gw-a", foreign_will, [5, 0x87]),
    ] {
        for (version, code) in BOTH.into_iter().zip(codes) {
            let connect = Connect { client_id, keep_alive_s: 60, will };
            let (mut peer, answer) = door.asks(Some(shown), &connect, version).await.unwrap();
            assert_eq!((answer.kind, answer.body[1]), (CONNACK, code), "{client_id} {version:?}");
            peer.is_closed().await;
        }
    }
}
