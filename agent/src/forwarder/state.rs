//! The forwarder's state machine. Pure: time and chance come in with the event, what is to be done comes out.
//!
//! | state | event | next | actions |
//! |---|---|---|---|
//! | offline | tick, wait over | connecting | connect |
//! | connecting | opened (ConnAck) | connecting | subscribe |
//! | connecting | subscribed (SubAck) | connecting | send birth |
//! | connecting | answered (ack of the birth, so `serverTime` is known) | catching up or live | send next |
//! | connecting | tick, deadline over; lost | offline, the next address | close |
//! | catching up, live | sent | by what is left to send | send next, while the window has room |
//! | catching up, live | acknowledged | by what is left to send | send next |
//! | catching up, live | refused: too large; over the quota | same, envelopes halved; paused | send next from the oldest |
//! | catching up, live | refused: not authorised | same, passed over | say so, send next behind it |
//! | catching up, live | refused: not authorised, and older ones wait behind the newest | same, in order | send next from the oldest |
//! | catching up, live | unreadable | same, paused | |
//! | catching up, live | backlog changed | by what is left to send | send next |
//! | catching up, live | tick, oldest envelope not acknowledged in time | same, probing | send next, the newest first |
//! | catching up, live | tick, the newest not acknowledged again and again | same, in order | send next from the oldest |
//! | catching up, live | tick, heartbeat due | same | send heartbeat |
//! | catching up, live | tick, long enough at another address than the preferred | offline | close |
//! | catching up, live | certificate renewed | connecting, to the same address; draining if anything is under way | close, connect |
//! | catching up, live | lost | offline | close |
//! | any but draining | stop | draining, or stopped if nothing is under way | close |
//! | draining, to stop | acknowledged, nothing under way; tick, deadline over; lost | stopped | close |
//! | draining, to connect | the same | connecting, to the same address | close, connect |
//! | draining, to connect | stop | draining, to stop | |
//!
//! Probing: after a time-out one envelope at a time is under way, until the sink acknowledges again; the patience doubles
//! each time. What a sink that is there takes no notice of is [`PassedOver`]: reading goes on behind it. The newest records
//! go first, the backlog beside them ([`Lanes`]), in envelopes as large as the line takes ([`Line`]). A
//! renewed certificate is no failure: nobody waits. Leaving a state for offline asks the backoff, which forgets its
//! failures only after stable minutes; it counts rounds through all addresses.

use std::time::Duration;

use super::backoff::Backoff;
use super::draining::{Draining, Then};
use super::event::{Action, Backlog, Event};
use super::lanes::Lanes;
use super::line::Line;
use super::online::Online;
use super::passed_over::PassedOver;
use super::timing::Timing;
use crate::observation::Moment;

/// The longest patience with a sink that does not acknowledge.
const PATIENCE_MAX: Duration = Duration::from_secs(300);
/// Before the next address is tried, and as much again by chance.
const NEXT_ADDRESS_AFTER: Duration = Duration::from_secs(1);

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
    Draining(Draining),
    /// The end.
    Stopped,
}

/// The state and what it needs to go on.
#[derive(Clone, Debug)]
pub struct Machine {
    pub(super) state: State,
    pub(super) timing: Timing,
    backoff: Backoff,
    pub(super) passed_over: PassedOver,
    /// The sink does not take the newest, so they do not go first any more.
    pub(super) keeps_order: bool,
    /// What the line takes at once.
    pub(super) line: Line,
    pub(super) backlog: Backlog,
    /// How many there are, and which one is used or tried next.
    addresses: usize,
    address: usize,
    /// Envelopes that were given up and are sent again.
    pub(super) resent: u64,
}

impl Machine {
    /// Offline, and about to connect to the first of so many addresses.
    pub fn new(timing: Timing, addresses: usize, backlog: Backlog) -> Self {
        let state = State::Offline { retry_at: Moment(Duration::ZERO) };
        let (backoff, passed_over) = (Backoff::default(), PassedOver::default());
        let line = Line::default();
        Self {
            state,
            timing,
            backoff,
            passed_over,
            keeps_order: false,
            line,
            backlog,
            addresses,
            address: 0,
            resent: 0,
        }
    }

    /// Which address is used, or tried next.
    pub fn address(&self) -> usize {
        self.address
    }

    /// Where it is.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// How many envelopes were given up and sent again.
    pub fn resent(&self) -> u64 {
        self.resent
    }

    /// Whether there are records that the sink takes no notice of.
    pub fn is_passing_over(&self) -> bool {
        self.passed_over.retry_at().is_some()
    }

