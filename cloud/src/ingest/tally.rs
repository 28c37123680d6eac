//! What a unit of work has done, counted once it is on disk: what the store refused is not counted as done.

use std::collections::HashMap;

use kitchen_contract::ack::RejectReason;
use metrics::counter;

/// A counter, and the reason it is split by, if it is.
type Name = (&'static str, Option<&'static str>);

/// Counts that are not public yet.
#[derive(Debug, Default)]
pub(super) struct Tally(HashMap<Name, u64>);

impl Tally {
    pub(super) fn add(&mut self, name: &'static str, count: u64) {
        *self.0.entry((name, None)).or_default() += count;
    }

    pub(super) fn add_one(&mut self, name: &'static str) {
        self.add(name, 1);
    }

    pub(super) fn add_reason(&mut self, name: &'static str, reason: &'static str) {
        *self.0.entry((name, Some(reason))).or_default() += 1;
    }

    /// Makes the counts public.
    pub(super) fn publish(self) {
        for ((name, reason), count) in self.0 {
            match reason {
                Some(reason) => counter!(name, "reason" => reason).increment(count),
                None => counter!(name).increment(count),
            }
        }
    }
}

/// A reason's name in counters.
pub(super) const fn reason_name(reason: RejectReason) -> &'static str {
    match reason {
        RejectReason::UnknownVersion => "unknown-version",
        RejectReason::MalformedBody => "malformed-body",
        RejectReason::MalformedRecord => "malformed-record",
        RejectReason::UnknownDevice => "unknown-device",
        RejectReason::NotAssigned => "not-assigned",
        RejectReason::FutureTimestamp => "future-timestamp",
        RejectReason::Unknown => "unknown",
    }
}
