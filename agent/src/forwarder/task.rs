//! The forwarder's task: one event at a time into the state machine, then what it says is done.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use kitchen_contract::VERSION;
use kitchen_contract::envelope::{ENVELOPE_BYTES_LIVE, ENVELOPE_OVERHEAD_BYTES, ENVELOPE_RECORDS_MAX, Envelope};
use kitchen_contract::id::GatewayId;
use kitchen_contract::ranges::SeqRanges;
use kitchen_contract::signature::DeviceKey;
use kitchen_contract::status::{Status, StatusKind};
use kitchen_contract::time::Timestamp;
use kitchen_contract::topic::Topic;
use kitchen_contract::written::WrittenRecord;
use rumqttc::Packet;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::connecting::Connection;
use super::event::{Action, Backlog, Event};
use super::fault::LinkFault;
use super::link::Link;
use super::lookup::Lookup;
use super::online::{Next, Pace};
use super::questions::Questions;
use super::rejections::Rejections;
use super::shown::LinkShown;
use super::state::{Machine, State};
use super::timing::Timing;
use super::tls::Identity;
use super::told::Told;
use super::trial::Trial;
use super::window::Sent;
use crate::buffer::{Batch, BufferHandle, BufferState, Read, ReadLimits};
use crate::clock::shared::SharedClock;
use crate::config::sections::MqttSection;
use crate::observation::Observation;
use crate::repeats::Repeats;

/// The largest envelope when catching up, in bytes: under the packet limit with topic and packet header.
const ENVELOPE_BYTES_CATCHING_UP: usize = 120 * 1024;

/// Where and as whom to forward.
pub struct Destination {
    /// The gateway.
    pub gateway_id: GatewayId,
    /// The sink, and the files to prove ourselves with.
    pub mqtt: MqttSection,
    /// What births and heartbeats tell beside the buffer.
    pub told: Told,
    /// The way into the record for what the sink sets aside; it must not keep the recorder waiting at the end.
    pub observations: mpsc::WeakSender<Observation>,
    /// How long to wait for what.
    pub timing: Timing,
}

/// Sends what is in the buffer, frees what the sink acknowledges.
pub struct Forwarder {
    pub(super) destination: Destination,
    pub(super) buffer: BufferHandle,
    pub(super) state: watch::Receiver<BufferState>,
    pub(super) clock: SharedClock,
    pub(super) machine: Machine,
    pub(super) connection: Option<Connection>,
    /// Which address that is made to, or was last.
    pub(super) used: usize,
    /// What the last connection was made with that the sink has answered.
    pub(super) proven: Option<Arc<Identity>>,
    /// What is tried instead of it.
    pub(super) trial: Trial,
    pub(super) lookup: Lookup,
    pub(super) questions: Questions,
    pub(super) faults: Repeats,
    /// Why the certificate files are not used.
    pub(super) unused: Repeats,
    /// What came with the last packet.
    heard: VecDeque<Event>,
    /// Kitchens whose records the sink does not take.
    pub(super) passed_over: Repeats,
    /// Why the sink does not take what it gets.
    pub(super) refusals: Repeats,
    pub(super) rejections: Rejections,
    pub(super) shown: watch::Sender<LinkShown>,
}

impl Forwarder {
    /// A forwarder that is offline.
    pub fn new(destination: Destination, buffer: BufferHandle, clock: SharedClock) -> Self {
        let state = buffer.state();
        let addresses = destination.mqtt.addresses().len();
        let machine = Machine::new(destination.timing, addresses, backlog(&state.borrow()));
        Self {
            destination,
            buffer,
            state,
            clock,
            machine,
            connection: None,
            used: 0,
            proven: None,
            trial: Trial::default(),
            lookup: Lookup::default(),
            questions: Questions::default(),
            faults: Repeats::default(),
            unused: Repeats::default(),
            heard: VecDeque::new(),
            passed_over: Repeats::default(),
            refusals: Repeats::default(),
            rejections: Rejections::default(),
            shown: watch::Sender::default(),
        }
    }

    /// What is shown of the connection, as it changes.
    pub fn shown(&self) -> watch::Receiver<LinkShown> {
        self.shown.subscribe()
    }

