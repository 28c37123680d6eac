//! The boot text in the -NB order, and the blackout that goes with it (device reference section 8.1).
//!
//! With the default 12VT the banner ends at about 3 s of uptime; one second of LED and three of pause later the receiver
//! is on. A longer 12VT lengthens the measurement of the boot, and with it the blackout.

use std::time::Duration;

use super::measurement;
use super::settings::Settings;
use super::step::{Action, Cause, Purpose, Step};
use crate::profile::Profile;

/// Uptime of the boot loader's line: it came 2.1 s after an `ATZ` whose reset was at 2.0 s.
const BOOTLOADER: Duration = Duration::from_millis(100);
/// From there to the Bluetooth module's new name.
const APPLICATION: Duration = Duration::from_millis(400);
/// From one boot line to the next.
const LINE_GAP: Duration = Duration::from_millis(60);
/// Blue LED, then a pause; the receiver is off in both.
const LED_AND_PAUSE: Duration = Duration::from_secs(4);

/// Everything from reset to the super-loop.
pub(super) fn steps(profile: &Profile, settings: &Settings, cause: Cause) -> Vec<Step> {
    let mut steps = vec![
        Step::Wait(BOOTLOADER),
        print(format!("\r\n{}\r\n", profile.bootloader)),
        Step::Wait(APPLICATION),
        print(format!("AT+NAME{}\r\n", settings.deui)),
        Step::Wait(LINE_GAP),
        Step::Event(format!("reboot error:{}!", cause.text())),
    ];
    steps.extend(measurement::steps(settings, Purpose::Boot));
    steps.extend([
        Step::Act(Action::PrintBootMeasurement),
        Step::Wait(LINE_GAP),
        print(banner(profile)),
        Step::Wait(LED_AND_PAUSE),
        Step::WaitForUptime(profile.boot_deaf()),
        Step::Act(Action::ReceiverOn),
        Step::Wait(Duration::from_millis(profile.boot_unserved_ms)),
        Step::Event("NB module is initializing...".to_owned()),
        Step::Act(Action::EnterLoop),
    ]);
    steps
}

fn banner(profile: &Profile) -> String {
    let Profile { banner, fw_version, stack, protocol, .. } = profile;
    format!(
        "\r\n{banner}\r\nImage Version: v{fw_version}\r\nNB-IoT Stack : {stack}\r\nProtocol in Used: {protocol}\r\n"
    )
}

fn print(text: String) -> Step {
    Step::Print(text.into_bytes())
}
