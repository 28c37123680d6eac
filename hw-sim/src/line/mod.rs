//! The wires between host and sensor, and what can go wrong on them; pure, in virtual time, seeded.
//!
//! In the order of a byte to the host: `text` rewrites what is printed, `to_host` adds, loses and damages bytes,
//! `resample` reads them at another rate, `exit` gives each the time at which it is out. `fault` says what can be
//! wrong, `notation` how it is written, `reply` knows where a reply begins. Without a fault a byte passes as it is, at the
//! time at which the sensor sent it.

mod keys;

mod fault;
mod notation;

mod exit;
mod junk;
mod reply;
mod resample;
mod text;

mod wires;

mod to_host;
mod to_sensor;

#[cfg(test)]
mod tests;

pub(crate) use keys::{Keys, duration, quoted};

pub use fault::{Channel, Direction, EchoMode, JunkKind, LineFault, LineFaultKind};
pub(crate) use wires::Line;
