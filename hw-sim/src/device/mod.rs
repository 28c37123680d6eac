//! The sensor's firmware, pure: bytes and time in, bytes and time out.
//!
//! In the order in which a command passes: the console's receive buffer, the super-loop that serves it, login, parser,
//! command table, settings, reply; then what the firmware does on its own: boot, measurement, report on change, uplink.
//! Nothing here reads a clock, a file or a random source of the system.

mod console;
mod owner;
mod super_loop;

mod action;
mod controls;
mod flash;
mod memory;
mod records;

mod login;
mod parser;

mod catalogue;
mod check;
mod command;
mod roc;
mod settings;

mod latency;
mod reply;
mod step;

mod boot;
mod measurement;
mod network;
mod uplink;

mod calendar;
mod clock_log;
mod history;
mod log_pages;
mod payload;

use check::Refusal;

pub(crate) use calendar::TimeText;
pub use catalogue::Entry;
pub use controls::Press;
pub use flash::{Flash, FlashError};
pub use network::{Network, NetworkError};
pub use owner::{Device, DeviceConfig};
pub use payload::{BatteryDecimals, HexLayout, JsonDialect, JsonHistory, JsonKeys, JsonTime};

use crate::profile::{Profile, Quirk};

/// What is wrong with a profile's default for a command; none if the command could be set to it, as it stands.
pub(crate) fn default_problem(name: &str, value: &str, profile: &Profile) -> Option<String> {
    let Some(catalogue::Kind::Stored(check, _)) = Entry::find(name).map(Entry::kind) else {
        return Some("is no setting".to_owned());
    };
    // A default is in seconds also where quirk Q23 makes what is typed milliseconds.
    let milli = if check == check::Check::Tdc && profile.has(Quirk::MistakenNotes) { "000" } else { "" };
    match check.read(&format!("{value}{milli}"), profile) {
        Ok(stored) if stored == value => None,
        Ok(stored) => Some(format!("would be stored as `{stored}`")),
        Err(Refusal { .. }) => Some(format!("cannot be `{value}`")),
    }
}
