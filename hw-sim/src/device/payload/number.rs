//! Decimals of whole numbers, exact where floating point would round.

/// A value in µA or mV as mA or V with three decimals.
pub(crate) fn thousandths(value: u16) -> String {
    format!("{}.{:03}", value / 1000, value % 1000)
}

/// A value in millionths with six decimals.
pub(crate) fn millionths(value: i32) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let value = value.unsigned_abs();
    format!("{sign}{}.{:06}", value / 1_000_000, value % 1_000_000)
}
