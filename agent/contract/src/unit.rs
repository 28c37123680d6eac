//! Quantities: thousandths of a unit inside a range, so neither NaN nor a magic number can be held.
//!
//! One thousandth is the resolution of the device's own print (`%.3f`); on the wire a quantity is a plain JSON number.

use std::fmt;
use std::marker::PhantomData;

use serde::{Deserialize, Serialize};

/// A physical unit with the range in which a number of it can be real.
pub trait Unit {
    /// The sign that people read.
    const SYMBOL: &'static str;
    /// The smallest number that can be real.
    const MIN: f64;
    /// The largest number that can be real.
    const MAX: f64;
}

/// Marks °C; from absolute zero to far above any oven.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DegreeCelsius {}
/// Marks mA of the current loop; the board clips near 21.3 mA (device reference 2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Milliampere {}
/// Marks V, of the battery or of the voltage input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum VoltUnit {}
/// Marks dBm of a received radio signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DecibelMilliwatt {}
/// Marks a difference of temperatures, in °C.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DegreeDifference {}
/// Marks a factor near one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Factor {}
/// Marks % relative humidity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PercentRelativeHumidity {}

impl Unit for DegreeCelsius {
    const SYMBOL: &'static str = "°C";
    const MIN: f64 = -273.15;
    const MAX: f64 = 1000.0;
}
impl Unit for Milliampere {
    const SYMBOL: &'static str = "mA";
    const MIN: f64 = 0.0;
    const MAX: f64 = 25.0;
}
impl Unit for VoltUnit {
    const SYMBOL: &'static str = "V";
    const MIN: f64 = 0.0;
    const MAX: f64 = 60.0;
}
impl Unit for DecibelMilliwatt {
    const SYMBOL: &'static str = "dBm";
    const MIN: f64 = -150.0;
    const MAX: f64 = 0.0;
}
impl Unit for DegreeDifference {
    const SYMBOL: &'static str = "°C";
    const MIN: f64 = -100.0;
    const MAX: f64 = 100.0;
}
impl Unit for Factor {
    const SYMBOL: &'static str = "";
    const MIN: f64 = 0.5;
    const MAX: f64 = 2.0;
}
impl Unit for PercentRelativeHumidity {
    const SYMBOL: &'static str = "%RH";
    const MIN: f64 = 0.0;
    const MAX: f64 = 100.0;
}

/// A number of one unit, in steps of a thousandth.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
#[serde(bound(serialize = "U: Unit + Copy", deserialize = "U: Unit + Copy"))]
pub struct Quantity<U> {
    thousandths: i32,
    unit: PhantomData<U>,
}

/// A temperature in °C.
pub type Celsius = Quantity<DegreeCelsius>;
/// A loop current in mA.
pub type MilliAmp = Quantity<Milliampere>;
/// A voltage in V.
pub type Volt = Quantity<VoltUnit>;
/// A signal strength in dBm.
pub type Dbm = Quantity<DecibelMilliwatt>;
/// A difference of temperatures in °C.
pub type CelsiusDifference = Quantity<DegreeDifference>;
/// A factor near one.
pub type Gain = Quantity<Factor>;
/// A relative humidity in %.
pub type Humidity = Quantity<PercentRelativeHumidity>;

/// Why a number is not a quantity of its unit.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{number} is not between {min} and {max} {symbol}")]
pub struct QuantityError {
    number: f64,
    min: f64,
    max: f64,
    symbol: &'static str,
}

impl<U: Unit + Copy> Quantity<U> {
    /// The quantity nearest to `number`, to a thousandth.
    ///
    /// # Errors
    /// Not finite, or outside the range of the unit.
    pub fn new(number: f64) -> Result<Self, QuantityError> {
        let error = QuantityError { number, min: U::MIN, max: U::MAX, symbol: U::SYMBOL };
        if !(U::MIN..=U::MAX).contains(&number) {
            return Err(error);
        }
        Ok(Self { thousandths: (number * 1000.0).round() as i32, unit: PhantomData })
    }

    /// The number, in the unit of the type.
    pub fn get(self) -> f64 {
        f64::from(self.thousandths) / 1000.0
    }
}

impl<U: Unit + Copy> TryFrom<f64> for Quantity<U> {
    type Error = QuantityError;

    fn try_from(number: f64) -> Result<Self, QuantityError> {
        Self::new(number)
    }
}

impl<U: Unit + Copy> From<Quantity<U>> for f64 {
    fn from(quantity: Quantity<U>) -> f64 {
        quantity.get()
    }
}

impl<U: Unit + Copy> fmt::Display for Quantity<U> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match formatter.precision() {
            Some(digits) => write!(formatter, "{:.digits$} {}", self.get(), U::SYMBOL),
            None => write!(formatter, "{} {}", self.get(), U::SYMBOL),
        }
    }
}

impl<U: Unit + Copy> fmt::Debug for Quantity<U> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rubbish_is_no_quantity() {
        for number in [f64::NAN, f64::INFINITY, -273.16, 1000.1] {
            assert!(Celsius::new(number).is_err(), "{number}");
        }
        assert!(serde_json::from_str::<Celsius>("null").is_err());
    }

    #[test]
    fn a_thousandth_is_kept_and_reads_back() {
        for thousandths in -30_000..30_000 {
            let quantity = Celsius::new(f64::from(thousandths) / 1000.0).unwrap();
            assert_eq!(quantity.thousandths, thousandths);
        }
        assert_eq!(serde_json::to_string(&Celsius::new(-18.04).unwrap()).unwrap(), "-18.04");
        assert_eq!(serde_json::to_string(&Celsius::new(-0.0).unwrap()).unwrap(), "0.0");
        assert_eq!(format!("{:.1}", Celsius::new(4.2).unwrap()), "4.2 °C");
    }
}
