//! Readers of single TOML values: from what stands in the file to a type that cannot be wrong.

use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use humantime_serde::re::humantime;
use toml::de::DeValue;

/// Why a value is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub hint: Option<String>,
}

impl Refusal {
    /// A refusal without advice.
    pub fn new(message: impl Display) -> Self {
        Self { message: message.to_string(), hint: None }
    }

    /// With advice.
    pub fn hint(self, hint: impl Display) -> Self {
        Self { hint: Some(hint.to_string()), ..self }
    }

    fn wrong_type(wanted: &str, value: &DeValue<'_>) -> Self {
        Self::new(format!("expected {wanted}, found {}", value.type_str()))
    }
}

/// A text.
///
/// # Errors
/// Not a string, or empty.
pub fn text(value: &DeValue<'_>) -> Result<String, Refusal> {
    match value.as_str() {
        Some("") => Err(Refusal::new("must not be empty")),
        Some(text) => Ok(text.to_owned()),
        None => Err(Refusal::wrong_type("a string", value)),
    }
}

/// A text that parses as `T`.
///
/// # Errors
/// Not a string, or not what `T` wants.
pub fn parsed<T: FromStr<Err: Display>>(value: &DeValue<'_>) -> Result<T, Refusal> {
    let text = text(value)?;
    text.parse().map_err(|error| {
        let message = format!("{error}");
        Refusal::new(if message.contains(&text) { message } else { format!("`{text}`: {message}") })
    })
}

/// `true` or `false`.
///
/// # Errors
/// Anything else.
pub fn boolean(value: &DeValue<'_>) -> Result<bool, Refusal> {
    value.as_bool().ok_or_else(|| Refusal::wrong_type("true or false", value))
}

/// A whole number that fits `T`.
///
/// # Errors
/// Not a whole number, or out of `T`'s range.
pub fn integer<T: TryFrom<i64>>(value: &DeValue<'_>) -> Result<T, Refusal> {
    let integer = value.as_integer().ok_or_else(|| Refusal::wrong_type("a whole number", value))?;
    let number = i64::from_str_radix(integer.as_str(), integer.radix()).ok();
    number.and_then(|number| T::try_from(number).ok()).ok_or_else(|| Refusal::new(format!("{integer} is out of range")))
}

/// A number, whole or not.
///
/// # Errors
/// Not a number, or not finite.
pub fn number(value: &DeValue<'_>) -> Result<f64, Refusal> {
    let digits = match (value.as_integer(), value.as_float()) {
        (Some(integer), _) if integer.radix() == 10 => integer.as_str(),
        (_, Some(float)) => float.as_str(),
        (_, None) => return Err(Refusal::wrong_type("a number", value)),
    };
    let number = digits.parse::<f64>().ok().filter(|number| number.is_finite());
    number.ok_or_else(|| Refusal::new(format!("{digits} is not a finite number")))
}

/// A duration such as `"30s"`.
///
/// # Errors
/// Not a string of that form.
pub fn duration(value: &DeValue<'_>) -> Result<Duration, Refusal> {
    let form = |refusal: Refusal| refusal.hint("write a duration like \"30s\", \"5m\" or \"24h\"");
    let text = value.as_str().ok_or_else(|| form(Refusal::wrong_type("a duration", value)))?;
    humantime::parse_duration(text).map_err(|error| form(Refusal::new(format!("`{text}` is not a duration: {error}"))))
}

/// A duration that is neither too short nor too long.
///
/// # Errors
/// Not a duration, or outside.
pub fn duration_within(value: &DeValue<'_>, least: Duration, most: Duration) -> Result<Duration, Refusal> {
    let found = duration(value)?;
    if (least..=most).contains(&found) {
        return Ok(found);
    }
    let [found, least, most] = [found, least, most].map(written);
    Err(Refusal::new(format!("{found} is not between {least} and {most}")))
}

/// A duration as it stands in a file: one number and the largest unit that makes it whole.
pub fn written(duration: Duration) -> String {
    let (seconds, rest) = (duration.as_secs(), duration.subsec_nanos());
    match seconds {
        _ if rest != 0 => humantime::format_duration(duration).to_string(),
        _ if seconds >= 86_400 && seconds.is_multiple_of(86_400) => format!("{}d", seconds / 86_400),
        _ if seconds >= 3_600 && seconds.is_multiple_of(3_600) => format!("{}h", seconds / 3_600),
        _ if seconds >= 60 && seconds.is_multiple_of(60) => format!("{}m", seconds / 60),
        _ => format!("{seconds}s"),
    }
}
