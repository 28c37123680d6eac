//! When is which sensor measured, and what becomes of the answer: one task per sensor.
//!
//! On the path of a reading this drives the first three steps: poll (or overhear), parse, mA → °C or a named fault. Every
//! poll that is due ends in exactly one reading, with a temperature or with the reason why there is none; events say when a
//! sensor was found, lost, restarted or swapped. The decisions are pure ([`plan`], [`schedule`], [`backoff`], [`backfill`],
//! [`plausibility`], [`raw_watch`], [`placement`], [`punctuality`], [`battery`], [`warm_up`], [`reading`]); [`task`] and its `polling` own the line and
//! the clock. Does not know what happens to an observation.

pub mod plan;

pub mod backfill;
pub mod backoff;
pub mod battery;
pub mod placement;
pub mod plausibility;
pub mod punctuality;
pub mod raw_watch;
pub mod schedule;
pub mod upkeep;
pub mod warm_up;

pub mod reading;
pub mod state;

pub mod task;

mod chores;
mod greeting;
mod polling;

pub use plan::{Plan, Problem};
pub use state::{SensorShown, SensorState};
pub use task::{Outlets, RecorderGone, port_of, run};

#[cfg(test)]
pub(crate) mod tests;
