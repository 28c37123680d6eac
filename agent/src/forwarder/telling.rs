//! What the forwarder says and shows of its connection; said once when it changes, not at every attempt.
//!
//! The other half of [`super::task`].

use kitchen_contract::ack::{RefuseReason, Rejected};
use kitchen_contract::id::Epoch;
use kitchen_contract::record::Body;
use tracing::{error, info, warn};

use super::event::Event;
use super::fault::LinkFault;
use super::state::State;
use super::task::Forwarder;
use super::window::Sent;
use crate::observation::Observation;

impl Forwarder {
    /// Says why there is no connection, and makes the event of it.
    pub(super) fn lost(&mut self, fault: &LinkFault) -> Event {
        self.connection = None;
        if matches!(fault, LinkFault::CertificateTime(_)) {
            self.clock.doubt();
        }
        if matches!(self.machine.state(), State::Online(_) | State::Draining(_)) {
            info!(reason = %fault, state = fault.state(), "disconnected");
            self.show_fault(fault);
        } else {
            self.tell_fault(fault);
        }
        Event::Lost { chance: rand::random() }
    }

    /// Shows where the state machine is.
    pub(super) fn show(&self) {
        self.shown.send_if_modified(|shown| shown.go(self.clock.now(), &self.machine));
    }

    fn show_fault(&self, fault: &LinkFault) {
        self.shown.send_modify(|shown| shown.last_fault = Some((self.clock.now(), fault.clone())));
    }

    fn tell_fault(&mut self, fault: &LinkFault) {
        self.show_fault(fault);
        self.shown.send_modify(|shown| shown.counters.failed_attempts += 1);
        self.failed_with(fault);
        let reason = fault.to_string();
        if let Some(repeated) = self.faults.failed(self.clock.now(), &reason) {
            let (host, port) = self.address(self.used);
            warn!(%host, port, reason, state = fault.state(), repeated, hint = fault.hint(), "cannot connect");
        }
    }

    pub(super) fn tell_passed_over(&mut self, sent: &Sent) {
        let kitchen_id = sent.kitchen_id.as_str();
        if self.passed_over.failed(self.clock.now(), kitchen_id).is_some() {
            let hint = "check `gateway.kitchen_id`, and that the cloud has assigned the gateway to that kitchen";
            warn!(
                kitchen_id,
                backlog = self.state.borrow().records,
                hint,
                "the cloud does not take the records of this kitchen; they are kept and tried again every few minutes"
            );
        }
    }

    /// Records that the sink has set aside, so many of them held until now.
    pub(super) fn tell_rejected(&mut self, epoch: &Epoch, rejected: &Rejected, freed: u64) {
        let Rejected { range: (from, to), reason } = *rejected;
        error!(%epoch, from, to, ?reason, "the cloud has set records aside");
        self.shown.send_modify(|shown| shown.counters.rejected += freed);
        self.rejections.note(epoch, rejected);
        self.record_rejections();
    }

    /// What was set aside becomes part of the record, as far as the recorder takes it now.
    pub(super) fn record_rejections(&mut self) {
        let Some(way) = self.destination.observations.upgrade() else { return };
        while let Ok(place) = way.try_reserve() {
            let at = self.clock.now();
            let Some(event) = self.rejections.take_due(at) else { break };
            place.send(Observation { at, stamp: None, body: Body::Event(event), mark: None });
        }
        let untold = self.rejections.untold();
        self.shown.send_if_modified(|shown| std::mem::replace(&mut shown.counters.rejected_untold, untold) != untold);
    }

    /// The recorder has ended before all was in the record that the sink has set aside.
    pub(super) fn tell_left_rejections(&self) {
        let records = self.rejections.waiting();
        if records > 0 {
            warn!(records, "what the cloud has set aside last is not in the record; it is in the lines above");
        }
    }

    /// The sink does not take what it gets now.
    pub(super) fn tell_refused(&mut self, reason: RefuseReason) {
        self.shown.send_modify(|shown| shown.counters.refused += 1);
        if let Some(repeated) = self.refusals.failed(self.clock.now(), reason.text()) {
            let backlog = self.state.borrow().records;
            warn!(reason = reason.text(), backlog, repeated, "the cloud does not take records; they are kept");
        }
    }

    /// Says what has changed.
    pub(super) fn tell(&mut self, before: &State, timed_out: bool) {
        match (before, self.machine.state()) {
            (State::Connecting { .. }, State::Online(online)) => {
                let (pace, backlog) = (online.pace, self.state.borrow().records);
                self.faults.recovered();
                let (host, port) = self.address(self.used);
                info!(%host, port, ?pace, backlog, "connected");
            }
            (State::Online(_) | State::Draining(_), State::Connecting { .. }) => {
                info!(reason = "the certificate files have changed", state = "renewed", "disconnected");
            }
            (State::Online(_), State::Offline { .. }) if timed_out => {
                info!(reason = "the preferred address is tried again", state = "elsewhere", "disconnected");
            }
            (State::Connecting { .. }, State::Offline { .. }) if timed_out => {
                let fault = LinkFault::NoAnswer;
                self.tell_fault(&fault);
            }
            (State::Online(before), State::Online(now)) if before.pace != now.pace => {
                info!(pace = ?now.pace, backlog = self.state.borrow().records, "pace changed");
            }
            (State::Online(before), State::Online(now)) if now.is_probing() && !before.is_probing() => {
                warn!(backlog = self.state.borrow().records, "the cloud does not acknowledge; sending again");
            }
            _ => {}
        }
    }
}
