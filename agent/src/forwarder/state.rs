//! The forwarder's state machine. Pure: time and chance come in with the event, what is to be done comes out.
//!
//! | state | event | next | actions |
//! |---|---|---|---|
//! | offline | tick, wait over | connecting | connect |
//! | connecting | opened (ConnAck) | connecting | subscribe |
//! | connecting | subscribed (SubAck) | connecting | send birth |
//! | connecting | answered (ack of the birth, so `serverTime` is known) | catching up or live | send next |
//! | connecting | tick, deadline over; lost | offline | close |
//! | catching up, live | sent | by what is left to send | send next, while the window has room |
//! | catching up, live | acknowledged | by what is left to send | send next |
//! | catching up, live | backlog changed | by what is left to send | send next |
//! | catching up, live | tick, oldest envelope not acknowledged in time | same, probing | send next from the oldest |
//! | catching up, live | tick, heartbeat due | same | send heartbeat |
//! | catching up, live | lost | offline | close |
//! | any but draining | stop | draining, or stopped if nothing is under way | close |
//! | draining | acknowledged, nothing under way; tick, deadline over; lost | stopped | close |
//!
//! Probing: after a time-out one envelope at a time is under way, until the sink acknowledges again; the patience doubles
//! each time. What a sink that is there takes no notice of is [`PassedOver`]: reading goes on behind it. Leaving a state for offline asks the backoff, which forgets its failures only after stable minutes.

use std::time::Duration;

use kitchen_contract::id::Epoch;
use kitchen_contract::ranges::SeqRanges;

use super::backoff::Backoff;
use super::passed_over::PassedOver;
use super::timing::Timing;
use super::window::{ENVELOPES_MAX, Sent, Window};
use crate::observation::Moment;

/// The longest patience with a sink that does not acknowledge.
const PATIENCE_MAX: Duration = Duration::from_secs(300);
/// More unsent records than this is a backlog: larger envelopes, fewer messages.
const LIVE_RECORDS_MAX: u64 = 64;

/// Where the forwarder is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// No connection; the next attempt is at `retry_at`.
    Offline {
        /// When to try again.
        retry_at: Moment,
    },
    /// From the first packet to the answer to the birth.
    Connecting {
        /// When to give up.
        give_up_at: Moment,
    },
    /// Records may be sent.
    Online(Online),
    /// No more records are sent; what is under way may still be acknowledged.
    Draining {
        /// When to stop waiting.
        give_up_at: Moment,
        /// What is under way.
        window: Window,
    },
    /// The end.
    Stopped,
}

/// A working connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Online {
    /// How much is sent at once.
    pub pace: Pace,
    since: Moment,
    heartbeat_at: Moment,
    window: Window,
    /// Where to read on; 0 is the oldest.
    cursor: u64,
    /// Nothing to read after the cursor until the backlog changes.
    exhausted: bool,
    probing: bool,
    patience: Duration,
}

impl Online {
    /// Whether the sink has left an envelope unacknowledged, so that one at a time is sent.
    pub fn is_probing(&self) -> bool {
        self.probing
    }

    /// Reads on after `cursor`, one envelope at a time.
    fn probe(&mut self, cursor: u64, patience: Duration) {
        self.window.clear();
        (self.cursor, self.patience) = (cursor, patience);
        (self.exhausted, self.probing) = (false, true);
    }
}

/// How much is sent at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// A backlog: large envelopes.
    CatchingUp,
    /// As it comes: envelopes of one billing step.
    Live,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The time of [`Machine::deadline`] has come; `chance` is uniform in 0..1.
    Tick {
        /// For the backoff.
        chance: f64,
    },
    /// The connection is open.
    Opened,
    /// The subscriptions stand.
    Subscribed,
    /// The sink has answered the birth or a heartbeat, and what waited for a clock is settled.
    Answered,
    /// The sink has taken records.
    Acknowledged {
        /// Their epoch.
        epoch: Epoch,
        /// Their numbers, rejected ones included.
        ranges: SeqRanges,
    },
    /// The next envelope has been handed to the connection.
    Sent(Sent),
    /// There was nothing to send.
    NothingToSend,
    /// The number of records in the buffer has changed.
    Backlog(u64),
    /// The connection is gone; `chance` is uniform in 0..1.
    Lost {
        /// For the backoff.
        chance: f64,
    },
    /// The agent stops.
    Stop,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Open a connection.
    Connect,
    /// Subscribe to the sink's topics.
    Subscribe,
    /// Send the birth.
    SendBirth,
    /// Send a heartbeat.
    SendHeartbeat,
    /// Read the next records after the append index `after` and send them.
    SendNext {
        /// 0 is the oldest.
        after: u64,
        /// How many.
        pace: Pace,
    },
    /// Say that the sink takes no notice of these, which now wait behind the rest.
    TellPassedOver(Sent),
    /// Close the connection.
    Close,
}

