//! MQTT frames made by hand, so that a test can also say what no client library would.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsStream;

/// Nothing on loopback takes longer.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    V3,
    V5,
}

pub(crate) const BOTH: [Version; 2] = [Version::V3, Version::V5];

/// Packet types, as they stand in the first four bits.
pub(crate) const CONNECT: u8 = 1;
pub(crate) const CONNACK: u8 = 2;
pub(crate) const PUBLISH: u8 = 3;
pub(crate) const PUBACK: u8 = 4;
pub(crate) const SUBSCRIBE: u8 = 8;
pub(crate) const SUBACK: u8 = 9;
pub(crate) const PINGRESP: u8 = 13;
pub(crate) const DISCONNECT: u8 = 14;

pub(crate) const PINGREQ: [u8; 2] = [0xC0, 0];
pub(crate) const GOODBYE: [u8; 2] = [0xE0, 0];

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Packet {
    pub(crate) kind: u8,
    pub(crate) body: Vec<u8>,
}

/// One side of a connection that has passed TLS.
pub(crate) struct Peer {
    stream: TlsStream<TcpStream>,
    version: Version,
}

impl Peer {
    pub(crate) fn new(stream: impl Into<TlsStream<TcpStream>>, version: Version) -> Self {
        Self { stream: stream.into(), version }
    }

    /// Sends bytes; a peer that is gone shows when reading.
    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        let _gone = self.stream.write_all(bytes).await;
        let _gone = self.stream.flush().await;
    }

    /// The next packet; `None` once the connection is over. A test that waits for what never comes fails, it does not hang.
    pub(crate) async fn next(&mut self) -> Option<Packet> {
        let packet = tokio::time::timeout(PATIENCE, self.read_packet()).await;
        packet.unwrap_or_else(|_| panic!("no packet within {PATIENCE:?}"))
    }

    async fn read_packet(&mut self) -> Option<Packet> {
        let first = self.stream.read_u8().await.ok()?;
        let (mut length, mut shift) = (0usize, 0);
        loop {
            let byte = self.stream.read_u8().await.ok()?;
            length |= usize::from(byte & 0x7F) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await.ok()?;
        Some(Packet { kind: first >> 4, body })
    }

    pub(crate) async fn expect(&mut self, kind: u8) -> Packet {
        let packet = self.next().await.unwrap_or_else(|| panic!("closed before {kind}"));
        assert_eq!(packet.kind, kind, "{packet:?}");
        packet
    }

    /// The connection still works, and nothing else was on its way.
    pub(crate) async fn is_quiet(&mut self) {
        self.send(&PINGREQ).await;
        self.expect(PINGRESP).await;
    }

    pub(crate) async fn is_closed(&mut self) {
        assert_eq!(self.next().await, None);
    }

    pub(crate) async fn publish(&mut self, topic: &str, packet_id: Option<u16>, payload: &[u8]) {
        let bytes = publish(self.version, topic, packet_id, payload);
        self.send(&bytes).await;
    }

    /// Publishes with QoS 1 and returns the reason of the PUBACK; 0 is success.
    pub(crate) async fn confirmed(&mut self, topic: &str, payload: &[u8]) -> u8 {
        self.publish(topic, Some(7), payload).await;
        let puback = self.expect(PUBACK).await;
        assert_eq!(puback.body[..2], [0, 7]);
        puback.body.get(2).copied().unwrap_or(0)
    }

    /// Subscribes and returns the code of the SUBACK.
    pub(crate) async fn subscribe(&mut self, filter: &str) -> u8 {
        let bytes = subscribe(self.version, &[filter]);
        self.send(&bytes).await;
        *self.expect(SUBACK).await.body.last().unwrap()
    }

    /// The payload of the next message.
    pub(crate) async fn message(&mut self) -> (String, Vec<u8>) {
        let Packet { body, .. } = self.expect(PUBLISH).await;
        let length = usize::from(u16::from_be_bytes([body[0], body[1]]));
        let rest = if self.version == Version::V5 { 1 } else { 0 };
        (String::from_utf8(body[2..2 + length].to_vec()).unwrap(), body[2 + length + rest..].to_vec())
    }
}

/// CONNECT with a clean start.
pub(crate) struct Connect<'a> {
    pub(crate) client_id: &'a str,
    pub(crate) keep_alive_s: u16,
    pub(crate) will: Option<(&'a str, &'a [u8])>,
}

impl Connect<'_> {
    pub(crate) fn bytes(&self, version: Version) -> Vec<u8> {
        let flags = 0x02 | if self.will.is_some() { 0x04 } else { 0 };
        let mut body = text("MQTT");
        body.extend([if version == Version::V5 { 5 } else { 4 }, flags]);
        body.extend(self.keep_alive_s.to_be_bytes());
        no_properties(version, &mut body);
        body.extend(text(self.client_id));
        if let Some((topic, payload)) = self.will {
            no_properties(version, &mut body);
            body.extend(text(topic));
            body.extend((payload.len() as u16).to_be_bytes());
            body.extend(payload);
        }
        frame(0x10, &body)
    }
}

/// PUBLISH; QoS 1 with a packet id, else QoS 0.
pub(crate) fn publish(version: Version, topic: &str, packet_id: Option<u16>, payload: &[u8]) -> Vec<u8> {
    publish_with(version, if packet_id.is_some() { 0x32 } else { 0x30 }, (topic, packet_id), payload)
}

pub(crate) fn publish_with(
    version: Version,
    first: u8,
    (topic, packet_id): (&str, Option<u16>),
    payload: &[u8],
) -> Vec<u8> {
    let mut body = text(topic);
    body.extend(packet_id.into_iter().flat_map(u16::to_be_bytes));
    no_properties(version, &mut body);
    body.extend(payload);
    frame(first, &body)
}

/// SUBSCRIBE with QoS 1.
pub(crate) fn subscribe(version: Version, filters: &[&str]) -> Vec<u8> {
    let mut body = vec![0, 9];
    no_properties(version, &mut body);
    for filter in filters {
        body.extend(text(filter));
        body.push(1);
    }
    frame(0x82, &body)
}

fn no_properties(version: Version, body: &mut Vec<u8>) {
    if version == Version::V5 {
        body.push(0);
    }
}

fn text(text: &str) -> Vec<u8> {
    let mut bytes = (text.len() as u16).to_be_bytes().to_vec();
    bytes.extend(text.as_bytes());
    bytes
}

fn frame(first: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    let mut length = body.len();
    loop {
        let low = (length & 0x7F) as u8;
        length >>= 7;
        bytes.push(if length > 0 { low | 0x80 } else { low });
        if length == 0 {
            break;
        }
    }
    bytes.extend(body);
    bytes
}
