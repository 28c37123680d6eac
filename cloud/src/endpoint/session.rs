//! One gateway's MQTT session without its socket: bytes in, what the peer asks out; answers in, bytes out.
//!
//! Step 6 of a reading's path begins here. The protocol itself (MQTT 3.1.1 and 5) is `mqtt-protocol-core`'s; this file
//! knows which of it we offer: QoS 0 and 1, no retained messages, no wildcards, no stored sessions. It reads no clock: the
//! keep-alive is a duration that the connection's task must time.

use std::time::Duration;

use mqtt_protocol_core::mqtt::common::Cursor;
use mqtt_protocol_core::mqtt::connection::role::Server;
use mqtt_protocol_core::mqtt::connection::{Connection, ConnectionOptions, Event, TimerKind};
use mqtt_protocol_core::mqtt::packet::{
    GenericPacketTrait, MaximumQos, Packet, Qos, ReceiveMaximum, RetainAvailable, SharedSubscriptionAvailable,
    SubEntry, SubscriptionIdentifierAvailable, WildcardSubscriptionAvailable, v3_1_1, v5_0,
};
use mqtt_protocol_core::mqtt::result_code::{
    ConnectReasonCode, ConnectReturnCode, DisconnectReasonCode, MqttError, PubackReasonCode, SubackReasonCode,
    SubackReturnCode, UnsubackReasonCode,
};
use mqtt_protocol_core::mqtt::{IntoPayload, Version};

use super::limits::{FILTERS_MAX, PACKET_BYTES_MAX, WINDOW};
use super::refusal::Refusal;

/// What the peer asks for.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    /// To be let in.
    Connect(Connect),
    /// To pass on a message; with a packet id it waits for [`Session::puback`].
    Publish(Publish),
    /// To be sent what is published on these filters; waits for [`Session::suback`].
    Subscribe {
        /// Names the request.
        packet_id: u16,
        /// The filters, in order.
        filters: Vec<String>,
    },
    /// To end in good order.
    Disconnect,
    /// To end, but as if it were lost: its last will shall be passed on (version 5).
    DisconnectWithWill,
}

/// A request to be let in.
#[derive(Debug, PartialEq, Eq)]
pub struct Connect {
    /// Who the peer says it is; its certificate says more.
    pub client_id: String,
    /// What to do in its name if the connection dies: topic and message.
    pub will: Option<(String, Vec<u8>)>,
}

/// A message to pass on.
#[derive(Debug, PartialEq, Eq)]
pub struct Publish {
    /// As the peer wrote it.
    pub topic: String,
    /// Untouched.
    pub payload: Vec<u8>,
    /// Present for QoS 1.
    pub packet_id: Option<u16>,
}

/// What is to be done after bytes came in or an answer was given.
#[derive(Debug, Default)]
pub struct Output {
    /// To be written to the peer.
    pub send: Vec<u8>,
    /// To be answered, in order.
    pub heard: Vec<Heard>,
    /// The connection is over once `send` is written.
    pub close: bool,
}

/// The protocol's state for one connection.
pub struct Session {
    connection: Connection<Server>,
    keep_alive: Option<Duration>,
    /// What came behind CONNECT, while that is not answered.
    early: Option<Vec<u8>>,
}

impl Session {
    /// A session that awaits CONNECT in either version.
    pub fn new() -> Self {
        // No receive maximum here: it would end connections of version 3.1.1, which has no way to learn of it.
        let options = ConnectionOptions::new().maximum_packet_size_recv(PACKET_BYTES_MAX);
        let mut connection = Connection::with_options(Version::Undetermined, options);
        connection.set_auto_ping_response(true);
        Self { connection, keep_alive: None, early: None }
    }

    /// How long the peer may be silent: one and a half times its keep-alive; `None` if it asked for no limit.
    pub fn keep_alive(&self) -> Option<Duration> {
        self.keep_alive
    }

    /// Takes bytes in whatever chunks they come. What comes behind CONNECT is heard once the peer is let in.
    pub fn received(&mut self, bytes: &[u8]) -> Output {
        let mut output = Output::default();
        if let Some(early) = &mut self.early {
            early.extend(bytes);
            return output;
        }
        let mut cursor = Cursor::new(bytes);
        while cursor.position() < bytes.len() as u64 && !output.close {
            let events = self.connection.recv(&mut cursor);
            self.handle(events, &mut output);
            if matches!(output.heard.last(), Some(Heard::Connect(_))) {
                self.early = Some(bytes[cursor.position() as usize..].to_vec());
                break;
            }
        }
        output
    }

    /// Lets the peer in, and hears what it sent right behind CONNECT.
    pub fn accept(&mut self) -> Output {
        let packet = match self.version() {
            Version::V5_0 => v5_0::Connack::builder()
                .reason_code(ConnectReasonCode::Success)
                .session_present(false)
                .props(offered())
                .build()
                .map(Packet::from),
            Version::V3_1_1 | Version::Undetermined => v3_1_1::Connack::builder()
                .return_code(ConnectReturnCode::Accepted)
                .session_present(false)
                .build()
                .map(Packet::from),
        };
        let mut output = self.send(packet);
        let behind = self.early.take().map(|early| self.received(&early)).unwrap_or_default();
        output.send.extend(behind.send);
        output.heard.extend(behind.heard);
        output.close |= behind.close;
        output
    }

