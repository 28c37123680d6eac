//! What the forwarder knows of a working connection. Pure.

use std::time::Duration;

use kitchen_contract::ack::RefuseReason;

use super::allowance::Allowance;
use super::event::Backlog;
use super::lanes::{LIVE_RECORDS_MAX, Lane, Lanes};
use super::line::HALVINGS_MAX;
use super::window::{ENVELOPES_MAX, Window};
use crate::observation::Moment;

/// A working connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Online {
    /// How much is sent at once.
    pub pace: Pace,
    /// Why the sink did not take what it got last; none once it takes again.
    pub refused: Option<RefuseReason>,
    pub(super) since: Moment,
    pub(super) heartbeat_at: Moment,
    pub(super) window: Window,
    pub(super) lanes: Lanes,
    /// How much of the newest is sent at once while there is a backlog.
    live_pace: Pace,
    /// The lane that was asked for records.
    asked: Lane,
    pub(super) probing: bool,
    /// The last connection ended with an envelope under way: one at a time until the first is acknowledged.
    pub(super) cautious: bool,
    pub(super) patience: Duration,
    pub(super) allowance: Allowance,
    /// Nothing may be sent before.
    paused_until: Option<Moment>,
    /// When something may be sent that has to wait.
    pub(super) wake_at: Option<Moment>,
    /// Envelopes are halved so often.
    pub(super) halvings: u32,
}

/// How much is sent at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// A backlog: large envelopes.
    CatchingUp,
    /// As it comes: envelopes of one billing step.
    Live,
}

/// Which records to read and send next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Next {
    /// Those after this append index; 0 is the oldest.
    pub after: u64,
    /// And up to this one.
    pub until: u64,
    /// How many at once.
    pub pace: Pace,
    /// Halved so often, because the sink found one too large.
    pub halvings: u32,
}

impl Online {
    /// A connection that has just been answered.
    pub(super) fn new(now: Moment, heartbeat_at: Moment, (lanes, patience): (Lanes, Duration)) -> Self {
        Self {
            pace: Pace::Live,
            refused: None,
            since: now,
            heartbeat_at,
            window: Window::default(),
            lanes,
            live_pace: Pace::Live,
            asked: Lane::Live,
            probing: false,
            cautious: false,
            patience,
            allowance: Allowance::default(),
            paused_until: None,
            wake_at: None,
            halvings: 0,
        }
    }

    /// Whether the sink has left an envelope unacknowledged, so that one at a time is sent.
    pub fn is_probing(&self) -> bool {
        self.probing
    }

    /// Whether all that was found has been sent and acknowledged.
    pub(super) fn is_through(&self) -> bool {
        self.window.envelopes() == 0 && self.lanes.next(|_| true).is_none()
    }

    /// Reads on after `cursor`, in order.
    pub(super) fn rewind(&mut self, cursor: u64) {
        self.window.clear();
        self.lanes = Lanes::in_order(cursor);
    }

    /// Reads on after `cursor`, one envelope at a time.
    pub(super) fn probe(&mut self, cursor: u64, patience: Duration) {
        self.rewind(cursor);
        (self.patience, self.probing) = (patience, true);
    }

    /// What to send next, if there is room and anything to send.
    /// What the line takes at once is `halvings` smaller than what is usual.
    pub(super) fn next(&mut self, now: Moment, backlog: Backlog, halvings: u32) -> Option<Next> {
        self.pace = pace(backlog.records.saturating_sub(self.window.records()));
        let is_flood = self.lanes.live_unsent(backlog.newest) > 2 * LIVE_RECORDS_MAX;
        self.live_pace = if is_flood { Pace::CatchingUp } else { Pace::Live };
        let envelopes_max = if self.probing || self.cautious { 1 } else { (ENVELOPES_MAX >> halvings).max(1) };
        self.wake_at = self.paused_until.filter(|until| now < *until);
        if self.window.envelopes() >= envelopes_max || self.wake_at.is_some() {
            return None;
        }
        self.paused_until = None;
        let Some((lane, after, until)) = self.lanes.next(|lane| self.may_send(lane, now)) else {
            self.wake_at = self.allowance.wait_until(now).filter(|_| self.lanes.next(|_| true).is_some());
            return None;
        };
        self.asked = lane;
        let pace = self.pace_of(lane);
        // What is small already is not what the line is slow for.
        let for_the_line = if pace == Pace::CatchingUp { halvings } else { 0 };
        Some(Next { after, until, pace, halvings: self.halvings.max(for_the_line) })
    }

    /// The records that were asked for have been sent, up to `last_index`.
    pub(super) fn sent(&mut self, now: Moment, (records, last_index): (u64, u64)) {
        self.lanes.sent(self.asked, last_index);
        if self.pace_of(self.asked) == Pace::CatchingUp {
            self.allowance.take(now, records);
        }
    }

    /// There were no records where they were asked for.
    pub(super) fn nothing_to_send(&mut self) {
        self.lanes.nothing(self.asked);
    }

    /// Sends nothing before `until`.
    pub(super) fn pause(&mut self, until: Moment) {
        self.paused_until = self.paused_until.max(Some(until));
    }

    /// Halves the next envelopes; false if they hold one record already.
    pub(super) fn halve(&mut self) -> bool {
        self.halvings += 1;
        self.halvings <= HALVINGS_MAX
    }

    fn may_send(&self, lane: Lane, now: Moment) -> bool {
        let is_ahead = lane == Lane::Live && self.lanes.has_backlog();
        is_ahead || self.pace_of(lane) == Pace::Live || self.allowance.wait_until(now).is_none()
    }

    fn pace_of(&self, lane: Lane) -> Pace {
        match lane {
            Lane::Live if self.lanes.has_backlog() => self.live_pace,
            Lane::Live => self.pace,
            Lane::Backlog => Pace::CatchingUp,
        }
    }
}

/// The pace with so many records unsent.
pub(super) fn pace(unsent: u64) -> Pace {
    if unsent > LIVE_RECORDS_MAX { Pace::CatchingUp } else { Pace::Live }
}
