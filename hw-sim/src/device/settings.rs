//! What the flash keeps over a reset.

use super::roc::Roc;
use crate::profile::Profile;

/// The stored configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) pin: String,
    pub(super) deui: String,
    pub(super) tdc_s: u32,
    pub(super) twelve_volt_ms: u32,
    pub(super) roc: Roc,
}

/// One successful set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    Deui(String),
    Tdc(u32),
    TwelveVolt(u32),
    Roc(Roc),
}

impl Settings {
    pub(super) fn factory(profile: &Profile, imei: &str) -> Self {
        let defaults = &profile.defaults;
        Self {
            pin: profile.pin.clone(),
            deui: imei.to_owned(),
            tdc_s: defaults.tdc,
            twelve_volt_ms: defaults.twelve_volt_ms,
            roc: Roc::factory(defaults.roc),
        }
    }

    pub(super) fn apply(&mut self, change: Change) {
        match change {
            Change::Deui(deui) => self.deui = deui,
            Change::Tdc(tdc_s) => self.tdc_s = tdc_s,
            Change::TwelveVolt(twelve_volt_ms) => self.twelve_volt_ms = twelve_volt_ms,
            Change::Roc(roc) => self.roc = roc,
        }
    }
}
