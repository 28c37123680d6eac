//! Plays the device: waits for the host's lines and answers with the bytes of the transcript at their times.

use std::path::Path;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::{Difference, ReplayError};
use crate::pty::{Port, PortError};
use crate::record::CHARACTER;
use crate::transcript::{Pattern, Step, host_bytes};

/// What an adapter hands over at once; smaller than what it can hold of 16 ms at 9600 baud.
const CHUNK_BYTES: usize = 16;
/// A host's line without an end is judged when it is longer than any.
const LINE_BYTES_MAX: usize = 4096;

/// The device's side of a transcript, on a port of ours.
#[derive(Debug)]
pub(crate) struct DeviceSide {
    port: Port,
    speed: f64,
    /// What the host said and no step has used yet.
    heard: Vec<u8>,
    since: Instant,
}

impl DeviceSide {
    /// Makes the port. Times are divided by `speed`. Needs a tokio runtime.
    pub(crate) fn open(link: &Path, speed: f64) -> Result<Self, PortError> {
        Ok(Self { port: Port::open(link)?, speed, heard: Vec::new(), since: Instant::now() })
    }

    /// Waits for a client: what nobody hears is lost.
    pub(crate) async fn client(&mut self) -> Result<(), ReplayError> {
        self.port.client().await?;
        self.since = Instant::now();
        Ok(())
    }

    /// Plays one step; `next` is the one behind it, which may say when this one ends.
    pub(crate) async fn step(&mut self, step: &Step, next: Option<&Step>) -> Result<(), ReplayError> {
        match (step, next) {
            (Step::Host(line), _) => self.expect(line).await,
            (Step::Device(pattern), Some(Step::Within(from, to))) => self.say(pattern, (*from + *to) / 2).await,
            (Step::Device(pattern), _) => self.say(pattern, Duration::ZERO).await,
            // Before a host line it is the host who waits.
            (Step::Silence(time) | Step::Pass(time), _) => {
                self.since += self.real(*time);
                Ok(())
            }
            // What the simulator was told shows in what it says.
            (Step::Within(..) | Step::Told(_), _) => Ok(()),
        }
    }

    /// Lets the client read what is left and go.
    pub(crate) async fn end(&mut self) -> Result<(), ReplayError> {
        Ok(self.port.no_client().await?)
    }

    async fn expect(&mut self, line: &str) -> Result<(), ReplayError> {
        let expected = host_bytes(line);
        let got = loop {
            if let Some(got) = self.take_line(&expected) {
                break got;
            }
            self.hear().await?;
        };
        // The end of the line is on its way for as long as the line is.
        let sending = self.real(CHARACTER).mul_f64(got.len() as f64);
        self.since = Instant::now() + sending;
        match different_at(&expected, &got) {
            None => Ok(()),
            Some(at) => Err(ReplayError::Different(Difference::Bytes { who: "host", expected, got, at })),
        }
    }

    /// The host's next line, when its end has come. Which of CR, LF and CR LF ends it is the host's choice.
    fn take_line(&mut self, expected: &[u8]) -> Option<Vec<u8>> {
        // The LF behind the CR of the line before.
        if self.heard.first() == Some(&b'\n') && !expected.starts_with(b"\n") {
            self.heard.remove(0);
        }
        let unfinished = !matches!(expected.last(), Some(b'\r' | b'\n'));
        let end = self.heard.iter().position(|byte| matches!(byte, b'\r' | b'\n')).map(|end| end + 1);
        let whole = unfinished && self.heard.len() >= expected.len();
        let length = end
            .or_else(|| whole.then_some(expected.len()))
            .or_else(|| (self.heard.len() > LINE_BYTES_MAX).then_some(LINE_BYTES_MAX))?;
        Some(self.heard.drain(..length).collect())
    }

    async fn hear(&mut self) -> Result<(), PortError> {
        let mut buffer = [0; 256];
        let count = self.port.read(&mut buffer).await?;
        self.heard.extend(&buffer[..count]);
        Ok(())
    }

    /// The last byte is sent `after` the step before, or as soon as the line can.
    async fn say(&mut self, pattern: &Pattern, after: Duration) -> Result<(), ReplayError> {
        let bytes = pattern.sample();
        let character = self.real(CHARACTER);
        let sending = character.mul_f64(bytes.len() as f64);
        let begin = (self.since + self.real(after).saturating_sub(sending)).max(Instant::now());
        let mut sent = 0;
        for chunk in bytes.chunks(CHUNK_BYTES) {
            sent += chunk.len();
            self.wait_until(begin + character.mul_f64(sent as f64)).await?;
            self.port.deliver(chunk)?;
        }
        self.since = begin + sending;
        Ok(())
    }

    /// The host may speak meanwhile, or go and come back.
    async fn wait_until(&mut self, time: Instant) -> Result<(), PortError> {
        while Instant::now() < time {
            tokio::select! {
                heard = self.hear() => heard?,
                () = sleep_until(time) => {}
            }
        }
        Ok(())
    }

    fn real(&self, time: Duration) -> Duration {
        time.div_f64(self.speed)
    }
}

/// Where the lines differ; their ends may.
fn different_at(expected: &[u8], got: &[u8]) -> Option<usize> {
    let [expected, got] = [expected, got].map(|line| {
        let end = line.iter().rposition(|byte| !matches!(byte, b'\r' | b'\n')).map_or(0, |last| last + 1);
        &line[..end]
    });
    let common = expected.iter().zip(got).take_while(|(expected, got)| expected == got).count();
    (common < expected.len() || common < got.len()).then_some(common)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_compared_without_their_ends() {
        assert_eq!(different_at(b"AT\r", b"AT\n"), None);
        assert_eq!(different_at(b"\r", b"\n"), None);
        assert_eq!(different_at(b"AT\r", b"ATZ\r"), Some(2));
        assert_eq!(different_at(b"ATZ\r", b"AT\r"), Some(2));
        assert_eq!(different_at(b"AT+TDC=?\r", b"AT+ROC=?\r"), Some(3));
    }
}
