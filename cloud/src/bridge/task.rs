//! The bridge's task: connects, subscribes, hands in, confirms what is stored and judged; and connects again for ever.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use kitchen_contract::topic::{SINK_FILTERS, Topic};
use metrics::{counter, gauge};
use rumqttc::{Packet, Publish, SubscribeReasonCode};
use rustls::ClientConfig;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::backoff::Backoff;
use super::link::Link;
use crate::config::BrokerConfig;
use crate::endpoint::complaints::shown;
use crate::ingest::{Delivered, Delivery, Ingest};

/// Messages received and not yet confirmed; a broker that sends more at once (its in-flight limit is larger) is left, and
/// what was not confirmed comes again from the gateways.
const UNCONFIRMED_MAX: usize = 2000;
/// Messages of one connection that ingest may refuse. They stay unconfirmed and come again from their gateways; more of them
/// would take up the broker's in-flight window, so then the connection is made anew.
const REFUSED_MAX: u32 = 10;
/// A connection that has lasted that long was a good one: the next failure begins with a short wait again.
const STABLE: Duration = Duration::from_secs(120);

/// How long a stopping bridge waits for what it has received to be stored. The session is not kept by the broker, so what is
/// not confirmed then does not come again from there: readings come again from their gateways, a status does not. With the
/// link's own goodbye this is shorter than what the supervisor allows the doors.
const FINISH_TIMEOUT: Duration = Duration::from_secs(3);

/// What the bridge works with.
#[derive(Debug)]
pub struct Bridge {
    /// Where the broker is, and as whom to come.
    pub broker: BrokerConfig,
    /// Its TLS, from [`super::client_config`].
    pub tls: Arc<ClientConfig>,
    /// Where messages go.
    pub ingest: Ingest,
}

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error("{0}")]
    Connection(Box<rumqttc::ConnectionError>),
    #[error("the broker refuses a subscription: its access rules must let the sink read")]
    NotAuthorized,
    #[error("the line takes nothing more")]
    Stuck,
    #[error("the broker sends more than {UNCONFIRMED_MAX} messages without waiting for one to be confirmed")]
    Overrun,
    #[error("the store refused more than {REFUSED_MAX} messages")]
    Refused,
    #[error("ingest has stopped")]
    IngestStopped,
    #[error("stopping")]
    Stopping,
}

