//! When something happened: from the monotonic clock to UTC.
//!
//! Every observation carries a [`crate::observation::Moment`] on the monotonic clock, which no step of the wall clock can
//! touch. [`wall`] decides what UTC that is and how far it can be trusted; [`shared`] reads the clocks and hands the
//! decision to the tasks and to rustls.

pub mod shared;
pub mod wall;
