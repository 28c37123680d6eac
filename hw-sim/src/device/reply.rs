//! From an answer to the steps that give it: latency, exact reply block, and the wiping of the buffer at the end
//! (device reference sections 5.2 and 5.3).

use rand::rngs::StdRng;

use super::catalogue::Entry;
use super::check::Refusal;
use super::command::Answer;
use super::controls::deep_sleep_steps;
use super::latency::{before_print, draw};
use super::measurement;
use super::settings::{Change, Settings};
use super::step::{Action, Purpose, Step};
use crate::profile::{LatencyRange, Profile, Quirk};

/// Ends every successful command.
const OK: &[u8] = b"\r\nOK\r\n\r\n";
/// Ends a set that failed its check: one CR LF less than OK.
const PARAM_ERROR: &[u8] = b"\r\nAT_PARAM_ERROR\r\n";
/// Characters of `[n]`, CR and LF around a log line's text, as long as the uptime has five digits.
const EVENT_CHARACTERS: usize = 9;
/// Characters of six measurement lines and an OK block.
const MEASUREMENT_CHARACTERS: usize = 135;

/// A notice is out after this, its OK after the flash write.
const NOTICE_MS: u64 = 200;

/// Makes the steps of one command.
pub(super) struct Replier<'a> {
    pub(super) profile: &'a Profile,
    pub(super) settings: &'a Settings,
    pub(super) rng: &'a mut StdRng,
}

