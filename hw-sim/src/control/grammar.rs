//! From a command's words to what they mean, or to what is wrong with which of them.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use super::command::Command;
use super::fault::{Fault, FaultName};
use super::words::{nearest, split};
use crate::device::{Network, Press};
use crate::line::duration;
use crate::profile::is_pin;

/// Supply off, when `power-cut` does not say how long.
const POWER_CUT: Duration = Duration::from_secs(2);
/// A month without supply, or with a fault, is a long test.
const TIME_MAX: Duration = Duration::from_secs(31 * 86_400);
/// What a PT100 can be held at, in °C.
const TEMPERATURES: (f64, f64) = (-200.0, 850.0);
/// What a bench supply gives, in V.
const VOLTS: (f64, f64) = (0.0, 20.0);

/// Every command and what stands behind it.
const COMMANDS: [(&str, &str); 17] = [
    ("press", "short|long|five"),
    ("reset", ""),
    ("isp", "on|off"),
    ("power-cut", "[SECONDS]"),
    ("unplug", ""),
    ("replug", "[PATH]"),
    ("silence", "on|off"),
    ("set", "temperature|network|csq|battery|pin VALUE"),
    ("door", "open|close"),
    ("compressor", "fail|repair"),
    ("defrost", ""),
    ("restock", ""),
    ("mains", "on|off"),
    ("fault", "NAME [KEY=VALUE ...] [for=SECONDS]"),
    ("clear", "[NAME]"),
    ("status", ""),
    ("help", ""),
];
/// What `set` sets, and to what.
const SETTINGS: [(&str, &str); 5] = [
    ("temperature", "CELSIUS|auto"),
    ("network", "NETWORK"),
    ("csq", "0..31|99|auto"),
    ("battery", "VOLT|auto"),
    ("pin", "PIN"),
];

/// How the ACT button is pressed.
pub(super) const PRESSES: [(&str, Press); 3] = [("short", Press::Short), ("long", Press::Long), ("five", Press::Five)];
const ON_OFF: [(&str, bool); 2] = [("on", true), ("off", false)];
const OPEN_CLOSE: [(&str, bool); 2] = [("open", true), ("close", false)];
const FAIL_REPAIR: [(&str, bool); 2] = [("fail", true), ("repair", false)];

/// Every command, in one line.
pub(super) fn usage() -> String {
    COMMANDS.map(|(verb, usage)| format!("{verb} {usage}").trim_end().to_owned()).join(", ")
}

