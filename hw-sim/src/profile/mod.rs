//! Firmware profile: what differs between firmware versions, as data (device reference sections 1.1, 12 and 16).
//!
//! A profile is found by name among those compiled in, or read from a `.toml` file. It is checked completely before
//! any device is made from it: an unknown key, a missing key and an impossible value are errors that name the file and
//! the key; impossible values are reported all at once.

mod quirks;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

pub use quirks::{Quirk, QuirkError, Quirks};

use crate::device::{Entry, HexLayout, JsonDialect, TimeText, default_problem};

macro_rules! built_in {
    ($($name:literal),*) => {
        [$(($name, include_str!(concat!("../../../configs/profiles/", $name, ".toml")))),*]
    };
}

/// The profiles compiled into the simulator: name and text.
const BUILT_IN: [(&str, &str); 5] = built_in!("nb-1.1", "nb-1.0.5", "nb-1.0.0", "cb-1.1.4", "cb-1.2.1");

/// Nothing in a device takes longer than a day; more could not be added up any more.
const TIME_MS_MAX: u64 = 86_400_000;

/// One firmware version's behaviour. The keys are explained in `configs/profiles/nb-1.1.toml`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// The profile's name: the built-in name or the file's stem. Not a key of the file.
    #[serde(skip)]
    pub name: String,
    /// First field of `AT+MODEL` (O1).
    pub model_name: String,
    /// Version without its leading `v`: three numbers, of which the payload's version byte is made (O1).
    pub fw_version: String,
    /// Model byte of the HEX payload (O3).
    pub model_byte: u8,
    /// Order and wording of the boot text.
    pub boot_text: BootText,
    /// Line of the boot loader.
    pub bootloader: String,
    /// First banner line (O2).
    pub banner: String,
    /// Name of the modem layer in the banner.
    pub stack: String,
    /// What the modem calls itself.
    pub modem_model: String,
    /// Factory PIN: 1 to 8 lower-case letters or digits (O4).
    pub pin: String,
    /// Whether the relock is announced (O5).
    pub lock_message: bool,
    /// Ticks from login to relock.
    pub relock_ticks: u32,
    /// Period of the tick in milliseconds; the timer runs freely from boot.
    pub relock_tick_ms: u64,
    /// Size of the one receive buffer.
    pub input_buffer_bytes: usize,
    /// How likely the LF of a CR LF outlives the wiping of the buffer and becomes a line of its own, 0 to 1.
    pub crlf_race: f64,
    /// Receiver off after a reset (O18).
    pub boot_deaf_ms: u64,
    /// After that: buffered but not served (O18).
    pub boot_unserved_ms: u64,
    /// Whether the counter of `[n]` stands still in STOP mode.
    pub counter_sleeps: bool,
    /// How a measurement is printed (O15).
    pub sensor_print: SensorPrint,
    /// Positive full scale of the current input in mA, before calibration (O11).
    pub idc_clip: f64,
    /// Largest power-up time in milliseconds (O10).
    pub power_limit_ms: u32,
    /// Whether a unit without SIM prints its TDC and ROC blocks.
    pub blocks_without_sim: bool,
    /// What the log line about the network tells.
    pub network_line: NetworkLine,
    /// Whether failed attaches lengthen the pause (O17).
    pub attach_backoff: bool,
    /// Cycles without signal after which the processor starts again; 0 is never.
    pub reset_without_signal: u32,
    /// Whether the processor starts again when nothing was uploaded for a day, or for two periods of more than half a day.
    pub reset_without_upload: bool,
    /// Layout of the HEX payload (O14).
    pub hex_layout: HexLayout,
    /// What the JSON payload looks like (O12, O13).
    pub json: JsonDialect,
    /// What the clock says at power-on, such as `1970-01-01T00:00:00Z` (O20).
    pub epoch_before_sync: String,
    /// Whether report on change wants more than its threshold (O6).
    pub roc_exceeds: bool,
    /// Whether a limit of report on change reports once until the value is back (O6).
    pub roc_latched: bool,
    /// The settings that `AT+FDR1` resets; none means all but the password (O22).
    pub fdr1_scope: Vec<String>,
    /// The command table, in the order in which names are searched (O8, O16, O23).
    pub commands: Vec<Entry>,
    /// The switches of section 12.
    pub quirks: Quirks,
    /// Factory settings that are not those of every firmware, by command.
    pub defaults: BTreeMap<String, String>,
    /// Latency classes of section 5.3.
    pub latency_ms: Latencies,
}

