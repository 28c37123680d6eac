//! The line itself: bytes in and out, each bounded in time, lines handed on. Knows no command.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use super::error::DeviceError;
use crate::at::digest::{Digested, LineDigest};
use crate::at::line::Line;

/// How long the system may take to accept the bytes of a command. It buffers them, so real time, whatever the baud rate.
const WRITE_TIMEOUT: Duration = Duration::from_secs(2);
/// What stands for a line that was too long: text that is no value, and damages a block.
const OVERLONG: &[u8] = b"\n";
/// Bytes read at once: half a second of the line's.
const CHUNK_BYTES: usize = 512;

/// One end of the serial line.
pub(super) struct Link<Io> {
    io: Io,
    port: String,
    digest: LineDigest,
    unread: VecDeque<u8>,
    /// When the device last said something.
    heard_at: Option<Instant>,
}

impl<Io: AsyncRead + AsyncWrite + Unpin> Link<Io> {
    pub(super) fn new(io: Io, port: String) -> Self {
        Self { io, port, digest: LineDigest::default(), unread: VecDeque::new(), heard_at: None }
    }

    /// The port as configured, for messages.
    pub(super) fn port(&self) -> String {
        self.port.clone()
    }

    /// Waits until the device has been quiet for so long: while it prints, also the empty line behind its `OK`, it loses what
    /// is sent to it.
    pub(super) async fn take_turns(&self, turnaround: Duration) {
        if let Some(heard_at) = self.heard_at {
            sleep_until(heard_at + turnaround).await;
        }
    }

    /// Writes all bytes. Never flushes: on a serial port that waits inside the system until the line has drained.
    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<(), DeviceError> {
        match timeout(WRITE_TIMEOUT, self.io.write_all(bytes)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(self.unplugged(Some(error))),
            Err(_) => Err(DeviceError::WriteStuck { port: self.port(), within: WRITE_TIMEOUT }),
        }
    }

    /// The next line, or `None` at the deadline. A deadline, not a time-out per byte: dripping bytes do not stretch it.
    pub(super) async fn line(&mut self, deadline: Instant) -> Result<Option<Line>, DeviceError> {
        Ok(self.bytes(deadline).await?.map(|bytes| Line::classify(&bytes)))
    }

    /// The same before anything is made of it.
    pub(super) async fn bytes(&mut self, deadline: Instant) -> Result<Option<Vec<u8>>, DeviceError> {
        loop {
            while let Some(byte) = self.unread.pop_front() {
                match self.digest.push(byte) {
                    Digested::Incomplete => {}
                    Digested::Line(bytes) => return Ok(Some(bytes)),
                    Digested::Overlong => return Ok(Some(OVERLONG.to_vec())),
                }
            }
            // Asked here because bytes that are always there would keep the timer from ever being looked at.
            if Instant::now() >= deadline || !self.read(deadline).await? {
                return Ok(None);
            }
        }
    }

    /// Throws away what has arrived until nothing comes for `quiet`, at most until the deadline.
    pub(super) async fn discard(&mut self, quiet: Duration, deadline: Instant) -> Result<(), DeviceError> {
        while Instant::now() < deadline && self.read(deadline.min(Instant::now() + quiet)).await? {
            self.unread.clear();
        }
        self.digest.reset();
        Ok(())
    }

    /// Reads what is there; false at the deadline.
    async fn read(&mut self, deadline: Instant) -> Result<bool, DeviceError> {
        let mut chunk = [0; CHUNK_BYTES];
        let count = match timeout_at(deadline, self.io.read(&mut chunk)).await {
            Err(_) => return Ok(false),
            Ok(Ok(0)) => return Err(self.unplugged(None)),
            Ok(Ok(count)) => count,
            Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => return Ok(true),
            Ok(Err(error)) => return Err(self.unplugged(Some(error))),
        };
        self.heard_at = Some(Instant::now());
        self.unread.extend(&chunk[..count]);
        Ok(true)
    }

    fn unplugged(&self, source: Option<io::Error>) -> DeviceError {
        DeviceError::Unplugged { port: self.port(), source }
    }
}