/// Runs until `shutdown`.
pub async fn run(bridge: Bridge, shutdown: CancellationToken) {
    let mut backoff = Backoff::default();
    let mut told = None;
    loop {
        let started = Instant::now();
        let ended = Connection::new(&bridge).run(&shutdown).await;
        gauge!("bridge_connected").set(0);
        let reason = ended.to_string();
        if told.as_ref() == Some(&reason) && started.elapsed() < STABLE {
            tracing::debug!(host = %bridge.broker.host, reason, "bridge still disconnected");
        } else {
            tracing::info!(host = %bridge.broker.host, port = bridge.broker.port, reason, "bridge disconnected");
            told = Some(reason);
        }
        if started.elapsed() > STABLE {
            backoff = Backoff::default();
        }
        let wait = backoff.failed(rand::random());
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// A message being handed in.
type HandingIn = Pin<Box<dyn Future<Output = Option<oneshot::Receiver<Delivered>>> + Send>>;

struct Connection<'a> {
    bridge: &'a Bridge,
    link: Link,
    received: VecDeque<Publish>,
    handing_in: Option<(Publish, HandingIn)>,
    unconfirmed: VecDeque<(Publish, oneshot::Receiver<Delivered>)>,
    refused: u32,
    connected: bool,
}

/// What happens next on a connection.
enum Next {
    Packet(Packet),
    HandedIn(Option<oneshot::Receiver<Delivered>>),
    Delivered(Option<Delivered>),
}

impl<'a> Connection<'a> {
    fn new(bridge: &'a Bridge) -> Self {
        let link = Link::new(&bridge.broker, Arc::clone(&bridge.tls));
        let (received, unconfirmed) = (VecDeque::new(), VecDeque::new());
        Self { bridge, link, received, handing_in: None, unconfirmed, refused: 0, connected: false }
    }

    async fn run(mut self, shutdown: &CancellationToken) -> Ended {
        loop {
            self.hand_in_next();
            let next = tokio::select! {
                biased;
                () = shutdown.cancelled() => return self.finish().await,
                next = self.next() => next,
            };
            if let Err(ended) = self.handle(next) {
                return ended;
            }
        }
    }

    /// Confirms what has been received, as far as it is stored within [`FINISH_TIMEOUT`], and says goodbye.
    async fn finish(mut self) -> Ended {
        let finished = timeout(FINISH_TIMEOUT, async {
            while self.open() > 0 {
                match self.next().await {
                    // What comes now is left to the gateways, else this might never end.
                    Ok(Next::Packet(Packet::Publish(_))) => {}
                    next => self.handle(next)?,
                }
                self.hand_in_next();
            }
            Ok::<(), Ended>(())
        });
        if !matches!(finished.await, Ok(Ok(()))) {
            tracing::info!(open = self.open(), "the bridge stops with messages unconfirmed");
        }
        if self.connected {
            self.link.close().await;
        }
        Ended::Stopping
    }

    /// Messages that have been received and not been confirmed.
    fn open(&self) -> usize {
        self.received.len() + usize::from(self.handing_in.is_some()) + self.unconfirmed.len()
    }

    fn handle(&mut self, next: Result<Next, rumqttc::ConnectionError>) -> Result<(), Ended> {
        match next {
            Ok(Next::Packet(packet)) => self.packet(packet),
            Ok(Next::HandedIn(receiver)) => self.handed_in(receiver),
            Ok(Next::Delivered(delivered)) => self.confirm(delivered),
            Err(error) => Err(Ended::Connection(Box::new(error))),
        }
    }

    async fn next(&mut self) -> Result<Next, rumqttc::ConnectionError> {
        tokio::select! {
            biased;
            delivered = first_delivered(&mut self.unconfirmed) => Ok(Next::Delivered(delivered)),
            receiver = handed_in(&mut self.handing_in) => Ok(Next::HandedIn(receiver)),
            packet = self.link.next() => packet.map(Next::Packet),
        }
    }

    /// Ingest may be full and let us wait: one message is being handed in, the others wait behind it in order.
    fn hand_in_next(&mut self) {
        while self.handing_in.is_none() {
            let Some(publish) = self.received.pop_front() else { return };
            match publish.topic.parse::<Topic>() {
                Ok(topic) => {
                    let delivery = Delivery { topic, payload: publish.payload.to_vec(), peer: None };
                    let ingest = self.bridge.ingest.clone();
                    let handing_in = Box::pin(async move { ingest.deliver(delivery).await });
                    self.handing_in = Some((publish, handing_in));
                }
                Err(_) => {
                    counter!("ingest_dropped_total", "reason" => "topic").increment(1);
                    tracing::debug!(topic = shown(&publish.topic), "a message that is none of ours");
                    self.link.confirm(&publish);
                }
            }
        }
    }

    fn packet(&mut self, packet: Packet) -> Result<(), Ended> {
        match packet {
            Packet::ConnAck(_) => {
                self.connected = true;
                self.link.subscribe(&SINK_FILTERS).then_some(()).ok_or(Ended::Stuck)
            }
            Packet::SubAck(answer) if answer.return_codes.contains(&SubscribeReasonCode::Failure) => {
                Err(Ended::NotAuthorized)
            }
            Packet::SubAck(_) => {
                gauge!("bridge_connected").set(1);
                tracing::info!(host = %self.bridge.broker.host, port = self.bridge.broker.port, "bridge connected");
                Ok(())
            }
            Packet::Publish(publish) => {
                counter!("bridge_received_total").increment(1);
                self.received.push_back(publish);
                if self.open() > UNCONFIRMED_MAX { Err(Ended::Overrun) } else { Ok(()) }
            }
            _ => Ok(()),
        }
    }

    fn handed_in(&mut self, receiver: Option<oneshot::Receiver<Delivered>>) -> Result<(), Ended> {
        if let (Some((publish, _)), Some(receiver)) = (self.handing_in.take(), receiver) {
            self.unconfirmed.push_back((publish, receiver));
            return Ok(());
        }
        Err(Ended::IngestStopped)
    }

    /// The oldest message is stored and judged: confirm it, and publish the answer. Without an outcome nothing is
    /// confirmed.
    fn confirm(&mut self, delivered: Option<Delivered>) -> Result<(), Ended> {
        let Some((publish, _)) = self.unconfirmed.pop_front() else { return Ok(()) };
        let Some(Delivered { answer }) = delivered else {
            self.refused += 1;
            return if self.refused > REFUSED_MAX { Err(Ended::Refused) } else { Ok(()) };
        };
        let answered = answer.is_none_or(|(topic, payload)| {
            counter!("bridge_acks_published_total").increment(1);
            self.link.publish(topic.to_string(), payload)
        });
        if answered && self.link.confirm(&publish) { Ok(()) } else { Err(Ended::Stuck) }
    }
}

/// The outcome of the oldest unconfirmed message; waits for ever if there is none.
async fn first_delivered(unconfirmed: &mut VecDeque<(Publish, oneshot::Receiver<Delivered>)>) -> Option<Delivered> {
    match unconfirmed.front_mut() {
        Some((_, receiver)) => receiver.await.ok(),
        None => std::future::pending().await,
    }
}

/// That ingest has taken the message that is being handed in; waits for ever if there is none.
async fn handed_in(handing_in: &mut Option<(Publish, HandingIn)>) -> Option<oneshot::Receiver<Delivered>> {
    match handing_in {
        Some((_, future)) => future.as_mut().await,
        None => std::future::pending().await,
    }
}
