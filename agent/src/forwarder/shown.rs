//! What a person sees of the connection. Pure.

use std::time::Duration;

use kitchen_contract::ack::RefuseReason;
use kitchen_contract::time::Timestamp;

use super::certificate::IdentityError;
use super::fault::LinkFault;
use super::online::Pace;
use super::state::{Machine, State};
use crate::observation::Moment;

/// Everything that is shown of the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkShown {
    /// Where the forwarder is.
    pub state: LinkState,
    /// Since when records can be sent, or since when they cannot; attempts in between change nothing.
    pub since: Moment,
    /// The sink has left records unacknowledged for too long, although the connection stands.
    pub unacknowledged: bool,
    /// There are records that the sink takes no notice of; they wait behind the rest.
    pub passed_over: bool,
    /// Why the sink did not take what it got last; none if it takes.
    pub refused: Option<RefuseReason>,
    /// Which of the addresses is used, or tried next; 0 is the preferred one.
    pub address: usize,
    /// What happened since the start.
    pub counters: LinkCounters,
    /// When the sink acknowledged records last.
    pub last_ack: Option<Moment>,
    /// When the sink last said anything to us, an answer to a heartbeat too.
    pub last_answer: Option<Moment>,
    /// Why there was no connection when there was none last; kept while there is one.
    pub last_fault: Option<(Moment, LinkFault)>,
    /// When the certificate ends that is used, or was tried last.
    pub certificate_ends: Option<Timestamp>,
    /// Why the files that are there now are not used, and since when; the ones before are.
    pub unused: Option<(Moment, IdentityError)>,
}

/// What happened on the way to the cloud, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkCounters {
    /// Connections that the cloud answered.
    pub connections: u64,
    /// Attempts to connect that came to nothing.
    pub failed_attempts: u64,
    /// Envelopes given up and sent again: not acknowledged in time, refused, or under way when the connection ended.
    pub resent: u64,
    /// Records that the cloud has set aside.
    pub rejected: u64,
    /// Envelopes that the cloud did not take.
    pub refused: u64,
    /// Of the records that the cloud has set aside, those of which no event tells.
    pub rejected_untold: u64,
}

/// Where the forwarder is, without what it needs to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// No connection; one is tried again later.
    Offline,
    /// One is tried now.
    Connecting,
    /// A backlog is sent.
    CatchingUp,
    /// Records are sent as they come.
    Live,
    /// What is under way is waited for, before the end or another connection.
    Draining,
}

impl LinkState {
    /// Whether records can be sent.
    pub fn is_connected(self) -> bool {
        matches!(self, Self::CatchingUp | Self::Live)
    }

    /// One word for it, for machines.
    pub fn word(self) -> &'static str {
        match self {
            Self::Offline => "offline",
            Self::Connecting => "connecting",
            Self::CatchingUp => "catching-up",
            Self::Live => "live",
            Self::Draining => "draining",
        }
    }
}

impl From<&State> for LinkState {
    fn from(state: &State) -> Self {
        match state {
            State::Offline { .. } => Self::Offline,
            State::Connecting { .. } => Self::Connecting,
            State::Online(online) => match online.pace {
                Pace::CatchingUp => Self::CatchingUp,
                Pace::Live => Self::Live,
            },
            State::Draining(_) | State::Stopped => Self::Draining,
        }
    }
}

impl LinkShown {
    /// Nothing has been tried yet.
    pub fn new() -> Self {
        let since = Moment(Duration::ZERO);
        let (state, [unacknowledged, passed_over]) = (LinkState::Offline, [false; 2]);
        Self {
            state,
            since,
            unacknowledged,
            passed_over,
            refused: None,
            address: 0,
            counters: LinkCounters::default(),
            last_ack: None,
            last_answer: None,
            last_fault: None,
            certificate_ends: None,
            unused: None,
        }
    }

    /// The state machine has stepped; true if that shows.
    pub(super) fn go(&mut self, now: Moment, machine: &Machine) -> bool {
        let before = self.clone();
        self.state = LinkState::from(machine.state());
        self.unacknowledged = matches!(machine.state(), State::Online(online) if online.is_probing());
        self.passed_over = machine.is_passing_over();
        self.refused = match machine.state() {
            State::Online(online) => online.refused,
            State::Offline { .. } | State::Connecting { .. } | State::Draining(_) | State::Stopped => None,
        };
        self.address = machine.address();
        self.counters.resent = machine.resent();
        if before.state.is_connected() != self.state.is_connected() {
            self.counters.connections += u64::from(self.state.is_connected());
            self.since = now;
        }
        before != *self
    }
}

impl Default for LinkShown {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forwarder::event::{Backlog, Event};
    use crate::forwarder::timing::Timing;
    use crate::speed::Speed;

    #[test]
    fn attempts_do_not_change_since_when_there_is_no_connection() {
        let at = |seconds| Moment(Duration::from_secs(seconds));
        let timing = Timing::new(Duration::from_secs(60), Speed::REAL);
        let (mut machine, mut shown) = (Machine::new(timing, 1, Backlog::default()), LinkShown::new());
        let mut step = |seconds, event| {
            machine = machine.clone().step(at(seconds), event).0;
            let changed = shown.go(at(seconds), &machine);
            (changed, shown.state, shown.since)
        };
        let tick = || Event::Tick { chance: 0.5 };
        assert_eq!(step(1, tick()), (true, LinkState::Connecting, at(0)));
        assert_eq!(step(2, Event::Opened), (false, LinkState::Connecting, at(0)));
        assert_eq!(step(3, Event::Lost { chance: 0.5 }), (true, LinkState::Offline, at(0)));
        assert_eq!(step(300, tick()), (true, LinkState::Connecting, at(0)));
        assert_eq!(step(301, Event::Answered { records_per_s: None }), (true, LinkState::Live, at(301)));
        assert_eq!(
            step(400, Event::Backlog(Backlog { records: 1000, newest: 1000 })),
            (true, LinkState::CatchingUp, at(301))
        );
        assert_eq!(step(500, Event::Lost { chance: 0.5 }), (true, LinkState::Offline, at(500)));
    }
}
