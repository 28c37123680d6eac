//! What the steps change: the device's actions, one short function each.

use std::time::Duration;

use rand::RngExt;

use super::boot;
use super::measurement;
use super::memory::Memory;
use super::network::Network;
use super::owner::Device;
use super::payload::Alarms;
use super::roc::Rules;
use super::settings::{Change, Settings};
use super::step::{Action, Cause, Purpose, Step, event_and_empty_line};
use super::uplink::{NO_SIGNAL, Request};
use crate::profile::{BootText, Quirk};

/// The modem's answer to what it does.
const MODEM_OK: &[u8] = b"\r\nOK\r\n";
/// The modem's answer to what it does not know.
const MODEM_ERROR: &[u8] = b"\r\nERROR\r\n";
/// Failed attaches until the pause grows, where it does.
const BACKOFF_EVERY: u32 = 4;
/// Periods from this on wait twice as long for an upload, shorter ones a day.
const HALF_A_DAY: Duration = Duration::from_secs(12 * 3600);
/// PS-CB that retransmits goes so many times longer without signal: 36 cycles instead of 12.
const RETRANSMISSION_PATIENCE: u32 = 3;
/// The longest pause, in periods.
const BACKOFF_MAX: u32 = 12;

impl Device {
    pub(super) fn act(&mut self, action: Action) {
        match action {
            Action::EnterLoop => self.enter_loop(),
            Action::ReceiverOn => self.console.switch_receiver_on(),
            Action::ClearInput => self.clear_input(),
            Action::Unlock => self.memory.login.unlock(self.uptime(), &self.profile),
            Action::Store(change) => self.store(change),
            Action::Keep(change) => self.settings.keep_in_ram(change),
            Action::PowerOn => self.board.power_on(self.clock),
            Action::PowerOff => self.board.power_off(self.clock),
            Action::Measure(purpose) => self.put_first(measurement::steps(&self.settings, purpose)),
            Action::Convert(purpose) => self.convert(purpose),
            Action::Recall(sample) => self.memory.sample = sample,
            Action::PrintBootMeasurement => self.print_boot_measurement(),
            Action::PrintMeasurement => self.print_measurement(),
            Action::UploadStart => self.upload_start(),
            Action::ComposePayload => self.compose_payload(),
            Action::AttachFailed => self.attach_failed(),
            Action::EndPhase => self.end_phase(),
            Action::ModemOn => self.set_modem(true),
            Action::ModemOff => self.set_modem(false),
            Action::ToggleModem => self.set_modem(!self.memory.modem_awake),
            Action::AskModem(line) => self.ask_modem(&line),
            Action::RequestUplink => self.memory.uplink_requested = true,
            Action::Resolved(address) => self.memory.resolved = address,
            Action::SetClock(unix_s) => self.set_clock(unix_s),
            Action::SynchroniseClock => self.synchronise_clock(),
            Action::ToggleDebug => self.toggle_debug(),
            Action::PrintHistory => self.print_history(),
            Action::ClearHistory => self.clear_history(),
            Action::PrintLog => self.print_log(),
            Action::ClearLog => self.clear_log(),
            Action::DeepSleep => self.deep_sleep(),
            Action::WakeUp => self.wake_up(),
            Action::FactoryReset(keeps_password) => self.factory_reset(keeps_password),
            Action::Restart(cause) => self.restart(cause),
        }
    }

    pub(super) fn restart(&mut self, cause: Cause) {
        self.console.reset();
        self.read_flash();
        self.board.power_off(self.clock);
        self.board.load_modem(self.clock, false);
        self.memory = Memory::at_boot(self.clock, boot::steps(&self.profile, &self.settings, cause).into());
        (self.memory.protocol, self.memory.payload_type) = (self.settings.protocol(), self.settings.payload_type());
        self.restart_clock();
        self.bluetooth_on();
        self.feed_watchdog();
    }

    /// What the settings are after a reset: before stack 004 deep sleep is forgotten, and platforms have servers (quirk Q9).
    fn read_flash(&mut self) {
        self.settings.forget_unwritten();
        self.settings.sleeps &= !self.profile.stack_is_before(4);
        let server = self.settings.forced_server().filter(|_| self.profile.has(Quirk::ServerRewritten));
        if let Some(server) = server.filter(|server| self.settings.text("AT+SERVADDR") != *server) {
            self.store(Change { name: "AT+SERVADDR", value: server.to_owned() });
        }
    }

