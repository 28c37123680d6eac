//! The modem's work around an uplink, for a unit without SIM and without server (device reference section 8.2).
//!
//! A job is a row of parts. The processor blocks inside a part and looks at the console between two of them, so a
//! reply can come out between any two log lines and never within a part.

use std::collections::VecDeque;
use std::time::Duration;

use rand::RngExt;
use rand::rngs::StdRng;

use super::step::{Action, Purpose, Step, event_and_empty_line};
use crate::imei::Imei;
use crate::physics::Sample;
use crate::profile::Profile;

/// The modem's own start; the console is served meanwhile.
const MODEM_START: Duration = Duration::from_secs(8);
/// Each step of the modem costs the loop's delay of one second and a little of the modem's own time.
const MODEM_STEP_MS: (u64, u64) = (1_000, 1_600);

/// Modem work under way.
#[derive(Debug)]
pub(super) struct Job {
    parts: VecDeque<Part>,
    due: Duration,
}

/// Some time in which the console is served, then steps in which it is not.
#[derive(Debug)]
struct Part {
    pause: Duration,
    steps: Vec<Step>,
}

impl Job {
    fn new(parts: Vec<Part>, now: Duration) -> Self {
        let mut job = Self { parts: parts.into(), due: now };
        job.part_ended(now);
        job
    }

    /// When the next part wants to begin; none when the job is over.
    pub(super) fn due(&self) -> Option<Duration> {
        (!self.parts.is_empty()).then_some(self.due)
    }

    /// The steps of the part that is due.
    pub(super) fn next_part(&mut self) -> Vec<Step> {
        self.parts.pop_front().map(|part| part.steps).unwrap_or_default()
    }

    /// The part's last step is done: its successor's pause begins.
    pub(super) fn part_ended(&mut self, now: Duration) {
        self.due = now + self.parts.front().map_or(Duration::ZERO, |part| part.pause);
    }
}

/// Builds jobs.
pub(super) struct JobBuilder<'a> {
    pub(super) profile: &'a Profile,
    pub(super) rng: &'a mut StdRng,
    pub(super) now: Duration,
}

impl JobBuilder<'_> {
    /// First work after a boot: identify modem and SIM, then the first uplink.
    pub(super) fn boot(mut self, imei: &Imei) -> Job {
        let responded = vec![Step::Act(Action::ModemOn), Step::Event("NBIOT has responded.".to_owned())];
        let mut parts = vec![Part { pause: MODEM_START, steps: responded }];
        let texts = [
            "Echo mode turned off successfully.".to_owned(),
            "Disable the reporting of deep sleep event URC.".to_owned(),
            format!("Model information:{}.", self.profile.modem_model),
            format!("The IMEI number is:{imei}."),
            "Failed to read IMSI number.".to_owned(),
        ];
        parts.extend(texts.map(|text| self.modem_step([Step::Event(text)])));
        parts.extend(self.uplink(None));
        Job::new(parts, self.now)
    }

    /// A later uplink; `measured` when a check of report on change has its values already.
    pub(super) fn cycle(mut self, measured: Option<Sample>) -> Job {
        let wake = [Step::Act(Action::ModemOn), Step::Event("Exit sleep mode".to_owned())];
        let mut parts = vec![self.modem_step(wake)];
        parts.push(self.modem_step([Step::Event("Failed to read IMSI number.".to_owned())]));
        parts.extend(self.uplink(measured));
        Job::new(parts, self.now)
    }

    /// With a SIM or without, the modem sleeps in the end.
    fn uplink(&mut self, measured: Option<Sample>) -> Vec<Part> {
        let mut parts = if self.profile.blocks_without_sim {
            self.block(measured)
        } else {
            vec![part([Step::Act(Action::AttachFailed)])]
        };
        parts.push(self.modem_step([Step::Event("Enter sleep mode".to_owned()), Step::Act(Action::ModemOff)]));
        parts
    }

    /// The measurement is printed, then the upload fails for want of a server address.
    fn block(&mut self, measured: Option<Sample>) -> Vec<Part> {
        let mut lines = match measured {
            Some(sample) => vec![Step::Act(Action::Recall(sample))],
            None => vec![Step::Act(Action::Measure(Purpose::Regular))],
        };
        lines.push(Step::Act(Action::PrintMeasurement));
        let failed = format!("{} parameter configuration error", self.profile.protocol);
        let [end, empty_line] = event_and_empty_line("*****End of upload*****".to_owned());
        vec![
            self.modem_step([Step::Act(Action::UploadStart)]),
            part(lines),
            self.modem_step([Step::Event(failed), end, empty_line]),
        ]
    }

    fn modem_step(&mut self, steps: impl IntoIterator<Item = Step>) -> Part {
        let delay = Duration::from_millis(self.rng.random_range(MODEM_STEP_MS.0..=MODEM_STEP_MS.1));
        part([Step::Wait(delay)].into_iter().chain(steps))
    }
}

fn part(steps: impl IntoIterator<Item = Step>) -> Part {
    Part { pause: Duration::ZERO, steps: steps.into_iter().collect() }
}
