//! What happens to the forwarder, and what it is told to do. Pure.

use std::time::Duration;

use kitchen_contract::ack::RefuseReason;
use kitchen_contract::id::Epoch;
use kitchen_contract::ranges::SeqRanges;

use super::online::Next;
use super::window::Sent;

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The time of [`Machine::deadline`](super::state::Machine::deadline) has come; `chance` is uniform in 0..1.
    Tick {
        /// For the backoff.
        chance: f64,
    },
    /// The connection is open.
    Opened,
    /// The subscriptions stand.
    Subscribed,
    /// The sink has answered the birth or a heartbeat, and what waited for a clock is settled.
    Answered {
        /// How many records a second of a backlog it takes; none is no limit.
        records_per_s: Option<u32>,
    },
    /// The sink does not take an envelope now.
    Refused(Refusal),
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
    /// What there is to send cannot be read now.
    Unreadable,
    /// What is in the buffer has changed.
    Backlog(Backlog),
    /// The certificate files are others than the connection was made with, and can be used.
    Renewed,
    /// The connection is gone; `chance` is uniform in 0..1.
    Lost {
        /// For the backoff.
        chance: f64,
    },
    /// The agent stops.
    Stop,
}

/// What waits in the buffer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Records.
    pub records: u64,
    /// The append index of the newest.
    pub newest: u64,
}

/// What the sink does not take now, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The epoch of the records.
    pub epoch: Epoch,
    /// Their numbers.
    pub ranges: SeqRanges,
    /// Why.
    pub reason: RefuseReason,
    /// When to try again, if the sink says it.
    pub retry_after: Option<Duration>,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Open a connection.
    Connect {
        /// To which of the addresses; 0 is the preferred one.
        address: usize,
    },
    /// Subscribe to the sink's topics.
    Subscribe,
    /// Send the birth.
    SendBirth,
    /// Send a heartbeat.
    SendHeartbeat,
    /// Read the next records and send them.
    SendNext(Next),
    /// Say that the sink takes no notice of these, which now wait behind the rest.
    TellPassedOver(Sent),
    /// Close the connection.
    Close,
}
