//! Whether a status message says anything new of a gateway. Pure.
//!
//! Signed messages can be sent again by whoever has seen them, and must not make a gateway look heard of. Births and
//! heartbeats are one word, the last will another: neither overwrites the other, and a gateway is lost if its last will was
//! received after its latest birth or heartbeat.
//!
//! | a birth or heartbeat | is new if |
//! |---|---|
//! | of the run heard of last | its last sequence number has grown, or its clock is ahead of the one before |
//! | of another run | nothing of that run was ever stored, whatever its clock says; or its clock is ahead |
//!
//! | a last will | is new if |
//! |---|---|
//! | of another run than the one heard of last | never: that run has ended, or has only been told of again |
//! | of that run | there is none of this run yet, its sequence number has grown or its clock is ahead |
//!
//! A clock too far ahead of the sink's counts as none, or one message from the future would silence a gateway until then.
//! What remains possible: a message of a run that never delivered anything can be told again, and an earlier run's while the
//! present run has no clock; the next heartbeat with a clock puts it right.

use kitchen_contract::id::CustomerId;
use kitchen_contract::status::Status;
use kitchen_contract::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::judge::AHEAD_MAX_MS;

/// A status message as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Heard {
    /// What the gateway said.
    #[serde(flatten)]
    pub(super) status: Status,
    /// Whose the gateway was.
    #[serde(default)]
    pub(super) customer_id: Option<CustomerId>,
    /// When the sink heard it.
    pub(super) received_at: Timestamp,
}

/// Whether a birth or heartbeat is no repetition; `unheard` says whether nothing of its run was ever stored.
pub(super) fn is_new(known: Option<&Heard>, new: &Heard, unheard: bool) -> bool {
    let Some(known) = known else { return true };
    if known.status.epoch == new.status.epoch {
        return grown(known, new);
    }
    unheard || new.dated() > known.dated()
}

/// Whether a last will is no repetition; `latest` is the gateway's latest birth or heartbeat.
pub(super) fn is_new_will(known: Option<&Heard>, latest: Option<&Heard>, new: &Heard) -> bool {
    let of_this_run = latest.is_none_or(|latest| latest.status.epoch == new.status.epoch);
    let before = known.filter(|known| known.status.epoch == new.status.epoch);
    of_this_run && before.is_none_or(|before| grown(before, new))
}

fn grown(before: &Heard, new: &Heard) -> bool {
    new.status.last_seq > before.status.last_seq || new.dated() > before.dated()
}

impl Heard {
    /// The gateway's clock, unless it cannot be right.
    fn dated(&self) -> Option<Timestamp> {
        self.status.timestamp.filter(|timestamp| timestamp.ms_since(self.received_at) <= AHEAD_MAX_MS)
    }
}

#[cfg(test)]
mod tests {
    use kitchen_contract::status::StatusKind;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_unix_ms(1_768_127_400_000 + second * 1000).unwrap()
    }

    /// Epoch, last sequence number, clock, and when it was received.
    fn heard((epoch, last_seq, clock, received): (&str, u64, Option<i64>, i64)) -> Heard {
        let status = Status {
            v: 1,
            gateway_id: "gw-1".parse().unwrap(),
            epoch: epoch.parse().unwrap(),
            kind: StatusKind::Heartbeat,
            last_seq,
            backlog: 0,
            timestamp: clock.map(at),
            agent_version: "0.1.0".to_owned(),
            config_hash: None,
            sensors: Vec::new(),
            counters: None,
            question: None,
        };
        Heard { status, customer_id: None, received_at: at(received) }
    }

    #[test]
    fn a_run_that_is_heard_of_says_something_new_only_by_number_or_clock() {
        let known = heard(("cone", 5, Some(100), 100));
        for (new, expected) in [
            (("cone", 5, Some(100), 900), false),
            (("cone", 4, Some(99), 900), false),
            (("cone", 5, None, 900), false),
            (("cone", 6, None, 900), true),
            (("cone", 5, Some(101), 900), true),
            (("cone", 0, Some(101), 900), true),
            (("cone", 5, Some(961), 900), false),
        ] {
            assert_eq!(is_new(Some(&known), &heard(new), true), expected, "{new:?}");
        }
        assert!(is_new(None, &known, false));
    }

    #[test]
    fn another_run_is_new_by_its_clock_or_if_nothing_was_heard_of_it() {
        let known = heard(("cone", 5, Some(100), 100));
        for (new, unheard, expected) in [
            (("ctwo", 9, Some(99), 900), false, false),
            (("ctwo", 0, Some(99), 900), true, true),
            (("ctwo", 0, Some(101), 900), false, true),
            (("ctwo", 0, None, 900), true, true),
            (("ctwo", 0, None, 900), false, false),
        ] {
            assert_eq!(is_new(Some(&known), &heard(new), unheard), expected, "{new:?} {unheard}");
        }
        let from_the_future = heard(("cone", 5, Some(5000), 100));
        assert!(is_new(Some(&from_the_future), &heard(("ctwo", 0, Some(101), 900)), false));
    }

    #[test]
    fn a_will_is_new_once_and_only_of_the_run_that_is_heard_of() {
        let latest = heard(("cone", 5, Some(100), 100));
        let known = heard(("cone", 0, Some(10), 50));
        for (known, new, expected) in [
            (None, ("cone", 0, Some(90), 900), true),
            (Some(&known), ("cone", 0, Some(10), 900), false),
            (Some(&known), ("cone", 0, Some(90), 900), true),
            (None, ("ctwo", 9, Some(500), 900), false),
        ] {
            assert_eq!(is_new_will(known, Some(&latest), &heard(new)), expected, "{new:?}");
        }
        assert!(is_new_will(Some(&known), None, &heard(("cone", 3, None, 900))));
    }
}
