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
/// How long a downlink is waited for.
const RECEIVE_WINDOW: Duration = Duration::from_secs(3);
/// What PS-CB's modem takes to open its network, and to have an upload acknowledged.
const CB_OPEN_MS: (u64, u64) = (5_200, 5_700);
/// What it takes to connect, and to subscribe.
const CB_CONNECT_MS: (u64, u64) = (3_300, 3_800);
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
            Phase::Close => self.says("Close the port successfully", Phase::Complete),
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
        Part { steps, pause: Duration::ZERO, next: Some(Phase::Open) }
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
            (true, _) => self.server_says(CB_OPEN_MS, "Opened the MQTT client network successfully", Phase::Connect),
        }
    }

    /// -NB subscribes before the upload, PS-CB after it.
    fn connect(&mut self) -> Part {
        match (self.network, self.profile.boot_text) {
            (Network::ServerRefuses, _) => self.says("Failed to connect to server", Phase::End),
            (_, BootText::Nb) => self.says("Successfully connected to the server", Phase::Subscribe),
            (_, BootText::Cb) => self.server_says(CB_CONNECT_MS, "Successfully connected to the server", Phase::Upload),
        }
    }

    fn subscribe(&mut self) -> Part {
        match (self.network, self.profile.boot_text) {
            (Network::SubscribeFails, _) => self.says("Failed to subscribe to topic", Phase::Close),
            (_, BootText::Nb) => self.says("Subscribe to topic successfully", Phase::Upload),
            (_, BootText::Cb) => self.server_says(CB_CONNECT_MS, "Subscribe to topic successfully", Phase::Receive),
        }
    }

    fn upload(&mut self) -> Part {
        if self.network == Network::UploadFails {
            return self.upload_again();
        }
        self.feed_watchdog();
        let next = match (self.is_mqtt(), self.profile.boot_text) {
            (false, _) => Phase::Sent,
            (true, BootText::Nb) => Phase::Receive,
            (true, BootText::Cb) => Phase::Subscribe,
        };
        self.server_says(CB_OPEN_MS, "Upload data successfully", next)
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

    fn complete(&mut self) -> Part {
        let fails = self.profile.has(Quirk::FailedToSend) && self.rng.random_ratio(1, FAILED_TO_SEND_ONE_IN);
        self.says_and_ends(if fails { "Failed to send" } else { "Send complete" })
    }

    fn end(&mut self) -> Part {
        let steps = vec![Step::Event("*****End of upload*****".to_owned()), Step::Print(b"\r\n".to_vec())];
        Part { steps, pause: Duration::ZERO, next: Some(Phase::Sleep) }
    }

    /// What takes PS-CB longer than a step of the modem.
    pub(super) fn server_says(&mut self, (from, to): (u64, u64), line: &str, next: Phase) -> Part {
        if !self.is_cb() {
            return self.says(line, next);
        }
        let time = Duration::from_millis(self.rng.random_range(from..=to));
        self.waits(time, line, Some(next))
    }

    /// The last line and the end come as one.
    fn says_and_ends(&mut self, line: impl Into<String>) -> Part {
        let mut part = self.says(line, Phase::Sleep);
        part.steps.extend(self.end().steps);
        part
    }
}