/// Order and wording of the boot text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BootText {
    /// As the open -NB firmware.
    Nb,
    /// As PS-CB.
    Cb,
}

/// How a measurement is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SensorPrint {
    /// Six lines, the first `BAT:3.572 V`.
    SixLines,
    /// The first is `remaining battery =3572 mv`.
    RemainingBattery,
}

/// What the log line about the network tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NetworkLine {
    /// RSSI, SINR and band.
    Rssi,
    /// Access technology, operator, band name and channel.
    Operator,
    /// There is none: before stack 004.
    None,
}

/// Latency classes: lowest and highest milliseconds.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Latencies {
    /// Queries, help and password answers.
    pub query: LatencyRange,
    /// A set that is stored in flash.
    pub set: LatencyRange,
    /// A set that fails its check.
    pub param_error: LatencyRange,
    /// `AT+CFG`, beyond the printing.
    pub config: LatencyRange,
    /// `AT+CDP=0`.
    pub history: LatencyRange,
    /// `AT+GETSENSORVALUE=0`, beyond power-up and conversion.
    pub measure: LatencyRange,
    /// `ATZ` until the processor starts again.
    pub restart: LatencyRange,
    /// An unknown line's wait for the modem.
    pub modem_stall: LatencyRange,
}

/// Lowest and highest latency in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct LatencyRange(pub u64, pub u64);

/// Why a profile cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// Neither a built-in name nor a `.toml` path.
    #[error("unknown profile `{name}`\n\nhint: known profiles: {known}; or give the path of a .toml file")]
    Unknown {
        /// What was asked for.
        name: String,
        /// The names that would work.
        known: String,
    },
    /// The file cannot be read.
    #[error("cannot read profile `{}`: {source}\n\nhint: give a readable .toml file, or a built-in name", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Not TOML, an unknown key, a missing key or a value of the wrong type.
    #[error("profile `{origin}`: {source}")]
    Parse {
        /// File or built-in name.
        origin: String,
        /// Line, key and reason.
        source: Box<toml::de::Error>,
    },
    /// Well-formed, but no device can behave like this.
    #[error("profile `{origin}`: {}", problems.join("; "))]
    Invalid {
        /// File or built-in name.
        origin: String,
        /// Every problem found, each naming its key.
        problems: Vec<String>,
    },
}

impl Profile {
    /// Finds a profile: a name ending in `.toml` is a path, anything else a built-in name.
    pub fn load(name: &str) -> Result<Self, ProfileError> {
        let (stem, text) = text_of(name)?;
        Self::parse(&stem, name, &text)
    }

    /// As [`Self::load`], with changes written as `KEY = VALUE`, where the key may lead into a table:
    /// `quirks.q7 = false`.
    pub fn load_with(name: &str, changes: &[String]) -> Result<Self, ProfileError> {
        if changes.is_empty() {
            return Self::load(name);
        }
        let (stem, text) = text_of(name)?;
        let origin = format!("{name} with {}", changes.join(", "));
        let error = |source| ProfileError::Parse { origin: origin.clone(), source: Box::new(source) };
        let mut table: toml::Table = text.parse().map_err(error)?;
        for change in changes {
            merge(&mut table, change.parse().map_err(error)?);
        }
        table.try_into().map_err(error).and_then(|profile: Self| profile.checked(&stem, &origin))
    }

