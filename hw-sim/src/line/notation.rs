//! How faults of the line are written and read: `noise rate=0.01 direction=both`, with their keys and limits.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::fault::{Channel, Direction, EchoMode, JunkKind, LineFault, LineFaultKind};
use super::keys::{Keys, quoted};

/// A day: no reply is later, no drip slower.
const DELAY_MAX: Duration = Duration::from_secs(86_400);
/// Counted bytes of one reply or one line of the host.
const COUNT_MAX: u32 = 1_000_000;
/// Lines of a reply; the longest block has about 60.
const LINES_MAX: u32 = 1000;
/// A text put on the line: twice the receive buffer of a careful host would be no line any more.
const TEXT_BYTES_MAX: usize = 256;
/// Bit rates a serial port may be opened with by mistake.
const BAUD: RangeInclusive<u32> = 300..=1_000_000;

const DIRECTIONS: [(&str, Direction); 3] =
    [("both", Direction::Both), ("to-host", Direction::ToHost), ("to-sensor", Direction::ToSensor)];
const ECHO_MODES: [(&str, EchoMode); 3] =
    [("on", EchoMode::On), ("off", EchoMode::Off), ("partial", EchoMode::Partial)];
const CHANNELS: [(&str, Channel); 2] = [("idc", Channel::Idc), ("vdc", Channel::Vdc)];
const JUNK_KINDS: [(&str, JunkKind); 4] =
    [("all", JunkKind::All), ("utf8", JunkKind::Utf8), ("nul", JunkKind::Nul), ("ansi", JunkKind::Ansi)];

impl LineFault {
    /// Makes a fault from its kind and what was written after it, as in `rate=0.01`.
    pub fn parse(kind: LineFaultKind, pairs: &[(&str, &str)]) -> Result<Self, String> {
        let mut keys = Keys::new(kind.name(), pairs);
        let fault = match kind {
            LineFaultKind::Noise => {
                Self::Noise { rate: probability(&mut keys, "rate", 0.01)?, direction: direction(&mut keys)? }
            }
            LineFaultKind::Truncated => {
                Self::Truncated { bytes: count(&mut keys, "bytes", 0)?, once: keys.yes("once")? }
            }
            LineFaultKind::Echo => echo(&mut keys)?,
            LineFaultKind::Unsolicited => unsolicited(&mut keys)?,
            LineFaultKind::Late => Self::Late { delay: delay(&mut keys, "delay", 3.0)?, once: keys.yes("once")? },
            LineFaultKind::Reboot => {
                Self::Reboot { bytes: count(&mut keys, "bytes", 0)?, forgets: keys.yes("forgets")? }
            }
            LineFaultKind::Baud => {
                let rate = keys.number("rate", BAUD)?.ok_or("`baud` needs its `rate`: write `baud rate=115200`")?;
                Self::Baud { rate, direction: direction(&mut keys)? }
            }
            LineFaultKind::Stuck => Self::Stuck,
            LineFaultKind::NeverReads => Self::NeverReads,
            LineFaultKind::Endless => endless(&mut keys)?,
            LineFaultKind::Drip => Self::Drip { every: delay(&mut keys, "every", 0.5)? },
            LineFaultKind::Value => value(&mut keys)?,
            LineFaultKind::Swapped => Self::Swapped,
            LineFaultKind::Junk => Self::Junk {
                kind: keys.one_of("kind", &JUNK_KINDS)?.unwrap_or(JunkKind::All),
                rate: probability(&mut keys, "rate", 0.05)?,
            },
            LineFaultKind::Frozen => Self::Frozen,
        };
        keys.finish()?;
        Ok(fault)
    }
}

fn probability(keys: &mut Keys<'_>, key: &'static str, default: f64) -> Result<f64, String> {
    Ok(keys.number(key, 0.0..=1.0)?.unwrap_or(default))
}

fn count(keys: &mut Keys<'_>, key: &'static str, default: u32) -> Result<u32, String> {
    Ok(keys.number(key, 0..=COUNT_MAX)?.unwrap_or(default))
}

fn delay(keys: &mut Keys<'_>, key: &'static str, default_s: f64) -> Result<Duration, String> {
    Ok(keys.duration(key, DELAY_MAX)?.unwrap_or(Duration::from_secs_f64(default_s)))
}

