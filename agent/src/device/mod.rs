//! The device at the other end of the serial line: open the port, log in, ask, configure.
//!
//! On the path of a reading this is where bytes come in. Shells around [`crate::at`]: they own the line, the clock and the
//! time-outs, and decide little. Every read and write is bounded, one command is in flight at a time, and whatever goes
//! wrong is a [`error::DeviceError`] with the port it was about; nothing here retries for ever or knows when to measure.

pub mod error;
pub mod pace;
pub mod relock;

pub mod history;
mod link;
pub mod session;

pub mod directory;
pub mod port;
pub mod setup;

mod confirm;
mod login;
mod place;

pub mod ask;

#[cfg(test)]
pub(crate) mod tests;
