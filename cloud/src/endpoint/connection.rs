//! One gateway's connection, once it is let in: messages until either side ends it.
//!
//! A QoS 1 message is confirmed only when ingest has committed it; up to [`WINDOW`](super::limits::WINDOW) are on their way
//! at once and confirmed in order. What ingest answers (an acknowledgement) goes back on this same connection, if the
//! gateway has subscribed to it.

use std::collections::{HashSet, VecDeque};
use std::net::SocketAddr;

use kitchen_contract::topic::Topic;
use metrics::counter;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};
use tokio_rustls::server::TlsStream;

use super::admission::{Admitted, admitted};
use super::complaints::shown;
use super::limits::{FINISH_TIMEOUT, FORBIDDEN_MAX, READ_BYTES, SILENCE_MAX, WINDOW, WRITE_TIMEOUT};
use super::peers::Presence;
use super::policy;
use super::refusal::Refusal;
use super::server::Services;
use super::session::{Heard, Output, Publish};
use super::slots::Slot;
use crate::ingest::Delivered;

/// Why a connection ended; each is counted under its name.
#[derive(Debug, thiserror::Error)]
pub(super) enum Ended {
    #[error("no TLS handshake: {0}")]
    Handshake(std::io::Error),
    #[error("not let in: {0}")]
    Refused(&'static str),
    #[error("too slow to connect, or to read")]
    TooSlow,
    #[error("silent for longer than its keep-alive")]
    Silent,
    #[error("tried what it may not")]
    Forbidden,
    #[error("broke the protocol")]
    Protocol,
    #[error("taken over by a newer connection")]
    TakenOver,
    #[error("the endpoint stops")]
    Stopping,
    #[error("ingest cannot take anything now")]
    Unavailable,
    #[error("connection lost: {0}")]
    Lost(std::io::Error),
    #[error("disconnected")]
    Disconnected,
    #[error("disconnected, and left its last will")]
    DisconnectedWithWill,
}

impl Ended {
    const fn name(&self) -> &'static str {
        match self {
            Self::Handshake(_) => "handshake",
            Self::Refused(_) => "refused",
            Self::TooSlow => "too-slow",
            Self::Silent => "silent",
            Self::Forbidden => "forbidden",
            Self::Protocol => "protocol",
            Self::TakenOver => "taken-over",
            Self::Stopping => "stopping",
            Self::Unavailable => "unavailable",
            Self::Lost(_) => "lost",
            Self::Disconnected => "disconnected",
            Self::DisconnectedWithWill => "disconnected-with-will",
        }
    }
}

/// A new connection, with its slot at the door.
pub(super) struct Knock {
    pub(super) stream: TcpStream,
    pub(super) address: SocketAddr,
    pub(super) slot: Slot,
}

/// Serves one connection to its end and tells how it ended, in the log and in a counter.
pub(super) async fn serve(knock: Knock, services: Services) {
    let Knock { stream, address, slot } = knock;
    let admitted = admitted(stream, &services).await;
    drop(slot);
    let (ended, suppressed) = match admitted {
        Ok((connection, presence)) => (connection.run(presence).await, Some(0)),
        // Strangers can come as often as they like.
        Err(ended) => (ended, services.complaints.say(&address.ip().to_string(), "admission")),
    };
    counter!("endpoint_connections_ended_total", "reason" => ended.name()).increment(1);
    if let Some(suppressed) = suppressed {
        tracing::info!(peer = %address, reason = %ended, suppressed, "gateway connection ended");
    }
}

/// A connection whose peer has been let in.
pub(super) struct Connection {
    peer: Admitted,
    services: Services,
    subscribed: HashSet<Topic>,
    unconfirmed: VecDeque<Unconfirmed>,
    forbidden: u32,
}

/// A message on its way through ingest.
struct Unconfirmed {
    packet_id: Option<u16>,
    delivered: oneshot::Receiver<Delivered>,
}

/// What happens next on a connection.
enum Next {
    Bytes(std::io::Result<usize>),
    Delivered(Option<Delivered>),
    Silence,
    TakenOver,
    Stopping,
}

impl Connection {
    pub(super) fn new(peer: Admitted, services: Services) -> Self {
        Self { peer, services, subscribed: HashSet::new(), unconfirmed: VecDeque::new(), forbidden: 0 }
    }