impl Replier<'_> {
    /// While locked every line is a password, right or wrong.
    pub(super) fn password(mut self, line: &str) -> Vec<Step> {
        let correct = line == self.settings.password();
        let text = if correct { "Password Correct" } else { "Password Incorrect" };
        let mut steps = vec![self.think(self.profile.latency_ms.query, text.len() + EVENT_CHARACTERS)];
        steps.extend(correct.then_some(Step::Act(Action::Unlock)));
        steps.extend([Step::Event(text.to_owned()), Step::Act(Action::ClearInput)]);
        steps
    }

    /// The reply of an unlocked console.
    pub(super) fn reply(mut self, answer: Answer, line: &str) -> Vec<Step> {
        let mut steps = self.steps(answer, line);
        steps.push(Step::Act(Action::ClearInput));
        steps
    }

    fn steps(&mut self, answer: Answer, line: &str) -> Vec<Step> {
        let latency = &self.profile.latency_ms;
        match answer {
            Answer::Done => self.value(""),
            Answer::Value(value) => self.value(&format!("{value}\r\n")),
            Answer::Notice(notice) => self.value(notice),
            Answer::Help(commands) => self.help(&commands),
            Answer::Store(notice, change) => self.store(notice, Action::Store(change)),
            Answer::SetClock(unix_s) => self.store(None, Action::SetClock(unix_s)),
            Answer::ParamError(refusal, name) => self.refuse(refusal, name),
            Answer::Config(lines) => self.config(&lines),
            Answer::Measure => self.measure(),
            Answer::Uplink => [self.value(""), vec![Step::Act(Action::RequestUplink)]].concat(),
            Answer::PrintHistory => self.act_and_ok(latency.query, Action::PrintHistory),
            Answer::ClearHistory => self.act_and_ok(latency.history, Action::ClearHistory),
            Answer::PrintLog => self.act_and_ok(latency.query, Action::PrintLog),
            Answer::ClearLog => self.act_and_ok(latency.history, Action::ClearLog),
            Answer::ToggleDebug => self.act_and_ok(latency.query, Action::ToggleDebug),
            Answer::ToggleModem => self.act_and_ok(latency.query, Action::ToggleModem),
            Answer::Sleep => self.fall_asleep(),
            Answer::Wake => self.wait_then(latency.restart, Action::WakeUp),
            Answer::Restart => self.wait_then(latency.restart, Action::WakeUp),
            Answer::FactoryReset(keeps_password) => self.factory_reset(keeps_password),
            Answer::Modem => self.wait_then(latency.modem_stall, Action::AskModem(line.to_owned())),
        }
    }

    /// A value line, or nothing, with its OK in one print: no log line can come between.
    fn value(&mut self, line: &str) -> Vec<Step> {
        let bytes = [line.as_bytes(), OK].concat();
        vec![self.think(self.profile.latency_ms.query, bytes.len()), Step::Print(bytes)]
    }

    fn help(&mut self, commands: &[Entry]) -> Vec<Step> {
        let lines: Vec<String> =
            commands.iter().map(|command| format!("{:<11}: {}", command.name(), command.help())).collect();
        let characters = lines.iter().map(|line| line.len() + EVENT_CHARACTERS).sum::<usize>() + OK.len();
        let mut steps = vec![self.think(self.profile.latency_ms.query, characters)];
        steps.extend(lines.into_iter().map(Step::Event));
        steps.push(Step::Print(OK.to_vec()));
        steps
    }

    /// The notice comes at once, the OK after the flash write.
    fn store(&mut self, notice: Option<&str>, action: Action) -> Vec<Step> {
        let latency = self.profile.latency_ms.set;
        let ok = vec![Step::Act(action), Step::Print(OK.to_vec())];
        let Some(notice) = notice else { return [vec![self.think(latency, OK.len())], ok].concat() };
        let first = self.think(LatencyRange(NOTICE_MS, NOTICE_MS), notice.len());
        let LatencyRange(lowest_ms, highest_ms) = latency;
        let wait = self.think(LatencyRange(lowest_ms - NOTICE_MS, highest_ms - NOTICE_MS), OK.len());
        [vec![first, Step::Print(notice.as_bytes().to_vec()), wait], ok].concat()
    }

    fn refuse(&mut self, refusal: Refusal, name: &'static str) -> Vec<Step> {
        let bytes = [refusal.notice.unwrap_or_default().as_bytes(), PARAM_ERROR].concat();
        let mut steps = vec![self.think(self.profile.latency_ms.param_error, bytes.len()), Step::Print(bytes)];
        steps.extend(refusal.kept.map(|value| Step::Act(Action::Keep(Change { name, value }))));
        steps
    }

    /// One print: no log line can come between.
    fn config(&mut self, lines: &[String]) -> Vec<Step> {
        let text: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
        let bytes = [b"\r\n", text.as_bytes(), OK].concat();
        vec![self.think(self.profile.latency_ms.config, bytes.len()), Step::Print(bytes)]
    }

    fn act_and_ok(&mut self, latency: LatencyRange, action: Action) -> Vec<Step> {
        vec![self.think(latency, OK.len()), Step::Act(action), Step::Print(OK.to_vec())]
    }

    fn fall_asleep(&mut self) -> Vec<Step> {
        let mut steps = vec![self.think(self.profile.latency_ms.query, OK.len())];
        steps.extend(deep_sleep_steps(self.profile));
        steps.push(Step::Print(OK.to_vec()));
        steps
    }

    /// Without a word, unless quirk Q16 is off for the one that keeps the password.
    fn factory_reset(&mut self, keeps_password: bool) -> Vec<Step> {
        let says_ok = keeps_password && !self.profile.has(Quirk::QuietFactoryReset);
        let mut steps = if says_ok { self.value("") } else { Vec::new() };
        steps.extend(self.wait_then(self.profile.latency_ms.restart, Action::FactoryReset(keeps_password)));
        steps
    }

    fn measure(&mut self) -> Vec<Step> {
        let mut steps = vec![self.think(self.profile.latency_ms.measure, MEASUREMENT_CHARACTERS)];
        steps.extend(measurement::steps(self.settings, Purpose::Regular));
        steps.extend([Step::Act(Action::PrintMeasurement), Step::Print(OK.to_vec())]);
        steps
    }

    fn wait_then(&mut self, range: LatencyRange, action: Action) -> Vec<Step> {
        vec![Step::Wait(draw(self.rng, range)), Step::Act(action)]
    }

    fn think(&mut self, range: LatencyRange, characters: usize) -> Step {
        Step::Wait(before_print(self.rng, range, characters))
    }
}
