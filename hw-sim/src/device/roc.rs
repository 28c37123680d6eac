//! Report on change: the grammar of `AT+ROC` with its wrap-around bugs, and what a check decides (device reference
//! section 6.3).

use std::fmt;
use std::time::Duration;

use super::parser::numbers;
use super::payload::{Alarm, Alarms};
use crate::physics::Sample;

/// Largest current threshold in µA.
const IDC_UA_MAX: u16 = 20_000;
/// Largest voltage threshold in mV.
const VDC_MV_MAX: u16 = 30_000;

/// The stored setting.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Roc {
    mode: u8,
    interval_s: u16,
    idc: Limit,
    vdc: Limit,
}

/// One channel's threshold; 0 means the channel is not watched. The direction counts in mode 3 only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Limit {
    above: bool,
    threshold: u16,
}

/// Reference values in µA and mV. They live in RAM and are 0 after every reset: the phantom first hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct References {
    idc: Reference,
    vdc: Reference,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Reference {
    value: u16,
    /// Something was measured since the reset.
    known: bool,
    /// The limit of mode 3 is violated.
    violated: bool,
}

/// What a firmware may decide differently (open question O6, quirk Q12).
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    /// A hit is more than the threshold.
    pub(super) exceeds: bool,
    /// A limit reports once until the value is back.
    pub(super) latched: bool,
    /// The first check compares with 0.
    pub(super) phantom: bool,
}

impl Roc {
    /// Reads a set. Fields are cut to 8 or 16 bits before they are checked: mode 257 is mode 1, unless that quirk is off.
    pub(super) fn parse(value: &str, wraps: bool) -> Option<Self> {
        let numbers = numbers(value);
        if !wraps && !fits(&numbers) {
            return None;
        }
        let [mode, interval, rest @ ..] = numbers.as_slice() else { return None };
        let (mode, interval_s) = (*mode as u8, *interval as u16);
        let (idc, vdc) = match rest {
            [idc_above, idc, vdc_above, vdc] => {
                let valid = [idc_above, vdc_above].iter().all(|above| matches!(above, 0 | 1));
                (Limit::new(*idc, valid && *idc_above == 1), Limit::new(*vdc, valid && *vdc_above == 1))
            }
            // The four-number form, also with a fifth number behind it. In mode 3 the third number is read twice.
            [idc, vdc, ..] => (Limit::new(*idc, mode == 3 && *idc == 1), Limit::new(*vdc, false)),
            _ => return None,
        };
        let valid = mode <= 3 && idc.threshold <= IDC_UA_MAX && vdc.threshold <= VDC_MV_MAX;
        valid.then_some(Self { mode, interval_s, idc, vdc })
    }

    /// Time between checks; none when nothing is to be checked.
    pub(super) fn interval(&self) -> Option<Duration> {
        (self.mode != 0 && self.interval_s != 0).then(|| Duration::from_secs(self.interval_s.into()))
    }

    pub(super) fn watches_idc(&self) -> bool {
        self.idc.threshold != 0
    }

    pub(super) fn watches_vdc(&self) -> bool {
        self.vdc.threshold != 0
    }

    /// A regular sample renews both references in mode 2.
    pub(super) fn renew(&self, references: &mut References, sample: &Sample) {
        if self.mode == 2 {
            references.idc.renew(sample.idc_ua());
            references.vdc.renew(sample.vdc_mv());
        }
    }

    /// What asks for an uplink. In modes 1 and 2 a channel that hits gets a new reference.
    pub(super) fn check(&self, references: &mut References, sample: &Sample, rules: Rules) -> Alarms {
        let idc = self.alarm((self.idc, &mut references.idc), sample.idc_ua(), rules);
        let vdc = self.alarm((self.vdc, &mut references.vdc), sample.vdc_mv(), rules);
        Alarms { idc, vdc }
    }

