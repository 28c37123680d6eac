//! Firmware profile: what differs between firmware versions, as data (device reference sections 1.1 and 16).
//!
//! A profile is found by name among those compiled in, or read from a `.toml` file. It is checked completely before
//! any device is made from it: an unknown key, a missing key and an impossible value are errors that name the file and
//! the key; impossible values are reported all at once.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

/// The profiles compiled into the simulator: name and text.
const BUILT_IN: [(&str, &str); 1] = [("nb-1.1", include_str!("../../configs/profiles/nb-1.1.toml"))];

/// One firmware version's behaviour. The keys are explained in `configs/profiles/nb-1.1.toml`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// The profile's name: the built-in name or the file's stem. Not a key of the file.
    #[serde(skip)]
    pub name: String,
    /// First field of `AT+MODEL` (O1).
    pub model_name: String,
    /// Version without its leading `v` (O1).
    pub fw_version: String,
    /// Line of the boot loader.
    pub bootloader: String,
    /// First banner line (O2).
    pub banner: String,
    /// Name of the modem layer in the banner.
    pub stack: String,
    /// Protocol named in the banner and in the uplink's error line.
    pub protocol: String,
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
    /// Receiver off after a reset (O18).
    pub boot_deaf_ms: u64,
    /// After that: buffered but not served (O18).
    pub boot_unserved_ms: u64,
    /// Positive full scale of the current input in mA, before calibration (O11).
    pub idc_clip: f64,
    /// Largest value of `AT+12VT` (O10).
    pub power_limit_ms: u32,
    /// Whether a unit without SIM prints its TDC and ROC blocks.
    pub blocks_without_sim: bool,
    /// Factory settings.
    pub defaults: Defaults,
    /// Latency classes of section 5.3.
    pub latency_ms: Latencies,
}

/// Factory settings of the commands built so far.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Defaults {
    /// `AT+TDC` in seconds, 60 to 16777215.
    pub tdc: u32,
    /// `AT+ROC`: mode, interval in s, current in µA, voltage in mV.
    pub roc: [u16; 4],
    /// `AT+12VT` in milliseconds.
    #[serde(rename = "12vt")]
    pub twelve_volt_ms: u32,
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
        if let Some((_, text)) = BUILT_IN.iter().find(|(known, _)| *known == name) {
            return Self::parse(name, name, text);
        }
        if !name.ends_with(".toml") {
            return Err(ProfileError::Unknown { name: name.to_owned(), known: Self::built_in().join(", ") });
        }
        let path = Path::new(name);
        let text =
            std::fs::read_to_string(path).map_err(|source| ProfileError::Read { path: path.to_owned(), source })?;
        let stem = path.file_stem().map_or_else(|| name.to_owned(), |stem| stem.to_string_lossy().into_owned());
        Self::parse(&stem, name, &text)
    }

    /// The names of the built-in profiles.
    pub fn built_in() -> Vec<&'static str> {
        BUILT_IN.iter().map(|(name, _)| *name).collect()
    }

    /// Parses and checks a profile's text; `origin` is what errors call it.
    pub fn parse(name: &str, origin: &str, text: &str) -> Result<Self, ProfileError> {
        let mut profile: Self = toml::from_str(text)
            .map_err(|source| ProfileError::Parse { origin: origin.to_owned(), source: Box::new(source) })?;
        name.clone_into(&mut profile.name);
        let problems = profile.problems();
        if problems.is_empty() {
            Ok(profile)
        } else {
            Err(ProfileError::Invalid { origin: origin.to_owned(), problems })
        }
    }

    /// How long the receiver is off after a reset.
    pub(crate) fn boot_deaf(&self) -> Duration {
        Duration::from_millis(self.boot_deaf_ms)
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
        require((20.0..=100.0).contains(&self.idc_clip), "`idc_clip` must be 20 to 100 mA");
        require((60..=0xFF_FFFF).contains(&self.defaults.tdc), "`defaults.tdc` must be 60 to 16777215 s");
        require(self.defaults.roc[0] <= 2, "`defaults.roc` must have mode 0, 1 or 2");
        require(self.defaults.roc[2] <= 20_000, "`defaults.roc` must watch at most 20000 uA");
        require(self.defaults.roc[3] <= 30_000, "`defaults.roc` must watch at most 30000 mV");
        require(
            self.defaults.twelve_volt_ms <= self.power_limit_ms,
            "`defaults.12vt` must not exceed `power_limit_ms`",
        );
        for (key, LatencyRange(lowest, highest)) in self.latency_ms.named() {
            require(lowest <= highest, &format!("`latency_ms.{key}` must give the lowest value first"));
        }
        problems
    }
}

impl Latencies {
    fn named(&self) -> [(&'static str, LatencyRange); 6] {
        [
            ("query", self.query),
            ("set", self.set),
            ("param_error", self.param_error),
            ("measure", self.measure),
            ("restart", self.restart),
            ("modem_stall", self.modem_stall),
        ]
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
        let error = error_after("[defaults]", "[defaults]\ntcd = 5");
        assert!(error.contains("shelf/x.toml") && error.contains("`tcd`"), "{error}");
    }

    #[test]
    fn impossible_values_are_reported_all_at_once() {
        let error = error_after("pin = \"604218\"", "pin = \"TOO LONG A PIN\"").to_string();
        assert!(error.contains("`pin`"), "{error}");
        let text = BUILT_IN[0].1.replace("tdc = 7200", "tdc = 59").replace("[70, 210]", "[210, 70]");
        let error = Profile::parse("x", "x.toml", &text).unwrap_err().to_string();
        assert!(error.contains("`defaults.tdc`") && error.contains("`latency_ms.query`"), "{error}");
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        assert!(Profile::load("nb-9").unwrap_err().to_string().contains("nb-1.1"));
    }
}
