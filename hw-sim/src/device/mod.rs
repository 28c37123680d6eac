//! The sensor's firmware, pure: bytes and time in, bytes and time out.
//!
//! In the order in which a command passes: the console's receive buffer, the super-loop that serves it, login, parser,
//! command table, settings, reply; then what the firmware does on its own: boot, measurement, report on change, uplink.
//! Nothing here reads a clock, a file or a random source of the system.

mod console;
mod super_loop;

mod action;
mod memory;

mod login;
mod parser;

mod command;
mod roc;
mod settings;

mod latency;
mod reply;
mod step;

mod boot;
mod measurement;
mod uplink;

// What the flash keeps and an uplink sends. The allowances go when the firmware uses all of it.
#[allow(dead_code)]
mod calendar;
#[allow(dead_code)]
mod clock_log;
#[allow(dead_code)]
mod history;
#[allow(dead_code)]
mod log_pages;
#[allow(dead_code, unused_imports)]
mod payload;

pub use payload::{BatteryDecimals, HexLayout, JsonDialect, JsonHistory, JsonKeys, JsonTime};
pub use super_loop::{Device, DeviceConfig};
