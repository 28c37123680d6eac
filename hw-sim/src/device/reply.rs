//! From an answer to the steps that give it: latency, exact reply block, and the wiping of the buffer at the end
//! (device reference sections 5.2 and 5.3).

use rand::rngs::StdRng;

use super::command::{Answer, Command};
use super::latency::{before_print, draw};
use super::measurement;
use super::settings::{Change, Settings};
use super::step::{Action, Cause, Purpose, Step};
use crate::profile::{LatencyRange, Profile};

/// Ends every successful command.
const OK: &[u8] = b"\r\nOK\r\n\r\n";
/// Ends a set that failed its check: one CR LF less than OK.
const PARAM_ERROR: &[u8] = b"\r\nAT_PARAM_ERROR\r\n";
/// Characters of `[n]`, CR and LF around a log line's text, as long as the uptime has five digits.
const EVENT_CHARACTERS: usize = 9;
/// Characters of six measurement lines and an OK block.
const MEASUREMENT_CHARACTERS: usize = 135;

/// Makes the steps of one command.
pub(super) struct Replier<'a> {
    pub(super) profile: &'a Profile,
    pub(super) settings: &'a Settings,
    pub(super) rng: &'a mut StdRng,
}

impl Replier<'_> {
    /// While locked every line is a password, right or wrong.
    pub(super) fn password(mut self, line: &str) -> Vec<Step> {
        let correct = line == self.settings.pin;
        let text = if correct { "Password Correct" } else { "Password Incorrect" };
        let mut steps = vec![self.think(self.profile.latency_ms.query, text.len() + EVENT_CHARACTERS)];
        steps.extend(correct.then_some(Step::Act(Action::Unlock)));
        steps.extend([Step::Event(text.to_owned()), Step::Act(Action::ClearInput)]);
        steps
    }

    /// The reply of an unlocked console.
    pub(super) fn reply(mut self, answer: Answer, line: &str) -> Vec<Step> {
        let mut steps = match answer {
            Answer::Done => self.value(""),
            Answer::Value(value) => self.value(&format!("{value}\r\n")),
            Answer::Help(commands) => self.help(&commands),
            Answer::Store(change) => self.store(change),
            Answer::ParamError => {
                let latency = self.think(self.profile.latency_ms.param_error, PARAM_ERROR.len());
                vec![latency, Step::Print(PARAM_ERROR.to_vec())]
            }
            Answer::Measure => self.measure(),
            Answer::Uplink => [self.value(""), vec![Step::Act(Action::RequestUplink)]].concat(),
            Answer::Restart => self.wait_then(self.profile.latency_ms.restart, Action::Restart(Cause::Software)),
            Answer::Modem => self.wait_then(self.profile.latency_ms.modem_stall, Action::AskModem(line.to_owned())),
        };
        steps.push(Step::Act(Action::ClearInput));
        steps
    }

    /// A value line, or nothing, with its OK in one print: no log line can come between.
    fn value(&mut self, line: &str) -> Vec<Step> {
        let bytes = [line.as_bytes(), OK].concat();
        vec![self.think(self.profile.latency_ms.query, bytes.len()), Step::Print(bytes)]
    }

    fn help(&mut self, commands: &[Command]) -> Vec<Step> {
        let lines: Vec<String> =
            commands.iter().map(|command| format!("{:<11}: {}", command.name(), command.help())).collect();
        let characters = lines.iter().map(|line| line.len() + EVENT_CHARACTERS).sum::<usize>() + OK.len();
        let mut steps = vec![self.think(self.profile.latency_ms.query, characters)];
        steps.extend(lines.into_iter().map(Step::Event));
        steps.push(Step::Print(OK.to_vec()));
        steps
    }

    fn store(&mut self, change: Change) -> Vec<Step> {
        let latency = self.think(self.profile.latency_ms.set, OK.len());
        vec![latency, Step::Act(Action::Store(change)), Step::Print(OK.to_vec())]
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
