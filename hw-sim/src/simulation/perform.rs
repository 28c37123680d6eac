//! What each command does.

use std::time::Duration;

use super::world::{Password, Simulation};
use crate::control::{Command, CommandError, Fault, FaultName, PasswordFault};
use crate::imei::Imei;
use crate::line::{LineFault, LineFaultKind};
use crate::physics::{Change, ProbeFaultKind};

/// Seeds of units that are put in another's place lie this far apart: a fleet counts its seeds from one.
const SWAP_STRIDE: u64 = 1_000_003;

impl Simulation {
    pub(super) fn perform(&mut self, now: Duration, command: &Command) -> Result<String, CommandError> {
        match command {
            Command::Press(press) => self.device.press(now, *press),
            Command::Reset => self.device.reset_button(now),
            Command::Isp(isp) => {
                self.at_isp = *isp;
                self.set_power(now);
            }
            Command::PowerCut(time) => {
                self.supply_returns = Some(now.saturating_add(*time));
                self.set_power(now);
            }
            Command::Unplug | Command::Replug(_) => return Err(CommandError::Adapter(command.to_string())),
            Command::Silence(true) => self.begin(now, &Fault::Line(LineFault::Stuck), None)?,
            Command::Silence(false) => self.clear(now, FaultName::Line(LineFaultKind::Stuck)),
            Command::Network(network) => self.device.set_network(*network),
            Command::Csq(csq) => self.device.set_csq(*csq),
            Command::Pin(pin) => self.set_pin(pin)?,
            Command::Fault { fault, lasts } => self.begin(now, fault, *lasts)?,
            Command::Clear(Some(name)) => self.clear(now, *name),
            Command::Clear(None) => self.clear_all(now),
            Command::Status => return Ok(self.status().to_string()),
            Command::Help => return Ok(Command::help()),
            Command::Temperature(celsius) => self.device.environment(now, &Change::Temperature(*celsius)),
            Command::Battery(volts) => self.device.environment(now, &Change::BatteryVolts(*volts)),
            Command::Door { open } => self.device.environment(now, &Change::DoorOpen(*open)),
            Command::Compressor { fails } => self.device.environment(now, &Change::CompressorFails(*fails)),
            Command::Defrost => self.device.environment(now, &Change::Defrost),
            Command::Restock => self.device.environment(now, &Change::Restock),
            Command::Mains(on) => self.device.environment(now, &Change::Mains(*on)),
        }
        Ok(String::new())
    }

    /// That is over, if it was at all.
    pub(super) fn clear(&mut self, now: Duration, name: FaultName) {
        self.ends.remove(&name);
        match name {
            FaultName::Line(kind) => {
                let released = self.line.end(now, kind);
                self.pass_on(now, &released);
                if kind == LineFaultKind::Value {
                    self.clear(now, FaultName::Probe(ProbeFaultKind::Current));
                }
            }
            FaultName::Probe(kind) => self.device.environment(now, &Change::ClearFault(Some(kind))),
            FaultName::Password => self.clear_password(),
        }
    }

    fn clear_all(&mut self, now: Duration) {
        LineFaultKind::all().for_each(|kind| self.clear(now, FaultName::Line(kind)));
        self.device.environment(now, &Change::ClearFault(None));
        self.clear_password();
        self.ends.clear();
    }

    /// The device runs while it has its supply and its switch is at Flash.
    pub(super) fn set_power(&mut self, now: Duration) {
        if self.has_power() { self.device.power_on(now) } else { self.device.power_off(now) }
    }

    pub(super) fn has_power(&self) -> bool {
        self.supply_returns.is_none() && !self.at_isp
    }

    /// The module starts again, in the middle of whatever it was saying.
    pub(super) fn reboot(&mut self, now: Duration) {
        let Some(reboot) = self.line.take_reboot() else { return };
        self.ends.remove(&FaultName::Line(LineFaultKind::Reboot));
        if !self.has_power() {
            return;
        }
        if reboot.forgets {
            let imei = self.device.imei().clone();
            self.device.swap(now, imei);
        } else {
            self.device.watchdog_reset(now);
        }
    }

    /// A password fault that comes again and again.
    pub(super) fn lock_again(&mut self, now: Duration) {
        let Some(password) = &mut self.password else { return };
        if password.next.is_some_and(|next| next <= now) {
            password.next = password.every.map(|every| now.saturating_add(every));
            self.device.lock(now);
        }
    }

    fn set_pin(&mut self, pin: &str) -> Result<(), CommandError> {
        let valid = self.device.set_pin(pin);
        if valid { Ok(()) } else { Err(CommandError::Refused(format!("`{pin}` is no PIN"))) }
    }

    fn begin(&mut self, now: Duration, fault: &Fault, lasts: Option<Duration>) -> Result<(), CommandError> {
        match fault {
            Fault::Line(fault) => self.line.begin(now, fault.clone()),
            Fault::Probe(fault) => self.device.environment(now, &Change::Fault(*fault)),
            Fault::Password(fault) => self.begin_password(now, fault)?,
            Fault::Unplug | Fault::Replug(_) => return Err(CommandError::Adapter(fault.to_string())),
            Fault::Swap(imei) => self.swap(now, imei.clone()),
        }
        if let Some(name) = fault.name() {
            self.ends.remove(&name);
            self.ends.extend(lasts.map(|lasts| (name, now.saturating_add(lasts))));
        }
        Ok(())
    }

    fn begin_password(&mut self, now: Duration, fault: &PasswordFault) -> Result<(), CommandError> {
        self.clear_password();
        let before = self.device.pin().to_owned();
        if let Some(pin) = &fault.pin {
            self.set_pin(pin)?;
        }
        self.device.lock(now);
        let pins = fault.pin.clone().map(|pin| (pin, before));
        let next = fault.every.map(|every| now.saturating_add(every));
        let stands = pins.is_some() || next.is_some();
        self.password = stands.then_some(Password { pins, every: fault.every, next });
        Ok(())
    }

    /// The PIN is the old one again, unless somebody has set another meanwhile.
    fn clear_password(&mut self) {
        let pins = self.password.take().and_then(|password| password.pins);
        if let Some((_, before)) = pins.filter(|(pin, _)| self.device.pin() == pin) {
            self.device.set_pin(&before);
        }
    }

    fn swap(&mut self, now: Duration, imei: Option<Imei>) {
        self.swaps += 1;
        let other = || Imei::from_seed(self.seed.wrapping_add(self.swaps.wrapping_mul(SWAP_STRIDE)));
        let imei = imei.unwrap_or_else(other);
        self.device.swap(now, imei);
        self.set_power(now);
    }
}
