//! The console's grammar: what is sent, and what every byte that comes back means. Pure.
//!
//! On the path of a reading this is the step from bytes to a measurement: bytes → [`digest`] → lines → [`mod@line`] → kinds of
//! line → [`reply`] (what a command was answered), [`block`] (what the sensor measured) and [`history`] (what it measured
//! by itself). Written from the device reference, sections 3 to 8. No input makes it panic, and nothing is guessed: what does not fit the grammar to the
//! letter never becomes a value.
//!
//! Knows nothing of ports, time-outs, logins or what a current stands for.

pub mod command;
pub mod history_log;
pub mod identity;
pub mod raw;
pub mod report_interval;
pub mod report_on_change;
pub mod sensor_clock;
pub mod warm_up;

pub mod digest;
pub mod line;

pub mod number;
pub mod reply;

pub mod block;
pub mod history;
pub mod measurement;

#[cfg(test)]
mod tests;