/// The state and what it needs to go on.
#[derive(Clone, Debug)]
pub struct Machine {
    state: State,
    timing: Timing,
    backoff: Backoff,
    passed_over: PassedOver,
    backlog: u64,
}

impl Machine {
    /// Offline, and about to connect; `backlog` is the number of records in the buffer.
    pub fn new(timing: Timing, backlog: u64) -> Self {
        let state = State::Offline { retry_at: Moment(Duration::ZERO) };
        Self { state, timing, backoff: Backoff::default(), passed_over: PassedOver::default(), backlog }
    }

    /// Where it is.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Whether there are records that the sink takes no notice of.
    pub fn is_passing_over(&self) -> bool {
        self.passed_over.retry_at().is_some()
    }

    /// When to send a [`Event::Tick`] at the latest.
    pub fn deadline(&self) -> Option<Moment> {
        match &self.state {
            State::Offline { retry_at } => Some(*retry_at),
            State::Connecting { give_up_at } | State::Draining { give_up_at, .. } => Some(*give_up_at),
            State::Online(online) => {
                let others = [online.window.expires(online.patience), self.passed_over.retry_at()];
                Some(others.into_iter().flatten().fold(online.heartbeat_at, Moment::min))
            }
            State::Stopped => None,
        }
    }

    /// What becomes of the state, and what is to be done.
    #[must_use]
    pub fn step(mut self, now: Moment, event: Event) -> (Self, Vec<Action>) {
        if let Event::Backlog(records) = event {
            self.backlog = records;
        }
        let state = std::mem::replace(&mut self.state, State::Stopped);
        let actions = match state {
            State::Offline { retry_at } => self.offline(retry_at, now, event),
            State::Connecting { give_up_at } => self.connecting(give_up_at, now, event),
            State::Online(online) => self.online(online, now, event),
            State::Draining { give_up_at, window } => self.draining((give_up_at, window), now, event),
            State::Stopped => Vec::new(),
        };
        (self, actions)
    }

    fn offline(&mut self, retry_at: Moment, now: Moment, event: Event) -> Vec<Action> {
        match event {
            Event::Tick { .. } if now >= retry_at => {
                self.state = State::Connecting { give_up_at: Moment(now.0 + self.timing.connect) };
                vec![Action::Connect]
            }
            Event::Stop => Vec::new(),
            Event::Tick { .. }
            | Event::Opened
            | Event::Subscribed
            | Event::Answered
            | Event::Acknowledged { .. }
            | Event::Sent(_)
            | Event::NothingToSend
            | Event::Backlog(_)
            | Event::Lost { .. } => {
                self.state = State::Offline { retry_at };
                Vec::new()
            }
        }
    }

    fn connecting(&mut self, give_up_at: Moment, now: Moment, event: Event) -> Vec<Action> {
        let actions = match event {
            Event::Opened => vec![Action::Subscribe],
            Event::Subscribed => vec![Action::SendBirth],
            Event::Answered => return self.go_online(now),
            Event::Tick { chance } if now >= give_up_at => return self.go_offline(now, chance),
            Event::Lost { chance } => return self.go_offline(now, chance),
            Event::Stop => return vec![Action::Close],
            Event::Tick { .. }
            | Event::Acknowledged { .. }
            | Event::Sent(_)
            | Event::NothingToSend
            | Event::Backlog(_) => Vec::new(),
        };
        self.state = State::Connecting { give_up_at };
        actions
    }

    fn go_online(&mut self, now: Moment) -> Vec<Action> {
        self.passed_over.answered();
        let online = Online {
            pace: pace(self.backlog),
            since: now,
            heartbeat_at: Moment(now.0 + self.timing.heartbeat),
            window: Window::default(),
            cursor: self.passed_over.cursor(),
            exhausted: false,
            probing: false,
            patience: self.timing.patience,
        };
        self.send_next(online, Vec::new())
    }

    fn go_offline(&mut self, now: Moment, chance: f64) -> Vec<Action> {
        let (backoff, wait) = self.backoff.failed(chance);
        self.backoff = backoff;
        self.state = State::Offline { retry_at: Moment(now.0 + self.timing.speed.shorten(wait)) };
        vec![Action::Close]
    }

