//! The modem's work around an uplink (device reference section 8.2).
//!
//! A job is a row of phases. The processor blocks inside a phase and looks at the console between two of them, so a reply
//! can come out between any two log lines and never within a phase. What comes next is decided when a phase is due, by
//! what the network is then.

mod cycle;
mod phase;
mod upload;

pub(super) use cycle::NO_SIGNAL;

use std::time::Duration;

pub(super) use phase::Phase;

use super::payload::Alarms;
use super::step::Step;
use crate::physics::Sample;

/// Modem work under way.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) request: Request,
    next: Option<Phase>,
    pub(super) due: Duration,
    pause: Duration,
    /// Errors of the modem since it was last restarted.
    pub(super) errors: u32,
    /// Restarts of the modem.
    pub(super) restarts: u32,
    /// When the search for a cell began.
    pub(super) searching_since: Option<Duration>,
    /// Uploads that were tried again.
    pub(super) resends: u32,
}

/// What an uplink is for.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Request {
    /// A check of report on change has its values already.
    pub(super) measured: Option<Sample>,
    pub(super) alarms: Alarms,
}

/// What a phase does, and what follows after a pause in which the console is served.
pub(super) struct Part {
    pub(super) steps: Vec<Step>,
    pub(super) pause: Duration,
    pub(super) next: Option<Phase>,
}

impl Part {
    /// The next phase comes so much later.
    fn later(mut self, by: Duration) -> Self {
        self.pause += by;
        self
    }
}

impl Job {
    pub(super) fn new(first: Phase, due: Duration, request: Request) -> Self {
        let pause = Duration::ZERO;
        let (errors, restarts, searching_since, resends) = (0, 0, None, 0);
        Self { request, next: Some(first), due, pause, errors, restarts, searching_since, resends }
    }

    /// When the next phase wants to begin; none when the job is over.
    pub(super) fn due(&self) -> Option<Duration> {
        self.next.map(|_| self.due)
    }

    /// The phase that is due.
    pub(super) fn take_phase(&mut self) -> Option<Phase> {
        self.next.take()
    }

    /// What follows it.
    pub(super) fn follow(&mut self, pause: Duration, next: Option<Phase>) {
        (self.pause, self.next) = (pause, next);
    }

    /// The phase's last step is done: its successor's pause begins.
    pub(super) fn phase_ended(&mut self, now: Duration) {
        self.due = now + self.pause;
    }
}
