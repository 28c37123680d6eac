//! One gateway's connection: handshake, CONNECT, then messages until either side ends it.
//!
//! A QoS 1 message is confirmed only when ingest has committed it; up to [`WINDOW`](super::limits::WINDOW) are on their way
//! at once and confirmed in order. What ingest answers (an acknowledgement) goes back on this same connection, if the
//! gateway has subscribed to it.

use std::collections::{HashSet, VecDeque};
use std::net::SocketAddr;

use kitchen_contract::id::{GatewayId, KitchenId};
use kitchen_contract::topic::Topic;
use metrics::counter;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::limits::{CONNECT_TIMEOUT, FINISH_TIMEOUT, READ_BYTES, SILENCE_MAX, WINDOW, WRITE_TIMEOUT};
use super::peers::Presence;
use super::policy;
use super::server::Services;
use super::session::{Connect, Heard, Output, Publish, Refusal, Session};
use super::tls;
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
    #[error("tried what it may not: {0}")]
    Forbidden(String),
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
}

impl Ended {
    const fn name(&self) -> &'static str {
        match self {
            Self::Handshake(_) => "handshake",
            Self::Refused(_) => "refused",
            Self::TooSlow => "too-slow",
            Self::Silent => "silent",
            Self::Forbidden(_) => "forbidden",
            Self::Protocol => "protocol",
            Self::TakenOver => "taken-over",
            Self::Stopping => "stopping",
            Self::Unavailable => "unavailable",
            Self::Lost(_) => "lost",
            Self::Disconnected => "disconnected",
        }
    }
}

/// Serves one connection to its end and tells how it ended, in the log and in a counter.
pub(super) async fn serve(stream: TcpStream, address: SocketAddr, acceptor: TlsAcceptor, services: Services) {
    let ended = match admitted(stream, acceptor, &services).await {
        Ok((connection, presence)) => connection.run(presence).await,
        Err(ended) => ended,
    };
    counter!("endpoint_connections_ended_total", "reason" => ended.name()).increment(1);
    tracing::info!(peer = %address, reason = %ended, "gateway connection ended");
}

/// A connection whose peer has been let in.
struct Connection {
    gateway: GatewayId,
    kitchens: Vec<KitchenId>,
    stream: TlsStream<TcpStream>,
    session: Session,
    services: Services,
    subscribed: HashSet<Topic>,
    unconfirmed: VecDeque<Unconfirmed>,
    will: Option<(String, Vec<u8>)>,
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

/// TLS and CONNECT, within [`CONNECT_TIMEOUT`].
async fn admitted(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    services: &Services,
) -> Result<(Connection, Presence), Ended> {
    let deadline = Instant::now() + CONNECT_TIMEOUT;
    let nodelay = stream.set_nodelay(true);
    nodelay.map_err(Ended::Lost)?;
    let handshake = timeout_at(deadline, acceptor.accept(stream)).await;
    let mut stream = handshake.map_err(|_elapsed| Ended::TooSlow)?.map_err(Ended::Handshake)?;
    let certificate = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first()).cloned();
    let gateway = certificate.as_ref().and_then(tls::gateway_of).ok_or(Ended::Refused("no gateway's certificate"))?;
    let mut session = Session::new();
    let connect = timeout_at(deadline, first_packet(&mut stream, &mut session)).await;
    let connect = connect.map_err(|_elapsed| Ended::TooSlow)??;
    let kitchens = match judge_connect(&gateway, &connect, services).await {
        Ok(kitchens) => kitchens,
        Err((refusal, reason)) => {
            write(&mut stream, &session.refuse(refusal).send).await?;
            return Err(Ended::Refused(reason));
        }
    };
    let presence = services.peers.enter(&gateway);
    tracing::info!(gateway.id = %gateway, "gateway connected");
    let connection = Connection {
        gateway,
        kitchens,
        stream,
        session,
        services: services.clone(),
        subscribed: HashSet::new(),
        unconfirmed: VecDeque::new(),
        will: connect.will,
    };
    Ok((connection, presence))
}

