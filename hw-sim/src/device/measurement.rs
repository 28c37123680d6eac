//! One measurement: power sequence, conversions, and the lines that print it (device reference sections 2.3 and 6.5).

use std::time::Duration;

use super::settings::Settings;
use super::step::{Action, Purpose, Step};
use crate::physics::Sample;
use crate::profile::SensorPrint;

/// Each supply rail that is switched on costs this much.
const RAIL: Duration = Duration::from_millis(20);
/// The warm-up wait is rounded down to this.
const WARM_UP_GRAIN_MS: u32 = 100;
/// Six conversions of one channel.
const CHANNEL: Duration = Duration::from_millis(600);
/// Pause between the channels.
const CHANNEL_PAUSE: Duration = Duration::from_millis(80);
/// Keeps a rail on (12 V, 5 V) or off (3.3 V) for good and skips the wait.
const ALWAYS_MS: u32 = 65_535;

/// Power up, wait, convert, power down.
pub(super) fn steps(settings: &Settings, purpose: Purpose) -> Vec<Step> {
    let rails = settings.rails_ms();
    let [_, _, twelve_volt_ms] = rails;
    let supply = if twelve_volt_ms == 0 { Action::PowerOff } else { Action::PowerOn };
    let mut steps = vec![Step::Act(supply), Step::Wait(warm_up(rails) + conversions(settings, purpose))];
    steps.push(Step::Act(Action::Convert(purpose)));
    if twelve_volt_ms != ALWAYS_MS {
        steps.push(Step::Act(Action::PowerOff));
    }
    steps
}

/// The six lines of an uplink and of `AT+GETSENSORVALUE=0`.
pub(super) fn lines(sample: &Sample, print: SensorPrint) -> [String; 6] {
    let battery = match print {
        SensorPrint::SixLines => format!("BAT:{:.3} V", sample.battery_v),
        SensorPrint::RemainingBattery => format!("remaining battery ={:.0} mv", sample.battery_v * 1000.0),
    };
    [
        battery,
        "IN1:0".to_owned(),
        "IN2:0".to_owned(),
        "GPIO_EXTI:0".to_owned(),
        format!("IDC_Input:{:.3} mA", sample.idc_ma),
        format!("VDC_Input:{:.3} V", sample.vdc_v),
    ]
}

/// The two lines of the boot text, each followed by an empty one.
pub(super) fn boot_lines(sample: &Sample) -> [String; 2] {
    [format!("Battery: {:.3} V", sample.battery_v), format!("IDC : {:.3} mA;VDC: {:.3} V", sample.idc_ma, sample.vdc_v)]
}

/// 20 ms for each rail that is switched on, then the longest of their times. A time that means "always" is no wait. That of
/// the 5 V rail hides a shorter one of the 3.3 V rail; the 12 V rail hides none.
fn warm_up([three_volt_ms, five_volt_ms, twelve_volt_ms]: [u32; 3]) -> Duration {
    let on = [three_volt_ms != ALWAYS_MS, five_volt_ms != 0, twelve_volt_ms != 0];
    let rails = RAIL * on.map(u32::from).iter().sum();
    let timed = |ms: u32| if ms == ALWAYS_MS { 0 } else { ms };
    let wait_ms = timed(three_volt_ms.max(five_volt_ms)).max(timed(twelve_volt_ms));
    rails + Duration::from_millis(u64::from(wait_ms - wait_ms % WARM_UP_GRAIN_MS))
}

/// Voltage first, then current; a check converts the watched channels only.
fn conversions(settings: &Settings, purpose: Purpose) -> Duration {
    let both = CHANNEL + CHANNEL_PAUSE + CHANNEL;
    match purpose {
        Purpose::Boot | Purpose::Regular | Purpose::Record => both,
        Purpose::Check if settings.roc().watches_idc() && settings.roc().watches_vdc() => both,
        Purpose::Check => CHANNEL,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::settings::Change;
    use crate::profile::Profile;

    fn check(rails_ms: [u32; 3], expected_ms: u64) {
        let mut settings = Settings::factory(&Profile::load("nb-1.1").unwrap(), "861234509876543");
        for (name, ms) in ["AT+3V3T", "AT+5VT", "AT+12VT"].into_iter().zip(rails_ms) {
            settings.apply(Change { name, value: ms.to_string() });
        }
        let waits = steps(&settings, Purpose::Regular).into_iter().map(|step| match step {
            Step::Wait(time) => time,
            _ => Duration::ZERO,
        });
        assert_eq!(waits.sum::<Duration>(), Duration::from_millis(expected_ms), "{rails_ms:?}");
    }

    #[test]
    fn duration_follows_the_reference() {
        check([0, 0, 500], 1820);
        check([0, 0, 6000], 7320);
        check([0, 0, 599], 1820);
        check([0, 0, 0], 1300);
        check([0, 0, 65_535], 1320);
    }

    #[test]
    fn a_rail_that_is_always_on_or_off_hides_no_wait_of_twelve_volt() {
        check([65_535, 0, 6000], 7300);
        check([0, 65_535, 6000], 7340);
        check([0, 2000, 65_535], 3340);
        check([1000, 65_535, 0], 1320);
        check([100_000, 65_535, 0], 101_320);
    }

    #[test]
    fn the_six_lines_are_printed_to_the_letter() {
        let sample = Sample { idc_ma: 9.216, vdc_v: 0.012, battery_v: 3.572 };
        let expected = ["BAT:3.572 V", "IN1:0", "IN2:0", "GPIO_EXTI:0", "IDC_Input:9.216 mA", "VDC_Input:0.012 V"];
        assert_eq!(lines(&sample, SensorPrint::SixLines), expected);
        assert_eq!(lines(&sample, SensorPrint::RemainingBattery)[0], "remaining battery =3572 mv");
        assert_eq!(boot_lines(&sample)[1], "IDC : 9.216 mA;VDC: 0.012 V");
    }
}
