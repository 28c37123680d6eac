//! Is it still the sensor it was? Behind a login, another one may have been connected.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::error::DeviceError;
use super::session::{Attempt, COMMAND_TIMEOUT, Session};
use crate::at::command::Command;
use crate::at::identity::Imei;
use crate::at::reply::ReplyCollector;

/// A sensor is asked again which one it is after this, at the latest: as often as a console locks.
const CONFIRM_AFTER: Duration = Duration::from_secs(300);

impl<Io: AsyncRead + AsyncWrite + Unpin> Session<Io> {
    /// The sensor that it is to be from now on.
    pub fn expect(&mut self, imei: &Imei) {
        self.expected = Some(imei.clone());
    }

    /// Makes sure that it is still the sensor it was: after every login, and every few minutes on a console that needs none.
    ///
    /// # Errors
    /// No clean answer; or another sensor, which is a restart: everything begins anew.
    pub async fn confirm(&mut self, expected: &Imei) -> Result<(), DeviceError> {
        if self.confirmed_at.is_some_and(|at| self.access.pace.device_time(at.elapsed()) < CONFIRM_AFTER) {
            return Ok(());
        }
        if self.get::<Imei>().await? != *expected {
            return Err(self.restarted());
        }
        self.confirmed_at = Some(Instant::now());
        Ok(())
    }

    /// The same in one attempt, before a measurement is asked for again: what it brings need not wait then. Without a clean
    /// answer it is left to [`Session::confirm`].
    pub(super) async fn confirm_once(&mut self) -> Result<(), DeviceError> {
        let Some(expected) = self.expected.clone() else { return Ok(()) };
        let within = self.access.pace.patience(COMMAND_TIMEOUT);
        let asked = self.attempt(&Command::get::<Imei>(), within, ReplyCollector::default()).await?;
        let Attempt::Replied(reply, block) = asked else { return self.resynchronise().await };
        block.into_iter().for_each(|block| self.keep(block));
        match reply.value::<Imei>() {
            Some(found) if found != expected => return Err(self.restarted()),
            Some(_) => self.confirmed_at = Some(Instant::now()),
            None => {}
        }
        Ok(())
    }
}
