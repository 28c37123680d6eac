//! Plays the host: types its lines at a port and holds what the device says against the transcript.

use std::path::PathBuf;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::{Difference, ReplayError};
use crate::control::socket::ask;
use crate::record::CHARACTER;
use crate::serial::{SerialError, SerialPort};
use crate::transcript::{Match, Pattern, Start, Step, host_bytes};

/// The rest of a line that is wrong comes within this time.
const REST_OF_LINE: Duration = Duration::from_millis(100);

/// The host's side of a transcript, at somebody's port.
#[derive(Debug)]
pub(crate) struct HostSide {
    /// The device's port.
    pub(crate) port: SerialPort,
    /// The control socket of the simulator behind it.
    pub(crate) control: Option<PathBuf>,
    /// Typed first, when the transcript begins unlocked.
    pub(crate) pin: Option<String>,
    /// How long the device may be quiet where it should speak.
    pub(crate) patience: Duration,
    /// Adapter, operating system and a busy machine come on top of the device's own time.
    pub(crate) slack: Duration,
    /// The device's time runs that many times faster.
    pub(crate) speed: f64,
    /// What the device said and no step has used yet.
    pub(crate) heard: Vec<u8>,
    /// End of the step before.
    pub(crate) since: Instant,
}

impl HostSide {
    /// Brings the device into the transcript's first state, as far as it was said how.
    pub(crate) async fn start(&mut self, start: Start) -> Result<(), ReplayError> {
        match (start, self.control.clone(), self.pin.clone()) {
            (Start::Powered, Some(_), _) => self.tell("power-cut 0").await?,
            (Start::Unlocked, _, Some(pin)) => {
                self.write(format!("{pin}\r").as_bytes()).await?;
                self.listen_for(b"Password Correct\r\n").await?;
            }
            _ => {}
        }
        self.since = Instant::now();
        Ok(())
    }

    /// Plays or checks one step; `next` is the one behind it, which may say how long this one takes.
    pub(crate) async fn step(&mut self, step: &Step, next: Option<&Step>) -> Result<(), ReplayError> {
        match step {
            Step::Host(line) => self.write(&host_bytes(line)).await,
            Step::Device(pattern) => {
                self.expect(pattern, self.patience_for(next)).await?;
                if !matches!(next, Some(Step::Within(..))) {
                    self.since = Instant::now();
                }
                Ok(())
            }
            // Checked together with the words.
            Step::Within(from, to) => self.judge_time(*from, *to),
            Step::Told(command) if self.control.is_none() => Err(ReplayError::Untold(command.clone())),
            Step::Told(command) => self.tell(&command.to_string()).await,
            Step::Silence(time) => self.silence(self.real(*time)).await,
            Step::Pass(time) => {
                self.since += self.real(*time);
                self.listen_until(self.since).await?;
                self.heard.clear();
                Ok(())
            }
        }
    }

    async fn tell(&self, command: &str) -> Result<(), ReplayError> {
        let Some(socket) = &self.control else { return Ok(()) };
        let refused = |reason| ReplayError::Refused { command: command.to_owned(), reason };
        ask(socket, command).await?.map(drop).map_err(refused)
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), ReplayError> {
        self.port.write_all(bytes).await?;
        self.since = Instant::now() + self.real(CHARACTER).mul_f64(bytes.len() as f64);
        Ok(())
    }

    async fn expect(&mut self, pattern: &Pattern, patience: Duration) -> Result<(), ReplayError> {
        let different = |difference| Err(ReplayError::Different(difference));
        let mut last = Instant::now();
        loop {
            let (who, expected) = ("device", || pattern.sample());
            match pattern.compare(&self.heard) {
                Match::Complete(count) => {
                    self.heard.drain(..count);
                    return Ok(());
                }
                Match::Mismatch(at) => {
                    self.listen_until(Instant::now() + REST_OF_LINE).await?;
                    let got = std::mem::take(&mut self.heard);
                    return different(Difference::Bytes { who, expected: expected(), got, at });
                }
                Match::Partial => {}
            }
            if !self.listen_until_heard(last.max(self.since) + patience).await? {
                let got = std::mem::take(&mut self.heard);
                return different(Difference::Missing { who, expected: expected(), got, waited: patience });
            }
            last = Instant::now();
        }
    }

    /// The words have just come. Exact times are those of a recording: a device is not that regular.
    fn judge_time(&mut self, from: Duration, to: Duration) -> Result<(), ReplayError> {
        let taken = Instant::now().saturating_duration_since(self.since);
        self.since = Instant::now();
        let (earliest, latest) = (self.real(from).saturating_sub(self.slack), self.real(to) + self.slack);
        if from == to || (earliest..=latest).contains(&taken) {
            return Ok(());
        }
        Err(ReplayError::Different(Difference::Time { taken: taken.mul_f64(self.speed), from, to }))
    }

    async fn silence(&mut self, time: Duration) -> Result<(), ReplayError> {
        self.listen_until(Instant::now() + time).await?;
        self.since = Instant::now();
        let got = std::mem::take(&mut self.heard);
        if got.is_empty() { Ok(()) } else { Err(ReplayError::Different(Difference::Unexpected { got })) }
    }

    async fn listen_for(&mut self, wanted: &[u8]) -> Result<(), ReplayError> {
        let deadline = Instant::now() + self.patience;
        while !self.heard.ends_with(wanted) {
            if !self.listen_until_heard(deadline).await? {
                let (expected, got) = (wanted.to_vec(), std::mem::take(&mut self.heard));
                let missing = Difference::Missing { who: "device", expected, got, waited: self.patience };
                return Err(ReplayError::Different(missing));
            }
        }
        self.heard.clear();
        Ok(())
    }

    async fn listen_until(&mut self, time: Instant) -> Result<(), SerialError> {
        while self.listen_until_heard(time).await? {}
        Ok(())
    }

    /// Whether something was heard in time.
    async fn listen_until_heard(&mut self, time: Instant) -> Result<bool, SerialError> {
        let mut buffer = [0; 256];
        match timeout_at(time, self.port.read(&mut buffer)).await {
            Ok(count) => self.heard.extend(&buffer[..count?]),
            Err(_elapsed) => return Ok(false),
        }
        Ok(true)
    }

    fn patience_for(&self, next: Option<&Step>) -> Duration {
        match next {
            Some(Step::Within(_, to)) => self.patience + self.real(*to),
            _ => self.patience,
        }
    }

    fn real(&self, time: Duration) -> Duration {
        time.div_f64(self.speed)
    }
}
