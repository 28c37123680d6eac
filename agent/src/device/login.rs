//! Getting in: knock with `AT`, give the PIN, tell a locked console from a deaf one (device reference 4 and 14.1-2).

use std::time::Duration;

use secrecy::ExposeSecret;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::error::DeviceError;
use super::relock;
use super::session::{ATTENTION_TIMEOUT, Session};
use crate::at::command::Command;
use crate::at::line::{Line, Password};

/// How long a device may be deaf after a reset: 6 to 38 s by firmware, and its first measurement on top.
const DEAF_MAX: Duration = Duration::from_secs(60);
/// How long the console takes to judge a PIN behind the modem's work.
const PIN_TIMEOUT: Duration = Duration::from_secs(6);
/// So many refusals make a wrong PIN: the first may have been meant for a line sent while the console was deaf.
const REFUSALS_MAX: u32 = 2;
/// What waited in the system's buffer before the port was opened comes without a pause.
const STALE_QUIET: Duration = Duration::from_millis(50);
/// How long to throw away what waited, at most.
const STALE_WITHIN: Duration = Duration::from_secs(1);

/// What the console answered to a knock or a PIN.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Open,
    Refused,
    Silence,
}

impl<Io: AsyncRead + AsyncWrite + Unpin> Session<Io> {
    /// Gets the console to take commands, waiting out the deafness after a reset.
    ///
    /// # Errors
    /// Silence for a minute, or the PIN refused twice, or none configured and one wanted.
    pub async fn login(&mut self) -> Result<(), DeviceError> {
        self.settle().await?;
        let within = self.access.pace.patience(DEAF_MAX);
        let deadline = Instant::now() + within;
        let (mut entered_at, mut refusals) = (None, 0);
        while Instant::now() < deadline {
            match self.knock().await? {
                Answer::Silence => continue,
                Answer::Open => return self.opened(entered_at).await,
                Answer::Refused => {}
            }
            entered_at = Some(Instant::now());
            match self.enter_pin().await? {
                Answer::Open => return self.opened(entered_at).await,
                Answer::Refused => refusals += 1,
                Answer::Silence => {}
            }
            if refusals == REFUSALS_MAX {
                return Err(DeviceError::WrongPin { port: self.port() });
            }
            // It may have been the late answer to a knock: the next one is asked on a quiet line.
            self.drain().await?;
        }
        Err(DeviceError::NoAnswer { port: self.port(), command: Command::attention().to_string(), within })
    }

    /// Earlier knocks may still be answered: with what comes late out of the way, the next answer is the next command's.
    async fn opened(&mut self, entered_at: Option<Instant>) -> Result<(), DeviceError> {
        // Found open, it is still that of the last login, unless that is too long ago.
        let earlier = self.login_at.filter(|_| !relock::is_over(self.login_age()));
        (self.login_at, self.confirmed_at) = (entered_at.or(earlier), None);
        self.drain().await?;
        self.lost = false;
        Ok(())
    }

    /// Throws away, once, what waited from before this session.
    async fn settle(&mut self) -> Result<(), DeviceError> {
        if !self.settled {
            self.link.discard(STALE_QUIET, Instant::now() + STALE_WITHIN).await?;
            self.settled = true;
        }
        Ok(())
    }

    /// A bare CR would stall an open console for 1.5 s; `AT` never does.
    async fn knock(&mut self) -> Result<Answer, DeviceError> {
        self.send(&Command::attention()).await?;
        let deadline = Instant::now() + self.access.pace.patience(ATTENTION_TIMEOUT);
        while let Some(line) = self.next(deadline).await? {
            match line {
                Line::Ok => return Ok(Answer::Open),
                Line::Password(Password::Incorrect) => return Ok(Answer::Refused),
                _ => {}
            }
        }
        Ok(Answer::Silence)
    }

    /// After silence the caller knocks again: the console may be open and only its answer lost.
    async fn enter_pin(&mut self) -> Result<Answer, DeviceError> {
        let Some(pin) = self.access.pin.clone() else {
            return Err(DeviceError::NoPin { port: self.port() });
        };
        self.write_line(pin.expose_secret()).await?;
        let deadline = Instant::now() + self.access.pace.patience(PIN_TIMEOUT);
        while let Some(line) = self.next(deadline).await? {
            match line {
                Line::Password(Password::Correct) => return Ok(Answer::Open),
                Line::Password(Password::Incorrect) => return Ok(Answer::Refused),
                _ => {}
            }
        }
        Ok(Answer::Silence)
    }
}
