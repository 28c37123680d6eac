//! The `KEY=VALUE` words behind a name: each may come once, none may be left over.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

/// What was written behind a name, taken word by word.
pub(crate) struct Keys<'a> {
    name: &'a str,
    pairs: Vec<(&'a str, &'a str)>,
    known: Vec<&'static str>,
}

impl<'a> Keys<'a> {
    /// The words behind `name`.
    pub(crate) fn new(name: &'a str, pairs: &[(&'a str, &'a str)]) -> Self {
        Self { name, pairs: pairs.to_vec(), known: Vec::new() }
    }

    /// The text of a key, if it is there.
    pub(crate) fn text(&mut self, key: &'static str) -> Result<Option<&'a str>, String> {
        self.known.push(key);
        let found = self.pairs.iter().position(|(given, _)| *given == key).map(|at| self.pairs.remove(at).1);
        if self.pairs.iter().any(|(given, _)| *given == key) {
            return Err(format!("`{}` has `{key}` twice", self.name));
        }
        Ok(found)
    }

    /// The number of a key. The comparison with the limits also refuses NaN.
    pub(crate) fn number<T>(&mut self, key: &'static str, limits: RangeInclusive<T>) -> Result<Option<T>, String>
    where
        T: FromStr + PartialOrd + Display,
    {
        let Some(text) = self.text(key)? else { return Ok(None) };
        let number = text.parse().ok().filter(|number| limits.contains(number));
        let wanted = || format!("`{key}` of `{}` is {} to {}, got `{text}`", self.name, limits.start(), limits.end());
        number.map(Some).ok_or_else(wanted)
    }

    /// The time of a key: seconds, or with a unit as in `500ms`.
    pub(crate) fn duration(&mut self, key: &'static str, longest: Duration) -> Result<Option<Duration>, String> {
        let Some(text) = self.text(key)? else { return Ok(None) };
        let duration = duration(text).filter(|duration| *duration <= longest);
        let wanted = || format!("`{key}` of `{}` is 0 to {} seconds, got `{text}`", self.name, longest.as_secs());
        duration.map(Some).ok_or_else(wanted)
    }

    /// One word of several.
    pub(crate) fn one_of<T: Copy>(&mut self, key: &'static str, all: &[(&str, T)]) -> Result<Option<T>, String> {
        let Some(text) = self.text(key)? else { return Ok(None) };
        let found = all.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
        let known = || all.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        found.map(Some).ok_or_else(|| format!("`{key}` of `{}` has no `{text}`: it is one of {}", self.name, known()))
    }

    /// `yes` or `no`.
    pub(crate) fn yes(&mut self, key: &'static str) -> Result<bool, String> {
        Ok(self.one_of(key, &[("yes", true), ("no", false)])?.unwrap_or(false))
    }

    /// Whatever was not asked for does not exist.
    pub(crate) fn finish(self) -> Result<(), String> {
        let Some((key, _)) = self.pairs.first() else { return Ok(()) };
        let known = match self.known.as_slice() {
            [] => "it has no keys".to_owned(),
            known => format!("it has {}", known.join(", ")),
        };
        Err(format!("`{}` has no key `{key}`: {known}", self.name))
    }
}

/// Seconds, or a number with `ms`, `s`, `m` or `h` behind it.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let number = text.trim_end_matches(|character: char| character.is_ascii_alphabetic());
    let seconds = match &text[number.len()..] {
        "" | "s" => 1.0,
        "ms" => 0.001,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return None,
    };
    let number: f64 = number.parse().ok()?;
    Duration::try_from_secs_f64(number * seconds).ok()
}

/// A value as the control grammar reads it again: in quotes where it needs them.
pub(crate) fn quoted(text: &str) -> String {
    let plain = |character: char| !character.is_whitespace() && !character.is_control() && !"\"\\".contains(character);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    let escape = |character: char| match character {
        '"' | '\\' => format!("\\{character}"),
        '\n' => "\\n".to_owned(),
        '\r' => "\\r".to_owned(),
        '\t' => "\\t".to_owned(),
        other => other.to_string(),
    };
    format!("\"{}\"", text.chars().map(escape).collect::<String>())
}
