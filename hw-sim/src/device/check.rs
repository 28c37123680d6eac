//! What a set accepts: one check for each grammar, from the typed text to the text that is stored (device reference
//! sections 6 and 12, quirk Q8).

use super::clock_log::{ClockLog, Overflow};
use super::parser::{atoi, numbers};
use super::payload::Probe;
use super::roc::Roc;
use crate::profile::{BootText, Profile, Quirk};

/// Smallest `AT+TDC` in seconds.
const TDC_MIN: i64 = 60;
/// Largest `AT+TDC`: three bytes.
const TDC_MAX: i64 = 0xFF_FFFF;
/// Digits of `AT+DEUI`.
const DEUI_DIGITS: usize = 15;
/// Characters of a password.
const PASSWORD_MAX: usize = 8;
/// Characters of a server address.
const SERVER_ADDRESS_MAX: usize = 69;
/// Characters of an IP address in `AT+BKDNS`.
const IP_MAX: usize = 15;

/// The grammar of a stored value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Check {
    /// A whole number.
    Int {
        min: i64,
        max: i64,
    },
    /// 16 bits, never an error.
    Int16,
    /// A supply's on-time, up to the profile's limit.
    Power,
    /// Text of at most so many characters.
    Text {
        max: usize,
    },
    /// The same; blanks are removed.
    TextWithoutBlanks {
        max: usize,
    },
    Password,
    Deui,
    Tdc,
    Roc,
    ClockLog,
    SamplingBetween,
    InterruptMode,
    Probe,
    Protocol,
    ServerAddress,
    BackupDns,
    TlsMode,
    /// Two numbers.
    Pair,
}

/// A set that is answered with a parameter error.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Refusal {
    /// Printed before the error, with its line end.
    pub(super) notice: Option<&'static str>,
    /// What the firmware keeps in RAM all the same.
    pub(super) kept: Option<String>,
}

/// Takes effect after a restart.
const AFTER_RESTART: &str = "Attention:Take effect after ATZ\r\n";
/// The same of the clock log, on PS-CB.
const AFTER_CALIBRATION: &str = "Set after calibration time or take effect after ATZ\r\n";
/// An address that is none.
const SERVER_FORMAT: &str = "NOTE:SERVADDR FORMAT ERROR\r\n";
const IP_FORMAT: &str = "NOTE:IP format error\r\n";

impl Check {
    /// The text to store.
    pub(super) fn read(self, value: &str, profile: &Profile) -> Result<String, Refusal> {
        let wraps = profile.has(Quirk::Wraps);
        let read = match self {
            Self::Int { min, max } => int(value, min, max),
            Self::Int16 if wraps => Some((atoi(value) as u16).to_string()),
            Self::Int16 => int(value, 0, u16::MAX.into()),
            Self::Power => int(value, 0, profile.power_limit_ms.into()),
            Self::Text { max } => short(value, max),
            Self::TextWithoutBlanks { max } => short(&without_blanks(value), max),
            Self::Password => short(value, PASSWORD_MAX).filter(|password| !password.is_empty()),
            Self::Deui => is_deui(value).then(|| value.to_owned()),
            Self::Tdc if profile.has(Quirk::MistakenNotes) => int(&(atoi(value) / 1000).to_string(), TDC_MIN, TDC_MAX),
            Self::Tdc => int(value, TDC_MIN, TDC_MAX),
            Self::Roc => Roc::parse(value, wraps).map(|roc| roc.to_string()),
            Self::ClockLog => ClockLog::parse(value, overflow(wraps)).map(|setting| setting.to_string()),
            Self::SamplingBetween => sampling_between(value),
            Self::InterruptMode => return interrupt_mode(value, profile),
            Self::Probe => Some(Probe::parse(value).to_string()),
            Self::Protocol => protocol(value),
            Self::ServerAddress => return server_address(value, profile),
            Self::BackupDns => return backup_dns(value, profile),
            Self::TlsMode => pair(value, 2),
            Self::Pair => pair(value, 1),
        };
        read.ok_or_else(Refusal::default)
    }

