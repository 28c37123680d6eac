//! Readers of values that only seed files have.

use std::collections::HashSet;
use std::hash::Hash;

use kitchen_contract::id::Id;
use kitchen_contract::time::Timestamp;
use kitchen_contract::unit::Celsius;
use toml::de::DeValue;

use crate::document::{Refusal, Section, value};

/// The longest name, address or location, in characters: the customer's `VARCHAR(255)`.
const TEXT_CHARS_MAX: usize = 255;

/// An id that an earlier section has named.
pub(super) fn reference<Kind>(
    section: &mut Section<'_>,
    key: &'static str,
    named: &HashSet<Id<Kind>>,
) -> Option<Id<Kind>>
where
    Id<Kind>: Eq + Hash,
{
    let id = section.required(key, value::parsed)?;
    if named.contains(&id) {
        return Some(id);
    }
    section.refuse(section.spot(key), Refusal::new(format!("`{id}` is not in this file")));
    None
}

/// One line of text.
pub(super) fn short_text(found: &DeValue<'_>) -> Result<String, Refusal> {
    let text = value::text(found)?;
    if text.chars().count() <= TEXT_CHARS_MAX && !text.contains(char::is_control) {
        return Ok(text);
    }
    Err(Refusal::new(format!("at most {TEXT_CHARS_MAX} characters on one line")))
}

/// A temperature in °C.
pub(super) fn celsius(found: &DeValue<'_>) -> Result<Celsius, Refusal> {
    Celsius::new(value::number(found)?).map_err(Refusal::new)
}

/// 10 s to a week: what a sensor can be set to is more, but nobody would call it monitored.
pub(super) fn interval(found: &DeValue<'_>) -> Result<u32, Refusal> {
    let seconds: u32 = value::integer(found)?;
    if (10..=604_800).contains(&seconds) { Ok(seconds) } else { Err(Refusal::new("10 to 604800 seconds")) }
}

/// A date.
pub(super) fn date(found: &DeValue<'_>) -> Result<String, Refusal> {
    let text = value::text(found)?;
    match text.parse::<jiff::civil::Date>() {
        Ok(date) if date.to_string() == text => Ok(text),
        Ok(_) | Err(_) => Err(Refusal::new(format!("`{text}` is not a date")).hint("YYYY-MM-DD")),
    }
}

/// A moment, RFC 3339.
pub(super) fn moment(found: &DeValue<'_>) -> Result<Timestamp, Refusal> {
    let text = value::text(found)?;
    let moment = text.parse::<jiff::Timestamp>().ok();
    let moment = moment.and_then(|moment| Timestamp::from_unix_ms(moment.as_millisecond()).ok());
    moment.ok_or_else(|| Refusal::new(format!("`{text}` is not a time")).hint("such as 2026-01-11T10:30:00Z"))
}