/// Reads until CONNECT.
async fn first_packet(stream: &mut TlsStream<TcpStream>, session: &mut Session) -> Result<Connect, Ended> {
    let mut buffer = vec![0; READ_BYTES];
    loop {
        let count = stream.read(&mut buffer).await.map_err(Ended::Lost)?;
        if count == 0 {
            return Err(Ended::Disconnected);
        }
        let output = session.received(&buffer[..count]);
        match output.heard.into_iter().next() {
            Some(Heard::Connect(connect)) => return Ok(connect),
            Some(_) => return Err(Ended::Protocol),
            None if output.close => {
                write(stream, &output.send).await?;
                return Err(Ended::Protocol);
            }
            None => {}
        }
    }
}

/// The kitchens of the gateway, if it may come in.
async fn judge_connect(
    gateway: &GatewayId,
    connect: &Connect,
    services: &Services,
) -> Result<Vec<KitchenId>, (Refusal, &'static str)> {
    if !policy::is_itself(gateway, &connect.client_id) {
        return Err((Refusal::NotItself, "the client id is not the certificate's name"));
    }
    let kitchens = services.kitchens(gateway).await.map_err(|error| {
        tracing::error!(gateway.id = %gateway, %error, "cannot look up a gateway");
        (Refusal::Unavailable, "the registry cannot be read")
    })?;
    let kitchens = kitchens.ok_or((Refusal::NotAuthorized, "the gateway is not registered"))?;
    let will_topic = connect.will.as_ref().map(|(topic, _)| topic);
    match will_topic {
        Some(topic) if policy::may_publish(gateway, &kitchens, topic).is_none() => {
            Err((Refusal::NotAuthorized, "its last will is for a topic that is not its own"))
        }
        Some(_) | None => Ok(kitchens),
    }
}

impl Connection {
    async fn run(mut self, presence: Presence) -> Ended {
        let ended = match self.serve_messages(&presence).await {
            Ok(()) => Ended::Disconnected,
            Err(ended) => ended,
        };
        drop(presence);
        // Only when the gateway is lost: while we stop it is well, and after a takeover it is here again.
        if !matches!(ended, Ended::Disconnected | Ended::TakenOver | Ended::Stopping) {
            self.deliver_will();
        }
        let _peer_may_be_gone = timeout(WRITE_TIMEOUT, self.stream.shutdown()).await;
        ended
    }