    /// Runs until the shutdown is through: what is under way gets a moment to be acknowledged.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let mut stopping = false;
        while *self.machine.state() != State::Stopped {
            let event = tokio::select! {
                () = shutdown.cancelled(), if !stopping => {
                    stopping = true;
                    Event::Stop
                }
                event = self.next_event() => event,
            };
            self.handle(event).await;
        }
        self.close().await;
        self.tell_left_rejections();
    }

    async fn next_event(&mut self) -> Event {
        let wait = self.machine.deadline().map_or(Duration::MAX, |at| at.0.saturating_sub(self.clock.now().0));
        let deadline = Instant::now().checked_add(wait).unwrap_or_else(far_away);
        loop {
            if let Some(event) = self.heard.pop_front() {
                return event;
            }
            tokio::select! {
                packet = next_packet(&mut self.connection) => match packet {
                    Ok(packet) => self.heard = self.received(packet).await.into(),
                    Err(error) => return self.lost(&LinkFault::from(&error)),
                },
                Ok(()) = self.state.changed() => {
                    // The recorder has written, so there may be room again.
                    self.record_rejections();
                    return Event::Backlog(backlog(&self.state.borrow_and_update()));
                }
                () = sleep_until(deadline) => return Event::Tick { chance: rand::random() },
            }
        }
    }

    /// Steps the machine, and does what it says until there is nothing left to say.
    async fn handle(&mut self, event: Event) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            let before = self.machine.state().clone();
            let timed_out = matches!(event, Event::Tick { .. });
            let (machine, actions) = self.machine.clone().step(self.clock.now(), event);
            self.machine = machine;
            if matches!(self.machine.state(), State::Online(_)) {
                self.prove();
            }
            self.tell(&before, timed_out);
            self.show();
            for action in actions {
                events.extend(self.perform(action).await);
            }
        }
    }

    async fn perform(&mut self, action: Action) -> Option<Event> {
        match action {
            Action::Connect { address } => {
                self.used = address;
                self.connect(address).await
            }
            Action::Subscribe => {
                let topics = Topic::read_by(&self.destination.gateway_id).map(|topic| topic.to_string());
                self.hand_over(|link, _| link.subscribe(topics).map_err(|error| error.to_string()))
            }
            Action::SendBirth => self.send_status(StatusKind::Birth),
            Action::SendHeartbeat => self.heartbeat().await,
            Action::SendNext(next) => Some(self.send_next(next).await),
            Action::TellPassedOver(sent) => {
                self.tell_passed_over(&sent);
                None
            }
            Action::Close => {
                self.close().await;
                None
            }
        }
    }

    async fn close(&mut self) {
        if let Some(Connection { link, .. }) = self.connection.take() {
            link.close().await;
        }
    }

    async fn heartbeat(&mut self) -> Option<Event> {
        self.record_rejections();
        match self.look().await {
            // The new connection begins with a birth.
            Some(renewed) => Some(renewed),
            None => self.send_status(StatusKind::Heartbeat),
        }
    }

    fn send_status(&mut self, kind: StatusKind) -> Option<Event> {
        let question = self.questions.ask(self.clock.now());
        let (topic, status) = self.status(kind, Some(question));
        self.hand_over(|link, key| {
            let payload = status.seal(key).map_err(|error| error.to_string())?;
            link.publish(topic, payload).map_err(|error| error.to_string())
        })
    }

    /// Name and port of one of the addresses.
    pub(super) fn address(&self, address: usize) -> (String, u16) {
        let mut addresses = self.destination.mqtt.addresses();
        addresses.swap_remove(address.min(addresses.len() - 1))
    }

    /// What to say of this gateway now, and where.
    pub(super) fn status(&self, kind: StatusKind, question: Option<u64>) -> (String, Status) {
        let buffer = self.state.borrow().clone();
        let told = &self.destination.told;
        let status = Status {
            v: VERSION,
            gateway_id: self.destination.gateway_id.clone(),
            epoch: buffer.epoch.clone(),
            kind,
            last_seq: buffer.last_seq,
            backlog: buffer.records,
            timestamp: self.wall_now(),
            agent_version: env!("CARGO_PKG_VERSION").to_owned(),
            config_hash: Some(told.config_hash.clone()),
            sensors: if kind == StatusKind::Birth { told.sensors() } else { Vec::new() },
            counters: Some(told.counters(buffer.counters, self.shown.borrow().counters)),
            question,
        };
        (Topic::Status(status.gateway_id.clone()).to_string(), status)
    }

    pub(super) fn wall_now(&self) -> Option<Timestamp> {
        match self.clock.stamp(self.clock.now()) {
            crate::clock::wall::Stamp::Settled { timestamp, .. } => Some(timestamp),
            crate::clock::wall::Stamp::Unsettled { .. } => None,
        }
    }

    /// Sends the next records. What waits for a clock is settled first, if that can be done by now.
    async fn send_next(&mut self, next: Next) -> Event {
        let (after, limits) = (next.after, read_limits(next));
        let mut read = self.buffer.read(after, limits).await;
        if matches!(read, Ok(Read::Unsettled)) && self.settle().await > 0 {
            read = self.buffer.read(after, limits).await;
        }
        match read {
            Ok(Read::Batch(batch)) => batch.up_to(next.until).map_or(Event::NothingToSend, |batch| self.send(batch)),
            Ok(Read::Empty) => Event::NothingToSend,
            Ok(Read::Unsettled) => Event::Unreadable,
            Err(error) => {
                debug!(%error, "nothing can be read from the buffer now");
                Event::Unreadable
            }
        }
    }

    pub(super) async fn settle(&mut self) -> u64 {
        match self.buffer.settle(self.clock.snapshot()).await {
            Ok(0) => 0,
            Ok(records) => {
                info!(records, "records without a time got one from the cloud's");
                records
            }
            Err(error) => {
                warn!(%error, "records without a time cannot be settled now");
                0
            }
        }
    }

    fn send(&mut self, batch: Batch) -> Event {
        let Batch { epoch, kitchen_id, records, last_index } = batch;
        let seqs: SeqRanges = records.iter().map(WrittenRecord::seq).collect();
        let topic = Topic::Temperature(kitchen_id.clone()).to_string();
        let envelope = Envelope { gateway_id: self.destination.gateway_id.clone(), kitchen_id, epoch, records };
        let lost = self.hand_over(|link, key| {
            let payload = envelope.seal(key).map_err(|error| error.to_string())?;
            let (from, to) = (envelope.records.first().map(WrittenRecord::seq), seqs.last());
            debug!(epoch = %envelope.epoch, from, to, records = envelope.records.len(), bytes = payload.len(), "envelope sent");
            link.publish(topic, payload).map_err(|error| error.to_string())
        });
        let Envelope { kitchen_id, epoch, .. } = envelope;
        lost.unwrap_or(Event::Sent(Sent { kitchen_id, epoch, seqs, last_index }))
    }

    /// Hands something to the connection. A connection that is gone or stuck is lost.
    fn hand_over(&mut self, give: impl FnOnce(&Link, &DeviceKey) -> Result<(), String>) -> Option<Event> {
        let Connection { link, identity } = self.connection.as_ref()?;
        let reason = give(link, &identity.device_key).err()?;
        Some(self.lost(&LinkFault::Unreachable(reason)))
    }
}

fn read_limits(next: Next) -> ReadLimits {
    let bytes = match next.pace {
        Pace::Live => ENVELOPE_BYTES_LIVE,
        Pace::CatchingUp => ENVELOPE_BYTES_CATCHING_UP,
    };
    let halved = |whole: usize| (whole >> next.halvings).max(1);
    ReadLimits { records_max: halved(ENVELOPE_RECORDS_MAX), bytes_max: halved(bytes - ENVELOPE_OVERHEAD_BYTES) }
}

fn backlog(buffer: &BufferState) -> Backlog {
    Backlog { records: buffer.records, newest: buffer.newest }
}

async fn next_packet(connection: &mut Option<Connection>) -> Result<Packet, rumqttc::ConnectionError> {
    match connection {
        Some(connection) => connection.link.next().await,
        None => std::future::pending().await,
    }
}

fn far_away() -> Instant {
    Instant::now() + Duration::from_secs(24 * 3600)
}