    /// Does not let the peer in, and says why.
    pub fn refuse(&mut self, refusal: Refusal) -> Output {
        let packet = match self.version() {
            Version::V5_0 => v5_0::Connack::builder()
                .reason_code(refusal.connect_reason())
                .session_present(false)
                .build()
                .map(Packet::from),
            Version::V3_1_1 | Version::Undetermined => v3_1_1::Connack::builder()
                .return_code(refusal.connect_return())
                .session_present(false)
                .build()
                .map(Packet::from),
        };
        Output { close: true, ..self.send(packet) }
    }

    /// Ends a running session, and says why where the version can.
    pub fn end(&mut self, refusal: Refusal) -> Output {
        if self.version() != Version::V5_0 {
            return Output { close: true, ..Output::default() };
        }
        let packet = v5_0::Disconnect::builder().reason_code(refusal.disconnect_reason()).build();
        Output { close: true, ..self.send(packet.map(Packet::from)) }
    }

    /// Confirms a QoS 1 message: it is stored and judged, or kept aside.
    pub fn puback(&mut self, packet_id: u16) -> Output {
        let packet = match self.version() {
            Version::V5_0 => v5_0::Puback::builder().packet_id(packet_id).build().map(Packet::from),
            Version::V3_1_1 | Version::Undetermined => {
                v3_1_1::Puback::builder().packet_id(packet_id).build().map(Packet::from)
            }
        };
        self.send(packet)
    }

    /// Refuses a message: version 5 is told (reason 135), version 3.1.1 has no word for it and is disconnected.
    pub fn refuse_publish(&mut self, packet_id: Option<u16>) -> Output {
        match (self.version(), packet_id) {
            (Version::V5_0, Some(packet_id)) => {
                let reason = PubackReasonCode::NotAuthorized;
                let packet = v5_0::Puback::builder().packet_id(packet_id).reason_code(reason).build();
                self.send(packet.map(Packet::from))
            }
            (Version::V5_0, None) | (Version::V3_1_1 | Version::Undetermined, _) => self.end(Refusal::NotAuthorized),
        }
    }

    /// Answers a SUBSCRIBE, filter by filter.
    pub fn suback(&mut self, packet_id: u16, granted: &[bool]) -> Output {
        let packet = match self.version() {
            Version::V5_0 => {
                let code = |granted: &bool| match granted {
                    true => SubackReasonCode::GrantedQos1,
                    false => SubackReasonCode::NotAuthorized,
                };
                let codes = granted.iter().map(code).collect();
                v5_0::Suback::builder().packet_id(packet_id).reason_codes(codes).build().map(Packet::from)
            }
            Version::V3_1_1 | Version::Undetermined => {
                let code = |granted: &bool| match granted {
                    true => SubackReturnCode::SuccessMaximumQos1,
                    false => SubackReturnCode::Failure,
                };
                let codes = granted.iter().map(code).collect();
                v3_1_1::Suback::builder().packet_id(packet_id).return_codes(codes).build().map(Packet::from)
            }
        };
        self.send(packet)
    }

    /// Sends a message to the peer, at most once: what it carries is repeatable.
    pub fn publish(&mut self, topic: &str, payload: &[u8]) -> Output {
        let packet = match self.version() {
            Version::V5_0 => message_v5(topic, payload),
            Version::V3_1_1 | Version::Undetermined => message_v3(topic, payload),
        };
        self.send(packet)
    }

    fn version(&self) -> Version {
        self.connection.get_protocol_version()
    }

    fn send(&mut self, packet: Result<Packet, MqttError>) -> Output {
        let mut output = Output::default();
        match packet {
            Ok(packet) => {
                let events = self.connection.send(packet);
                self.handle(events, &mut output);
            }
            Err(error) => {
                tracing::error!(?error, "cannot build an MQTT packet");
                output.close = true;
            }
        }
        output
    }

    fn handle(&mut self, events: Vec<Event>, output: &mut Output) {
        for event in events {
            match event {
                Event::NotifyPacketReceived(packet) => self.heard(packet, output),
                Event::RequestSendPacket { packet, .. } => output.send.extend(packet.to_continuous_buffer()),
                Event::RequestTimerReset { kind: TimerKind::PingreqRecv, duration_ms } => {
                    self.keep_alive = Some(Duration::from_millis(duration_ms));
                }
                Event::RequestTimerReset { .. } | Event::RequestTimerCancel(_) | Event::NotifyPacketIdReleased(_) => {}
                Event::NotifyError(error) => {
                    tracing::debug!(?error, "the peer breaks the protocol");
                    output.close = true;
                }
                Event::RequestClose => output.close = true,
            }
        }
    }

