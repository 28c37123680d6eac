//! The lines of a measurement and what they say (device reference 6.5).
//!
//! ```text
//! [n]BAT:3.572 V             older firmware: [n]remaining battery =3572 mv
//! [n]IN1:0
//! [n]IN2:0
//! [n]GPIO_EXTI:0
//! [n]IDC_Input:9.216 mA
//! [n]VDC_Input:0.012 V
//! ```
//! Each line is read by its key, and only if it is to the letter what the device prints and inside what its converter can
//! deliver. How lines make a block is [`super::block`]'s business.

use kitchen_contract::record::Absence;
use kitchen_contract::unit::{MilliAmp, Volt};

use super::number;

/// The most that a converter can deliver, in µA. The full scale of the known one is 21.333 mA, times a calibration factor
/// close to 1; that of another board may lie higher (device reference, question O11). No temperature lies up there.
const CURRENT_UA_MAX: u32 = 26_000;
/// The most that the voltage input can deliver, in mV: full scale 31.07 V, with some tolerance.
const INPUT_MV_MAX: u32 = 32_000;
/// Outside, a battery voltage cannot be, in mV: the cell has 3.6 V, and the processor stops well above 1.6 V.
const BATTERY_MV: std::ops::RangeInclusive<u32> = 1_600..=4_200;

/// What the sensor measured at one time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measurement {
    /// The loop current.
    pub current: MilliAmp,
    /// The battery.
    pub battery: Result<Volt, Absence>,
    /// The voltage input.
    pub input: Volt,
}

/// The keys of a measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// The battery, in either form.
    Battery,
    /// First digital input.
    In1,
    /// Second digital input.
    In2,
    /// The interrupt input.
    Interrupt,
    /// The loop current.
    Current,
    /// The voltage input.
    Input,
}

/// One line of a measurement.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Part {
    /// The battery; a voltage that cannot be is named, not kept.
    Battery(Result<Volt, Absence>),
    /// A digital input, which nothing is made of; its form is a witness that the line is clean.
    Digital(Key),
    /// The loop current.
    Current(MilliAmp),
    /// The voltage input.
    Input(Volt),
}

impl Part {
    /// Which line of the block this is.
    pub const fn key(&self) -> Key {
        match self {
            Self::Battery(_) => Key::Battery,
            Self::Digital(key) => *key,
            Self::Current(_) => Key::Current,
            Self::Input(_) => Key::Input,
        }
    }

    /// The part in the text of an event; `None` if it is not to the letter such a line.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?;
        if let Some(value) = text.strip_prefix("remaining battery =") {
            return battery(number::whole(value.strip_suffix(" mv")?)?);
        }
        let (key, value) = text.split_once(':')?;
        match key {
            "BAT" => battery(number::thousandths(value, "V")?),
            "IN1" => digital(Key::In1, value),
            "IN2" => digital(Key::In2, value),
            "GPIO_EXTI" => digital(Key::Interrupt, value),
            "IDC_Input" => current(number::thousandths(value, "mA")?),
            "VDC_Input" => input(number::thousandths(value, "V")?),
            _ => None,
        }
    }
}

fn battery(millivolts: u32) -> Option<Part> {
    let plausible = BATTERY_MV.contains(&millivolts);
    let volt = plausible.then(|| Volt::new(f64::from(millivolts) / 1000.0).ok()).flatten();
    Some(Part::Battery(volt.ok_or(Absence::Invalid)))
}

fn digital(key: Key, value: &str) -> Option<Part> {
    matches!(value, "0" | "1").then_some(Part::Digital(key))
}

fn current(microamps: u32) -> Option<Part> {
    let plausible = (microamps <= CURRENT_UA_MAX).then_some(microamps)?;
    MilliAmp::new(f64::from(plausible) / 1000.0).ok().map(Part::Current)
}

fn input(millivolts: u32) -> Option<Part> {
    let plausible = (millivolts <= INPUT_MV_MAX).then_some(millivolts)?;
    Volt::new(f64::from(plausible) / 1000.0).ok().map(Part::Input)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<Part>) {
        assert_eq!(Part::parse(text.as_bytes()), expected, "{text}");
    }

    #[test]
    fn lines_are_read_by_their_key() {
        check("BAT:3.572 V", Some(Part::Battery(Ok(Volt::new(3.572).unwrap()))));
        check("remaining battery =3572 mv", Some(Part::Battery(Ok(Volt::new(3.572).unwrap()))));
        check("IN1:0", Some(Part::Digital(Key::In1)));
        check("IN2:1", Some(Part::Digital(Key::In2)));
        check("GPIO_EXTI:0", Some(Part::Digital(Key::Interrupt)));
        check("IDC_Input:9.216 mA", Some(Part::Current(MilliAmp::new(9.216).unwrap())));
        check("VDC_Input:0.012 V", Some(Part::Input(Volt::new(0.012).unwrap())));
    }

    #[test]
    fn damage_is_no_line() {
        for text in [
            "",
            "BAT",
            "BAT:",
            "BAT: 3.572 V",
            "Bat:3.572 V",
            "BAT:3.572 V ",
            "BAT:3.572 V\n",
            "IN1:2",
            "IN1:00",
            "IN3:0",
            "GPIO_EXTI:",
            "IDC_Input:9.216",
            "IDC_Input:9.216 m",
            "IDC_Input:9.21 mA",
            "IDC_Input:9.216 mA\n",
            "IDC_Input:9.2[25079]VDC_Input:0.012 V",
            "IDC_Input:26.001 mA",
            "IDC_Input:92.16 mA",
            "IDC : 9.216 mA;VDC: 0.012 V",
            "VDC_Input:99.000 V",
            "Battery: 3.572 V",
            "remaining battery =3572",
            "remaining battery =3572 mV",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn a_battery_that_cannot_be_is_named() {
        check("BAT:0.572 V", Some(Part::Battery(Err(Absence::Invalid))));
        check("BAT:9.572 V", Some(Part::Battery(Err(Absence::Invalid))));
    }
}
