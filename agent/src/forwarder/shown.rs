//! What a person sees of the connection. Pure.

use std::time::Duration;

use super::fault::LinkFault;
use super::state::{Pace, State};
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
    /// When the sink acknowledged records last.
    pub last_ack: Option<Moment>,
    /// When the sink last said anything to us, an answer to a heartbeat too.
    pub last_answer: Option<Moment>,
    /// Why there was no connection when there was none last; kept while there is one.
    pub last_fault: Option<(Moment, LinkFault)>,
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
    /// The agent stops.
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
            State::Draining { .. } | State::Stopped => Self::Draining,
        }
    }
}

impl LinkShown {
    /// Nothing has been tried yet.
    pub fn new() -> Self {
        let since = Moment(Duration::ZERO);
        let (state, unacknowledged) = (LinkState::Offline, false);
        Self { state, since, unacknowledged, last_ack: None, last_answer: None, last_fault: None }
    }

    /// The state machine is there now; true if that shows.
    pub(super) fn go(&mut self, now: Moment, state: &State) -> bool {
        let before = (self.state, self.unacknowledged);
        self.state = LinkState::from(state);
        self.unacknowledged = matches!(state, State::Online(online) if online.is_probing());
        if before.0.is_connected() != self.state.is_connected() {
            self.since = now;
        }
        before != (self.state, self.unacknowledged)
    }
}

impl Default for LinkShown {
    fn default() -> Self {
        Self::new()
    }
}
