//! One connection: rumqttc at arm's length.
//!
//! A link is made afresh for every attempt, and dropped at the first error: nothing of rumqttc's own queues and sessions
//! outlives it, so it can hold nothing that would be missed. Handing over never waits.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::time::Duration;

use rumqttc::{
    AsyncClient, ConnectionError, Event, EventLoop, LastWill, MqttOptions, Outgoing, Packet, QoS, SubscribeFilter,
    TlsConfiguration, Transport,
};
use tokio::sync::mpsc;

use super::lookup::{self, Lookup};

/// The largest packet, in bytes, both ways: AWS IoT's limit. rumqttc's own is 10 KiB.
const PACKET_BYTES_MAX: usize = 128 * 1024;
/// Packets handed over and not yet on the wire: the window, status messages and a resend. Full means that the line is
/// stuck, and the link is given up.
const REQUESTS_MAX: usize = 32;
/// How long finding the name may take.
const LOOKUP_MAX: Duration = Duration::from_secs(8);
/// Packets received and not yet looked at; then rumqttc waits.
const INCOMING_MAX: usize = 16;
/// How long connecting, with TLS, may take once the name is found, in seconds; also a single write.
const CONNECT_MAX_S: u64 = 10;
/// How long a polite end may take.
const CLOSE_MAX: Duration = Duration::from_secs(1);

/// Where and as whom to connect.
pub struct Address {
    /// The MQTT client id: the gateway's id.
    pub client_id: String,
    /// Name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// A line that is dead is found within one and a half times this; at least 5 s.
    pub keep_alive: Duration,
}

/// A connection that is being made or stands.
pub struct Link {
    client: AsyncClient,
    incoming: mpsc::Receiver<Packet>,
    pump: Pin<Box<dyn Future<Output = ConnectionError> + Send>>,
}

/// The connection takes nothing more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the connection takes nothing more")]
pub struct Stuck;

impl Link {
    /// Begins to connect. Nothing happens before [`Link::next`] is awaited. `will` is left with the other side, topic and
    /// payload, which passes it on when the connection ends without a word.
    pub fn new(address: &Address, tls: rustls::ClientConfig, will: Option<(String, Vec<u8>)>, lookup: Lookup) -> Self {
        let mut options = MqttOptions::new(&address.client_id, &address.host, address.port);
        options
            .set_keep_alive(probe_every(address.keep_alive))
            .set_clean_session(true)
            .set_max_packet_size(PACKET_BYTES_MAX, PACKET_BYTES_MAX)
            .set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(tls.into())));
        if let Some((topic, payload)) = will {
            options.set_last_will(LastWill::new(topic, payload, QoS::AtLeastOnce, false));
        }
        let (client, mut event_loop) = AsyncClient::new(options, REQUESTS_MAX);
        event_loop.network_options.set_connection_timeout(CONNECT_MAX_S);
        let (sender, incoming) = mpsc::channel(INCOMING_MAX);
        Self { client, incoming, pump: Box::pin(pump(lookup, event_loop, sender)) }
    }

    /// The next packet, or why the connection has ended; after an end the link must be dropped.
    ///
    /// # Errors
    /// The connection could not be made or is gone.
    pub async fn next(&mut self) -> Result<Packet, ConnectionError> {
        tokio::select! {
            biased;
            Some(packet) = self.incoming.recv() => Ok(packet),
            error = &mut self.pump => Err(error),
        }
    }

    /// Hands a message over, QoS 1. Its PUBACK says nothing and is not waited for.
    ///
    /// # Errors
    /// The connection takes nothing more.
    pub fn publish(&self, topic: String, payload: Vec<u8>) -> Result<(), Stuck> {
        self.client.try_publish(topic, QoS::AtLeastOnce, false, payload).map_err(|_| Stuck)
    }

    /// Asks for the topics.
    ///
    /// # Errors
    /// The connection takes nothing more.
    pub fn subscribe(&self, topics: impl IntoIterator<Item = String>) -> Result<(), Stuck> {
        let filters = topics.into_iter().map(|topic| SubscribeFilter::new(topic, QoS::AtLeastOnce));
        self.client.try_subscribe_many(filters).map_err(|_| Stuck)
    }

    /// Ends the connection politely, or not at all if that takes too long.
    pub async fn close(mut self) {
        if self.client.try_disconnect().is_ok() {
            let ended = async { while self.next().await.is_ok() {} };
            drop(tokio::time::timeout(CLOSE_MAX, ended).await);
        }
    }
}

/// rumqttc probes the line at this interval, whatever else is said, and notices at the next probe that the one before was
/// not answered: after twice the interval, at worst. In whole seconds.
fn probe_every(keep_alive: Duration) -> Duration {
    Duration::from_secs((keep_alive.as_secs() * 3 / 4).max(1))
}

/// Polls rumqttc until the connection ends. Never dropped half-way while the link is in use, so no packet is cut.
async fn pump(lookup: Lookup, mut event_loop: EventLoop, sender: mpsc::Sender<Packet>) -> ConnectionError {
    let (host, port) = event_loop.mqtt_options.broker_address();
    match tokio::time::timeout(LOOKUP_MAX, lookup.find(&host, port)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => return ConnectionError::Io(error),
        Err(_) => return ConnectionError::Io(io::Error::new(io::ErrorKind::TimedOut, lookup::SILENT)),
    }
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
