//! When something happened: from the monotonic clock to UTC.
//!
//! Every observation carries a [`crate::observation::Moment`] on the monotonic clock, which no step of the wall clock can
//! touch. [`wall`] decides what UTC that is and how far it can be trusted, [`earlier`] does so for runs before this one, and
//! [`steps`] notices when somebody sets the system's clock; [`shared`] reads the clocks and hands the decision to the tasks
//! and to rustls.

pub mod earlier;
pub mod offsets;
pub mod shared;
pub mod steps;
pub mod wall;