    /// The names of the built-in profiles.
    pub fn built_in() -> Vec<&'static str> {
        BUILT_IN.iter().map(|(name, _)| *name).collect()
    }

    /// Parses and checks a profile's text; `origin` is what errors call it.
    pub fn parse(name: &str, origin: &str, text: &str) -> Result<Self, ProfileError> {
        let profile: Self = toml::from_str(text)
            .map_err(|source| ProfileError::Parse { origin: origin.to_owned(), source: Box::new(source) })?;
        profile.checked(name, origin)
    }

    fn checked(mut self, name: &str, origin: &str) -> Result<Self, ProfileError> {
        name.clone_into(&mut self.name);
        let problems = self.problems();
        if problems.is_empty() { Ok(self) } else { Err(ProfileError::Invalid { origin: origin.to_owned(), problems }) }
    }

    /// Whether the firmware has a quirk.
    pub fn has(&self, quirk: Quirk) -> bool {
        self.quirks.has(quirk)
    }

    /// Whether a command is in the table.
    pub fn knows(&self, name: &str) -> bool {
        self.commands.iter().any(|entry| entry.name() == name)
    }

    /// Whether the modem layer is an -NB one of a lower number: `D-BC660K-003` is before 4. PS-CB counts its own.
    pub(crate) fn stack_is_before(&self, number: u32) -> bool {
        let own = self.stack.rsplit('-').next().and_then(|digits| digits.parse::<u32>().ok());
        self.boot_text == BootText::Nb && own.is_some_and(|own| own < number)
    }

    /// What the clock says at power-on, in Unix seconds.
    pub(crate) fn clock_at_boot(&self) -> Option<i64> {
        TimeText::Iso.parse(&self.epoch_before_sync)
    }

    /// 1.0.6 is 106 in the payload.
    pub(crate) fn version_byte(&self) -> Option<u8> {
        let digits: Vec<u8> = self.fw_version.split('.').map(str::parse).collect::<Result<_, _>>().ok()?;
        let [major, minor, patch] = digits.as_slice() else { return None };
        let single = digits.iter().all(|digit| *digit <= 9) && *major <= 1;
        single.then(|| major * 100 + minor * 10 + patch)
    }

    /// Whether `AT+FDR1` resets less than its name says (O22, quirk Q16).
    pub(crate) fn resets_some_only(&self) -> bool {
        self.has(Quirk::QuietFactoryReset) && !self.fdr1_scope.is_empty()
    }

    /// How long the receiver is off after a reset.
    pub(crate) fn boot_deaf(&self) -> Duration {
        let deaf_ms = if self.has(Quirk::Blackout) { self.boot_deaf_ms } else { 0 };
        Duration::from_millis(deaf_ms)
    }

    /// How long input is buffered and not served after that.
    pub(crate) fn boot_unserved(&self) -> Duration {
        let unserved_ms = if self.has(Quirk::Blackout) { self.boot_unserved_ms } else { 0 };
        Duration::from_millis(unserved_ms)
    }

    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut require = |holds: bool, problem: &str| {
            if !holds {
                problems.push(problem.to_owned());
            }
        };
        require(is_pin(&self.pin), "`pin` must be 1 to 8 lower-case letters or digits");
        require(self.relock_ticks > 0, "`relock_ticks` must be at least 1");
        require(self.relock_tick_ms > 0, "`relock_tick_ms` must be at least 1");
        require((16..=65_536).contains(&self.input_buffer_bytes), "`input_buffer_bytes` must be 16 to 65536");
        require((0.0..=1.0).contains(&self.crlf_race), "`crlf_race` must be 0 to 1");
        require((20.0..=100.0).contains(&self.idc_clip), "`idc_clip` must be 20 to 100 mA");
        require(self.version_byte().is_some(), "`fw_version` must be three numbers of one digit, such as 1.1.2");
        require(self.clock_at_boot().is_some(), "`epoch_before_sync` must be a time such as 1970-01-01T00:00:00Z");
        for name in &self.fdr1_scope {
            require(self.knows(name), &format!("`fdr1_scope`: `{name}` is not among `commands`"));
        }
        for (name, value) in &self.defaults {
            let problem = if self.knows(name) {
                default_problem(name, value, self)
            } else {
                Some("is not among `commands`".to_owned())
            };
            problem.into_iter().for_each(|problem| require(false, &format!("`defaults`: `{name}` {problem}")));
        }
        for (key, LatencyRange(lowest, highest)) in self.latency_ms.named() {
            require(lowest <= highest, &format!("`latency_ms.{key}` must give the lowest value first"));
            require(highest <= TIME_MS_MAX, &format!("`latency_ms.{key}` must be at most {TIME_MS_MAX}"));
        }
        let times = [
            ("relock_tick_ms", self.relock_tick_ms),
            ("boot_deaf_ms", self.boot_deaf_ms),
            ("boot_unserved_ms", self.boot_unserved_ms),
        ];
        for (key, time_ms) in times {
            require(time_ms <= TIME_MS_MAX, &format!("`{key}` must be at most {TIME_MS_MAX}"));
        }
        problems
    }
}