    async fn serve_messages(&mut self, presence: &Presence) -> Result<(), Ended> {
        let mut buffer = vec![0; READ_BYTES];
        let mut heard_at = Instant::now();
        let accepted = self.session.accept();
        if self.process(accepted).await? {
            return Ok(());
        }
        loop {
            match self.next(&mut buffer, heard_at, presence).await {
                Next::Bytes(Ok(0)) => return Err(Ended::Lost(std::io::ErrorKind::UnexpectedEof.into())),
                Next::Bytes(Ok(count)) => {
                    heard_at = Instant::now();
                    let output = self.session.received(&buffer[..count]);
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
        let silence = heard_at + self.session.keep_alive().unwrap_or(SILENCE_MAX);
        let room = self.has_room();
        tokio::select! {
            biased;
            () = self.services.shutdown.cancelled() => Next::Stopping,
            () = presence.taken_over().cancelled() => Next::TakenOver,
            delivered = first_delivered(&mut self.unconfirmed) => Next::Delivered(delivered),
            read = self.stream.read(buffer), if room => Next::Bytes(read),
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
            tracing::info!(gateway.id = %self.gateway, open = self.unconfirmed.len(), "stops with messages unconfirmed");
        }
    }

    /// Does what the session wants done; `true` once the peer has said goodbye.
    async fn process(&mut self, Output { send, heard, close }: Output) -> Result<bool, Ended> {
        write(&mut self.stream, &send).await?;
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
                Heard::Connect(_) => return Err(Ended::Protocol),
            }
        }
        Ok(false)
    }

    async fn publish(&mut self, publish: Publish) -> Result<(), Ended> {
        let Publish { topic, payload, packet_id } = publish;
        let Some(topic) = self.allowed(&topic).await? else {
            counter!("endpoint_forbidden_total", "what" => "publish").increment(1);
            tracing::warn!(gateway.id = %self.gateway, topic, "publishes on a topic that is not its own");
            let refused = self.session.refuse_publish(packet_id);
            write(&mut self.stream, &refused.send).await?;
            return if refused.close { Err(Ended::Forbidden(topic)) } else { Ok(()) };
        };
        let delivered = self.services.deliver(&self.gateway, topic, payload).await.ok_or(Ended::Unavailable)?;
        self.unconfirmed.push_back(Unconfirmed { packet_id, delivered });
        Ok(())
    }

    /// The topic if it may be published on; an unknown kitchen is looked up once more, for it may be newly assigned.
    async fn allowed(&mut self, topic: &str) -> Result<Option<Topic>, Ended> {
        if let Some(topic) = policy::may_publish(&self.gateway, &self.kitchens, topic) {
            return Ok(Some(topic));
        }
        match self.services.kitchens(&self.gateway).await {
            Ok(kitchens) => self.kitchens = kitchens.ok_or(Ended::Refused("the gateway is not registered any more"))?,
            Err(error) => {
                tracing::error!(gateway.id = %self.gateway, %error, "cannot look up a gateway");
                return Err(Ended::Unavailable);
            }
        }
        Ok(policy::may_publish(&self.gateway, &self.kitchens, topic))
    }

    async fn subscribe(&mut self, packet_id: u16, filters: &[String]) -> Result<(), Ended> {
        let mut granted = Vec::with_capacity(filters.len());
        for filter in filters {
            let topic = policy::may_subscribe(&self.gateway, filter);
            if topic.is_none() {
                counter!("endpoint_forbidden_total", "what" => "subscribe").increment(1);
                tracing::warn!(gateway.id = %self.gateway, filter, "subscribes to a topic that is not its own");
            }
            granted.push(topic.is_some());
            self.subscribed.extend(topic);
        }
        let answer = self.session.suback(packet_id, &granted);
        write(&mut self.stream, &answer.send).await
    }

    /// Ingest is done with the oldest unconfirmed message: confirm it and pass on the answer.
    async fn confirm(&mut self, delivered: Option<Delivered>) -> Result<(), Ended> {
        let Some(Unconfirmed { packet_id, .. }) = self.unconfirmed.pop_front() else { return Ok(()) };
        let Some(Delivered { answer }) = delivered else { return Err(Ended::Unavailable) };
        let mut send = packet_id.map(|packet_id| self.session.puback(packet_id).send).unwrap_or_default();
        if let Some((topic, payload)) = answer.filter(|(topic, _)| self.subscribed.contains(topic)) {
            send.extend(self.session.publish(&topic.to_string(), &payload).send);
        }
        write(&mut self.stream, &send).await
    }

    async fn end(&mut self, refusal: Refusal, ended: Ended) -> Result<(), Ended> {
        let goodbye = self.session.end(refusal);
        let _peer_may_be_gone = write(&mut self.stream, &goodbye.send).await;
        Err(ended)
    }

    /// The connection died: what the peer left for that case is delivered like a message of its own.
    fn deliver_will(&mut self) {
        let Some((topic, payload)) = self.will.take() else { return };
        if let Some(topic) = policy::may_publish(&self.gateway, &self.kitchens, &topic) {
            self.services.deliver_if_room(&self.gateway, topic, payload);
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

async fn write(stream: &mut TlsStream<TcpStream>, bytes: &[u8]) -> Result<(), Ended> {
    if bytes.is_empty() {
        return Ok(());
    }
    let written = timeout(WRITE_TIMEOUT, async {
        stream.write_all(bytes).await?;
        stream.flush().await
    });
    written.await.map_err(|_elapsed| Ended::TooSlow)?.map_err(Ended::Lost)
}
