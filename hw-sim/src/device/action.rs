//! What the steps change: the device's actions, one short function each.

use super::boot;
use super::measurement;
use super::memory::Memory;
use super::settings::Change;
use super::step::{Action, Cause, Purpose, Step, event_and_empty_line};
use super::super_loop::Device;

/// The modem's answer to `AT+CSQ` without a network.
const CSQ_WITHOUT_NETWORK: &[u8] = b"+CSQ: 99,0\r\n\r\nOK\r\n";
/// The modem's answer to what it does not know.
const MODEM_ERROR: &[u8] = b"\r\nERROR\r\n";

impl Device {
    pub(super) fn act(&mut self, action: Action) {
        match action {
            Action::EnterLoop => self.enter_loop(),
            Action::ReceiverOn => self.console.switch_receiver_on(),
            Action::ClearInput => self.console.clear(),
            Action::Unlock => self.memory.login.unlock(self.uptime(), &self.profile),
            Action::Store(change) => self.store(change),
            Action::PowerOn => self.board.power_on(self.clock),
            Action::PowerOff => self.board.power_off(self.clock),
            Action::Measure(purpose) => self.put_first(measurement::steps(&self.settings, purpose)),
            Action::Convert(purpose) => self.convert(purpose),
            Action::Recall(sample) => self.memory.sample = sample,
            Action::PrintBootMeasurement => self.print_boot_measurement(),
            Action::PrintMeasurement => self.put_first(measurement::lines(&self.memory.sample).map(Step::Event)),
            Action::UploadStart => self.upload_start(),
            Action::AttachFailed => self.memory.tdc_due = Some(self.clock + self.tdc()),
            Action::EndPart => self.end_part(),
            Action::ModemOn => self.set_modem(true),
            Action::ModemOff => self.set_modem(false),
            Action::AskModem(line) => self.ask_modem(&line),
            Action::RequestUplink => self.memory.uplink_requested = true,
            Action::Restart(cause) => self.restart(cause),
        }
    }

    pub(super) fn restart(&mut self, cause: Cause) {
        self.console.reset();
        self.board.power_off(self.clock);
        self.board.load_modem(self.clock, false);
        self.memory = Memory::at_boot(self.clock, boot::steps(&self.profile, &self.settings, cause).into());
    }

    fn set_modem(&mut self, awake: bool) {
        self.memory.modem_awake = awake;
        self.board.load_modem(self.clock, awake);
    }

    fn enter_loop(&mut self) {
        self.memory.roc_due = self.settings.roc.interval().map(|interval| self.clock + interval);
        let imei = self.imei.clone();
        let job = self.job_builder().boot(&imei);
        self.memory.job = Some(job);
    }

    /// The check timer of report on change starts with the set; the TDC timer is not touched by its set.
    fn store(&mut self, change: Change) {
        let sets_roc = matches!(change, Change::Roc(_));
        self.settings.apply(change);
        if sets_roc {
            self.memory.roc_due = self.settings.roc.interval().map(|interval| self.clock + interval);
        }
    }

    fn convert(&mut self, purpose: Purpose) {
        let roc = &self.settings.roc;
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
            Purpose::Regular => roc.renew(&mut self.memory.references, &self.memory.sample),
            Purpose::Check => {
                let hit = roc.check(&mut self.memory.references, &self.memory.sample);
                self.memory.roc_hit = hit.then_some(self.memory.sample).or(self.memory.roc_hit);
            }
        }
    }

    fn print_boot_measurement(&mut self) {
        let lines = measurement::boot_lines(&self.memory.sample);
        self.put_first(lines.into_iter().flat_map(event_and_empty_line).collect::<Vec<_>>());
    }

    /// The first upload after a boot starts the TDC timer.
    fn upload_start(&mut self) {
        let tdc_due = self.clock + self.tdc();
        self.memory.tdc_due.get_or_insert(tdc_due);
        let line = format!("*****Upload start:{}*****", self.memory.uploads);
        self.memory.uploads += 1;
        self.put_first([Step::Event(line)]);
    }

    fn end_part(&mut self) {
        if let Some(job) = &mut self.memory.job {
            job.part_ended(self.clock);
        }
        self.memory.job.take_if(|job| job.due().is_none());
    }

    /// A sleeping modem says nothing; an empty line it ignores.
    fn ask_modem(&mut self, line: &str) {
        if self.memory.modem_awake && !line.is_empty() {
            let answer = if line == "AT+CSQ" { CSQ_WITHOUT_NETWORK } else { MODEM_ERROR };
            self.put_first([Step::Print(answer.to_vec())]);
        }
    }
}