    /// What is printed before the OK.
    pub(super) fn notice(self, profile: &Profile) -> Option<&'static str> {
        match self {
            Self::Protocol | Self::BackupDns | Self::SamplingBetween => Some(AFTER_RESTART),
            Self::ClockLog if profile.model_name == "PS-CB" => Some(AFTER_CALIBRATION),
            _ => None,
        }
    }
}

fn int(value: &str, min: i64, max: i64) -> Option<String> {
    let number = atoi(value);
    (min..=max).contains(&number).then(|| number.to_string())
}

fn short(value: &str, max: usize) -> Option<String> {
    (value.chars().count() <= max).then(|| value.to_owned())
}

fn without_blanks(value: &str) -> String {
    value.chars().filter(|character| *character != ' ').collect()
}

fn is_deui(value: &str) -> bool {
    value.len() == DEUI_DIGITS && value.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn overflow(wraps: bool) -> Overflow {
    if wraps { Overflow::Wraps } else { Overflow::Refused }
}

fn sampling_between(value: &str) -> Option<String> {
    let [channel, seconds, samples] = numbers(value).try_into().ok()?;
    let off = channel == 0;
    let valid =
        (0..=2).contains(&channel) && (off || (1..=65_535).contains(&seconds)) && (off || (1..=120).contains(&samples));
    valid.then(|| format!("{channel},{seconds},{samples}"))
}

/// Only the first character counts; PS-CB keeps a bad digit although it refuses it.
fn interrupt_mode(value: &str, profile: &Profile) -> Result<String, Refusal> {
    let first = value.chars().next().unwrap_or(' ');
    match first {
        '0'..='3' => Ok(first.to_string()),
        '4'..='9' if profile.model_name == "PS-CB" => Err(Refusal { kept: Some(first.to_string()), notice: None }),
        _ => Err(Refusal::default()),
    }
}

/// MQTT takes any payload type, the others HEX and JSON.
fn protocol(value: &str) -> Option<String> {
    let (protocol, payload) = value.split_once(',')?;
    let (protocol, payload) = (atoi(protocol), atoi(payload));
    let valid = protocol == 3 || (matches!(protocol, 1 | 2 | 4) && matches!(payload, 0 | 5));
    valid.then(|| format!("{protocol},{payload}"))
}

/// Blanks go from stack 004 on.
fn server_address(value: &str, profile: &Profile) -> Result<String, Refusal> {
    let address = if profile.stack_is_before(4) { value.to_owned() } else { without_blanks(value) };
    let address = short(&address, SERVER_ADDRESS_MAX).ok_or_else(Refusal::default)?;
    if address.contains(',') { Ok(address) } else { Err(Refusal { notice: Some(SERVER_FORMAT), kept: None }) }
}

/// Two or four fields; exactly three are an error on -NB, although the default is printed with three.
fn backup_dns(value: &str, profile: &Profile) -> Result<String, Refusal> {
    let fields: Vec<&str> = value.split(',').collect();
    let bad_ip = Refusal { notice: Some(IP_FORMAT), kept: None };
    let (mode, hours, address) = match fields.as_slice() {
        [mode, hours] => (mode, hours, "NULL".to_owned()),
        [_, _, _] if profile.boot_text == BootText::Nb => return Err(bad_ip),
        [_, _, ip, ..] if ip.len() > IP_MAX => return Err(bad_ip),
        [mode, hours, ip] => (mode, hours, (*ip).to_owned()),
        [mode, hours, ip, port, ..] => (mode, hours, format!("{ip},{port}")),
        _ => return Err(Refusal::default()),
    };
    let (mode, hours) = (atoi(mode), atoi(hours));
    let valid = (0..=2).contains(&mode) && (0..=56).contains(&hours);
    valid.then(|| format!("{mode},{hours},{address}")).ok_or_else(Refusal::default)
}

fn pair(value: &str, first_max: i64) -> Option<String> {
    let [first, second] = numbers(value).try_into().ok()?;
    let valid = (0..=first_max).contains(&first) && (0..=255).contains(&second);
    valid.then(|| format!("{first},{second}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(check: Check, value: &str, expected: Option<&str>) {
        let profile = Profile::load("nb-1.1").unwrap();
        assert_eq!(check.read(value, &profile).ok().as_deref(), expected, "{check:?} {value:?}");
    }

    #[test]
    fn tdc_is_sixty_seconds_to_three_bytes() {
        for bad in ["59", "0", "-60", "abc", "", "16777216", "99999999999999999999"] {
            check(Check::Tdc, bad, None);
        }
        check(Check::Tdc, "60", Some("60"));
        check(Check::Tdc, "16777215xyz", Some("16777215"));
    }

    #[test]
    fn power_ends_at_the_profile_limit() {
        check(Check::Power, "180000", Some("180000"));
        check(Check::Power, "180001", None);
        check(Check::Power, "-1", None);
        check(Check::Power, "soon", Some("0"));
        let old = Profile::load("nb-1.0.5").unwrap();
        assert!(Check::Power.read("65536", &old).is_err());
    }

    #[test]
    fn deui_takes_exactly_fifteen_hexadecimal_digits() {
        check(Check::Deui, "86123450987654a", Some("86123450987654a"));
        check(Check::Deui, "86123450987654", None);
        check(Check::Deui, "86123450987654g", None);
    }

    #[test]
    fn numbers_wrap_before_they_are_checked_unless_the_quirk_is_off() {
        check(Check::ClockLog, "1,65535,300,8", Some("1,65535,44,8"));
        check(Check::ClockLog, "1,65535,256,8", Some("1,65535,0,8"));
        check(Check::Int16, "65537", Some("1"));
        let mut profile = Profile::load("nb-1.1").unwrap();
        profile.quirks.set("q8", false).unwrap();
        assert!(Check::ClockLog.read("1,65535,300,8", &profile).is_err());
        assert!(Check::Int16.read("65537", &profile).is_err());
    }

    #[test]
    fn clock_log_has_its_limits() {
        check(Check::ClockLog, "1,3599,15,32", Some("1,3599,15,32"));
        check(Check::ClockLog, "1,3600,15,8", None);
        check(Check::ClockLog, "1,65534,15,8", None);
        check(Check::ClockLog, "1,65535,15,33", None);
        check(Check::ClockLog, "1,65535,15", None);
    }

    #[test]
    fn protocol_and_payload_go_together() {
        check(Check::Protocol, "2,5", Some("2,5"));
        check(Check::Protocol, "3,7", Some("3,7"));
        for bad in ["2,1", "5,0", "0,0", "2", "x,0"] {
            check(Check::Protocol, bad, None);
        }
    }

    #[test]
    fn addresses_are_refused_with_a_note() {
        let refused = |check: Check, value: &str| {
            check.read(value, &Profile::load("nb-1.1").unwrap()).map_err(|refusal| refusal.notice)
        };
        assert_eq!(refused(Check::ServerAddress, "example.com"), Err(Some(SERVER_FORMAT)));
        assert_eq!(refused(Check::ServerAddress, &format!("{},1", "x".repeat(68))), Err(None));
        assert_eq!(refused(Check::BackupDns, "1,0,NULL"), Err(Some(IP_FORMAT)));
        assert_eq!(refused(Check::BackupDns, "1,0,1111.222.333.444,80"), Err(Some(IP_FORMAT)));
        check(Check::ServerAddress, "198.51.100.27, 5683", Some("198.51.100.27,5683"));
        check(Check::BackupDns, "1,5,198.51.100.27,80", Some("1,5,198.51.100.27,80"));
    }

    #[test]
    fn a_probe_is_four_hexadecimal_digits_of_whatever_is_typed() {
        check(Check::Probe, "0105", Some("0105"));
        check(Check::Probe, "1A", Some("001a"));
        check(Check::Probe, "zz", Some("0000"));
    }

    #[test]
    fn only_the_first_character_of_the_interrupt_mode_counts() {
        check(Check::InterruptMode, "2x", Some("2"));
        let cb = Profile::load("cb-1.2.1").unwrap();
        assert_eq!(Check::InterruptMode.read("7", &cb).unwrap_err().kept.as_deref(), Some("7"));
        check(Check::InterruptMode, "7", None);
    }
}