/// The word for a value.
pub(super) fn name_in<T: PartialEq>(all: &[(&'static str, T)], value: &T) -> &'static str {
    all.iter().find(|(_, known)| known == value).map_or("", |(name, _)| name)
}

/// Reads one command.
pub(super) fn parse(text: &str) -> Result<Command, String> {
    let words = split(text)?;
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let Some((verb, rest)) = words.split_first() else {
        return Err(format!("an empty line is no command; known: {}", usage()));
    };
    match *verb {
        "press" => choice("press", rest, &PRESSES).map(Command::Press),
        "reset" => alone("reset", rest, Command::Reset),
        "isp" => choice("isp", rest, &ON_OFF).map(Command::Isp),
        "power-cut" => optional("power-cut", rest)?.map_or(Ok(POWER_CUT), seconds).map(Command::PowerCut),
        "unplug" => alone("unplug", rest, Command::Unplug),
        "replug" => Ok(Command::Replug(optional("replug", rest)?.map(PathBuf::from))),
        "silence" => choice("silence", rest, &ON_OFF).map(Command::Silence),
        "set" => set(rest),
        "door" => choice("door", rest, &OPEN_CLOSE).map(|open| Command::Door { open }),
        "compressor" => choice("compressor", rest, &FAIL_REPAIR).map(|fails| Command::Compressor { fails }),
        "defrost" => alone("defrost", rest, Command::Defrost),
        "restock" => alone("restock", rest, Command::Restock),
        "mains" => choice("mains", rest, &ON_OFF).map(Command::Mains),
        "fault" => fault(rest),
        "clear" => optional("clear", rest)?.map(FaultName::parse).transpose().map(Command::Clear),
        "status" => alone("status", rest, Command::Status),
        "help" => alone("help", rest, Command::Help),
        unknown => Err(unknown_word("command", unknown, &COMMANDS.map(|(verb, _)| verb))),
    }
}

fn set(words: &[&str]) -> Result<Command, String> {
    let names = || SETTINGS.map(|(name, usage)| format!("{name} {usage}")).join(", ");
    let [setting, value] = words else {
        return Err(format!("`set` wants a setting and its value, got {}: {}", got(words), names()));
    };
    match *setting {
        "temperature" => number_or_auto(setting, value, TEMPERATURES).map(Command::Temperature),
        "network" => value.parse::<Network>().map(Command::Network).map_err(|error| error.to_string()),
        "csq" => csq(value).map(Command::Csq),
        "battery" => number_or_auto(setting, value, VOLTS).map(Command::Battery),
        "pin" if is_pin(value) => Ok(Command::Pin((*value).to_owned())),
        "pin" => Err(format!("a PIN has 1 to 8 lower-case letters or digits, got `{value}`")),
        unknown => Err(unknown_word("setting", unknown, &SETTINGS.map(|(name, _)| name))),
    }
}

fn number_or_auto(name: &str, text: &str, (lowest, highest): (f64, f64)) -> Result<Option<f64>, String> {
    if text == "auto" {
        return Ok(None);
    }
    // The comparison also refuses NaN.
    let number = text.parse().ok().filter(|number| (lowest..=highest).contains(number));
    number.map(Some).ok_or_else(|| format!("`{name}` is {lowest} to {highest} or auto, got `{text}`"))
}

fn csq(text: &str) -> Result<Option<u8>, String> {
    if text == "auto" {
        return Ok(None);
    }
    let csq = u8::from_str(text).ok().filter(|csq| matches!(csq, 0..=31 | 99));
    csq.map(Some).ok_or_else(|| format!("`csq` is 0 to 31, 99 or auto, got `{text}`"))
}

fn fault(words: &[&str]) -> Result<Command, String> {
    let Some((first, rest)) = words.split_first() else {
        return Err("`fault` wants its name, as in `fault noise rate=0.01 for=30`".to_owned());
    };
    // `drift=0.5` is short for `drift value=0.5`.
    let (name, short) = first.split_once('=').map_or((*first, None), |(name, value)| (name, Some(("value", value))));
    let mut pairs = Vec::from_iter(short);
    for word in rest {
        let wrong = || format!("expected KEY=VALUE behind `{name}`, got `{word}`");
        pairs.push(word.split_once('=').ok_or_else(wrong)?);
    }
    let times: Vec<&str> = pairs.extract_if(.., |(key, _)| *key == "for").map(|(_, value)| value).collect();
    let lasts = match times.as_slice() {
        [] => None,
        [time] => Some(seconds(time)?),
        _ => return Err(format!("`{name}` has `for` twice")),
    };
    let fault = Fault::parse(name, &pairs)?;
    if lasts.is_some() && fault.name().is_none() {
        return Err(format!("`{fault}` happens once and takes no `for`"));
    }
    Ok(Command::Fault { fault, lasts })
}

fn seconds(text: &str) -> Result<Duration, String> {
    let time = duration(text).filter(|time| *time <= TIME_MAX);
    time.ok_or_else(|| format!("expected 0 to {} seconds, got `{text}`", TIME_MAX.as_secs()))
}

fn alone(verb: &str, words: &[&str], command: Command) -> Result<Command, String> {
    if words.is_empty() { Ok(command) } else { Err(format!("`{verb}` takes nothing more, got {}", got(words))) }
}

fn optional<'a>(verb: &str, words: &[&'a str]) -> Result<Option<&'a str>, String> {
    match words {
        [] => Ok(None),
        [word] => Ok(Some(word)),
        _ => Err(format!("`{verb}` takes one word, got {}", got(words))),
    }
}

fn choice<T: Copy>(verb: &str, words: &[&str], all: &[(&str, T)]) -> Result<T, String> {
    let found = all.iter().find(|(name, _)| words == [*name]).map(|(_, value)| *value);
    let known = || all.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    found.ok_or_else(|| format!("`{verb}` wants one of {}, got {}", known(), got(words)))
}

fn got(words: &[&str]) -> String {
    if words.is_empty() { "nothing".to_owned() } else { format!("`{}`", words.join(" ")) }
}

fn unknown_word(what: &str, word: &str, known: &[&str]) -> String {
    let meant = nearest(word, known.iter().copied()).map(|known| format!("did you mean `{known}`? "));
    format!("unknown {what} `{word}`: {}known: {}", meant.unwrap_or_default(), known.join(", "))
}
