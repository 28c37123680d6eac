//! What comes from the sink: its acknowledgements, answers and refusals become events.
//!
//! The other half of [`super::task`].

use std::time::Duration;

use kitchen_contract::VERSION;
use kitchen_contract::ack::{Ack, Refused};
use kitchen_contract::id::Epoch;
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
        for rejected in &ack.rejected {
            self.tell_rejected(&epoch, rejected);
            ranges.insert(rejected.range.0, rejected.range.1);
        }
        match self.buffer.acknowledge(epoch.clone(), ranges.clone()).await {
            Ok(freed) => {
                let shown: Vec<_> = ranges.iter().collect();
                debug!(%epoch, ranges = ?shown, freed, "acknowledged");
                self.shown.send_modify(|shown| shown.last_ack = Some(self.clock.now()));
                Some(Event::Acknowledged { epoch, ranges })
            }
            Err(error) => {
                warn!(%error, "acknowledged records cannot be freed now and will be sent again");
                None
            }
        }
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
