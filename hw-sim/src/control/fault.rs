//! Everything that can be made to go wrong, under one kind of name: on the line, at the probe, with the sensor itself.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::words::nearest;
use crate::imei::Imei;
use crate::line::{Keys, LineFault, LineFaultKind, quoted};
use crate::physics::{ProbeFault, ProbeFaultKind};
use crate::profile::is_pin;

/// The console may be locked again this often at most, and once a day at least.
const PASSWORD_EVERY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(86_400));

/// Something that goes wrong.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// On the wires.
    Line(LineFault),
    /// Between the probe and the sensor's input.
    Probe(ProbeFault),
    /// S7: the console asks for its password.
    Password(PasswordFault),
    /// S8: the adapter is pulled out. Not the simulation's.
    Unplug,
    /// S9: the adapter appears at another path. Not the simulation's.
    Replug(Option<PathBuf>),
    /// S18: another unit in the sensor's place; one that was not there before when no IMEI is given.
    Swap(Option<Imei>),
}

/// The console locks now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasswordFault {
    /// And has this PIN, until the fault is cleared.
    pub pin: Option<String>,
    /// And locks again so often, until the fault is cleared.
    pub every: Option<Duration>,
}

/// A fault that stands until it is cleared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FaultName {
    /// See [`Fault::Line`].
    Line(LineFaultKind),
    /// See [`Fault::Probe`].
    Probe(ProbeFaultKind),
    /// See [`Fault::Password`].
    Password,
}

/// What a name means, with what happens once and does not stand.
#[derive(Clone, Copy)]
enum Named {
    Stands(FaultName),
    Unplug,
    Replug,
    Swap,
}

/// Probe faults whose names the line has too are written with this in front; all may be.
const PROBE_PREFIX: &str = "probe-";
/// Rows and names that are not of the line's table, and not of the probe's.
const OTHERS: [(&str, &str, Named); 4] = [
    ("s7", "password", Named::Stands(FaultName::Password)),
    ("s8", "unplug", Named::Unplug),
    ("s9", "replug", Named::Replug),
    ("s18", "swap", Named::Swap),
];
/// Rows of the fault matrix that no sensor can show, and how they are made.
const NOT_THE_SENSORS: [(&str, &str); 2] = [
    ("s15", "`s15` (a second program opens the port) is made on the host: open the port with another program"),
    (
        "s19",
        "`s19` (interrupted system calls) is made on the host: strace -f -P PORT -e inject=read,write:error=EINTR:when=2+3 COMMAND; without -P no program starts",
    ),
];

impl Fault {
    /// Makes a fault from its name or row and the words behind it.
    pub fn parse(name: &str, pairs: &[(&str, &str)]) -> Result<Self, String> {
        match find(name)? {
            Named::Stands(FaultName::Line(LineFaultKind::Value)) if pairs.iter().any(|(key, _)| *key == "ma") => {
                ProbeFault::parse("current", pairs).map(Self::Probe)
            }
            Named::Stands(FaultName::Line(kind)) => {
                LineFault::parse(kind, pairs).map(Self::Line).map_err(|error| with_probe_hint(kind.name(), error))
            }
            Named::Stands(FaultName::Probe(kind)) => {
                ProbeFault::parse(kind.name(), pairs).map(Self::Probe).map_err(|error| under_full_name(kind, &error))
            }
            Named::Stands(FaultName::Password) => password(pairs).map(Self::Password),
            Named::Unplug => Keys::new("unplug", pairs).finish().map(|()| Self::Unplug),
            Named::Replug => replug(pairs),
            Named::Swap => swap(pairs),
        }
    }

    /// The name under which it is cleared; none for what happens once.
    pub fn name(&self) -> Option<FaultName> {
        match self {
            Self::Line(fault) => Some(FaultName::Line(fault.kind())),
            Self::Probe(fault) => Some(FaultName::Probe(fault.kind())),
            Self::Password(PasswordFault { pin: None, every: None }) => None,
            Self::Password(_) => Some(FaultName::Password),
            Self::Unplug | Self::Replug(_) | Self::Swap(_) => None,
        }
    }
}

impl FaultName {
    /// The fault with this name or row.
    pub fn parse(text: &str) -> Result<Self, String> {
        match find(text)? {
            Named::Stands(name) => Ok(name),
            Named::Unplug => Err("`unplug` is not cleared: say `replug`".to_owned()),
            Named::Replug | Named::Swap => Err(format!("`{text}` happens once, there is nothing to clear")),
        }
    }
}

