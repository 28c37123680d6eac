//! From a control line to what it does to a running sensor: the only place that knows the words.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;

use crate::live::LiveDevice;

/// The commands, as an error or `help` lists them.
const COMMANDS: &str = "unplug, replug [PATH], power-cut [SECONDS], silence on|off, set pin PIN, status, help";
/// Supply off, when `power-cut` does not say how long.
const POWER_CUT: Duration = Duration::from_secs(2);
/// A day without supply is a long test.
const POWER_CUT_MAX_S: f64 = 86_400.0;

impl LiveDevice {
    /// Carries out one control line. Answer and refusal are one line of text.
    pub(crate) fn obey(&mut self, line: &str) -> Result<String, String> {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["unplug"] => self.unplug(),
            ["replug"] => self.plug(None)?,
            ["replug", path] => self.plug(Some(path.into()))?,
            ["power-cut"] => self.cut_power(POWER_CUT),
            ["power-cut", seconds] => self.cut_power(power_cut_time(seconds)?),
            ["silence", "on"] => self.silent = true,
            ["silence", "off"] => self.silent = false,
            ["set", "pin", pin] if self.device.set_pin(pin) => {}
            ["set", "pin", pin] => return Err(format!("a PIN has 1 to 8 lower-case letters or digits, got `{pin}`")),
            ["status"] => return Ok(self.status()),
            ["help"] => return Ok(COMMANDS.to_owned()),
            _ => return Err(format!("unknown command `{line}`; known: {COMMANDS}")),
        }
        Ok(String::new())
    }

    fn plug(&mut self, link: Option<PathBuf>) -> Result<(), String> {
        // An error's first paragraph says what is wrong; the hint does not fit into one line.
        self.replug(link).map_err(|error| error.to_string().lines().next().unwrap_or_default().to_owned())
    }

    fn cut_power(&mut self, time: Duration) {
        let now = self.now();
        self.device.power_off(now);
        self.power_returns = Some(now + time);
    }

    fn status(&mut self) -> String {
        let now = self.now();
        self.device.advance(now);
        json!({
            "imei": self.device.imei().as_str(),
            "profile": self.device.profile().name,
            "locked": !self.device.is_unlocked(),
            "modem_awake": self.device.modem_is_awake(),
            "device_time_s": now.as_secs_f64(),
            "true_temperature_c": self.device.true_temperature(),
            "powered": self.power_returns.is_none(),
            "plugged": self.port.is_some(),
            "silent": self.silent,
            "link": self.link.display().to_string(),
        })
        .to_string()
    }
}

fn power_cut_time(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().filter(|seconds| (0.0..=POWER_CUT_MAX_S).contains(seconds));
    seconds
        .map(Duration::from_secs_f64)
        .ok_or_else(|| format!("a power cut lasts 0 to {POWER_CUT_MAX_S} seconds, got `{text}`"))
}
