//! Bytes into MQTT packets, of which only the frame is understood. Pure.

use super::fault::Kind;

/// The longest "remaining length", in bytes.
const LENGTH_BYTES_MAX: usize = 4;

/// Packets out of a stream, however it comes in pieces.
#[derive(Clone, Debug, Default)]
pub struct Packets {
    rest: Vec<u8>,
}

impl Packets {
    /// Takes a piece; the packets that are whole now.
    pub fn feed(&mut self, piece: &[u8]) -> Vec<Vec<u8>> {
        self.rest.extend(piece);
        let mut packets = Vec::new();
        while let Some(length) = length(&self.rest).filter(|length| *length <= self.rest.len()) {
            packets.push(self.rest.drain(..length).collect());
        }
        packets
    }
}

/// How long the packet is that begins here; none while that is not known.
fn length(bytes: &[u8]) -> Option<usize> {
    let mut remaining = 0;
    for (place, byte) in bytes.get(1..)?.iter().take(LENGTH_BYTES_MAX).enumerate() {
        remaining += usize::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Some(1 + place + 1 + remaining);
        }
    }
    None
}

/// What a packet is.
pub fn kind(packet: &[u8]) -> Kind {
    match packet.first().map(|first| first >> 4) {
        Some(1) => Kind::Connect,
        Some(2) => Kind::ConnAck,
        Some(3) => publish(packet),
        Some(4) => Kind::PubAck,
        Some(8) => Kind::Subscribe,
        Some(9) => Kind::SubAck,
        Some(12) => Kind::PingReq,
        Some(13) => Kind::PingResp,
        Some(14) => Kind::Disconnect,
        _ => Kind::Other,
    }
}

/// A message is known by its topic.
fn publish(packet: &[u8]) -> Kind {
    let begin = packet.iter().skip(1).position(|byte| byte & 0x80 == 0).map_or(0, |last| last + 2);
    let Some([high, low]) = packet.get(begin..begin + 2) else { return Kind::Other };
    let length = usize::from(u16::from_be_bytes([*high, *low]));
    let topic = packet.get(begin + 2..begin + 2 + length).unwrap_or_default();
    if topic.ends_with(b"/ack") {
        Kind::Acknowledgement
    } else if topic.ends_with(b"/temperature") {
        Kind::Records
    } else if topic.ends_with(b"/status") {
        Kind::Status
    } else {
        Kind::Other
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn packet(first: u8, body: &[u8]) -> Vec<u8> {
        let (mut packet, mut left) = (vec![first], body.len());
        loop {
            let more = u8::from(left >= 0x80) << 7;
            packet.push((left & 0x7f) as u8 | more);
            left >>= 7;
            if left == 0 {
                break;
            }
        }
        packet.extend(body);
        packet
    }

    proptest! {
        #[test]
        fn packets_come_out_whole_however_they_come_in(
            bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..12),
            cuts in prop::collection::vec(1usize..40, 1..40),
        ) {
            let expected: Vec<_> = bodies.iter().enumerate().map(|(at, body)| packet((at as u8) << 4, body)).collect();
            let mut stream = &expected.concat()[..];
            let (mut packets, mut found) = (Packets::default(), Vec::new());
            for cut in cuts.iter().cycle() {
                if stream.is_empty() {
                    break;
                }
                let (piece, rest) = stream.split_at(stream.len().min(*cut));
                found.extend(packets.feed(piece));
                stream = rest;
            }
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn messages_are_known_by_their_topic() {
        let publish =
            |topic: &str| packet(0x32, &[&[0, topic.len() as u8], topic.as_bytes(), &[0, 1], &[b'{'; 200]].concat());
        assert_eq!(kind(&publish("visiondrive/gateway/gw/ack")), Kind::Acknowledgement);
        assert_eq!(kind(&publish("visiondrive/kitchen/k/temperature")), Kind::Records);
        assert_eq!(kind(&publish("visiondrive/gateway/gw/status")), Kind::Status);
        assert_eq!(kind(&publish("else")), Kind::Other);
        assert_eq!((kind(&[0xd0, 0]), kind(&[0x40, 2, 0, 1]), kind(&[])), (Kind::PingResp, Kind::PubAck, Kind::Other));
    }
}
