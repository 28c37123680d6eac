//! The place in the dialogue: what comes late must not be taken for the next answer.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::error::DeviceError;
use super::session::{ATTEMPTS, ATTENTION_TIMEOUT, Attempt, Session};
use crate::at::command::Command;
use crate::at::line::Line;
use crate::at::reply::ReplyCollector;

/// The line counts as quiet after this; lines of one output come at most some 100 ms apart.
const QUIET: Duration = Duration::from_millis(500);
/// How long to wait for quiet, at most: a device that never stops talking must not hold up the next attempt.
const QUIET_WITHIN: Duration = Duration::from_secs(5);

impl<Io: AsyncRead + AsyncWrite + Unpin> Session<Io> {
    /// Before a command: makes up for an `AT` that was not answered the last time.
    pub(super) async fn find_place(&mut self) -> Result<(), DeviceError> {
        if self.lost { self.resynchronise().await } else { Ok(()) }
    }

    /// Finds the place in the dialogue again: quiet, `AT`, its answer, quiet. A lock is an answer too.
    pub(super) async fn resynchronise(&mut self) -> Result<(), DeviceError> {
        self.lost = true;
        let command = Command::attention();
        let within = self.access.pace.patience(ATTENTION_TIMEOUT);
        tracing::debug!(port = self.access.port, "no clean answer: finding the place again");
        self.drain().await?;
        for _ in 0..ATTEMPTS {
            match self.attempt(&command, within, ReplyCollector::default()).await? {
                Attempt::TimedOut => continue,
                Attempt::Locked => self.lost = false,
                Attempt::Replied(_, block) => {
                    block.into_iter().for_each(|block| self.keep(block));
                    self.drain().await?;
                    self.lost = false;
                }
            }
            return Ok(());
        }
        Err(DeviceError::NoAnswer { port: self.port(), command: command.to_string(), within })
    }

    /// Listens until the line is quiet: what comes late belongs to no command any more.
    pub(super) async fn drain(&mut self) -> Result<(), DeviceError> {
        let end = Instant::now() + self.access.pace.patience(QUIET_WITHIN);
        while Instant::now() < end {
            let quiet = Instant::now() + self.access.pace.patience(QUIET);
            match self.next(quiet.min(end)).await? {
                None => break,
                Some(Line::Boot) => return Err(self.restarted()),
                Some(_) => {}
            }
        }
        Ok(())
    }
}
