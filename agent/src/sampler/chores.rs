//! Between two polls: the sensor's clock and history, read and set. The third part of [`super::task`].
//!
//! Nothing here is worth a failing sensor: what does not work is said once and put off. Decided in [`super::upkeep`], and
//! which rows fill a hole in [`super::backfill`].

use std::sync::Arc;
use std::time::Duration;

use kitchen_contract::record::Trigger;
use kitchen_contract::time::{Clock, Timestamp};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::backfill::{Compared, Found, Hole, fill};
use super::reading;
use super::task::{RecorderGone, Stop, Task};
use super::upkeep::{Chore, Last, Missed, Standing};
use crate::at::sensor_clock::SensorClock;
use crate::clock::wall::Stamp;
use crate::convert::convert;
use crate::device::error::DeviceError;
use crate::device::history::{self, History};
use crate::device::session::Session;
use crate::history_mark::HistoryMark;
use crate::observation::{Moment, Observation};

/// What a chore takes at most, on a line in order. It begins only when the next poll is not due for so long, or, where that
/// is never so, right after a poll.
const CHORE_TAKES: Duration = Duration::from_secs(10);
/// With a worse clock of our own now, the sensor's is not set by it and nothing is dated yet, in ms: better is to come.
const OWN_BOUND_MAX_MS: u64 = 60_000;

impl Task {
    /// Does what is to be done, if there is time for it; whether it did.
    pub(super) async fn keep_up<Io>(&mut self, session: &mut Session<Io>) -> Result<bool, Stop>
    where
        Io: AsyncRead + AsyncWrite + Unpin,
    {
        let Some(chore) = self.chore() else { return Ok(false) };
        let done = match chore {
            Chore::Read => self.meanwhile(history::read(session)).await?.map(|history| self.upkeep.read(history)),
            Chore::Set => self.set_clock(session).await?,
            Chore::Place => {
                self.place().await?;
                Ok(())
            }
        };
        match done {
            Err(error) if error.is_port() || matches!(error, DeviceError::Restarted { .. }) => Err(error.into()),
            Err(error) => {
                tracing::info!(sensor.id = %self.plan.device_id, %error, "the sensor's clock and history are put off");
                self.upkeep.failed(chore, self.device_now(), &error);
                Ok(true)
            }
            Ok(()) => Ok(true),
        }
    }

    fn chore(&self) -> Option<Chore> {
        let free = self.schedule.next().saturating_sub(self.now());
        let takes =
            if self.plan.interval > CHORE_TAKES * 2 { self.outlets.pace.pause(CHORE_TAKES) } else { Duration::ZERO };
        let chore = self.upkeep.next(self.device_now(), self.good_time().is_some())?;
        (free >= takes).then_some(chore)
    }

    async fn set_clock<Io>(&mut self, session: &mut Session<Io>) -> Result<Result<(), DeviceError>, RecorderGone>
    where
        Io: AsyncRead + AsyncWrite + Unpin,
    {
        let Some(time) = self.good_time() else { return Ok(Ok(())) };
        let asked = Instant::now();
        let now = || SensorClock(time.saturating_add_ms(asked.elapsed().as_millis() as i64));
        let plan = Arc::clone(&self.plan);
        let set = self.meanwhile(history::set(session, &plan.history, self.upkeep.half_set(), now)).await?;
        Ok(set.map(|()| self.upkeep.set(self.device_now())))
    }

    /// Records the rows that fill holes, the oldest first.
    async fn place(&mut self) -> Result<(), RecorderGone> {
        let Some((history, missed)) = self.upkeep.take() else { return Ok(()) };
        let Some((own, own_bound_ms)) = self.own_time(history.asked) else { return Ok(()) };
        let compared = Compared { sensor: history.clock.0, own, own_bound_ms, pace: self.outlets.pace };
        for hole in missed.iter().filter_map(|missed| self.hole(missed)) {
            let found = fill(&history.rows, compared, hole);
            tracing::info!(device.id = %self.plan.device_id, from = %hole.from, to = %hole.to, readings = found.len(), "hole filled from the sensor's history");
            for row in found {
                self.backfill(&history, row).await?;
            }
        }
        Ok(())
    }

    async fn backfill(&self, history: &History, found: Found) -> Result<(), RecorderGone> {
        let outcome = convert(found.row.current, &self.plan.scale, self.warm_ups.in_history());
        let body = reading::measured(&self.plan, &found.row.measurement(), (outcome, Trigger::Backfill));
        let stamp = Some(Stamp::Settled { timestamp: found.timestamp, clock: found.clock });
        let mark = self.marked(Some(found.timestamp));
        self.observe(Observation { at: Moment(history.asked), stamp, body, mark }).await
    }

    /// Where a hole lies in time.
    fn hole(&self, missed: &Missed) -> Option<Hole> {
        let (to, _) = self.own_time(missed.to)?;
        let from = match missed.from {
            Last::Own(from) => self.latest(from)?,
            Last::Earlier(from) => from,
        };
        Some(Hole { from, to })
    }

    /// What a reading at this moment means for the sensor's history.
    pub(super) fn mark(&self, at: Duration) -> Option<HistoryMark> {
        match self.upkeep.standing(at) {
            Standing::Whole => self.marked(Some(self.latest(at)?)),
            Standing::Open => None,
            Standing::LongOpen => self.marked(None),
        }
    }

    fn marked(&self, until: Option<Timestamp>) -> Option<HistoryMark> {
        let (imei, device_id) = (self.known.clone()?, self.plan.device_id.clone());
        Some(HistoryMark { imei, device_id, until })
    }

    /// What time it is, if that is known well.
    fn good_time(&self) -> Option<Timestamp> {
        let (time, bound_ms) = self.own_time(self.moment())?;
        (bound_ms <= OWN_BOUND_MAX_MS).then_some(time)
    }

    /// What time it was at that moment, at the latest.
    fn latest(&self, at: Duration) -> Option<Timestamp> {
        let (time, bound_ms) = self.own_time(at)?;
        Some(time.saturating_add_ms(i64::try_from(bound_ms).unwrap_or(i64::MAX)))
    }

    /// Our own time at a moment and how far it can be trusted, in ms; none while that is not known.
    fn own_time(&self, at: Duration) -> Option<(Timestamp, u64)> {
        let Stamp::Settled { timestamp, clock } = self.outlets.clock.stamp(Moment(at)) else { return None };
        let bound_ms = match clock {
            Clock::Synced => Some(1_000),
            Clock::Estimated { bound_ms } => bound_ms,
        };
        Some((timestamp, bound_ms?))
    }
}
