//! What the forwarder says and shows of its connection; said once when it changes, not at every attempt.
//!
//! The other half of [`super::task`].

use tracing::{info, warn};

use super::fault::LinkFault;
use super::state::{Event, State};
use super::task::Forwarder;
use super::window::Sent;
use crate::config::sections::MqttSection;

impl Forwarder {
    /// Says why there is no connection, and makes the event of it.
    pub(super) fn lost(&mut self, fault: &LinkFault) -> Event {
        self.link = None;
        if matches!(fault, LinkFault::CertificateTime(_)) {
            self.clock.doubt();
        }
        if matches!(self.machine.state(), State::Online(_) | State::Draining { .. }) {
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
        let reason = fault.to_string();
        if let Some(repeated) = self.faults.failed(self.clock.now(), &reason) {
            let MqttSection { host, port, .. } = &self.destination.mqtt;
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

    /// Says what has changed.
    pub(super) fn tell(&mut self, before: &State, timed_out: bool) {
        match (before, self.machine.state()) {
            (State::Connecting { .. }, State::Online(online)) => {
                let (pace, backlog) = (online.pace, self.state.borrow().records);
                self.faults.recovered();
                info!(host = %self.destination.mqtt.host, ?pace, backlog, "connected");
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
