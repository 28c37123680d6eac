//! One connection to the broker: rumqttc at arm's length, made afresh for every attempt and dropped at the first error.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use rumqttc::{AsyncClient, ConnectionError, Event, EventLoop, MqttOptions, Outgoing, Packet, Publish, QoS};
use rumqttc::{SubscribeFilter, TlsConfiguration, Transport};
use rustls::ClientConfig;
use tokio::sync::mpsc;

use crate::config::BrokerConfig;

/// The largest packet, in bytes, both ways. Far above an envelope: a packet over this ends the connection, so one gateway
/// could keep the sink off a broker that does not limit messages itself; what is too large is refused by ingest instead.
const PACKET_BYTES_MAX: usize = 1024 * 1024;
/// Requests handed over and not yet on the wire; full means that the line is stuck, and the link is given up.
const REQUESTS_MAX: usize = 4096;
/// Packets received and not yet looked at.
const INCOMING_MAX: usize = 64;
/// How often the line is probed.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// How long connecting, with TLS, may take, in seconds.
const CONNECT_MAX_S: u64 = 10;
/// How long a polite end may take.
const CLOSE_MAX: Duration = Duration::from_secs(1);

/// A connection that is being made or stands.
pub(super) struct Link {
    client: AsyncClient,
    incoming: mpsc::Receiver<Packet>,
    pump: Pin<Box<dyn Future<Output = ConnectionError> + Send>>,
}

impl Link {
    /// Begins to connect. Nothing happens before [`Link::next`] is awaited.
    pub(super) fn new(broker: &BrokerConfig, tls: Arc<ClientConfig>) -> Self {
        let mut options = MqttOptions::new(&broker.client_id, &broker.host, broker.port);
        options
            .set_keep_alive(KEEP_ALIVE)
            .set_clean_session(true)
            .set_manual_acks(true)
            .set_max_packet_size(PACKET_BYTES_MAX, PACKET_BYTES_MAX)
            .set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(tls)));
        let (client, mut event_loop) = AsyncClient::new(options, REQUESTS_MAX);
        event_loop.network_options.set_connection_timeout(CONNECT_MAX_S);
        let (sender, incoming) = mpsc::channel(INCOMING_MAX);
        Self { client, incoming, pump: Box::pin(pump(event_loop, sender)) }
    }

    /// The next packet, or why the connection has ended; after an end the link must be dropped.
    pub(super) async fn next(&mut self) -> Result<Packet, ConnectionError> {
        tokio::select! {
            biased;
            Some(packet) = self.incoming.recv() => Ok(packet),
            error = &mut self.pump => Err(error),
        }
    }

    /// Asks for filters, QoS 1; `false` if the line is stuck.
    pub(super) fn subscribe(&self, filters: &[&str]) -> bool {
        let filters = filters.iter().map(|filter| SubscribeFilter::new((*filter).to_owned(), QoS::AtLeastOnce));
        self.client.try_subscribe_many(filters).is_ok()
    }

    /// Confirms a message to the broker; `false` if the line is stuck.
    pub(super) fn confirm(&self, publish: &Publish) -> bool {
        self.client.try_ack(publish).is_ok()
    }

    /// Publishes, QoS 1; `false` if the line is stuck.
    pub(super) fn publish(&self, topic: String, payload: Vec<u8>) -> bool {
        self.client.try_publish(topic, QoS::AtLeastOnce, false, payload).is_ok()
    }

    /// Writes what has been handed over and says goodbye, or not at all if that takes too long.
    pub(super) async fn close(mut self) {
        if self.client.try_disconnect().is_ok() {
            let ended = async { while self.next().await.is_ok() {} };
            drop(tokio::time::timeout(CLOSE_MAX, ended).await);
        }
    }
}

/// Polls rumqttc until the connection ends; never dropped half-way while the link is in use, so no packet is cut.
async fn pump(mut event_loop: EventLoop, sender: mpsc::Sender<Packet>) -> ConnectionError {
    loop {
        match event_loop.poll().await {
            Ok(Event::Incoming(packet)) => {
                if sender.send(packet).await.is_err() {
                    return ConnectionError::RequestsDone;
                }
            }
            Ok(Event::Outgoing(Outgoing::Disconnect)) => return ConnectionError::RequestsDone,
            Ok(Event::Outgoing(_)) => {}
            Err(error) => return error,
        }
    }
}