impl Latencies {
    fn named(&self) -> [(&'static str, LatencyRange); 8] {
        [
            ("query", self.query),
            ("set", self.set),
            ("param_error", self.param_error),
            ("config", self.config),
            ("history", self.history),
            ("measure", self.measure),
            ("restart", self.restart),
            ("modem_stall", self.modem_stall),
        ]
    }
}

/// A profile's name without folder and ending, and its text.
fn text_of(name: &str) -> Result<(String, Cow<'static, str>), ProfileError> {
    if let Some((known, text)) = BUILT_IN.iter().find(|(known, _)| *known == name) {
        return Ok(((*known).to_owned(), (*text).into()));
    }
    if !name.ends_with(".toml") {
        let known = Profile::built_in().join(", ");
        return Err(ProfileError::Unknown { name: name.to_owned(), known });
    }
    let path = Path::new(name);
    let text = std::fs::read_to_string(path).map_err(|source| ProfileError::Read { path: path.to_owned(), source })?;
    let stem = path.file_stem().map_or_else(|| name.to_owned(), |stem| stem.to_string_lossy().into_owned());
    Ok((stem, text.into()))
}

/// Key by key, so that a changed switch leaves the others as they are.
fn merge(table: &mut toml::Table, changes: toml::Table) {
    for (key, change) in changes {
        match (table.get_mut(&key), change) {
            (Some(toml::Value::Table(inner)), toml::Value::Table(changes)) => merge(inner, changes),
            (_, change) => drop(table.insert(key, change)),
        }
    }
}

/// Whether the text can be a PIN (section 4).
pub(crate) fn is_pin(text: &str) -> bool {
    (1..=8).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error_after(find: &str, replace: &str) -> String {
        let text = BUILT_IN[0].1;
        assert!(text.contains(find));
        Profile::parse("x", "shelf/x.toml", &text.replacen(find, replace, 1)).unwrap_err().to_string()
    }

    #[test]
    fn every_built_in_profile_is_valid() {
        for name in Profile::built_in() {
            assert_eq!(Profile::load(name).unwrap().name, name);
        }
    }

    #[test]
    fn an_unknown_key_names_file_and_key() {
        let error = error_after("[quirks]", "[quirks]\ntcd = true");
        assert!(error.contains("shelf/x.toml") && error.contains("`tcd`"), "{error}");
    }

    #[test]
    fn impossible_values_are_reported_all_at_once() {
        let error = error_after("pin = \"604218\"", "pin = \"TOO LONG A PIN\"").to_string();
        assert!(error.contains("`pin`"), "{error}");
        let text = BUILT_IN[0].1.replace("= \"7200\"", "= \"59\"").replace("[70, 210]", "[210, 70]");
        let error = Profile::parse("x", "x.toml", &text).unwrap_err().to_string();
        assert!(error.contains("`AT+TDC`") && error.contains("`latency_ms.query`"), "{error}");
    }

    #[test]
    fn times_that_could_not_be_added_up_are_refused() {
        for (find, key) in [("relock_tick_ms = 10000", "`relock_tick_ms`"), ("boot_deaf_ms = 7000", "`boot_deaf_ms`")] {
            let key_only = find.split_once('=').unwrap().0;
            let error = error_after(find, &format!("{key_only}= {}", i64::MAX));
            assert!(error.contains(key) && error.contains("at most 86400000"), "{error}");
        }
    }

    #[test]
    fn single_keys_can_be_changed() {
        let changes = ["quirks.q7 = false".to_owned(), "latency_ms.query = [80, 90]".to_owned()];
        let profile = Profile::load_with("nb-1.1", &changes).unwrap();
        assert!(!profile.has(Quirk::ModemStall) && profile.has(Quirk::HelpNotQuery));
        assert_eq!(profile.latency_ms.query, LatencyRange(80, 90));
        for (bad, named) in
            [("quirks.q99 = true", "q99"), ("nonsense = 1", "nonsense"), ("pin = 'LOUD'", "pin"), ("=", "=")]
        {
            let error = Profile::load_with("nb-1.1", &[bad.to_owned()]).unwrap_err().to_string();
            assert!(error.contains(named) && error.contains("nb-1.1 with"), "{error}");
        }
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        assert!(Profile::load("nb-9").unwrap_err().to_string().contains("nb-1.1"));
    }
}
