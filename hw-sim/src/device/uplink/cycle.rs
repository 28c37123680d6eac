//! From a sleeping modem to an attached one, and back.

use std::time::Duration;

use rand::RngExt;

use super::{Job, Part, Phase, Request};
use crate::device::network::Network;
use crate::device::owner::Device;
use crate::device::payload::dbm;
use crate::device::step::{Action, Step};
use crate::profile::{BootText, NetworkLine, Quirk};

/// The modem's own start; the console is served meanwhile.
const MODEM_START: Duration = Duration::from_secs(8);
/// The same of PS-CB's modem.
const CB_MODEM_START: Duration = Duration::from_millis(9_300);
/// PS-CB's modem was switched off; it is ready so long after its power is on.
const CB_READY: Duration = Duration::from_millis(700);
/// Each step of the modem costs the loop's delay of one second and a little of the modem's own time.
const MODEM_STEP_MS: (u64, u64) = (1_000, 1_600);
/// The same of PS-CB, line to line 1.3 to 1.6 s.
const CB_MODEM_STEP_MS: (u64, u64) = (1_260, 1_540);
/// A modem that does not answer is asked again after this.
const RESPONSE_WAIT: Duration = Duration::from_millis(1_930);
/// So many times, then it is restarted.
const ERRORS_MAX: u32 = 6;
/// Restarts until it is given up.
const RESTARTS_MAX: u32 = 3;
/// Between two looks for a cell.
const SEARCH_EVERY: Duration = Duration::from_secs(10);
/// What the modem calls no signal.
pub(in crate::device) const NO_SIGNAL: u8 = 99;
/// The invented address that every name resolves to.
const RESOLVED_IP: &str = "198.51.100.27";

impl Device {
    /// First work after a boot.
    pub(in crate::device) fn boot_job(&self) -> Job {
        let start = if self.is_cb() { CB_MODEM_START } else { MODEM_START };
        Job::new(Phase::Respond, self.clock + start, Request::default())
    }

    /// A later uplink.
    pub(in crate::device) fn cycle_job(&self, request: Request) -> Job {
        Job::new(Phase::Wake, self.clock, request)
    }

    pub(in crate::device) fn part(&mut self, phase: Phase) -> Part {
        match phase {
            Phase::Respond => self.respond(),
            Phase::Echo => {
                let next = if self.is_cb() { Phase::Model } else { Phase::DeepSleepUrc };
                self.says("Echo mode turned off successfully.", next)
            }
            Phase::DeepSleepUrc => self.says("Disable the reporting of deep sleep event URC.", Phase::Model),
            Phase::Model => self.says(format!("Model information:{}.", self.profile.modem_model), Phase::Imei),
            Phase::Imei => self.says(format!("The IMEI number is:{}.", self.imei), Phase::Sim),
            Phase::Sim => self.sim(),
            Phase::DataFormat => self.says("Set the data format for sending and receiving.", Phase::Bands),
            Phase::Bands => self.says("Currently set frequency band:3,5,8,20,28", Phase::Apn),
            Phase::Apn => self.apn(),
            Phase::Wake => self.exit_sleep(),
            Phase::Signal => self.signal(),
            Phase::Information => self.information(),
            Phase::PowerSaving => self.says("PSM mode configured ", Phase::Dns),
            Phase::Dns => self.dns(),
            Phase::Resolve => self.resolve(),
            Phase::Sleep => self.sleep(),
            _ => self.upload_part(phase),
        }
    }

    fn respond(&mut self) -> Part {
        if self.network != Network::NoResponse {
            let steps = vec![Step::Act(Action::ModemOn), Step::Event("NBIOT has responded.".to_owned())];
            let blocks = self.profile.has(Quirk::LateReplies);
            let pause = if blocks { Duration::ZERO } else { Duration::from_millis(MODEM_STEP_MS.0) };
            return Part { steps, pause, next: Some(Phase::Echo) };
        }
        let Some(job) = &mut self.memory.job else { return self.end_of_job() };
        job.errors += 1;
        if job.errors <= ERRORS_MAX {
            return self.waits(RESPONSE_WAIT, "NBIOT did not respond.", Some(Phase::Respond));
        }
        (job.errors, job.restarts) = (0, job.restarts + 1);
        let again = job.restarts < RESTARTS_MAX;
        let mut part = self.waits(RESPONSE_WAIT, "Restart the module...", again.then_some(Phase::Respond));
        part.steps.extend([Step::Wait(RESPONSE_WAIT), Step::Event("No response when shutting down".to_owned())]);
        part.steps.extend((!again).then_some(Step::Act(Action::AttachFailed)));
        part
    }

    fn sim(&mut self) -> Part {
        if self.network != Network::NoSim {
            let next = if self.is_cb() { Phase::Bands } else { Phase::DataFormat };
            return self.says(format!("The IMSI number is:{}.", self.imsi()), next);
        }
        let next = if self.profile.blocks_without_sim { Phase::UploadStart } else { Phase::Sleep };
        let mut part = self.says("Failed to read IMSI number.", next);
        part.steps.extend((next == Phase::Sleep).then_some(Step::Act(Action::AttachFailed)));
        part
    }

    fn apn(&mut self) -> Part {
        match self.network {
            Network::ApnFails => self.gives_up("Failed to set APN"),
            _ => self.says("Set APN successfully", Phase::Signal),
        }
    }

