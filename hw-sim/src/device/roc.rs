//! Report on change: the grammar of `AT+ROC` with its wrap-around bugs, and what a check decides (device reference
//! section 6.3).

use std::fmt;
use std::time::Duration;

use crate::physics::Sample;

/// Largest current threshold in µA.
const IDC_UA_MAX: u16 = 20_000;
/// Largest voltage threshold in mV.
const VDC_MV_MAX: u16 = 30_000;
/// Most numbers the firmware reads.
const NUMBERS_MAX: usize = 6;

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
    idc_ua: u16,
    vdc_mv: u16,
}

impl Roc {
    /// Mode, interval, current and voltage from a checked profile.
    pub(super) fn factory([mode, interval_s, idc_ua, vdc_mv]: [u16; 4]) -> Self {
        let limit = |threshold| Limit { above: false, threshold };
        Self { mode: mode as u8, interval_s, idc: limit(idc_ua), vdc: limit(vdc_mv) }
    }

    /// Reads a set. Fields are cut to 8 or 16 bits before they are checked: mode 257 is mode 1.
    pub(super) fn parse(value: &str) -> Option<Self> {
        let numbers = numbers(value);
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
            *references = References { idc_ua: sample.idc_ua(), vdc_mv: sample.vdc_mv() };
        }
    }

    /// Whether the check asks for an uplink. In modes 1 and 2 a channel that hits gets a new reference.
    pub(super) fn check(&self, references: &mut References, sample: &Sample) -> bool {
        let idc_hit = self.hit(self.idc, &mut references.idc_ua, sample.idc_ua());
        let vdc_hit = self.hit(self.vdc, &mut references.vdc_mv, sample.vdc_mv());
        idc_hit || vdc_hit
    }

    fn hit(&self, limit: Limit, reference: &mut u16, value: u16) -> bool {
        let hit = match (limit.threshold, self.mode) {
            (0, _) | (_, 0) => false,
            (threshold, 1 | 2) => value.abs_diff(*reference) >= threshold,
            (threshold, _) if limit.above => value > threshold,
            (threshold, _) => value < threshold,
        };
        if hit && self.mode != 3 {
            *reference = value;
        }
        hit
    }
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

/// C's `sscanf("%d,%d,...")`: as many numbers as there are, up to the first thing that is none.
pub(super) fn numbers(value: &str) -> Vec<i64> {
    let starts_number = |text: &&str| {
        let text = text.trim_start_matches([' ', '\t']);
        text.trim_start_matches(['-', '+']).starts_with(|first: char| first.is_ascii_digit())
    };
    let fields: Vec<&str> = value.split(',').take(NUMBERS_MAX).take_while(starts_number).collect();
    // A field with rubbish behind its digits still counts, but ends the reading.
    let whole =
        |text: &&str| text.trim_start().trim_start_matches(['-', '+']).bytes().all(|byte| byte.is_ascii_digit());
    let count = fields.iter().take_while(|field| whole(field)).count() + 1;
    fields.iter().take(count).map(|field| super::parser::atoi(field)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_set(value: &str, expected: Option<&str>) {
        assert_eq!(Roc::parse(value).map(|roc| roc.to_string()).as_deref(), expected, "{value}");
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

    fn sample(idc_ma: f64) -> Sample {
        Sample { idc_ma, vdc_v: 0.012, battery_v: 3.57 }
    }

    fn hits(setting: &str, currents_ma: &[f64]) -> Vec<bool> {
        let roc = Roc::parse(setting).unwrap();
        let mut references = References::default();
        currents_ma.iter().map(|current| roc.check(&mut references, &sample(*current))).collect()
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
        let roc = Roc::parse("2,60,320,0").unwrap();
        let mut references = References::default();
        roc.renew(&mut references, &sample(11.0));
        assert!(!roc.check(&mut references, &sample(11.2)));
        roc.renew(&mut references, &sample(11.2));
        assert!(!roc.check(&mut references, &sample(11.4)));
        assert!(roc.check(&mut references, &sample(11.6)));
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
        assert_eq!(Roc::parse("1,0,320,0").unwrap().interval(), None);
        assert_eq!(Roc::parse("0,60,320,0").unwrap().interval(), None);
    }
}
