//! One line of any text, for a person who wants to know what the sensor says to it.
//!
//! The same promises as for the driver's own commands, but one: the line is not sent again after silence or damage, because
//! nobody knows what a second time does. A locked console executes nothing, so behind a login it is.

use std::time::Duration;

use miette::Diagnostic;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::error::DeviceError;
use super::session::{Attempt, COMMAND_TIMEOUT, MEASURE_TIMEOUT, Session};
use crate::at::command::Command;
use crate::at::line::{Line, Password};
use crate::at::raw::{NotALine, RawLine};
use crate::at::reply::{End, RAW_LINES_MAX, Reply, ReplyCollector};

/// The longest that the transmitter may be powered before the block is printed; what is set is not asked for.
const WARM_UP_MAX: Duration = Duration::from_secs(180);
/// The log has 20 pages of 512 bytes, at 960 bytes a second, behind the modem's work.
const LOG_TIMEOUT: Duration = Duration::from_secs(20);
/// The line is sent, and once more if the console had locked itself.
const ATTEMPTS: u32 = 2;

/// Why a line was not answered.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum AskError {
    /// It was not sent at all.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Line(#[from] NotALine),
    /// It was sent, or the port is gone.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Device(#[from] DeviceError),
}

impl<Io: AsyncRead + AsyncWrite + Unpin> Session<Io> {
    /// Sends one line of any text and hands back what the device answers; an error of the device is an answer too.
    ///
    /// # Errors
    /// The text is not one printable line; or no answer, and the place in the dialogue is found again.
    pub async fn ask(&mut self, line: &str) -> Result<Reply, AskError> {
        let line = RawLine::parse(line)?;
        let (command, within) = (Command::raw(&line), self.access.pace.patience(takes(&line)));
        self.find_place().await?;
        for _ in 0..ATTEMPTS {
            let attempt = if line.prints_log() {
                self.read_log(&command, within).await?
            } else {
                self.attempt(&command, within, ReplyCollector::of_raw(&line)).await?
            };
            match attempt {
                Attempt::Replied(reply, block) => {
                    // The block of a line that measures is its answer; any other is the device's own.
                    block.into_iter().filter(|_| !line.measures()).for_each(|block| self.keep(block));
                    return Ok(reply);
                }
                Attempt::Locked => self.log_in_again().await?,
                Attempt::TimedOut => {
                    self.resynchronise().await?;
                    break;
                }
            }
        }
        Err(DeviceError::NoAnswer { port: self.port(), command: command.to_string(), within }.into())
    }

    /// The log is old: neither is a block in it a measurement, nor boot text a restart, nor a refused password a lock.
    async fn read_log(&mut self, command: &Command, within: Duration) -> Result<Attempt, DeviceError> {
        self.send(command).await?;
        let deadline = Instant::now() + within;
        let mut lines = Vec::new();
        while let Some(bytes) = self.link.bytes(deadline).await? {
            match Line::classify(&bytes) {
                Line::Ok => return Ok(Attempt::Replied(Reply { lines, end: End::Ok }, None)),
                Line::Empty => {}
                _ if lines.len() < RAW_LINES_MAX => lines.push(bytes.trim_ascii().to_vec()),
                _ => {}
            }
        }
        let refused = |line: &Vec<u8>| Line::classify(line) == Line::Password(Password::Incorrect);
        // A locked console says this and nothing else.
        Ok(if lines.len() == 1 && lines.iter().all(refused) { Attempt::Locked } else { Attempt::TimedOut })
    }
}

/// The longest that the device takes to answer.
fn takes(line: &RawLine) -> Duration {
    match line {
        _ if line.measures() => WARM_UP_MAX + MEASURE_TIMEOUT,
        _ if line.prints_log() => LOG_TIMEOUT,
        _ => COMMAND_TIMEOUT,
    }
}
