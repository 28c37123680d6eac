//! What the sink takes, and what it does not: the other half of [`super::state`]. Pure.

use std::time::Duration;

use kitchen_contract::ack::RefuseReason;
use kitchen_contract::id::Epoch;
use kitchen_contract::ranges::SeqRanges;

use super::event::{Action, Refusal};
use super::online::Online;
use super::state::Machine;
use crate::observation::Moment;

/// How long to send nothing after a refusal for the quota, unless the sink says how long; within these bounds.
const QUOTA_PAUSE: Duration = Duration::from_secs(60);
const QUOTA_PAUSE_MIN: Duration = Duration::from_secs(1);
const QUOTA_PAUSE_MAX: Duration = Duration::from_secs(3600);

impl Machine {
    /// Unless the sink does not take them.
    pub(super) fn put_newest_first(&self, online: &mut Online) {
        if !self.keeps_order {
            online.lanes.put_newest_first(self.backlog);
        }
    }

    /// How often the next large envelope is halved for the line: what fails is tried smaller, in case it is too much at once.
    pub(super) fn halvings(&self) -> u32 {
        self.line.halvings(self.passed_over.attempts())
    }

    pub(super) fn acknowledged(&mut self, online: &mut Online, (epoch, ranges): (&Epoch, &SeqRanges), now: Moment) {
        let Some(taken) = online.window.acknowledge(epoch, ranges, now) else { return };
        online.refused = None;
        if self.passed_over.suspects() && online.lanes.is_ahead(taken.last_index) {
            // The newest, which say nothing of what is suspected.
            return;
        }
        self.line.took(taken.records, taken.within, self.passed_over.attempts());
        self.passed_over.acknowledged(taken.last_index);
        (online.probing, online.cautious) = (false, false);
        online.patience = self.timing.patience;
        self.put_newest_first(online);
    }

    /// What is refused is kept; when and how it is sent again depends on why.
    pub(super) fn refused(&mut self, mut online: Online, now: Moment, refusal: &Refusal) -> Vec<Action> {
        let Some(sent) = online.window.holding(&refusal.epoch, &refusal.ranges).cloned() else {
            return self.send_next(online, now, Vec::new());
        };
        online.refused = Some(refusal.reason);
        let again = Moment(now.0 + self.timing.retry);
        match refusal.reason {
            RefuseReason::TooLarge if sent.seqs.count() > 1 && online.halve() => {}
            RefuseReason::Quota => {
                let pause = refusal.retry_after.unwrap_or(QUOTA_PAUSE).clamp(QUOTA_PAUSE_MIN, QUOTA_PAUSE_MAX);
                online.pause(Moment(now.0 + self.timing.speed.shorten(pause)));
            }
            RefuseReason::TooLarge | RefuseReason::NotAuthorised | RefuseReason::Unknown
                if online.lanes.is_ahead(sent.last_index) =>
            {
                self.keep_order(again);
            }
            RefuseReason::TooLarge | RefuseReason::NotAuthorised | RefuseReason::Unknown => {
                // What else is under way is answered by itself.
                online.window.forget(&sent);
                self.passed_over.refused(&sent, again);
                return self.send_next(online, now, vec![Action::TellPassedOver(sent)]);
            }
        }
        self.resent += online.window.envelopes() as u64;
        online.rewind(self.passed_over.cursor());
        self.send_next(online, now, Vec::new())
    }

    /// The oldest envelope under way has come to nothing: with the connection, or with the patience.
    pub(super) fn not_taken(&mut self, online: &Online, now: Moment) -> Option<Action> {
        let oldest = online.window.oldest()?;
        let again = Moment(now.0 + self.timing.retry);
        if !self.passed_over.not_taken() {
            return None;
        }
        if online.lanes.is_ahead(oldest.last_index) {
            self.keep_order(again);
            return None;
        }
        self.passed_over.pass_over(oldest, again);
        Some(Action::TellPassedOver(oldest.clone()))
    }

    /// What is older may be taken, and must not be passed over with the newest.
    fn keep_order(&mut self, again: Moment) {
        self.keeps_order = true;
        self.passed_over.begin_anew(again);
    }
}