    fn alarm(&self, (limit, reference): (Limit, &mut Reference), value: u16, rules: Rules) -> Option<Alarm> {
        match (limit.threshold, self.mode) {
            (0, _) | (_, 0) => None,
            (threshold, 1 | 2) => reference.compare(threshold, value, rules),
            _ => reference.limit(limit, value, rules),
        }
    }
}

impl Reference {
    fn renew(&mut self, value: u16) {
        (self.value, self.known) = (value, true);
    }

    fn compare(&mut self, threshold: u16, value: u16, rules: Rules) -> Option<Alarm> {
        if !rules.phantom && !self.known {
            self.renew(value);
        }
        let change = value.abs_diff(self.value);
        let hit = change > threshold || (change == threshold && !rules.exceeds);
        let alarm = if value > self.value { Alarm::Increase } else { Alarm::Decrease };
        if !hit {
            return None;
        }
        self.renew(value);
        Some(alarm)
    }

    fn limit(&mut self, limit: Limit, value: u16, rules: Rules) -> Option<Alarm> {
        let violated = if limit.above { value > limit.threshold } else { value < limit.threshold };
        let before = std::mem::replace(&mut self.violated, violated);
        match (violated && !(rules.latched && before), limit.above) {
            (false, _) => None,
            (true, true) => Some(Alarm::High),
            (true, false) => Some(Alarm::Low),
        }
    }
}

/// Whether every number fits its field without being cut.
fn fits(numbers: &[i64]) -> bool {
    let mode_fits = numbers.first().is_none_or(|mode| u8::try_from(*mode).is_ok());
    mode_fits && numbers.iter().skip(1).all(|number| u16::try_from(*number).is_ok())
}

impl Limit {
    fn new(threshold: i64, above: bool) -> Self {
        Self { above, threshold: threshold as u16 }
    }
}