fn direction(keys: &mut Keys<'_>) -> Result<Direction, String> {
    Ok(keys.one_of("direction", &DIRECTIONS)?.unwrap_or(Direction::Both))
}

fn echo(keys: &mut Keys<'_>) -> Result<LineFault, String> {
    Ok(LineFault::Echo {
        mode: keys.one_of("mode", &ECHO_MODES)?.unwrap_or(EchoMode::On),
        part: probability(keys, "part", 0.5)?,
        after: count(keys, "after", 0)?,
        bytes: keys.number("bytes", 0..=COUNT_MAX)?,
    })
}

fn unsolicited(keys: &mut Keys<'_>) -> Result<LineFault, String> {
    Ok(LineFault::Unsolicited {
        text: text(keys, Some("RDY"))?,
        after: keys.number("after", 0..=LINES_MAX)?.unwrap_or(1),
        once: keys.yes("once")?,
    })
}

fn endless(keys: &mut Keys<'_>) -> Result<LineFault, String> {
    let byte = keys.number("byte", 0..=u8::MAX)?.unwrap_or(b'A');
    if matches!(byte, b'\r' | b'\n') {
        return Err(format!("`byte` of `endless` is no line end, got `{byte}`"));
    }
    Ok(LineFault::Endless { byte, bytes: keys.number("bytes", 1..=u64::MAX)? })
}

fn value(keys: &mut Keys<'_>) -> Result<LineFault, String> {
    Ok(LineFault::Value {
        text: text(keys, None)?,
        channel: keys.one_of("channel", &CHANNELS)?.unwrap_or(Channel::Idc),
    })
}

fn text(keys: &mut Keys<'_>, default: Option<&str>) -> Result<String, String> {
    let text = keys.text("text")?.or(default).ok_or("`value` needs its `text` or `ma`: write `value text=NaN`")?;
    if text.len() > TEXT_BYTES_MAX || text.contains(['\r', '\n']) {
        return Err(format!("`text` is one line of at most {TEXT_BYTES_MAX} bytes, without its line end"));
    }
    Ok(text.to_owned())
}

fn name_in<T: PartialEq>(all: &[(&'static str, T)], value: &T) -> &'static str {
    all.iter().find(|(_, known)| known == value).map_or("", |(name, _)| name)
}

fn yes(value: bool) -> &'static str {
    if value { "yes" } else { "no" }
}

impl fmt::Display for LineFaultKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// As it is read again, with every key.
impl fmt::Display for LineFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.kind())?;
        match self {
            Self::Stuck | Self::NeverReads | Self::Swapped | Self::Frozen => Ok(()),
            Self::Noise { rate, direction } => {
                write!(out, " rate={rate} direction={}", name_in(&DIRECTIONS, direction))
            }
            Self::Baud { rate, direction } => {
                write!(out, " rate={rate} direction={}", name_in(&DIRECTIONS, direction))
            }
            Self::Truncated { bytes, once } => write!(out, " bytes={bytes} once={}", yes(*once)),
            Self::Echo { mode, part, after, bytes } => {
                write!(out, " mode={} part={part} after={after}", name_in(&ECHO_MODES, mode))?;
                bytes.map_or(Ok(()), |bytes| write!(out, " bytes={bytes}"))
            }
            Self::Unsolicited { text, after, once } => {
                write!(out, " text={} after={after} once={}", quoted(text), yes(*once))
            }
            Self::Late { delay, once } => write!(out, " delay={} once={}", delay.as_secs_f64(), yes(*once)),
            Self::Reboot { bytes, forgets } => write!(out, " bytes={bytes} forgets={}", yes(*forgets)),
            Self::Endless { byte, bytes } => {
                write!(out, " byte={byte}")?;
                bytes.map_or(Ok(()), |bytes| write!(out, " bytes={bytes}"))
            }
            Self::Drip { every } => write!(out, " every={}", every.as_secs_f64()),
            Self::Value { text, channel } => {
                write!(out, " text={} channel={}", quoted(text), name_in(&CHANNELS, channel))
            }
            Self::Junk { kind, rate } => write!(out, " kind={} rate={rate}", name_in(&JUNK_KINDS, kind)),
        }
    }
}
