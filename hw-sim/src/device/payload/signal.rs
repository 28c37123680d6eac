//! The modem's signal quality, CSQ, as a power (device reference section 9.2).

/// The received power in dBm; none when the modem does not know it. 0 stands for this or less, 31 for this or more.
pub(crate) fn dbm(csq: u8) -> Option<i16> {
    (csq <= 31).then(|| -113 + 2 * i16::from(csq))
}
