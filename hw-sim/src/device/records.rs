//! What the firmware writes down and sends: clock, history, log, payload.

use super::device::Device;

impl Device {
    pub(super) fn restart_clock(&mut self) {}
    pub(super) fn set_clock(&mut self, _unix_s: i64) {}
    pub(super) fn synchronise_clock(&mut self) {}
    pub(super) fn clock_text(&self) -> String {
        String::new()
    }
    pub(super) fn start_clock_log(&mut self) {}
    pub(super) fn begin_clock_log(&mut self) {}
    pub(super) fn record(&mut self) {}
    pub(super) fn print_history(&mut self) {}
    pub(super) fn clear_history(&mut self) {}
    pub(super) fn print_log(&mut self) {}
    pub(super) fn clear_log(&mut self) {}
    pub(super) fn compose_payload(&mut self) {}
}
