//! What an uplink carries and `AT+LDATA` shows, as text (device reference section 9).
//!
//! `content` is everything that any form needs, `format` chooses the form; `hex`, `json` and `thing_speak` write it.
//! `probe` and `signal` turn raw numbers into physical ones.

mod content;
mod format;
mod hex;
mod json;
mod number;
mod probe;
mod signal;
mod thing_speak;

pub(super) use content::{Alarm, Alarms, Inputs, Payload, Position};
pub(super) use format::Body;
pub use hex::HexLayout;
pub use json::{BatteryDecimals, JsonDialect, JsonHistory, JsonKeys, JsonTime};
pub(super) use number::thousandths;
pub(super) use probe::Probe;
pub(super) use signal::dbm;

#[cfg(test)]
mod tests;