    /// Where a firmware watches over its uploads, the time for the next one begins.
    pub(super) fn feed_watchdog(&mut self) {
        let tdc = self.settings.tdc();
        let limit = if tdc < HALF_A_DAY { HALF_A_DAY * 2 } else { tdc * 2 };
        let watches = self.profile.reset_without_upload && !self.settings.sleeps;
        self.memory.timers.watchdog = watches.then(|| self.clock + limit);
    }

    fn clear_input(&mut self) {
        if !self.profile.has(Quirk::LossWhileBusy) {
            self.console.clear_line();
        } else if self.profile.crlf_race > 0.0 && self.rng.random_bool(self.profile.crlf_race) {
            self.console.clear_but_for_the_line_feed();
        } else {
            self.console.clear();
        }
    }

    fn set_modem(&mut self, awake: bool) {
        self.memory.modem_awake = awake;
        self.board.load_modem(self.clock, awake);
        self.brown_out();
    }

    /// Under load a weak battery drops the processor.
    fn brown_out(&mut self) {
        if self.board.is_browned_out(self.clock) {
            self.put_first([Step::Act(Action::Restart(Cause::BrownOut))]);
        }
    }

    fn enter_loop(&mut self) {
        if self.settings.sleeps {
            return;
        }
        self.arm_roc();
        self.memory.job = Some(self.boot_job());
    }

    /// The check timer starts with the set and at the boot; in deep sleep no timer runs.
    fn arm_roc(&mut self) {
        let interval = self.settings.roc().interval().filter(|_| !self.settings.sleeps);
        self.memory.timers.roc = interval.map(|interval| self.clock + interval);
    }

    /// The TDC timer is not touched by its set: quirk Q17.
    fn store(&mut self, change: Change) {
        let name = change.name;
        self.flash_writes += 1;
        self.settings.apply(change);
        match name {
            "AT+ROC" => self.arm_roc(),
            "AT+TDC" if !self.profile.has(Quirk::OldPeriod) => {
                self.memory.timers.tdc = self.memory.timers.tdc.map(|_| self.clock + self.settings.tdc());
            }
            _ => {}
        }
    }

    /// `AT+FDR1` without a scope of its own is `AT+FDR` in all but the password.
    fn factory_reset(&mut self, keeps_password: bool) {
        self.flash_writes += 1;
        let imei = self.imei.as_str();
        if keeps_password {
            self.settings.reset_keeping_password(&self.profile, imei);
        } else {
            self.settings = Settings::factory(&self.profile, imei);
        }
        if !(keeps_password && self.profile.resets_some_only()) {
            self.clear_history();
            self.clear_log();
        }
        self.restart(Cause::Software);
    }

    /// Timers and modem stop; the console is served on.
    fn deep_sleep(&mut self) {
        self.settings.sleeps = true;
        self.flash_writes += 1;
        self.memory.timers = Default::default();
        (self.memory.job, self.memory.hit, self.memory.uplink_requested) = (None, None, false);
        self.set_modem(false);
    }

    fn wake_up(&mut self) {
        self.settings.sleeps = false;
        self.flash_writes += 1;
        self.restart(Cause::Software);
    }

    fn convert(&mut self, purpose: Purpose) {
        let roc = self.settings.roc();
        let check = purpose == Purpose::Check;
        if !check || roc.watches_vdc() {
            self.memory.sample.vdc_v = self.board.convert_vdc_v();
        }
        if !check || roc.watches_idc() {
            self.memory.sample.idc_ma = self.board.convert_idc_ma(self.clock);
        }
        self.memory.sample.battery_v = self.board.battery_v(self.clock);
        match purpose {
            Purpose::Boot => {}
            Purpose::Record => self.record(),
            Purpose::Regular => roc.renew(&mut self.memory.references, &self.memory.sample),
            Purpose::Check => self.check(),
        }
        self.brown_out();
    }