fn find(name: &str) -> Result<Named, String> {
    if let Some((_, why)) = NOT_THE_SENSORS.iter().find(|(row, _)| *row == name) {
        return Err((*why).to_owned());
    }
    let other = OTHERS.iter().find(|(row, known, _)| *row == name || *known == name).map(|(.., named)| *named);
    let line = || LineFaultKind::find(name).map(FaultName::Line);
    let probe = || name.strip_prefix(PROBE_PREFIX).unwrap_or(name).parse().ok().map(FaultName::Probe);
    other.or_else(|| line().or_else(probe).map(Named::Stands)).ok_or_else(|| unknown(name))
}

fn unknown(name: &str) -> String {
    let known: Vec<String> = names().collect();
    let meant = nearest(name, known.iter().map(String::as_str)).map(|known| format!("did you mean `{known}`? "));
    format!("unknown fault `{name}`: {}known: {}, or s1 to s21", meant.unwrap_or_default(), known.join(", "))
}

/// Every name, as it is written back.
fn names() -> impl Iterator<Item = String> {
    let line = LineFaultKind::all().map(|kind| kind.name().to_owned());
    let others = OTHERS.iter().map(|(_, name, _)| (*name).to_owned());
    line.chain(others).chain(ProbeFaultKind::ALL.into_iter().map(probe_name))
}

fn probe_name(kind: ProbeFaultKind) -> String {
    let shared = LineFaultKind::find(kind.name()).is_some();
    format!("{}{kind}", if shared { PROBE_PREFIX } else { "" })
}

/// The probe knows nothing of the line, and of no need to tell its `noise` from the line's.
fn under_full_name(kind: ProbeFaultKind, error: &str) -> String {
    error.replace(&format!("`{kind}"), &format!("`{}", probe_name(kind)))
}

/// Whoever gives the line's `noise` a current means the probe's.
fn with_probe_hint(name: &str, error: String) -> String {
    let shared = name.parse::<ProbeFaultKind>().is_ok();
    if shared { format!("{error}; the fault at the probe is `{PROBE_PREFIX}{name}`") } else { error }
}

fn password(pairs: &[(&str, &str)]) -> Result<PasswordFault, String> {
    let mut keys = Keys::new("password", pairs);
    let pin = keys.text("pin")?.map(str::to_owned);
    let every = keys.duration("every", PASSWORD_EVERY.1)?;
    keys.finish()?;
    match (&pin, every) {
        (Some(pin), _) if !is_pin(pin) => Err(format!("a PIN has 1 to 8 lower-case letters or digits, got `{pin}`")),
        (_, Some(every)) if every < PASSWORD_EVERY.0 => Err("`every` of `password` is a second at least".to_owned()),
        _ => Ok(PasswordFault { pin, every }),
    }
}

fn replug(pairs: &[(&str, &str)]) -> Result<Fault, String> {
    let mut keys = Keys::new("replug", pairs);
    let path = keys.text("path")?.map(PathBuf::from);
    keys.finish().map(|()| Fault::Replug(path))
}

fn swap(pairs: &[(&str, &str)]) -> Result<Fault, String> {
    let mut keys = Keys::new("swap", pairs);
    let imei = keys.text("imei")?.map(str::parse).transpose().map_err(|error: crate::ImeiError| error.to_string())?;
    keys.finish().map(|()| Fault::Swap(imei))
}

impl fmt::Display for FaultName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(kind) => write!(out, "{kind}"),
            Self::Probe(kind) => out.write_str(&probe_name(*kind)),
            Self::Password => out.write_str("password"),
        }
    }
}

/// As [`Fault::parse`] reads it, with a blank between the words.
impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(fault) => write!(out, "{fault}"),
            Self::Probe(fault) => {
                let prefix = if LineFaultKind::find(fault.kind().name()).is_some() { PROBE_PREFIX } else { "" };
                write!(out, "{prefix}{fault}")
            }
            Self::Password(PasswordFault { pin, every }) => {
                out.write_str("password")?;
                pin.as_ref().map_or(Ok(()), |pin| write!(out, " pin={pin}"))?;
                every.map_or(Ok(()), |every| write!(out, " every={}", every.as_secs_f64()))
            }
            Self::Unplug => out.write_str("unplug"),
            Self::Replug(None) => out.write_str("replug"),
            Self::Replug(Some(path)) => write!(out, "replug path={}", quoted(&path.display().to_string())),
            Self::Swap(None) => out.write_str("swap"),
            Self::Swap(Some(imei)) => write!(out, "swap imei={imei}"),
        }
    }
}