    /// When to send a [`Event::Tick`] at the latest.
    pub fn deadline(&self) -> Option<Moment> {
        match &self.state {
            State::Offline { retry_at } => Some(*retry_at),
            State::Connecting { give_up_at } | State::Draining(Draining { give_up_at, .. }) => Some(*give_up_at),
            State::Online(online) => {
                let others = [
                    online.window.expires(online.patience),
                    self.passed_over.retry_at(),
                    online.wake_at,
                    self.preferred_again_at(online),
                ];
                Some(others.into_iter().flatten().fold(online.heartbeat_at, Moment::min))
            }
            State::Stopped => None,
        }
    }

    /// What becomes of the state, and what is to be done.
    #[must_use]
    pub fn step(mut self, now: Moment, event: Event) -> (Self, Vec<Action>) {
        if let Event::Backlog(backlog) = event {
            self.backlog = backlog;
        }
        let state = std::mem::replace(&mut self.state, State::Stopped);
        let actions = match state {
            State::Offline { retry_at } => self.offline(retry_at, now, event),
            State::Connecting { give_up_at } => self.connecting(give_up_at, now, event),
            State::Online(online) => self.online(online, now, event),
            State::Draining(draining) => self.draining(draining, now, event),
            State::Stopped => Vec::new(),
        };
        (self, actions)
    }

    fn offline(&mut self, retry_at: Moment, now: Moment, event: Event) -> Vec<Action> {
        match event {
            Event::Tick { .. } if now >= retry_at => vec![self.connect(now)],
            Event::Stop => Vec::new(),
            Event::Tick { .. }
            | Event::Opened
            | Event::Subscribed
            | Event::Answered { .. }
            | Event::Acknowledged { .. }
            | Event::Refused(_)
            | Event::Sent(_)
            | Event::NothingToSend
            | Event::Unreadable
            | Event::Backlog(_)
            | Event::Renewed
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
            Event::Answered { records_per_s } => return self.go_online(now, records_per_s),
            Event::Tick { chance } if now >= give_up_at => return self.go_offline(now, chance),
            Event::Lost { chance } => return self.go_offline(now, chance),
            Event::Stop => return vec![Action::Close],
            Event::Tick { .. }
            | Event::Acknowledged { .. }
            | Event::Refused(_)
            | Event::Sent(_)
            | Event::NothingToSend
            | Event::Unreadable
            | Event::Backlog(_)
            | Event::Renewed => Vec::new(),
        };
        self.state = State::Connecting { give_up_at };
        actions
    }

    fn connect(&mut self, now: Moment) -> Action {
        self.state = State::Connecting { give_up_at: Moment(now.0 + self.timing.connect) };
        Action::Connect { address: self.address }
    }

    fn go_online(&mut self, now: Moment, records_per_s: Option<u32>) -> Vec<Action> {
        self.passed_over.answered();
        let lanes = Lanes::in_order(self.passed_over.cursor());
        let heartbeat_at = Moment(now.0 + self.timing.heartbeat);
        let mut online = Online::new(now, heartbeat_at, (lanes, self.timing.patience));
        online.allowance.set(records_per_s);
        // What the last connection ended over is tried by itself.
        online.cautious = self.passed_over.suspects();
        self.put_newest_first(&mut online);
        self.send_next(online, now, Vec::new())
    }

    fn go_offline(&mut self, now: Moment, chance: f64) -> Vec<Action> {
        let tried = self.address;
        self.address = (self.address + 1) % self.addresses.max(1);
        let wait = if tried + 1 < self.addresses {
            NEXT_ADDRESS_AFTER.mul_f64(1.0 + chance.clamp(0.0, 1.0))
        } else {
            let (backoff, wait) = self.backoff.failed(chance);
            self.backoff = backoff;
            wait
        };
        self.state = State::Offline { retry_at: Moment(now.0 + self.timing.speed.shorten(wait)) };
        vec![Action::Close]
    }

