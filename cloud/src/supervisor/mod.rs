//! The only place that spawns tasks: starts everything in order, watches it, stops it in order.
//!
//! Start: all listeners first (an address in use is found before anything else happens), then databases and keys, then
//! ingest, the doors, the API, the metrics. A task that ends early ends the process with a reason; systemd restarts.
//! Stop: the doors and the API take nothing new and finish what was begun, then ingest commits what is waiting, then the
//! databases close; all within [`tasks::GRACE`].

pub mod error;
pub mod listeners;
pub mod serve;
pub mod tasks;

pub use error::ServeError;
pub use serve::{serve, stop_signal};
