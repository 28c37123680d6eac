//! What an exchange means, read plainly from its text: bytes are cut at line ends, and a line is what it looks like.
//!
//! On purpose this knows nothing of the agent's grammar.

use std::time::Duration;

use crate::score::{Cue, Exchange};

/// What a command came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was answered: with these lines, ended by that one.
    Answered(Vec<String>, &'static str),
    /// The console is locked and took it for a password.
    Locked,
    /// The password was right.
    Opened,
    /// The device began to boot.
    Restarted,
    /// Nothing that ends an answer, in time.
    Silence,
}

/// A measurement as it was printed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Printed {
    /// mA.
    pub(crate) current: f64,
    /// V at the voltage input.
    pub(crate) input: f64,
    /// When the line with the current was said.
    pub(crate) at: Duration,
}

/// The keys of a block in their order; the first has two forms.
const KEYS: [&str; 6] = ["BAT:", "IN1:", "IN2:", "GPIO_EXTI:", "IDC_Input:", "VDC_Input:"];
/// More mA than any converter delivers are damage (device reference 2.2: it ends at 21.333 times a factor; question O11: perhaps higher).
const CURRENT_MAX: f64 = 26.0;
/// Lines that are never an answer.
const NOISE: [&str; 8] =
    ["AT+NAME", "AT+PWRM2", "SLEEP", "RDY", "Image Version: ", "NB-IoT Stack", "Protocol in Used: ", "Downstream"];

/// What the exchange comes to, for a host that waits as long as it should.
pub(crate) fn outcome(exchange: &Exchange) -> Outcome {
    outcome_within(exchange, exchange.patience())
}

/// What the exchange comes to for a host that waits so long.
pub(crate) fn outcome_within(exchange: &Exchange, patience: Duration) -> Outcome {
    let host = exchange.host.as_deref().unwrap_or_default();
    let mut lines = Vec::new();
    for line in exchange.cues.iter().filter(|cue| cue.at < patience).flat_map(ended).filter(|line| !line.is_empty()) {
        match line.as_str() {
            "OK" => return Outcome::Answered(lines, "OK"),
            "ERROR" => return Outcome::Answered(lines, "ERROR"),
            "AT_PARAM_ERROR" => return Outcome::Answered(lines, "AT_PARAM_ERROR"),
            _ if prints_log(host) => {
                lines.push(line);
                continue;
            }
            _ if is_boot_text(&line) => return Outcome::Restarted,
            _ => {}
        }
        match event(&line) {
            Some("Password Correct") => return Outcome::Opened,
            Some("Password Incorrect" | "Password timeout") => return Outcome::Locked,
            Some(text) if key(text) == Some(0) => lines = answer(host, &line).into_iter().collect(),
            _ => lines.extend(answer(host, &line)),
        }
    }
    Outcome::Silence
}

/// Whether the exchange's line makes the device measure and print.
pub(crate) fn measures(host: &str) -> bool {
    host.contains("GETSENSORVALUE=0")
}

/// Whether the device prints its log for it: what it said earlier.
pub(crate) fn prints_log(host: &str) -> bool {
    host == "AT+GETLOG"
}

/// Whether the device begins to boot with this.
pub(crate) fn is_boot(cue: &Cue) -> bool {
    ended(cue).is_some_and(|line| is_boot_text(&line))
}

fn is_boot_text(line: &str) -> bool {
    line.starts_with("DRAGINO ") || event(line).is_some_and(|text| text.starts_with("reboot error:"))
}

/// The text of a cue that ends its line; a line that is not ended is none yet.
fn ended(cue: &Cue) -> Option<String> {
    let text = String::from_utf8_lossy(&cue.bytes).into_owned();
    text.ends_with('\n').then(|| text.trim().to_owned())
}

/// The text behind the counter of `[123]text`.
fn event(line: &str) -> Option<&str> {
    let (counter, text) = line.strip_prefix('[')?.split_once(']')?;
    counter.bytes().all(|byte| byte.is_ascii_digit()).then_some(text)
}

/// What of the line answers the host's.
fn answer(host: &str, line: &str) -> Option<String> {
    if let Some(text) = event(line) {
        let measured = measures(host) && key(text).is_some();
        return (measured || text.starts_with("AT")).then(|| text.to_owned());
    }
    let of_modem = line.starts_with('+') && !host.contains(line.split(':').next().unwrap());
    let noise = line == "AT" || of_modem || NOISE.iter().any(|noise| line.starts_with(noise));
    (!noise).then(|| line.to_owned())
}

/// Which line of a block the text of an event is.
fn key(text: &str) -> Option<usize> {
    let text = if text.starts_with("remaining battery =") { "BAT:" } else { text };
    KEYS.iter().position(|key| text.starts_with(key))
}

/// The whole blocks that the device printed in an exchange, but the one that answers a host's line that asked for it.
pub(crate) fn unasked(host: Option<&str>, said: &[Cue]) -> Vec<Printed> {
    let lines: Vec<_> = said.iter().filter_map(|cue| Some((cue.at, ended(cue)?))).collect();
    let lines: Vec<_> = lines.into_iter().filter(|(_, line)| !line.is_empty()).collect();
    let asked = host.is_some_and(measures);
    let mut blocks = Vec::new();
    for (first, six) in lines.windows(KEYS.len()).enumerate() {
        let whole = six.iter().enumerate().all(|(place, (_, line))| event(line).and_then(key) == Some(place));
        let answers = asked && lines.get(first + KEYS.len()).is_some_and(|(_, line)| line == "OK");
        let block = whole.then(|| Printed { current: value(&six[4].1), input: value(&six[5].1), at: six[4].0 });
        blocks.extend(block.filter(|block| !answers && block.current <= CURRENT_MAX));
    }
    blocks
}

/// What the lines of a measurement say: battery, current and voltage; nothing if one is missing or cannot be.
pub(crate) fn measurement(lines: &[String]) -> Option<String> {
    let of = |key: &str| lines.iter().find(|line| line.starts_with(key)).map(|line| value(line));
    let old_battery = lines.iter().find_map(|line| line.strip_prefix("remaining battery =")?.strip_suffix(" mv"));
    let battery = of("BAT:").or_else(|| old_battery?.parse::<f64>().ok().map(|millivolts| millivolts / 1000.0))?;
    let current = of("IDC_Input:").filter(|current| *current <= CURRENT_MAX)?;
    Some(format!("{battery:.3} V, {current:.3} mA, {:.3} V", of("VDC_Input:")?))
}

/// The number in `[123]KEY:9.216 mA`.
fn value(line: &str) -> f64 {
    let number = line.rsplit(':').next().unwrap().split(' ').next().unwrap();
    number.parse().unwrap()
}
