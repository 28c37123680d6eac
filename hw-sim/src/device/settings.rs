//! What the flash keeps over a reset: one text for each stored command of the profile.

use std::collections::BTreeMap;
use std::time::Duration;

use super::catalogue::{Entry, Kind};
use super::clock_log::{ClockLog, Overflow};
use super::parser::{atoi, numbers};
use super::payload::Probe;
use super::roc::Roc;
use crate::profile::Profile;

/// The stored configuration. Every text has passed its check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Settings {
    values: BTreeMap<&'static str, String>,
    /// The report on change setting, read once: every check asks for it.
    roc: Roc,
    /// What the flash still has of a setting that is another in RAM.
    unsaved: Option<Change>,
    /// Deep sleep.
    pub(super) sleeps: bool,
}

/// One successful set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) name: &'static str,
    pub(super) value: String,
}

/// Protocols of `AT+PRO`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Coap,
    Udp,
    Mqtt,
    Tcp,
}

impl Settings {
    pub(super) fn factory(profile: &Profile, imei: &str) -> Self {
        let stored = profile.commands.iter().filter_map(|entry| match entry.kind() {
            Kind::Stored(_, default) => Some((entry.name(), default.to_owned())),
            _ => None,
        });
        let mut settings = Self { values: stored.collect(), roc: Roc::default(), unsaved: None, sleeps: false };
        for (name, value) in &profile.defaults {
            settings.values.entry(Entry::find(name).map_or("", Entry::name)).insert_entry(value.clone());
        }
        settings.values.insert("AT+PWORD", profile.pin.clone());
        settings.values.insert("AT+DEUI", imei.to_owned());
        settings.read_roc();
        settings
    }

    /// The whole configuration is written with it.
    pub(super) fn apply(&mut self, change: Change) {
        self.values.insert(change.name, change.value);
        self.unsaved = None;
        self.read_roc();
    }

    /// In RAM until the next restart.
    pub(super) fn keep(&mut self, change: Change) {
        let name = change.name;
        let saved = self.values.insert(name, change.value);
        self.unsaved = self.unsaved.take().or(saved.map(|value| Change { name, value }));
    }

    /// What is only in RAM is gone.
    pub(super) fn restart(&mut self) {
        if let Some(saved) = self.unsaved.take() {
            self.apply(saved);
        }
    }

    /// Factory settings again, all but the password, or only those of the scope.
    pub(super) fn reset_keeping_password(&mut self, profile: &Profile, imei: &str) {
        let factory = Self::factory(profile, imei);
        let password = self.password().to_owned();
        if profile.fdr1_scope.is_empty() {
            *self = factory;
            self.values.insert("AT+PWORD", password);
            return;
        }
        for (name, value) in factory.values {
            if profile.fdr1_scope.iter().any(|scope| scope == name) {
                self.values.insert(name, value);
            }
        }
        self.read_roc();
    }

    /// Every stored text, by command, as it is in the flash.
    pub(super) fn texts(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let saved = self.unsaved.as_ref();
        self.values.iter().map(move |(name, value)| {
            let saved = saved.filter(|saved| saved.name == *name);
            (*name, saved.map_or(value.as_str(), |saved| saved.value.as_str()))
        })
    }

    fn read_roc(&mut self) {
        self.roc = Roc::parse(self.text("AT+ROC"), true).unwrap_or_default();
    }

    /// The stored text; empty for what the firmware does not have.
    pub(super) fn text(&self, name: &str) -> &str {
        self.values.get(name).map_or("", String::as_str)
    }

    fn number(&self, name: &str) -> i64 {
        atoi(self.text(name))
    }

    /// A text that is set, which `NULL` is not.
    fn given(&self, name: &str) -> Option<&str> {
        Some(self.text(name)).filter(|text| !text.is_empty() && *text != "NULL")
    }

    pub(super) fn password(&self) -> &str {
        self.text("AT+PWORD")
    }

    /// `AT+PWORD=0` switches the login off.
    pub(super) fn has_password(&self) -> bool {
        self.password() != "0"
    }

    pub(super) fn tdc(&self) -> Duration {
        Duration::from_secs(self.number("AT+TDC").unsigned_abs())
    }

    pub(super) fn roc(&self) -> &Roc {
        &self.roc
    }

    /// Power-up times of the 3.3 V, 5 V and 12 V rails in ms.
    pub(super) fn rails_ms(&self) -> [u32; 3] {
        ["AT+3V3T", "AT+5VT", "AT+12VT"].map(|name| u32::try_from(self.number(name)).unwrap_or(0))
    }

    pub(super) fn protocol(&self) -> Protocol {
        match self.number("AT+PRO") {
            1 => Protocol::Coap,
            3 => Protocol::Mqtt,
            4 => Protocol::Tcp,
            _ => Protocol::Udp,
        }
    }

    /// The payload type of `AT+PRO`: 0 HEX, 5 JSON, and MQTT's own.
    pub(super) fn payload_type(&self) -> i64 {
        numbers(self.text("AT+PRO")).get(1).copied().unwrap_or(0)
    }

    pub(super) fn server(&self) -> Option<(&str, &str)> {
        self.given("AT+SERVADDR")?.split_once(',')
    }

    pub(super) fn attach_time(&self) -> Duration {
        Duration::from_secs(60 * self.number("AT+CSQTIME").unsigned_abs())
    }

    pub(super) fn extra_receive_time(&self) -> Duration {
        Duration::from_millis(self.number("AT+RXDL").unsigned_abs())
    }

    pub(super) fn probe(&self) -> Probe {
        Probe::parse(self.text("AT+PROBE"))
    }

    /// None on firmware without a clock log.
    pub(super) fn clock_log(&self) -> Option<ClockLog> {
        ClockLog::parse(self.text("AT+CLOCKLOG"), Overflow::Refused)
    }
}

impl Protocol {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Coap => "COAP",
            Self::Udp => "UDP",
            Self::Mqtt => "MQTT",
            Self::Tcp => "TCP",
        }
    }
}
