//! What comes from the sink: its acknowledgements, answers and refusals become events.
//!
//! The other half of [`super::task`].

use std::time::Duration;

use kitchen_contract::VERSION;
use kitchen_contract::ack::{Ack, Refused};
use kitchen_contract::id::Epoch;
use kitchen_contract::ranges::SeqRanges;
use kitchen_contract::record::SEQ_MAX;
use kitchen_contract::topic::Topic;
use rumqttc::{Packet, Publish, SubscribeReasonCode};
use tracing::{debug, warn};

use super::event::{Event, Refusal};
use super::fault::LinkFault;
use super::task::Forwarder;
use crate::clock::wall::Exchange;

impl Forwarder {
    /// What a packet from the sink means; nothing, often.
    pub(super) async fn received(&mut self, packet: Packet) -> Vec<Event> {
        match packet {
            Packet::ConnAck(_) => vec![Event::Opened],
            Packet::SubAck(answer) if answer.return_codes.contains(&SubscribeReasonCode::Failure) => {
                vec![self.lost(&LinkFault::NotAuthorised("a subscription is refused".to_owned()))]
            }
            Packet::SubAck(_) => vec![Event::Subscribed],
            Packet::Publish(publish) => self.published(&publish).await,
            _ => Vec::new(),
        }
    }

    async fn published(&mut self, publish: &Publish) -> Vec<Event> {
        if publish.topic.parse() != Ok(Topic::Ack(self.destination.gateway_id.clone())) {
            debug!(topic = %publish.topic, "a message that this version does not know is left aside");
            return Vec::new();
        }
        match serde_json::from_slice::<Ack>(&publish.payload) {
            Ok(ack) if ack.v == VERSION => self.heard_of(ack).await,
            Ok(ack) => {
                warn!(v = ack.v, "an acknowledgement of an unknown version is left aside");
                Vec::new()
            }
            Err(error) => {
                warn!(%error, "an unreadable acknowledgement is left aside");
                Vec::new()
            }
        }
    }

    /// An answer may take some records and not others.
    async fn heard_of(&mut self, ack: Ack) -> Vec<Event> {
        self.shown.send_modify(|shown| shown.last_answer = Some(self.clock.now()));
        let mut events = Vec::new();
        if !ack.ranges.is_empty() || !ack.rejected.is_empty() {
            events.extend(self.acknowledged(&ack).await);
        } else if ack.refused.is_empty() {
            events.extend(self.answered(&ack).await);
        }
        events.extend(ack.refused.iter().map(|refused| self.refused(&ack.epoch, refused)));
        events
    }

    async fn acknowledged(&mut self, ack: &Ack) -> Option<Event> {
        let (epoch, mut ranges) = (ack.epoch.clone(), ack.ranges.clone());
        for rejected in ack.rejected.iter().filter(|rejected| is_range(rejected.range)) {
            let (from, to) = rejected.range;
            // An acknowledgement may come twice, and what is set aside is told of once.
            let freed = self.free(&epoch, &vec![(from, to)].into()).await?;
            if freed > 0 {
                self.tell_rejected(&epoch, rejected, freed);
            }
            ranges.insert(from, to);
        }
        let freed = self.free(&epoch, &ack.ranges).await?;
        let shown: Vec<_> = ranges.iter().collect();
        debug!(%epoch, ranges = ?shown, freed, "acknowledged");
        self.shown.send_modify(|shown| shown.last_ack = Some(self.clock.now()));
        Some(Event::Acknowledged { epoch, ranges })
    }

    /// How many were still held; none if they cannot be freed now.
    async fn free(&mut self, epoch: &Epoch, ranges: &SeqRanges) -> Option<u64> {
        let freed = self.buffer.acknowledge(epoch.clone(), ranges.clone()).await;
        let warn = |error| warn!(%error, "acknowledged records cannot be freed now and will be sent again");
        freed.map_err(warn).ok()
    }

    fn refused(&mut self, epoch: &Epoch, refused: &Refused) -> Event {
        let Refused { range, reason, retry_after_s } = refused;
        self.tell_refused(*reason);
        let retry_after = retry_after_s.map(|seconds| Duration::from_secs(u64::from(seconds)));
        Event::Refused(Refusal { epoch: epoch.clone(), ranges: vec![*range].into(), reason: *reason, retry_after })
    }

    /// The sink answered a birth or heartbeat: now its time is known, and what waited for it is settled.
    async fn answered(&mut self, ack: &Ack) -> Option<Event> {
        let question = ack.answers.filter(|_| ack.epoch == self.state.borrow().epoch);
        let Some(sent) = question.and_then(|question| self.questions.answered(question)) else {
            debug!(answers = ack.answers, "an answer to nothing that was asked is left aside");
            return None;
        };
        self.clock.learn(Exchange { sent, received: self.clock.now(), server_time: ack.server_time });
        if self.state.borrow().unsettled > 0 {
            self.settle().await;
        }
        Some(Event::Answered { records_per_s: ack.records_per_s })
    }
}

