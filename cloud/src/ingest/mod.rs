//! Ingest: from a delivery to an acknowledgement. Steps 6 to 9 of a reading's path.
//!
//! `delivery` is what a door hands in; `accept` decides what may be taken and `judge` what it means (both pure, `ledger` and
//! `judged` are their words); `unit` writes what was taken and judged into one unit of work, `aside` what could not be taken,
//! `status` what a gateway says of itself (`presence` decides whether it is new);
//! `task` drains what is waiting into one commit, and only then answers and counts (`tally`).
//!
//! Without a valid signature of the gateway it names, nothing is acknowledged to that gateway: a forged envelope must not
//! free real records.

pub mod accept;

mod delivery;

pub mod judge;

mod judged;

mod ledger;

mod tally;

mod unit;

mod presence;

mod status;

mod aside;

mod task;

pub use delivery::{Answer, Delivered, Delivery, Ingest};
pub use judge::AHEAD_MAX_MS;
pub use judged::Judged;
pub use task::IngestTask;
