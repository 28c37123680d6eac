//! No more records are sent, and what is under way may still be acknowledged: before the end, and before a connection that
//! is made with another certificate. Pure.

use super::event::Event;
use super::window::Window;
use crate::observation::Moment;

/// Waiting for what is under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draining {
    /// When to stop waiting.
    pub give_up_at: Moment,
    /// What is under way.
    pub window: Window,
    /// What comes then.
    pub then: Then,
}

/// What comes after the draining.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// The end.
    Stop,
    /// Another connection.
    Connect,
}

impl Draining {
    /// Takes an event; true if nothing is left to wait for.
    pub(super) fn is_over(&mut self, now: Moment, event: Event) -> bool {
        match event {
            Event::Acknowledged { epoch, ranges } => {
                self.window.acknowledge(&epoch, &ranges, now);
                self.window.envelopes() == 0
            }
            Event::Tick { .. } => now >= self.give_up_at,
            Event::Lost { .. } => true,
            Event::Sent(sent) => {
                self.window.push(sent, now);
                false
            }
            Event::Stop => {
                self.then = Then::Stop;
                false
            }
            Event::Opened
            | Event::Subscribed
            | Event::Answered { .. }
            | Event::Refused(_)
            | Event::NothingToSend
            | Event::Unreadable
            | Event::Backlog(_)
            | Event::Renewed => false,
        }
    }
}