    fn check(&mut self) {
        let sample = self.memory.sample;
        let rules = Rules {
            exceeds: self.profile.roc_exceeds,
            latched: self.profile.roc_latched || !self.profile.has(Quirk::PhantomHit),
            phantom: self.profile.has(Quirk::PhantomHit),
        };
        let alarms = self.settings.roc().check(&mut self.memory.references, &sample, rules);
        if alarms != Alarms::default() {
            self.memory.hit = Some(Request { measured: Some(sample), alarms });
        }
        let debug = format!("{} uA,{} mV", sample.idc_ua(), sample.vdc_mv());
        self.put_first(self.memory.debug.then_some(Step::Event(debug)).into_iter().collect::<Vec<_>>());
    }

    fn print_boot_measurement(&mut self) {
        let [battery, inputs] = measurement::boot_lines(&self.memory.sample).map(event_and_empty_line);
        self.put_first(battery.into_iter().chain([Step::Wait(boot::LINE_GAP)]).chain(inputs).collect::<Vec<_>>());
    }

    fn print_measurement(&mut self) {
        self.measurements += 1;
        let lines = measurement::lines(&self.memory.sample, self.profile.sensor_print);
        self.put_first(lines.map(Step::Event));
    }

    /// The first upload after a boot starts the TDC timer, and the clock log where it waits for it.
    fn upload_start(&mut self) {
        let tdc_due = self.clock + self.settings.tdc();
        self.memory.timers.tdc.get_or_insert(tdc_due);
        if self.memory.uploads == 0 {
            self.start_clock_log();
        }
        let line = format!("*****Upload start:{}*****", self.memory.uploads);
        self.memory.uploads += 1;
        self.put_first([Step::Event(line)]);
    }

    /// The timer starts anew, on some firmware with a pause that grows. PS-CB waits three times as long for its reset while
    /// records are sent again.
    fn attach_failed(&mut self) {
        self.memory.failed_attaches += 1;
        let group = self.memory.failed_attaches / BACKOFF_EVERY;
        let periods = if self.profile.attach_backoff && group > 0 { (2 * group).min(BACKOFF_MAX) } else { 1 };
        self.memory.timers.tdc = Some(self.clock + self.settings.tdc() * periods);
        let patient = self.profile.boot_text == BootText::Cb && self.settings.retransmits();
        let limit = self.profile.reset_without_signal * if patient { RETRANSMISSION_PATIENCE } else { 1 };
        if limit > 0 && self.memory.cycles_without_signal >= limit {
            self.put_first([Step::Wait(Duration::from_secs(1)), Step::Act(Action::Restart(Cause::Software))]);
        }
    }

    fn end_phase(&mut self) {
        if let Some(job) = &mut self.memory.job {
            job.phase_ended(self.clock);
        }
        self.memory.job.take_if(|job| job.due().is_none());
    }

    /// A sleeping modem says nothing; an empty line it ignores.
    fn ask_modem(&mut self, line: &str) {
        if !self.memory.modem_awake || line.is_empty() {
            return;
        }
        let answer = match line {
            "AT+CSQ" => format!("+CSQ: {},0\r\n\r\nOK\r\n", self.csq()).into_bytes(),
            "ATE0" | "ATE1" => MODEM_OK.to_vec(),
            _ if line.starts_with("AT+QBAND=") => MODEM_OK.to_vec(),
            _ => MODEM_ERROR.to_vec(),
        };
        self.put_first([Step::Print(answer)]);
    }

    fn toggle_debug(&mut self) {
        self.memory.debug = !self.memory.debug;
        let notice = if self.memory.debug { "Enter Debug mode\r\n" } else { "Exit Debug mode\r\n" };
        self.put_first([Step::Print(notice.as_bytes().to_vec())]);
    }

    /// Quirk Q15: cycles are missing with nothing wrong before or after.
    pub(super) fn is_silent(&self) -> bool {
        self.network == Network::Silent && self.profile.has(Quirk::SilentGaps)
    }

    /// Without a cell or a SIM card the modem says 99.
    pub(super) fn csq(&mut self) -> u8 {
        match self.network {
            Network::NoSim | Network::NoSignal | Network::NoResponse => NO_SIGNAL,
            _ => self.csq.unwrap_or_else(|| self.signal.csq_at(self.clock)),
        }
    }

    /// The SIM card's number, of the same seed as the IMEI.
    pub(super) fn imsi(&self) -> String {
        format!("90140{}", &self.imei.as_str()[5..])
    }
}