impl fmt::Display for Roc {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { mode, interval_s, idc, vdc } = self;
        write!(formatter, "{mode},{interval_s},")?;
        if *mode == 3 {
            let directions = [idc, vdc].map(|limit| u8::from(limit.above));
            write!(formatter, "{},{},{},{}", directions[0], idc.threshold, directions[1], vdc.threshold)
        } else {
            write!(formatter, "{},{}", idc.threshold, vdc.threshold)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_set(value: &str, expected: Option<&str>) {
        assert_eq!(Roc::parse(value, true).map(|roc| roc.to_string()).as_deref(), expected, "{value}");
    }

    #[test]
    fn four_numbers_or_six_in_mode_three() {
        check_set("1,300,320,0", Some("1,300,320,0"));
        check_set("3,60,0,3800,1,12000", Some("3,60,0,3800,1,12000"));
        check_set("1,300,320", None);
        check_set("", None);
        check_set("1,300,x,0", None);
        check_set("1,300,320,7x", Some("1,300,320,7"));
        check_set("1,300x,320,7", None);
    }

    #[test]
    fn five_numbers_are_read_as_four_and_six_in_mode_one_lose_their_directions() {
        check_set("1,300,320,5,9", Some("1,300,320,5"));
        check_set("2,300,1,320,1,50", Some("2,300,320,50"));
    }

    #[test]
    fn mode_three_with_four_numbers_is_a_lower_limit() {
        check_set("3,60,11000,200", Some("3,60,0,11000,0,200"));
        check_set("3,60,1,200", Some("3,60,1,1,0,200"));
    }

    #[test]
    fn a_bad_direction_clears_both() {
        check_set("3,60,2,4000,1,200", Some("3,60,0,4000,0,200"));
    }

    #[test]
    fn fields_wrap_before_they_are_checked() {
        check_set("257,300,320,0", Some("1,300,320,0"));
        check_set("1,70000,320,0", Some("1,4464,320,0"));
        check_set("1,300,65537,0", Some("1,300,1,0"));
        check_set("4,300,320,0", None);
        check_set("1,300,20001,0", None);
        check_set("1,300,320,30001", None);
        check_set("1,300,20000,30000", Some("1,300,20000,30000"));
    }

    const RULES: Rules = Rules { exceeds: false, latched: false, phantom: true };

    fn alarms(setting: &str, rules: Rules, currents_ma: &[f64]) -> Vec<Option<Alarm>> {
        let roc = Roc::parse(setting, true).unwrap();
        let mut references = References::default();
        currents_ma.iter().map(|current| roc.check(&mut references, &sample(*current), rules).idc).collect()
    }

    #[test]
    fn an_alarm_says_which_way() {
        assert_eq!(alarms("1,60,320,0", RULES, &[11.0, 10.0]), [Some(Alarm::Increase), Some(Alarm::Decrease)]);
        assert_eq!(alarms("3,60,0,12000,0,0", RULES, &[11.0, 13.0]), [Some(Alarm::Low), None]);
        assert_eq!(alarms("3,60,1,12000,0,0", RULES, &[11.0, 13.0]), [None, Some(Alarm::High)]);
    }

    #[test]
    fn a_profile_may_decide_otherwise() {
        let exceeds = Rules { exceeds: true, ..RULES };
        assert_eq!(
            alarms("1,60,1000,0", exceeds, &[11.0, 12.0, 12.001]),
            [Some(Alarm::Increase), None, Some(Alarm::Increase)]
        );
        let latched = Rules { latched: true, ..RULES };
        let expected = [Some(Alarm::Low), None, None, Some(Alarm::Low)];
        assert_eq!(alarms("3,60,0,12000,0,0", latched, &[11.0, 11.0, 13.0, 11.0]), expected);
        let no_phantom = Rules { phantom: false, ..RULES };
        assert_eq!(alarms("1,60,320,0", no_phantom, &[11.0, 11.4]), [None, Some(Alarm::Increase)]);
        assert!(Roc::parse("257,300,320,0", false).is_none() && Roc::parse("1,70000,320,0", false).is_none());
    }

    fn sample(idc_ma: f64) -> Sample {
        Sample { idc_ma, vdc_v: 0.012, battery_v: 3.57 }
    }

    fn hits(setting: &str, currents_ma: &[f64]) -> Vec<bool> {
        let roc = Roc::parse(setting, true).unwrap();
        let mut references = References::default();
        currents_ma
            .iter()
            .map(|current| roc.check(&mut references, &sample(*current), RULES) != Alarms::default())
            .collect()
    }

    #[test]
    fn the_first_check_after_a_reset_is_a_phantom_hit() {
        assert_eq!(hits("1,60,320,0", &[11.0, 11.0, 11.3195]), [true, false, false]);
    }

    #[test]
    fn mode_one_hits_when_the_change_reaches_the_threshold_either_way() {
        assert_eq!(hits("1,60,320,0", &[11.0, 11.3205, 11.1, 11.0]), [true, true, false, true]);
    }

    #[test]
    fn mode_two_compares_with_the_last_regular_sample() {
        let roc = Roc::parse("2,60,320,0", true).unwrap();
        let mut references = References::default();
        roc.renew(&mut references, &sample(11.0));
        assert!(roc.check(&mut references, &sample(11.2), RULES) == Alarms::default());
        roc.renew(&mut references, &sample(11.2));
        assert!(roc.check(&mut references, &sample(11.4), RULES) == Alarms::default());
        assert!(roc.check(&mut references, &sample(11.6), RULES) != Alarms::default());
    }

    #[test]
    fn mode_three_is_not_latched() {
        assert_eq!(hits("3,60,1,12000,0,0", &[12.1, 12.1, 11.9, 12.1]), [true, true, false, true]);
        assert_eq!(hits("3,60,0,4000,0,0", &[3.6, 4.0, 3.6]), [true, false, true]);
    }

    #[test]
    fn off_unwatched_or_without_interval_means_no_check() {
        assert_eq!(hits("0,60,320,0", &[11.0]), [false]);
        assert_eq!(hits("1,60,0,0", &[11.0]), [false]);
        assert_eq!(Roc::parse("1,0,320,0", true).unwrap().interval(), None);
        assert_eq!(Roc::parse("0,60,320,0", true).unwrap().interval(), None);
    }
}
