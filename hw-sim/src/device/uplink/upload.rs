//! The upload itself: measurement, server, payload.

use std::time::Duration;

use rand::RngExt;

use super::{Part, Phase};
use crate::device::network::Network;
use crate::device::owner::Device;
use crate::device::settings::Protocol;
use crate::device::step::{Action, Purpose, Step};
use crate::profile::{BootText, Quirk};

/// An upload that fails is tried again so often.
const RESENDS_MAX: u32 = 3;
/// The loop's delay.
const STEP: Duration = Duration::from_secs(1);
/// How long a downlink is waited for.
const RECEIVE_WINDOW: Duration = Duration::from_secs(3);
/// PS-CB works longer than one step on these: from the sensor lines to the client, from there to the server, from there to
/// the upload's success, and from there to the subscription (section 8.3).
const CB_OPEN: Duration = Duration::from_millis(4_200);
const CB_CONNECT: Duration = Duration::from_millis(2_300);
const CB_UPLOAD: Duration = Duration::from_millis(4_200);
const CB_SUBSCRIBE: Duration = Duration::from_millis(2_300);
/// From the end of the receive window until PS-CB gives up closing, and from there to the modem's power.
const CB_CLOSE: Duration = Duration::from_millis(59_500);
const CB_POWER_OFF: Duration = Duration::from_millis(3_500);
/// One of so many uploads ends in `Failed to send` although it succeeded: quirk Q10.
const FAILED_TO_SEND_ONE_IN: u32 = 8;

impl Device {
    pub(super) fn upload_part(&mut self, phase: Phase) -> Part {
        match phase {
            Phase::UploadStart => self.upload_begins(),
            Phase::Measure => self.measure_and_print(),
            Phase::Open => self.open(),
            Phase::Connect => self.connect(),
            Phase::Subscribe => self.subscribe(),
            Phase::Upload => self.upload(),
            Phase::Sent => self.says("Datagram is sent by RF", Phase::Receive),
            Phase::Receive => self.receive(),
            Phase::Close => self.close(),
            Phase::CloseFails => self.close_fails(),
            Phase::Complete => self.complete(),
            _ => self.end(),
        }
    }

    fn upload_begins(&mut self) -> Part {
        let mut part = self.says("", Phase::Measure);
        part.steps.pop();
        part.steps.push(Step::Act(Action::UploadStart));
        part
    }

    fn measure_and_print(&mut self) -> Part {
        let measured = self.memory.job.as_ref().and_then(|job| job.request.measured);
        let first = measured.map_or(Action::Measure(Purpose::Regular), Action::Recall);
        let steps = [first, Action::PrintMeasurement, Action::ComposePayload].map(Step::Act).to_vec();
        let pause = self.cb_only(CB_OPEN);
        Part { steps, pause, next: Some(Phase::Open) }
    }

    fn cb_only(&self, pause: Duration) -> Duration {
        if self.profile.boot_text == BootText::Cb { pause } else { Duration::ZERO }
    }

    fn is_mqtt(&self) -> bool {
        self.memory.protocol == Protocol::Mqtt
    }

    /// Without a server's address nothing is opened.
    fn open(&mut self) -> Part {
        if self.settings.server().is_none() {
            let line = format!("{} parameter configuration error", self.memory.protocol.name());
            return self.says_and_ends(line);
        }
        match (self.is_mqtt(), self.network) {
            (false, Network::OpenFails | Network::ServerRefuses | Network::NoSim) => {
                self.says("Failed to open a Socket Service", Phase::End)
            }
            (true, Network::OpenFails | Network::NoSim) => {
                self.says("Failed to open the MQTT client network", Phase::End)
            }
            (false, _) => self.says("Open a Socket Service successfully", Phase::Upload),
            (true, _) => {
                let part = self.says("Opened the MQTT client network successfully", Phase::Connect);
                part.later(self.cb_only(CB_CONNECT))
            }
        }
    }

    /// -NB subscribes before the upload, PS-CB after it.
    fn connect(&mut self) -> Part {
        match (self.network, self.profile.boot_text) {
            (Network::ServerRefuses, _) => self.says("Failed to connect to server", Phase::End),
            (_, BootText::Nb) => self.says("Successfully connected to the server", Phase::Subscribe),
            (_, BootText::Cb) => self.says("Successfully connected to the server", Phase::Upload).later(CB_UPLOAD),
        }
    }

    fn subscribe(&mut self) -> Part {
        match (self.network, self.profile.boot_text) {
            (Network::SubscribeFails, _) => self.says("Failed to subscribe to topic", Phase::Close),
            (_, BootText::Nb) => self.says("Subscribe to topic successfully", Phase::Upload),
            (_, BootText::Cb) => self.says("Subscribe to topic successfully", Phase::Receive),
        }
    }

    fn upload(&mut self) -> Part {
        if self.network == Network::UploadFails {
            return self.upload_again();
        }
        self.feed_watchdog();
        self.keep_substitute();
        let next = match (self.is_mqtt(), self.profile.boot_text) {
            (false, _) => Phase::Sent,
            (true, BootText::Nb) => Phase::Receive,
            (true, BootText::Cb) => Phase::Subscribe,
        };
        self.says("Upload data successfully", next).later(self.cb_only(CB_SUBSCRIBE))
    }

    fn upload_again(&mut self) -> Part {
        let resends = self.memory.job.as_mut().map_or(RESENDS_MAX, |job| {
            job.resends += 1;
            job.resends
        });
        if resends > RESENDS_MAX {
            return self.says("Failed to send", Phase::End);
        }
        self.says("Failed to upload data,resend data", Phase::Upload)
    }

    fn receive(&mut self) -> Part {
        let window = RECEIVE_WINDOW + self.settings.extra_receive_time();
        Part { steps: Vec::new(), pause: window, next: Some(Phase::Close) }
    }

    /// On PS-CB it is the closing that fails after a success.
    fn close(&mut self) -> Part {
        if self.profile.boot_text == BootText::Cb && self.fails_after_success() {
            return Part { steps: Vec::new(), pause: CB_CLOSE, next: Some(Phase::CloseFails) };
        }
        self.says("Close the port successfully", Phase::Complete)
    }

    fn close_fails(&mut self) -> Part {
        let mut part = self.says_and_ends("Failed to close TCP connection");
        let more = [Step::Wait(STEP), Step::Event("Failed to send".to_owned()), Step::Wait(STEP)];
        let end = part.steps.len() - 2;
        part.steps.splice(end..end, more);
        part
    }

    fn complete(&mut self) -> Part {
        let fails = self.profile.boot_text == BootText::Nb && self.fails_after_success();
        self.says_and_ends(if fails { "Failed to send" } else { "Send complete" })
    }

    fn fails_after_success(&mut self) -> bool {
        self.profile.has(Quirk::FailedToSend) && self.rng.random_ratio(1, FAILED_TO_SEND_ONE_IN)
    }

    fn end(&mut self) -> Part {
        let steps = vec![Step::Event("*****End of upload*****".to_owned()), Step::Print(b"\r\n".to_vec())];
        Part { steps, pause: self.cb_only(CB_POWER_OFF), next: Some(Phase::Sleep) }
    }

    /// The last line and the end come as one.
    fn says_and_ends(&mut self, line: impl Into<String>) -> Part {
        let mut part = self.says(line, Phase::Sleep);
        part.steps.extend(self.end().steps);
        part.later(self.cb_only(CB_POWER_OFF))
    }
}
