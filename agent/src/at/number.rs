//! Numbers exactly as the device prints them: no sign, no blank, no leading zero, a fixed count of decimals.
//!
//! Strictness is the first guard of invariant 3: a lost, doubled or foreign character nearly always breaks the form. What
//! it cannot see is a digit that became another digit; the sampler's plausibility looks at that.

/// A whole number up to `u32::MAX`.
pub fn whole(text: &str) -> Option<u32> {
    let canonical = !text.is_empty() && (text == "0" || !text.starts_with('0'));
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    if canonical && digits { text.parse().ok() } else { None }
}

/// A number with three decimals and its unit, such as `9.216 mA`, in thousandths.
pub fn thousandths(text: &str, unit: &str) -> Option<u32> {
    let number = text.strip_suffix(unit)?.strip_suffix(' ')?;
    let (integer, decimals) = number.split_once('.')?;
    if decimals.len() != 3 || !decimals.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    whole(integer)?.checked_mul(1000)?.checked_add(decimals.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_devices_own_form_is_a_number() {
        for (text, expected) in [("9.216 mA", 9216), ("0.000 mA", 0), ("10.976 mA", 10_976), ("21.333 mA", 21_333)] {
            assert_eq!(thousandths(text, "mA"), Some(expected), "{text}");
        }
        for text in [
            "9.21 mA",
            "9.2160 mA",
            "09.216 mA",
            ".216 mA",
            "9. mA",
            "-9.216 mA",
            "+9.216 mA",
            "9.216mA",
            "9.216  mA",
            "9.216 mV",
            "9.216 mA ",
            " 9.216 mA",
            "9,216 mA",
            "9.2:6 mA",
            "9.216 m",
            "9.216",
            "",
            "nan mA",
            "1e3.000 mA",
            "9.+16 mA",
            "4294967296.000 mA",
            "9999999.999 mA",
        ] {
            assert_eq!(thousandths(text, "mA"), None, "{text}");
        }
    }

    #[test]
    fn whole_numbers_have_no_ornament() {
        assert_eq!((whole("0"), whole("7200"), whole("4294967295")), (Some(0), Some(7200), Some(u32::MAX)));
        for text in ["", "00", "007", "-1", "+1", "1 ", "4294967296", "1.0", "x"] {
            assert_eq!(whole(text), None, "{text}");
        }
    }
}