    fn heard(&mut self, packet: Packet, output: &mut Output) {
        match packet {
            Packet::V3_1_1Connect(connect) => {
                let will = connect.will_topic().zip(connect.will_payload());
                output.heard.push(connect_request(connect.client_id(), will));
            }
            Packet::V5_0Connect(connect) => {
                let will = connect.will_topic().zip(connect.will_payload());
                output.heard.push(connect_request(connect.client_id(), will));
            }
            Packet::V3_1_1Publish(publish) => {
                let (topic, payload) = (publish.topic_name().to_owned(), publish.payload().as_slice().to_vec());
                let message = Publish { topic, payload, packet_id: publish.packet_id() };
                self.heard_publish(publish.qos(), message, output);
            }
            Packet::V5_0Publish(publish) => {
                let (topic, payload) = (publish.topic_name().to_owned(), publish.payload().as_slice().to_vec());
                let message = Publish { topic, payload, packet_id: publish.packet_id() };
                self.heard_publish(publish.qos(), message, output);
            }
            Packet::V3_1_1Subscribe(request) => self.heard_subscribe(request.packet_id(), request.entries(), output),
            Packet::V5_0Subscribe(request) => self.heard_subscribe(request.packet_id(), request.entries(), output),
            Packet::V3_1_1Unsubscribe(request) => {
                let answer = v3_1_1::Unsuback::builder().packet_id(request.packet_id()).build().map(Packet::from);
                output.send.extend(self.send(answer).send);
            }
            Packet::V5_0Unsubscribe(request) => {
                let codes = vec![UnsubackReasonCode::Success; request.entries().len()];
                let answer = v5_0::Unsuback::builder().packet_id(request.packet_id()).reason_codes(codes).build();
                output.send.extend(self.send(answer.map(Packet::from)).send);
            }
            Packet::V3_1_1Disconnect(_) => output.heard.push(Heard::Disconnect),
            Packet::V5_0Disconnect(goodbye) => output.heard.push(heard_goodbye(goodbye.reason_code())),
            _ => {}
        }
    }

    /// QoS 2 is not offered: version 5 was told so, and who uses it all the same is disconnected.
    fn heard_publish(&mut self, qos: Qos, message: Publish, output: &mut Output) {
        if qos == Qos::ExactlyOnce {
            output.send.extend(self.end(Refusal::QosNotSupported).send);
            output.close = true;
        } else {
            output.heard.push(Heard::Publish(message));
        }
    }

    /// Who asks for more than we ever grant is disconnected, before anything is done for each filter.
    fn heard_subscribe(&mut self, packet_id: u16, entries: &[SubEntry], output: &mut Output) {
        if entries.len() > FILTERS_MAX {
            output.send.extend(self.end(Refusal::TooManyFilters).send);
            output.close = true;
            return;
        }
        let filters = entries.iter().map(|entry| entry.topic_filter().to_owned()).collect();
        output.heard.push(Heard::Subscribe { packet_id, filters });
    }
}

impl Default for Session {
    fn default() -> Self {
        Self::new()
    }
}

/// What version 5 is told of our limits, and that we do not offer.
fn offered() -> Vec<mqtt_protocol_core::mqtt::packet::Property> {
    let none = "invariant: 0 and 1 are the values of these properties";
    vec![
        ReceiveMaximum::new(WINDOW).expect("invariant: the window is not empty").into(),
        MaximumQos::new(1).expect(none).into(),
        RetainAvailable::new(0).expect(none).into(),
        WildcardSubscriptionAvailable::new(0).expect(none).into(),
        SubscriptionIdentifierAvailable::new(0).expect(none).into(),
        SharedSubscriptionAvailable::new(0).expect(none).into(),
    ]
}

fn connect_request(client_id: &str, will: Option<(&str, &[u8])>) -> Heard {
    let will = will.map(|(topic, payload)| (topic.to_owned(), payload.to_vec()));
    Heard::Connect(Connect { client_id: client_id.to_owned(), will })
}

/// Only a normal goodbye takes the last will back; with any other reason it is to be passed on.
const fn heard_goodbye(reason: Option<DisconnectReasonCode>) -> Heard {
    match reason {
        None | Some(DisconnectReasonCode::NormalDisconnection) => Heard::Disconnect,
        Some(_) => Heard::DisconnectWithWill,
    }
}

fn message_v5(topic: &str, payload: &[u8]) -> Result<Packet, MqttError> {
    let builder = v5_0::Publish::builder().topic_name(topic)?.qos(Qos::AtMostOnce);
    builder.payload(payload.to_vec().into_payload()).build().map(Packet::from)
}

fn message_v3(topic: &str, payload: &[u8]) -> Result<Packet, MqttError> {
    let builder = v3_1_1::Publish::builder().topic_name(topic)?.qos(Qos::AtMostOnce);
    builder.payload(payload.to_vec().into_payload()).build().map(Packet::from)
}
