//! The IMEI: 15 decimal digits, the last of them the Luhn check digit.

use std::fmt;
use std::str::FromStr;

/// Type allocation code of the simulated modems; invented, like every identity here.
const TYPE_ALLOCATION: u64 = 86;
/// Twelve digits follow the first two; the check digit comes last.
const SERIAL_MODULUS: u64 = 1_000_000_000_000;
/// Odd and not divisible by five, so multiplying is a permutation of the serials: different seeds, different IMEIs.
const SPREAD: u64 = 610_983_417_293;

/// A modem's identity.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Imei(String);

/// The text is not 15 decimal digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an IMEI has 15 decimal digits, got `{0}`")]
pub struct ImeiError(String);

impl Imei {
    /// The IMEI of the unit with this seed. Seeds below 10^12 never share one.
    pub fn from_seed(seed: u64) -> Self {
        let serial = u128::from(seed) * u128::from(SPREAD) + 123_450_987_654;
        let serial = (serial % u128::from(SERIAL_MODULUS)) as u64;
        let body = format!("{TYPE_ALLOCATION}{serial:012}");
        let check = (10 - luhn_sum(&body, 1) % 10) % 10;
        Self(format!("{body}{check}"))
    }

    /// The 15 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the last digit is the Luhn check digit of the others.
    pub fn has_valid_check_digit(&self) -> bool {
        luhn_sum(&self.0, 0).is_multiple_of(10)
    }
}

impl FromStr for Imei {
    type Err = ImeiError;

    /// Takes any 15 digits: a label may carry a wrong check digit, and a test may want one.
    fn from_str(text: &str) -> Result<Self, ImeiError> {
        let valid = text.len() == 15 && text.bytes().all(|byte| byte.is_ascii_digit());
        if valid { Ok(Self(text.to_owned())) } else { Err(ImeiError(text.to_owned())) }
    }
}

impl fmt::Display for Imei {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Luhn sum of the digits when `places` more digits will follow on the right.
fn luhn_sum(digits: &str, places: usize) -> u32 {
    let weigh = |(index, digit): (usize, char)| {
        let digit = digit.to_digit(10).expect("invariant: an IMEI holds decimal digits only");
        match (index + places) % 2 {
            0 => digit,
            _ => digit * 2 / 10 + digit * 2 % 10,
        }
    };
    digits.chars().rev().enumerate().map(weigh).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn a_known_number_has_a_valid_check_digit() {
        assert!("490154203237518".parse::<Imei>().unwrap().has_valid_check_digit());
        assert!(!"490154203237517".parse::<Imei>().unwrap().has_valid_check_digit());
    }

    #[test]
    fn seeds_give_distinct_valid_numbers() {
        let all: HashSet<_> = (0..10_000).map(Imei::from_seed).collect();
        assert_eq!(all.len(), 10_000);
        assert!(all.iter().all(|imei| imei.as_str().len() == 15 && imei.has_valid_check_digit()));
        assert_eq!(Imei::from_seed(u64::MAX).as_str().len(), 15);
    }

    #[test]
    fn anything_but_fifteen_digits_is_refused() {
        for text in ["", "86123450987654", "8612345098765432", "86123450987654a"] {
            assert!(text.parse::<Imei>().is_err(), "{text}");
        }
    }
}
