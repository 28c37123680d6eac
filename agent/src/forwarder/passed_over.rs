//! Records the sink takes no notice of are passed over, so that they do not hold up what is behind them. Pure.
//!
//! A mistyped kitchen is the usual cause: a broker drops what its access rules forbid without a word, or ends the
//! connection. The records stay in the buffer and are tried again every few minutes; nothing is freed but on the sink's
//! word. A sink that answers nobody is not meant: as long as it answers no birth or heartbeat either, nothing is passed over.

use std::time::Duration;

use super::window::Sent;
use crate::observation::Moment;

/// An envelope is passed over after so many attempts: 70 s with the patience of the field.
pub const ATTEMPTS_MAX: u32 = 3;

/// What is passed over, and how close the oldest envelope is to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PassedOver {
    /// Everything up to this append index; 0 is nothing.
    until: u64,
    /// When to try it again, if anything is passed over.
    retry_at: Option<Moment>,
    /// Attempts in a row that came to nothing.
    attempts: u32,
    /// Since the first of them, the sink has answered a birth or heartbeat.
    answered: bool,
    /// The next attempt is one from the oldest on.
    trying: bool,
}

impl PassedOver {
    /// Where to read on; 0 is the oldest.
    pub fn cursor(&self) -> u64 {
        self.until
    }

    /// When what is passed over is to be tried again.
    pub fn retry_at(&self) -> Option<Moment> {
        self.retry_at
    }

    /// The sink answered a birth or heartbeat: it is there.
    pub fn answered(&mut self) {
        self.answered = self.attempts > 0;
    }

    /// The sink took records, the first of them of the envelope that ends at `last_index`.
    pub fn acknowledged(&mut self, last_index: u64) {
        (self.attempts, self.answered) = (0, false);
        if last_index <= self.until || self.trying {
            *self = Self::default();
        }
    }

    /// Whether the last attempts came to nothing, and nothing has been acknowledged since.
    pub fn suspects(&self) -> bool {
        self.attempts > 0
    }

    /// The sink has said that it does not take an envelope; `again` is when to try.
    pub fn refused(&mut self, sent: &Sent, again: Moment) {
        *self =
            Self { until: self.until.max(sent.last_index), retry_at: self.retry_at.or(Some(again)), ..Self::default() };
    }

    /// The sink did not take the oldest envelope under way; true if that has been enough.
    pub fn not_taken(&mut self) -> bool {
        self.attempts = (self.attempts + 1).min(ATTEMPTS_MAX);
        self.trying = false;
        self.attempts >= ATTEMPTS_MAX && self.answered
    }

    /// An envelope is passed over; `again` is when to try.
    pub fn pass_over(&mut self, sent: &Sent, again: Moment) {
        self.until = self.until.max(sent.last_index);
        self.retry_at.get_or_insert(again);
    }

    /// Something else is tried in place of passing over; `again` is when to try as before.
    pub fn begin_anew(&mut self, again: Moment) {
        (self.attempts, self.answered) = (0, false);
        self.retry_at.get_or_insert(again);
    }

    /// Attempts in a row that came to nothing.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Whether it is time to try again from the oldest; one attempt then decides.
    pub fn is_due(&mut self, now: Moment, interval: Duration) -> bool {
        if self.retry_at.is_none_or(|at| now < at) {
            return false;
        }
        self.retry_at = Some(Moment(now.0 + interval));
        (self.attempts, self.answered, self.trying) = (ATTEMPTS_MAX - 1, true, true);
        true
    }
}
