//! What the firmware writes down and sends: clock, history, log, payload (device reference sections 6.4, 9 and 11).

use std::time::Duration;

use super::calendar::{DeviceClock, TimeText};
use super::clock_log::ClockLog;
use super::history::{Record, Unused};
use super::measurement;
use super::owner::Device;
use super::payload::{Body, Inputs, Payload, Position};
use super::settings::Protocol;
use super::step::{Purpose, Step};
use super::uplink::{NO_SIGNAL, Request};
use crate::profile::{BootText, Quirk};

/// History entries that one uplink of -NB carries at most, over MQTT and over CoAP.
const MQTT_ENTRIES_MAX: u8 = 24;
const COAP_ENTRIES_MAX: u8 = 15;
/// The end-of-file character that tells the modem where its input ends.
const SUBSTITUTE: char = '\u{1a}';
/// Payload types of `AT+PRO`.
const JSON: i64 = 5;
const THINGS_BOARD: i64 = 3;
const THING_SPEAK: i64 = 1;

impl Device {
    /// The clock of a processor that starts again knows nothing, and the clock log waits for it.
    pub(super) fn restart_clock(&mut self) {
        self.memory.wall = DeviceClock::at_boot(self.profile.clock_at_boot().unwrap_or_default(), self.clock);
        self.memory.clock_log = self.settings.clock_log();
    }

    pub(super) fn set_clock(&mut self, unix_s: i64) {
        self.memory.clock_log_begins.shift(unix_s - self.unix_now());
        self.memory.wall.set(self.clock, unix_s);
        self.clock_log_takes_effect();
    }

    pub(super) fn synchronise_clock(&mut self) {
        let unix_s = self.started_unix_s + self.clock.as_secs().cast_signed();
        self.set_clock(unix_s);
    }

    pub(super) fn clock_text(&self) -> String {
        TimeText::Command.of(self.unix_now())
    }

    fn unix_now(&self) -> i64 {
        self.memory.wall.now(self.clock)
    }

    /// A changed clock log counts from a time sync on; one that is in effect already goes on as it was.
    fn clock_log_takes_effect(&mut self) {
        let (setting, now) = (self.settings.clock_log(), self.unix_now());
        let begins = &mut self.memory.clock_log_begins;
        if setting != self.memory.clock_log || begins.in_effect.is_none() {
            begins.in_effect = Some(now);
        }
        self.memory.clock_log = setting;
        self.arm_clock_log();
    }

    /// The first uplink has begun.
    pub(super) fn start_clock_log(&mut self) {
        self.memory.clock_log_begins.first_uplink = Some(self.unix_now());
        self.arm_clock_log();
    }

    fn arm_clock_log(&mut self) {
        let now = self.unix_now();
        let setting = self.memory.clock_log.as_ref().filter(|_| !self.settings.sleeps);
        let next = setting.and_then(|setting| setting.next_sample(self.memory.clock_log_begins, now));
        let wait = next.map(|next| Duration::from_secs(next.abs_diff(now)));
        self.memory.timers.clock_log = wait.map(|wait| self.clock + wait);
    }

    pub(super) fn begin_clock_log(&mut self) {
        self.arm_clock_log();
        self.block_in(measurement::steps(&self.settings, Purpose::Record));
    }

    /// A sample of the clock log is there.
    pub(super) fn record(&mut self) {
        self.flash_writes += 1;
        self.history.push(Record::new(&self.memory.sample, self.unix_now()));
        let line = format!("CLOCK:{}", self.clock_text());
        self.put_first(self.memory.debug.then_some(Step::Event(line)).into_iter().collect::<Vec<_>>());
    }

    pub(super) fn print_history(&mut self) {
        let rows: String = self.history.rows(self.settings.probe()).into_iter().map(|row| row + "\r\n").collect();
        self.put_first([Step::Print(rows.into_bytes())]);
    }

    pub(super) fn clear_history(&mut self) {
        self.flash_writes += 1;
        self.history.clear();
    }

    pub(super) fn print_log(&mut self) {
        let text = self.log.text();
        self.put_first([Step::Print(text)]);
    }

    pub(super) fn clear_log(&mut self) {
        self.flash_writes += 1;
        self.log.clear();
    }

    /// What is sent, or would be if there was a server, is what `AT+LDATA` shows from now on.
    pub(super) fn compose_payload(&mut self) {
        let payload = self.payload();
        self.memory.last_data = self.body().text(&payload);
    }

    fn body(&self) -> Body {
        let mqtt = self.memory.protocol == Protocol::Mqtt;
        match self.memory.payload_type {
            JSON | THINGS_BOARD => Body::Json(self.profile.json),
            THING_SPEAK if mqtt => Body::ThingSpeak,
            _ => Body::Hex(self.profile.hex_layout),
        }
    }

    /// Quirk Q11: the character that ends the modem's input stays in the text after an MQTT publish.
    pub(super) fn keep_substitute(&mut self) {
        if self.memory.protocol == Protocol::Mqtt && self.profile.has(Quirk::Substitute) {
            self.memory.last_data.push(SUBSTITUTE);
        }
    }

    fn payload(&mut self) -> Payload {
        let Request { alarms, .. } = self.memory.job.as_ref().map(|job| job.request).unwrap_or_default();
        let unused = if self.profile.has(Quirk::ZeroHistory) { Unused::Zeros } else { Unused::Omitted };
        let (sample, csq) = (self.memory.sample, self.payload_csq());
        Payload {
            imei: self.settings.text("AT+DEUI").to_owned(),
            imsi: self.imsi(),
            model: self.profile.model_name.clone(),
            model_byte: self.profile.model_byte,
            version_byte: self.profile.version_byte().unwrap_or_default(),
            battery_mv: sample.battery_mv(),
            csq,
            inputs: Inputs::default(),
            alarms,
            probe: self.settings.probe(),
            position: Position::default(),
            idc_printed: sample.idc_printed(),
            vdc_printed: sample.vdc_printed(),
            sample: Record::new(&sample, self.unix_now()),
            history: self.history.entries(self.history_entries(), unused),
        }
    }

    /// Without a network the last strength stays: quirk Q18.
    fn payload_csq(&mut self) -> u8 {
        let csq = self.csq();
        let stale = csq == NO_SIGNAL && self.profile.has(Quirk::StaleSignal);
        if stale { self.memory.last_csq } else { csq }
    }

    fn history_entries(&self) -> u8 {
        let entries = self.memory.clock_log.as_ref().map_or(0, ClockLog::entries);
        match (self.profile.boot_text, self.memory.protocol) {
            (BootText::Nb, Protocol::Mqtt) => entries.min(MQTT_ENTRIES_MAX),
            (BootText::Nb, Protocol::Coap) => entries.min(COAP_ENTRIES_MAX),
            _ => entries,
        }
    }
}