    fn online(&mut self, mut online: Online, now: Moment, event: Event) -> Vec<Action> {
        match event {
            Event::Tick { chance } => return self.tick_online(online, now, chance),
            Event::Acknowledged { epoch, ranges } => self.acknowledged(&mut online, (&epoch, &ranges), now),
            Event::Refused(refusal) => return self.refused(online, now, &refusal),
            Event::Sent(sent) => {
                online.sent(now, (sent.seqs.count(), sent.last_index));
                online.window.push(sent, now);
            }
            Event::NothingToSend => online.nothing_to_send(),
            Event::Unreadable => online.pause(Moment(now.0 + self.timing.unreadable)),
            Event::Answered { records_per_s } => {
                self.passed_over.answered();
                online.allowance.set(records_per_s);
                online.lanes.look_again();
            }
            Event::Backlog(_) => online.lanes.look_again(),
            Event::Lost { chance } => return self.lose(&online, now, chance),
            Event::Renewed => {
                self.forget_failures(&online, now);
                return self.drain(online, now, Then::Connect);
            }
            Event::Stop => return self.drain(online, now, Then::Stop),
            Event::Opened | Event::Subscribed => {}
        }
        self.send_next(online, now, Vec::new())
    }

    /// A connection that ends with the same envelope under way each time is taken for a broker's refusal of it.
    fn lose(&mut self, online: &Online, now: Moment, chance: f64) -> Vec<Action> {
        if self.forget_failures(online, now) {
            // The preferred address comes next.
            self.address = self.addresses.saturating_sub(1);
        }
        self.resent += online.window.envelopes() as u64;
        let mut actions: Vec<_> = self.not_taken(online, now).into_iter().collect();
        actions.extend(self.go_offline(now, chance));
        actions
    }

    /// What failed before a connection that was stable is forgotten; whether this one was.
    fn forget_failures(&mut self, online: &Online, now: Moment) -> bool {
        let is_stable = now.0.saturating_sub(online.since.0) >= self.timing.stable;
        if is_stable {
            self.backoff = Backoff::default();
        }
        is_stable
    }

    fn tick_online(&mut self, mut online: Online, now: Moment, chance: f64) -> Vec<Action> {
        if self.preferred_again_at(&online).is_some_and(|at| now >= at) {
            return self.lose(&online, now, chance);
        }
        let mut actions = Vec::new();
        if online.window.expires(online.patience).is_some_and(|expires| now >= expires) {
            self.resent += online.window.envelopes() as u64;
            let passed_over = self.not_taken(&online, now);
            let patience = if passed_over.is_some() { self.timing.patience } else { online.patience * 2 };
            online.probe(self.passed_over.cursor(), PATIENCE_MAX.min(patience));
            self.put_newest_first(&mut online);
            actions.extend(passed_over);
        }
        if self.passed_over.is_due(now, self.timing.retry) {
            self.resent += online.window.envelopes() as u64;
            self.keeps_order = false;
            online.probe(0, self.timing.patience);
        }
        if now >= online.heartbeat_at {
            online.heartbeat_at = Moment(now.0 + self.timing.heartbeat);
            actions.push(Action::SendHeartbeat);
            // What came back behind the cursor, from a copy or with a repeated write, is not left to the next connection.
            if online.is_through() && self.backlog.records > 0 && self.passed_over.retry_at().is_none() {
                online.rewind(0);
            }
        }
        self.send_next(online, now, actions)
    }

    /// At another address than the preferred one, when to try that again: not while anything is under way.
    fn preferred_again_at(&self, online: &Online) -> Option<Moment> {
        let elsewhere = self.address > 0 && online.window.envelopes() == 0;
        elsewhere.then_some(Moment(online.since.0 + self.timing.preferred))
    }

    /// Goes on online, and sends the next envelope if there is room and anything to send.
    pub(super) fn send_next(&mut self, mut online: Online, now: Moment, mut actions: Vec<Action>) -> Vec<Action> {
        actions.extend(online.next(now, self.backlog, self.halvings()).map(Action::SendNext));
        self.state = State::Online(online);
        actions
    }

    fn drain(&mut self, online: Online, now: Moment, then: Then) -> Vec<Action> {
        let draining = Draining { give_up_at: Moment(now.0 + self.timing.drain), window: online.window, then };
        if draining.window.envelopes() == 0 {
            return self.drained(&draining, now);
        }
        self.state = State::Draining(draining);
        Vec::new()
    }

    fn draining(&mut self, mut draining: Draining, now: Moment, event: Event) -> Vec<Action> {
        if draining.is_over(now, event) {
            return self.drained(&draining, now);
        }
        self.state = State::Draining(draining);
        Vec::new()
    }

    fn drained(&mut self, draining: &Draining, now: Moment) -> Vec<Action> {
        match draining.then {
            Then::Stop => vec![Action::Close],
            Then::Connect => {
                self.resent += draining.window.envelopes() as u64;
                vec![Action::Close, self.connect(now)]
            }
        }
    }
}
