//! What a hand does to the device: buttons, switch, supply, another unit in its place (device reference section 11).

use std::time::Duration;

use super::owner::Device;
use super::settings::Settings;
use super::step::{Cause, Step};
use crate::imei::Imei;
use crate::profile::Quirk;

/// The Bluetooth module goes off so long after a boot or a button.
const BLUETOOTH_ON: Duration = Duration::from_secs(60);
/// The red LED before deep sleep.
pub(super) const RED_LED: Duration = Duration::from_secs(5);
/// Five green blinks, then the window for an update.
const ACTIVATION: Duration = Duration::from_secs(14);

/// How the ACT button is pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Press {
    /// One to three seconds: an uplink.
    Short,
    /// More than three seconds: start again.
    Long,
    /// Five times within five seconds: deep sleep.
    Five,
}

impl Device {
    /// Presses the ACT button. A press while the modem works is ignored.
    pub fn press(&mut self, now: Duration, press: Press) {
        self.advance(now);
        if !self.runs || !self.memory.steps.is_empty() {
            return;
        }
        match press {
            Press::Long => self.activate(),
            Press::Short if self.memory.job.is_none() && !self.settings.sleeps => {
                self.memory.timers.tdc = Some(self.clock + self.settings.tdc());
                self.memory.uplink_requested = true;
                self.bluetooth_on();
            }
            Press::Five if self.memory.job.is_none() => self.block_in(deep_sleep_steps(&self.profile)),
            Press::Short | Press::Five => {}
        }
    }

    /// Deep sleep ends here too, in flash.
    fn activate(&mut self) {
        self.flash_writes += u64::from(self.settings.sleeps);
        self.settings.sleeps = false;
        self.block_in([Step::Wait(ACTIVATION), Step::Act(super::step::Action::Restart(Cause::Software))]);
    }

    /// Presses the RESET button.
    pub fn reset_button(&mut self, now: Duration) {
        self.advance(now);
        if self.runs {
            self.console.cut(self.clock);
            self.restart(Cause::Pin);
        }
    }

    /// The firmware hangs, and its watchdog starts it again: output stops at this very byte.
    pub fn watchdog_reset(&mut self, now: Duration) {
        self.advance(now);
        if self.runs {
            self.console.cut(self.clock);
            self.restart(Cause::Watchdog);
        }
    }

    /// The console locks before its time.
    pub fn lock(&mut self, now: Duration) {
        self.advance(now);
        let uptime = self.uptime();
        self.memory.login.lock(uptime);
    }

    /// Moves SW1: at ISP the application does not run, back at Flash it starts.
    pub fn isp(&mut self, now: Duration, isp: bool) {
        self.advance(now);
        self.at_isp = isp;
        self.start_or_stop();
    }

    /// Takes the supply away: output stops at this very byte, the settings in flash stay.
    pub fn power_off(&mut self, now: Duration) {
        self.advance(now);
        self.supplied = false;
        self.start_or_stop();
    }

    /// Gives the supply back; without effect while it is there.
    pub fn power_on(&mut self, now: Duration) {
        self.advance(now);
        self.supplied = true;
        self.start_or_stop();
    }

    /// The application runs with the supply on and SW1 at Flash.
    fn start_or_stop(&mut self) {
        let (ran, runs) = (self.runs, self.supplied && !self.at_isp);
        self.runs = runs;
        if runs && !ran {
            self.restart(Cause::PowerOn);
        } else if ran && !runs {
            self.console.cut(self.clock);
            self.board.power_off(self.clock);
            self.board.load_modem(self.clock, false);
            self.memory.modem_awake = false;
        }
    }

    /// Supply off and on again.
    pub fn power_cycle(&mut self, now: Duration) {
        self.power_off(now);
        self.power_on(now);
    }

    /// Another unit in its place: its own IMEI, settings as from the factory, nothing stored.
    pub fn swap(&mut self, now: Duration, imei: Imei) {
        self.power_off(now);
        self.settings = Settings::factory(&self.profile, imei.as_str());
        self.imei = imei;
        self.clear_history();
        self.clear_log();
        self.power_on(now);
    }

    pub(super) fn bluetooth_on(&mut self) {
        let off_at = self.clock + BLUETOOTH_ON;
        self.memory.timers.bluetooth = self.profile.has(Quirk::BluetoothLines).then_some(off_at);
    }
}

/// The text of a device that falls asleep, and the sleep.
pub(super) fn deep_sleep_steps(profile: &crate::profile::Profile) -> Vec<Step> {
    let bluetooth = profile.has(Quirk::BluetoothLines).then(|| Step::Print(b"AT+PWRM2\r\n".to_vec()));
    let sleep = [Step::Print(b"SLEEP\r\n".to_vec()), Step::Wait(RED_LED), Step::Act(super::step::Action::DeepSleep)];
    bluetooth.into_iter().chain(sleep).collect()
}