    async fn run(mut self, presence: Presence) -> Ended {
        let ended = match self.serve_messages(&presence).await {
            Ok(()) => Ended::Disconnected,
            Err(ended) => ended,
        };
        drop(presence);
        // Only when the gateway is lost, or says that it is to be taken for lost: while we stop it is well, and after a takeover it is here again.
        if !matches!(ended, Ended::Disconnected | Ended::TakenOver | Ended::Stopping) {
            self.deliver_will();
        }
        let _peer_may_be_gone = timeout(WRITE_TIMEOUT, self.peer.stream.shutdown()).await;
        ended
    }

    async fn serve_messages(&mut self, presence: &Presence) -> Result<(), Ended> {
        let mut buffer = vec![0; READ_BYTES];
        let mut heard_at = Instant::now();
        let accepted = self.peer.session.accept();
        if self.process(accepted).await? {
            return Ok(());
        }
        loop {
            match self.next(&mut buffer, heard_at, presence).await {
                Next::Bytes(Ok(0)) => return Err(Ended::Lost(std::io::ErrorKind::UnexpectedEof.into())),
                Next::Bytes(Ok(count)) => {
                    heard_at = Instant::now();
                    let output = self.peer.session.received(&buffer[..count]);
                    if self.process(output).await? {
                        return Ok(());
                    }
                }
                Next::Bytes(Err(error)) => return Err(Ended::Lost(error)),
                Next::Delivered(delivered) => {
                    if !self.has_room() {
                        // We have not listened while the window was full, so that was not the peer's silence.
                        heard_at = Instant::now();
                    }
                    self.confirm(delivered).await?;
                }
                Next::Silence => return self.end(Refusal::KeepAlive, Ended::Silent).await,
                Next::TakenOver => return self.end(Refusal::TakenOver, Ended::TakenOver).await,
                Next::Stopping => {
                    self.finish().await;
                    return self.end(Refusal::ShuttingDown, Ended::Stopping).await;
                }
            }
        }
    }

    async fn next(&mut self, buffer: &mut [u8], heard_at: Instant, presence: &Presence) -> Next {
        let silence = heard_at + self.peer.session.keep_alive().unwrap_or(SILENCE_MAX);
        let room = self.has_room();
        tokio::select! {
            biased;
            () = self.services.shutdown.cancelled() => Next::Stopping,
            () = presence.taken_over().cancelled() => Next::TakenOver,
            delivered = first_delivered(&mut self.unconfirmed) => Next::Delivered(delivered),
            read = self.peer.stream.read(buffer), if room => Next::Bytes(read),
            () = tokio::time::sleep_until(silence), if room => Next::Silence,
        }
    }

    /// Whether another message may be on its way; if not, we do not listen.
    fn has_room(&self) -> bool {
        self.unconfirmed.len() < usize::from(WINDOW)
    }

    /// Confirms what is on its way through ingest, as far as that is stored within [`FINISH_TIMEOUT`].
    async fn finish(&mut self) {
        let finished = timeout(FINISH_TIMEOUT, async {
            while !self.unconfirmed.is_empty() {
                let delivered = first_delivered(&mut self.unconfirmed).await;
                self.confirm(delivered).await?;
            }
            Ok::<(), Ended>(())
        });
        if !matches!(finished.await, Ok(Ok(()))) {
            tracing::info!(gateway.id = %self.peer.gateway, open = self.unconfirmed.len(), "stops with messages unconfirmed");
        }
    }

    /// Does what the session wants done; `true` once the peer has said goodbye.
    async fn process(&mut self, Output { send, heard, close }: Output) -> Result<bool, Ended> {
        write(&mut self.peer.stream, &send).await?;
        let goodbye = self.answer(heard).await?;
        if close && !goodbye { Err(Ended::Protocol) } else { Ok(goodbye) }
    }

    /// Answers what was heard; `true` if the last of it was a goodbye.
    async fn answer(&mut self, heard: Vec<Heard>) -> Result<bool, Ended> {
        for request in heard {
            match request {
                Heard::Publish(publish) => self.publish(publish).await?,
                Heard::Subscribe { packet_id, filters } => self.subscribe(packet_id, &filters).await?,
                Heard::Disconnect => return Ok(true),
                Heard::DisconnectWithWill => return Err(Ended::DisconnectedWithWill),
                Heard::Connect(_) => return Err(Ended::Protocol),
            }
        }
        Ok(false)
    }

    async fn publish(&mut self, publish: Publish) -> Result<(), Ended> {
        let Publish { topic, payload, packet_id } = publish;
        let Some(topic) = self.allowed(&topic).await? else {
            self.forbid("publish", &topic).await?;
            let refused = self.peer.session.refuse_publish(packet_id);
            write(&mut self.peer.stream, &refused.send).await?;
            return if refused.close { Err(Ended::Forbidden) } else { Ok(()) };
        };
        let delivered = self.services.deliver(&self.peer.gateway, topic, payload).await.ok_or(Ended::Unavailable)?;
        self.unconfirmed.push_back(Unconfirmed { packet_id, delivered });
        Ok(())
    }

