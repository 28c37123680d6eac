//! The boot text and the blackout that goes with it (device reference section 8.1).
//!
//! -NB: with the default 12VT the banner ends at about 3 s of uptime; one second of LED and three of pause later the receiver
//! is on. A longer 12VT lengthens the measurement of the boot, and with it the blackout. PS-CB: the receiver comes on before
//! the banner, and what it hears is judged only when the text is over.

use std::time::Duration;

use super::measurement;
use super::settings::Settings;
use super::step::{Action, Cause, Purpose, Step};
use crate::profile::{BootText, Profile, Quirk};

/// Uptime of the boot loader's line: it came 2.1 s after an `ATZ` whose reset was at 2.0 s.
const BOOTLOADER: Duration = Duration::from_millis(100);
/// From there to the Bluetooth module's new name.
const APPLICATION: Duration = Duration::from_millis(400);
/// From one boot line to the next.
pub(super) const LINE_GAP: Duration = Duration::from_millis(60);
/// Blue LED, then a pause; the receiver is off in both.
const LED_AND_PAUSE: Duration = Duration::from_secs(4);
/// PS-CB looks for a Bluetooth host so often.
const PROBES: u32 = 9;
/// From one look to the next.
const PROBE_EVERY: Duration = Duration::from_millis(620);
/// Uptime of the Bluetooth module's new name on PS-CB.
const CB_NAME: Duration = Duration::from_millis(27_900);
/// Uptime of PS-CB's sensor lines.
const CB_SENSOR: Duration = Duration::from_millis(30_000);

/// Everything from reset to the super-loop.
pub(super) fn steps(profile: &Profile, settings: &Settings, cause: Cause) -> Vec<Step> {
    let mut steps = Vec::new();
    if !profile.has(Quirk::Blackout) {
        steps.push(Step::Act(Action::ReceiverOn));
    }
    steps.extend([Step::Wait(BOOTLOADER), print(format!("\r\n{}\r\n", profile.bootloader))]);
    match profile.boot_text {
        BootText::Nb => nb(&mut steps, profile, settings, cause),
        BootText::Cb => cb(&mut steps, profile, settings),
    }
    steps.extend([Step::Event("NB module is initializing...".to_owned()), Step::Act(Action::EnterLoop)]);
    steps
}

fn nb(steps: &mut Vec<Step>, profile: &Profile, settings: &Settings, cause: Cause) {
    steps.push(Step::Wait(APPLICATION));
    steps.extend(bluetooth(profile, format!("AT+NAME{}\r\n", settings.text("AT+DEUI"))));
    steps.extend([Step::Wait(LINE_GAP), Step::Event(format!("reboot error:{}!", cause.text()))]);
    steps.extend(measurement::steps(settings, Purpose::Boot));
    steps.extend([
        Step::Act(Action::PrintBootMeasurement),
        Step::Wait(LINE_GAP),
        print(banner(profile, settings)),
        Step::Wait(LED_AND_PAUSE),
        Step::WaitForUptime(profile.boot_deaf()),
        Step::Act(Action::ReceiverOn),
        Step::Wait(profile.boot_unserved()),
    ]);
}

fn cb(steps: &mut Vec<Step>, profile: &Profile, settings: &Settings) {
    for _ in 0..PROBES {
        steps.push(Step::Wait(PROBE_EVERY));
        steps.extend(bluetooth(profile, "AT\r\n".to_owned()));
    }
    steps.extend([
        Step::WaitForUptime(profile.boot_deaf()),
        Step::Act(Action::ReceiverOn),
        Step::WaitForUptime(CB_NAME),
    ]);
    steps.extend(bluetooth(profile, format!("AT+NAME{}\r\n", settings.text("AT+DEUI"))));
    steps.push(Step::WaitForUptime(CB_SENSOR.saturating_sub(Duration::from_secs(2))));
    steps.extend(measurement::steps(settings, Purpose::Boot));
    steps.extend([
        Step::WaitForUptime(CB_SENSOR),
        Step::Event(String::new()),
        print(format!("{} sensor detected\r\n", profile.model_name)),
        Step::Wait(LINE_GAP),
        Step::Act(Action::PrintBootMeasurement),
        Step::Wait(LINE_GAP),
        print(banner(profile, settings)),
        Step::WaitForUptime(profile.boot_deaf() + profile.boot_unserved()),
    ]);
}

/// Lines for the Bluetooth module, which hangs on the console's own wires: quirk Q5.
fn bluetooth(profile: &Profile, text: String) -> Option<Step> {
    profile.has(Quirk::BluetoothLines).then(|| print(text))
}

fn banner(profile: &Profile, settings: &Settings) -> String {
    let Profile { banner, fw_version, stack, .. } = profile;
    let protocol = settings.protocol().name();
    format!(
        "\r\n{banner}\r\nImage Version: v{fw_version}\r\nNB-IoT Stack : {stack}\r\nProtocol in Used: {protocol}\r\n"
    )
}

fn print(text: String) -> Step {
    Step::Print(text.into_bytes())
}
