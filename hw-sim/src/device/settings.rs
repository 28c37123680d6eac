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
    /// A refused value that is in RAM all the same: a reset forgets it, the next write takes it to flash.
    unwritten: Option<Change>,
    /// The report on change setting, read once: every check asks for it.
    roc: Roc,
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
        let mut settings = Self { values: stored.collect(), unwritten: None, roc: Roc::default(), sleeps: false };
        for (name, value) in &profile.defaults {
            settings.values.entry(Entry::find(name).map_or("", Entry::name)).insert_entry(value.clone());
        }
        settings.values.insert("AT+PWORD", profile.pin.clone());
        settings.values.insert("AT+DEUI", imei.to_owned());
        settings.read_roc();
        settings
    }

    /// Every write is one of the whole configuration.
    pub(super) fn apply(&mut self, change: Change) {
        for Change { name, value } in self.unwritten.take().into_iter().chain([change]) {
            self.values.insert(name, value);
        }
        self.read_roc();
    }

    pub(super) fn keep_in_ram(&mut self, change: Change) {
        self.unwritten = Some(change);
    }

    /// A reset.
    pub(super) fn forget_unwritten(&mut self) {
        self.unwritten = None;
    }

    /// Factory settings again, all but the password; with quirk Q16 only those of the scope, if it names any.
    pub(super) fn reset_keeping_password(&mut self, profile: &Profile, imei: &str) {
        let factory = Self::factory(profile, imei);
        let password = self.password().to_owned();
        if !profile.resets_some_only() {
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

    /// Every text in flash, by command.
    pub(super) fn texts(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.values.iter().map(|(name, value)| (*name, value.as_str()))
    }

    fn read_roc(&mut self) {
        self.roc = Roc::parse(self.text("AT+ROC"), true).unwrap_or_default();
    }

    /// The text in force; empty for what the firmware does not have.
    pub(super) fn text(&self, name: &str) -> &str {
        let unwritten = self.unwritten.as_ref().filter(|change| change.name == name);
        unwritten.map(|change| &change.value).or_else(|| self.values.get(name)).map_or("", String::as_str)
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

    /// Where firmware with quirk Q9 sends the payloads of its MQTT types 1 to 3; the names are invented.
    pub(super) fn forced_server(&self) -> Option<&'static str> {
        match (self.protocol(), self.payload_type()) {
            (Protocol::Mqtt, 1) => Some("thingspeak.example.net,1883"),
            (Protocol::Mqtt, 2) => Some("datacake.example.net,1883"),
            (Protocol::Mqtt, 3) => Some("broker.example.net,1883"),
            _ => None,
        }
    }

    /// The payload type of `AT+PRO`: 0 HEX, 5 JSON, and MQTT's own.
    pub(super) fn payload_type(&self) -> i64 {
        numbers(self.text("AT+PRO")).get(1).copied().unwrap_or(0)
    }

    pub(super) fn server(&self) -> Option<(&str, &str)> {
        self.given("AT+SERVADDR")?.split_once(',')
    }

    /// Stored payloads are sent again until they are taken.
    pub(super) fn retransmits(&self) -> bool {
        self.number("AT+REDPT") == 1
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

    /// None on firmware that keeps no history.
    pub(super) fn clock_log(&self) -> Option<ClockLog> {
        let oldest = || {
            let interval_s = self.given("AT+TR").map(|_| self.number("AT+TR"))?;
            Some(ClockLog::every(interval_s.try_into().ok()?, self.number("AT+NOUD").try_into().ok()?))
        };
        ClockLog::parse(self.text("AT+CLOCKLOG"), Overflow::Refused).or_else(oldest)
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