    /// The topic if it may be published on; an unknown kitchen is looked up once more, for it may be newly assigned.
    async fn allowed(&mut self, topic: &str) -> Result<Option<Topic>, Ended> {
        if let Some(topic) = policy::may_publish(&self.peer.gateway, &self.peer.kitchens, topic) {
            return Ok(Some(topic));
        }
        match self.services.kitchens(&self.peer.gateway).await {
            Ok(kitchens) => {
                self.peer.kitchens = kitchens.ok_or(Ended::Refused("the gateway is not registered any more"))?
            }
            Err(error) => {
                tracing::error!(gateway.id = %self.peer.gateway, %error, "cannot look up a gateway");
                return Err(Ended::Unavailable);
            }
        }
        Ok(policy::may_publish(&self.peer.gateway, &self.peer.kitchens, topic))
    }

    async fn subscribe(&mut self, packet_id: u16, filters: &[String]) -> Result<(), Ended> {
        let mut granted = Vec::with_capacity(filters.len());
        for filter in filters {
            let topic = policy::may_subscribe(&self.peer.gateway, filter);
            if topic.is_none() {
                self.forbid("subscribe", filter).await?;
            }
            granted.push(topic.is_some());
            self.subscribed.extend(topic);
        }
        let answer = self.peer.session.suback(packet_id, &granted);
        write(&mut self.peer.stream, &answer.send).await
    }

    /// The peer has tried a topic that is not its own: that is said, and borne [`FORBIDDEN_MAX`] times.
    async fn forbid(&mut self, what: &'static str, topic: &str) -> Result<(), Ended> {
        counter!("endpoint_forbidden_total", "what" => what).increment(1);
        let gateway = &self.peer.gateway;
        if let Some(suppressed) = self.services.complaints.say(gateway.as_str(), "forbidden") {
            tracing::warn!(gateway.id = %gateway, what, topic = shown(topic), suppressed, "tries a topic that is not its own");
        }
        self.forbidden += 1;
        if self.forbidden > FORBIDDEN_MAX {
            return self.end(Refusal::NotAuthorized, Ended::Forbidden).await;
        }
        Ok(())
    }

    /// Ingest is done with the oldest unconfirmed message: confirm it and pass on the answer.
    async fn confirm(&mut self, delivered: Option<Delivered>) -> Result<(), Ended> {
        let Some(Unconfirmed { packet_id, .. }) = self.unconfirmed.pop_front() else { return Ok(()) };
        let Some(Delivered { answer }) = delivered else { return Err(Ended::Unavailable) };
        let mut send = packet_id.map(|packet_id| self.peer.session.puback(packet_id).send).unwrap_or_default();
        if let Some((topic, payload)) = answer.filter(|(topic, _)| self.subscribed.contains(topic)) {
            send.extend(self.peer.session.publish(&topic.to_string(), &payload).send);
        }
        write(&mut self.peer.stream, &send).await
    }

    async fn end(&mut self, refusal: Refusal, ended: Ended) -> Result<(), Ended> {
        let goodbye = self.peer.session.end(refusal);
        let _peer_may_be_gone = write(&mut self.peer.stream, &goodbye.send).await;
        Err(ended)
    }

    /// The connection died: what the peer left for that case is delivered like a message of its own.
    fn deliver_will(&mut self) {
        let Some((topic, payload)) = self.peer.will.take() else { return };
        if let Some(topic) = policy::may_publish(&self.peer.gateway, &self.peer.kitchens, &topic) {
            self.services.deliver_if_room(&self.peer.gateway, topic, payload);
        }
    }
}

/// The outcome of the oldest unconfirmed message; waits for ever if there is none.
async fn first_delivered(unconfirmed: &mut VecDeque<Unconfirmed>) -> Option<Delivered> {
    match unconfirmed.front_mut() {
        Some(first) => (&mut first.delivered).await.ok(),
        None => std::future::pending().await,
    }
}

pub(super) async fn write(stream: &mut TlsStream<TcpStream>, bytes: &[u8]) -> Result<(), Ended> {
    if bytes.is_empty() {
        return Ok(());
    }
    let written = timeout(WRITE_TIMEOUT, async {
        stream.write_all(bytes).await?;
        stream.flush().await
    });
    written.await.map_err(|_elapsed| Ended::TooSlow)?.map_err(Ended::Lost)
}