/// A range of sequence numbers; of anything else nothing is held.
fn is_range((from, to): (u64, u64)) -> bool {
    (1..=to).contains(&from) && to <= SEQ_MAX
}

#[cfg(test)]
mod tests {
    use kitchen_contract::ack::{RefuseReason, RejectReason, Rejected};
    use kitchen_contract::record::{Body, Event as Recorded};
    use tokio::sync::{mpsc, watch};

    use super::*;
    use crate::buffer::entry::Draft;
    use crate::buffer::{Buffer, Keeper, Limits, Round};
    use crate::clock::shared::SharedClock;
    use crate::config::sections::MqttSection;
    use crate::forwarder::task::Destination;
    use crate::forwarder::timing::Timing;
    use crate::forwarder::told::Told;
    use crate::observation::Observation;
    use crate::speed::Speed;

    fn destination(observations: mpsc::WeakSender<Observation>) -> Destination {
        let second = Duration::from_secs(1);
        let [ca, certificate, key] = ["ca", "certificate", "key"].map(Into::into);
        let (host, port, fallbacks, keep_alive, heartbeat) = ("localhost".to_owned(), 1, Vec::new(), second, second);
        Destination {
            gateway_id: "gateway-1".parse().unwrap(),
            mqtt: MqttSection { host, port, fallbacks, ca, certificate, key, keep_alive, heartbeat },
            told: Told { config_hash: String::new(), recorded: watch::channel(Default::default()).1, sensors: vec![] },
            observations,
            timing: Timing::new(second, Speed::REAL),
        }
    }

    /// A forwarder with so many records in its buffer.
    async fn forwarder(dir: &std::path::Path, records: i64, observations: &mpsc::Sender<Observation>) -> Forwarder {
        let limits = Limits { records_max: 1000, bytes_max: 1_000_000, free_bytes_min: 0 };
        let (keeper, handle) = Keeper::new(Buffer::open(dir, limits, Epoch::from_entropy([1; 15])).unwrap());
        std::thread::spawn(move || keeper.run());
        let clock = SharedClock::new(tokio::time::Instant::now());
        let now = clock.stamp(clock.now());
        for step_ms in 0..records {
            let drafts = vec![Draft::new(now, Body::Event(Recorded::ClockStep { step_ms }))];
            let kitchen_id = "kitchen-1".parse().unwrap();
            handle.append(Round { kitchen_id, now, dropped: 0, drafts }.into()).await.unwrap();
        }
        Forwarder::new(destination(observations.downgrade()), handle, clock)
    }

    fn ack(rejected: Vec<Rejected>) -> Ack {
        let time = "2026-12-01T10:00:00.000Z".parse().unwrap();
        Ack::of_records(Epoch::from_entropy([1; 15]), Default::default(), rejected, time)
    }

    #[tokio::test]
    async fn an_answer_may_take_some_records_and_refuse_others() {
        let dir = tempfile::tempdir().unwrap();
        let (observations, _recorder) = mpsc::channel(8);
        let mut forwarder = forwarder(dir.path(), 9, &observations).await;
        let refused = |from, to, reason| Refused { range: (from, to), reason, retry_after_s: None };
        let two = vec![refused(4, 5, RefuseReason::TooLarge), refused(6, 6, RefuseReason::Quota)];
        let events = forwarder.heard_of(Ack { ranges: vec![(1, 3)].into(), refused: two, ..ack(Vec::new()) }).await;
        assert!(
            matches!(&events[..], [Event::Acknowledged { .. }, Event::Refused(_), Event::Refused(_)]),
            "{events:?}"
        );
        // The keeper shows it a moment later; the run's start is a record too.
        forwarder.state.wait_for(|state| state.records == 1 + 9 - 3).await.unwrap();
    }

    #[tokio::test]
    async fn what_is_set_aside_waits_for_a_recorder_that_takes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let (observations, mut recorder) = mpsc::channel(1);
        let mut forwarder = forwarder(dir.path(), 9, &observations).await;
        let body = Body::Event(Recorded::ClockStep { step_ms: 1 });
        observations.try_send(Observation { at: forwarder.clock.now(), stamp: None, body, mark: None }).unwrap();
        let rejected = |from, to| Rejected { range: (from, to), reason: RejectReason::UnknownDevice };
        let set_aside = vec![rejected(1, 1), rejected(3, 4), rejected(0, u64::MAX), rejected(5, 4)];
        forwarder.heard_of(ack(set_aside.clone())).await;
        // An acknowledgement that comes twice tells nothing new.
        forwarder.heard_of(ack(set_aside)).await;
        assert_eq!(forwarder.shown.borrow().counters.rejected, 3);
        let mut told = Vec::new();
        while let Ok(observation) = recorder.try_recv() {
            forwarder.record_rejections();
            if let Body::Event(Recorded::RecordsRejected { from, to, .. }) = observation.body {
                told.push((from, to));
            }
        }
        assert_eq!((told, forwarder.rejections.waiting()), (vec![(1, 1), (3, 4)], 0));
    }
}