    /// PS-CB switches its modem off between uplinks and starts it anew. What failed at the boot is tried again.
    fn exit_sleep(&mut self) -> Part {
        let next = match self.network {
            Network::NoResponse => return self.respond(),
            Network::NoSim => Phase::Sim,
            Network::ApnFails => Phase::Apn,
            _ => Phase::Signal,
        };
        let mut part = match self.profile.boot_text {
            BootText::Nb => self.says("Exit sleep mode", next),
            BootText::Cb => self.says("Echo mode turned off successfully.", next),
        };
        let ready = || vec![Step::Wait(CB_READY), Step::Print(b"RDY\r\n".to_vec())];
        let ready = if self.is_cb() { ready() } else { Vec::new() };
        part.steps.splice(0..0, ready.into_iter().chain([Step::Act(Action::ModemOn)]));
        part
    }

    fn signal(&mut self) -> Part {
        let csq = self.csq();
        let line = format!("Signal Strength:{csq}");
        if csq != NO_SIGNAL {
            (self.memory.cycles_without_signal, self.memory.failed_attaches) = (0, 0);
            self.memory.last_csq = csq;
            return self.says(line, Phase::Information);
        }
        let (now, limit) = (self.clock, self.settings.attach_time());
        let Some(job) = &mut self.memory.job else { return self.end_of_job() };
        let since = *job.searching_since.get_or_insert(now);
        if now - since < limit {
            let mut part = self.says(line, Phase::Signal);
            part.pause = SEARCH_EVERY.saturating_sub(Duration::from_millis(MODEM_STEP_MS.0));
            return part;
        }
        self.memory.cycles_without_signal += 1;
        self.gives_up("Turn off the module receiving and sending RF function.")
    }

    fn information(&mut self) -> Part {
        let network = match self.profile.network_line {
            NetworkLine::Rssi => {
                let rssi = dbm(self.memory.last_csq).unwrap_or_default();
                format!("\"RSSI:{rssi}\",\"SINR:11\",\"BAND:20\"")
            }
            NetworkLine::Operator => "\"eMTC\",\"42402\",\"LTE BAND 20\",6300".to_owned(),
            NetworkLine::None => String::new(),
        };
        let mut part = self.says(format!("Network Information:{network}"), Phase::PowerSaving);
        if self.profile.network_line == NetworkLine::None {
            part.steps.pop();
        }
        part.steps.push(match self.network {
            Network::TimeFails => Step::Event("Failed to get time".to_owned()),
            _ => Step::Act(Action::SynchroniseClock),
        });
        part
    }

    /// With `AT+GDNS=1` the modem gets the name as it is.
    fn dns(&mut self) -> Part {
        let in_advance = self.settings.text("AT+GDNS") != "1";
        let by_name = in_advance && self.settings.server().is_some_and(|(host, _)| !is_ip(host));
        match (self.network, by_name) {
            (Network::DnsFailure, false) => self.says("DNS configuration failed", Phase::UploadStart),
            (_, true) => self.says("DNS configuration is successful", Phase::Resolve),
            (_, false) => {
                let mut part = self.says("DNS configuration is successful", Phase::UploadStart);
                part.steps.push(Step::Event("No DNS resolution required".to_owned()));
                part
            }
        }
    }

    fn resolve(&mut self) -> Part {
        if self.network == Network::DnsFailure {
            let mut part = self.gives_up("Domain name resolution failed");
            part.steps.insert(0, Step::Event("Resolving domain name...".to_owned()));
            return part;
        }
        let mut part = self.says(format!("Domain IP:{RESOLVED_IP}"), Phase::UploadStart);
        part.steps.insert(0, Step::Event("Resolving domain name...".to_owned()));
        let port = self.settings.server().map_or("", |(_, port)| port);
        part.steps.push(Step::Act(Action::Resolved(format!("({RESOLVED_IP},{port})"))));
        part
    }

    fn sleep(&mut self) -> Part {
        let mut part = match self.profile.boot_text {
            BootText::Nb => self.says("Enter sleep mode", Phase::Sleep),
            BootText::Cb => {
                let mut part = self.says("Closing NB module...", Phase::Sleep);
                part.steps.push(Step::Event("NB module power-off successful.".to_owned()));
                part
            }
        };
        part.steps.push(Step::Act(Action::ModemOff));
        part.next = None;
        part
    }

    /// A log line at the end of a modem step. The processor blocks in the step, which is quirk Q2.
    pub(super) fn says(&mut self, line: impl Into<String>, next: Phase) -> Part {
        let (from, to) = if self.is_cb() { CB_MODEM_STEP_MS } else { MODEM_STEP_MS };
        let time = Duration::from_millis(self.rng.random_range(from..=to));
        self.waits(time, line, Some(next))
    }

    pub(super) fn waits(&self, time: Duration, line: impl Into<String>, next: Option<Phase>) -> Part {
        let line = Step::Event(line.into());
        if self.profile.has(Quirk::LateReplies) {
            return Part { steps: vec![Step::Wait(time), line], pause: Duration::ZERO, next };
        }
        Part { steps: vec![line], pause: time, next }
    }

    pub(super) fn is_cb(&self) -> bool {
        self.profile.boot_text == BootText::Cb
    }

    /// The attach failed: back to sleep, until the timer.
    fn gives_up(&mut self, line: &str) -> Part {
        let mut part = self.says(line, Phase::Sleep);
        part.steps.push(Step::Act(Action::AttachFailed));
        part
    }

    fn end_of_job(&self) -> Part {
        Part { steps: Vec::new(), pause: Duration::ZERO, next: None }
    }
}

/// Four numbers with points between them.
fn is_ip(host: &str) -> bool {
    let numbers = host.split('.').map(str::parse::<u8>);
    numbers.clone().count() == 4 && numbers.into_iter().all(|number| number.is_ok())
}