    fn online(&mut self, mut online: Online, now: Moment, event: Event) -> Vec<Action> {
        match event {
            Event::Tick { .. } => return self.tick_online(online, now),
            Event::Acknowledged { epoch, ranges } => {
                if let Some(last_index) = online.window.acknowledge(&epoch, &ranges) {
                    self.passed_over.acknowledged(last_index);
                    online.probing = false;
                    online.patience = self.timing.patience;
                }
            }
            Event::Sent(sent) => {
                online.cursor = sent.last_index;
                online.window.push(sent, now);
            }
            Event::NothingToSend => online.exhausted = true,
            Event::Answered => {
                self.passed_over.answered();
                online.exhausted = false;
            }
            Event::Backlog(_) => online.exhausted = false,
            Event::Lost { chance } => return self.lose(&online, now, chance),
            Event::Stop => return self.drain(online, now),
            Event::Opened | Event::Subscribed => {}
        }
        self.send_next(online, Vec::new())
    }

    /// A connection that ends with the same envelope under way each time is taken for a broker's refusal of it.
    fn lose(&mut self, online: &Online, now: Moment, chance: f64) -> Vec<Action> {
        if now.0.saturating_sub(online.since.0) >= self.timing.stable {
            self.backoff = Backoff::default();
        }
        let mut actions: Vec<_> = self.not_taken(online, now).into_iter().collect();
        actions.extend(self.go_offline(now, chance));
        actions
    }

    fn not_taken(&mut self, online: &Online, now: Moment) -> Option<Action> {
        let oldest = online.window.oldest()?;
        let passed_over = self.passed_over.not_taken(oldest, Moment(now.0 + self.timing.retry));
        passed_over.then(|| Action::TellPassedOver(oldest.clone()))
    }

    fn tick_online(&mut self, mut online: Online, now: Moment) -> Vec<Action> {
        let mut actions = Vec::new();
        if online.window.expires(online.patience).is_some_and(|expires| now >= expires) {
            let passed_over = self.not_taken(&online, now);
            let patience = if passed_over.is_some() { self.timing.patience } else { online.patience * 2 };
            online.probe(self.passed_over.cursor(), PATIENCE_MAX.min(patience));
            actions.extend(passed_over);
        }
        if self.passed_over.is_due(now, self.timing.retry) {
            online.probe(0, self.timing.patience);
        }
        if now >= online.heartbeat_at {
            online.heartbeat_at = Moment(now.0 + self.timing.heartbeat);
            actions.push(Action::SendHeartbeat);
        }
        self.send_next(online, actions)
    }

    /// Goes on online, and sends the next envelope if there is room and anything to send.
    fn send_next(&mut self, mut online: Online, mut actions: Vec<Action>) -> Vec<Action> {
        let envelopes_max = if online.probing { 1 } else { ENVELOPES_MAX };
        online.pace = pace(self.backlog.saturating_sub(online.window.records()));
        if !online.exhausted && online.window.envelopes() < envelopes_max {
            actions.push(Action::SendNext { after: online.cursor, pace: online.pace });
        }
        self.state = State::Online(online);
        actions
    }

    fn drain(&mut self, online: Online, now: Moment) -> Vec<Action> {
        if online.window.envelopes() == 0 {
            return vec![Action::Close];
        }
        self.state = State::Draining { give_up_at: Moment(now.0 + self.timing.drain), window: online.window };
        Vec::new()
    }

    fn draining(&mut self, (give_up_at, mut window): (Moment, Window), now: Moment, event: Event) -> Vec<Action> {
        let over = match event {
            Event::Acknowledged { epoch, ranges } => {
                window.acknowledge(&epoch, &ranges);
                window.envelopes() == 0
            }
            Event::Tick { .. } => now >= give_up_at,
            Event::Lost { .. } => true,
            Event::Sent(sent) => {
                window.push(sent, now);
                false
            }
            Event::Opened
            | Event::Subscribed
            | Event::Answered
            | Event::NothingToSend
            | Event::Backlog(_)
            | Event::Stop => false,
        };
        if over {
            return vec![Action::Close];
        }
        self.state = State::Draining { give_up_at, window };
        Vec::new()
    }
}

pub(super) fn pace(unsent: u64) -> Pace {
    if unsent > LIVE_RECORDS_MAX { Pace::CatchingUp } else { Pace::Live }
}
