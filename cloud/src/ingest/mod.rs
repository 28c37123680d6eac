//! Ingest: from a delivery to an acknowledgement. Steps 6 to 9 of a reading's path.
//!
//! `delivery` is what a door hands in, `accept` decides (pure) what may be taken, `unit` writes what was taken and judged
//! into one unit of work, `task` drains what is waiting into one commit and answers only then.
//!
//! Without a valid signature of the gateway it names, nothing is acknowledged to that gateway: a forged envelope must not
//! free real records.

pub mod accept;

mod delivery;

mod judged;

mod unit;

mod task;

pub use delivery::{Answer, Delivered, Delivery, Ingest};
pub use judged::Judged;
pub use task::IngestTask;
