//! The task of one sensor: opens, greets, polls, listens, and starts over when something breaks. Owns line and clock.
//!
//! Nothing ends it but shutdown, or a recorder that is gone. Where it is shows in [`SensorShown`]; what it finds goes to
//! the recorder, which it waits for when the channel is full: the device's lines wait meanwhile in the system's buffer.

use std::sync::Arc;
use std::time::Duration;

use kitchen_contract::fault::SensorFault;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::backfill::hole_from;
use super::backoff::Backoff;
use super::placement::Placement;
use super::plan::Plan;
use super::plausibility::Plausibility;
use super::punctuality::Punctuality;
use super::raw_watch::RawWatch;
use super::schedule::Schedule;
use super::state::SensorShown;
use super::upkeep::Upkeep;
use super::warm_up::WarmUps;
use crate::at::identity::Imei;
use crate::clock::shared::SharedClock;
use crate::device::directory::{Directory, SensorPort, Source};
use crate::device::error::DeviceError;
use crate::device::pace::Pace;
use crate::device::session::{Access, Session};
use crate::history_mark::HistoryMark;
use crate::observation::Observation;

/// A port is looked for again after this, then less often: a replug should be noticed within seconds.
const PORT_AGAIN: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(10));
/// A silent sensor is asked again after this, beyond the minute that a login waits: one that answers again is to be
/// measured within a minute.
const ANSWER_AGAIN: Backoff = Backoff::new(Duration::from_secs(2), Duration::from_secs(10));
/// A refused PIN or a foreign sensor needs a person: tried again slowly, and never given up.
const PERSON_AGAIN: Backoff = Backoff::new(Duration::from_secs(30), Duration::from_secs(300));

/// Where a sensor's task puts what it finds, and how its time runs.
#[derive(Clone, Debug)]
pub struct Outlets {
    /// To the recorder.
    pub observations: mpsc::Sender<Observation>,
    /// To whoever wants to see it.
    pub shown: watch::Sender<SensorShown>,
    /// How punctual the polls were.
    pub punctuality: watch::Sender<Punctuality>,
    /// The agent's start, from which [`Moment`](crate::observation::Moment) counts.
    pub start: Instant,
    /// How fast device time runs.
    pub pace: Pace,
    /// What time it is.
    pub clock: SharedClock,
    /// Until when earlier runs of the agent have all of the sensors that were at this measuring point.
    pub marks: Vec<HistoryMark>,
}

/// The recorder takes no more observations, so sampling has no sense any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the recorder is gone")]
pub struct RecorderGone;

/// Where a sensor's line comes from: its configured port, or wherever it is found.
pub fn port_of(plan: &Plan, directory: &Arc<Directory>) -> SensorPort {
    match (&plan.port, &plan.imei) {
        (None, Some(imei)) => SensorPort::Found { directory: Arc::clone(directory), imei: imei.clone(), lease: None },
        // A plan without either is refused.
        (port, _) => SensorPort::Configured(port.clone().unwrap_or_default()),
    }
}

/// Samples one sensor until shutdown. A command in flight is given up: nothing of it is lost that was not asked for again.
///
/// # Errors
/// The recorder is gone.
pub async fn run<S>(source: S, plan: Plan, outlets: Outlets, shutdown: CancellationToken) -> Result<(), RecorderGone>
where
    S: Source<Io: AsyncRead + AsyncWrite + Unpin>,
{
    let mut task = Task::new(plan, outlets);
    shutdown.run_until_cancelled(task.sample(source)).await.map_or(Ok(()), Err)
}

pub(super) struct Task {
    pub(super) plan: Arc<Plan>,
    pub(super) outlets: Outlets,
    pub(super) schedule: Schedule,
    pub(super) plausibility: Plausibility,
    pub(super) raw_watch: RawWatch,
    pub(super) placement: Placement,
    pub(super) upkeep: Upkeep,
    /// When the sensor was last greeted.
    pub(super) greeted_at: Duration,
    /// On the port that is open.
    pub(super) greeted: bool,
    pub(super) warm_ups: WarmUps,
    /// The sensor seen last at this measuring point.
    pub(super) known: Option<Imei>,
    /// The restart that is going on has been reported.
    pub(super) restart_told: bool,
    /// It has restarted and not been measured since.
    pub(super) restarting: bool,
    /// A foreign sensor that has been reported.
    pub(super) foreign: Option<String>,
    /// [`Event::SensorFound`] was the last word.
    pub(super) found: bool,
    /// Why the last attempt failed, until one succeeds.
    pub(super) failing: Option<SensorFault>,
}

/// Why polling stopped.
pub(super) enum Stop {
    Device(DeviceError),
    Recorder,
}

impl From<DeviceError> for Stop {
    fn from(error: DeviceError) -> Self {
        Self::Device(error)
    }
}

impl From<RecorderGone> for Stop {
    fn from(_: RecorderGone) -> Self {
        Self::Recorder
    }
}

impl Task {
    fn new(plan: Plan, outlets: Outlets) -> Self {
        let schedule = Schedule::new(outlets.start.elapsed(), outlets.pace.pause(plan.interval));
        let plausibility = Plausibility::new(plan.jump);
        let upkeep = Upkeep::new(hole_from(plan.interval, outlets.pace), None);
        Self {
            plan: Arc::new(plan),
            outlets,
            schedule,
            plausibility,
            raw_watch: RawWatch::default(),
            placement: Placement::default(),
            upkeep,
            greeted_at: Duration::ZERO,
            greeted: false,
            warm_ups: WarmUps::default(),
            known: None,
            restart_told: false,
            restarting: false,
            foreign: None,
            found: false,
            failing: None,
        }
    }

    /// Opens the port again and again.
    async fn sample<S>(&mut self, mut source: S) -> RecorderGone
    where
        S: Source<Io: AsyncRead + AsyncWrite + Unpin>,
    {
        let mut again = PORT_AGAIN;
        loop {
            let error = match source.open() {
                Ok((io, port)) => match self.serve(Session::new(io, self.access(port)), &mut source).await {
                    Ok(error) => error,
                    Err(gone) => return gone,
                },
                Err(error) => error,
            };
            if self.failing.is_none() {
                again.reset();
            }
            let until = Instant::now() + self.outlets.pace.pause(again.wait());
            if self.fail(&error).await.is_err() || self.meanwhile(sleep_until(until)).await.is_err() {
                return RecorderGone;
            }
        }
    }

    /// Talks to whatever hangs on an open port, until the port is gone.
    async fn serve<S>(&mut self, mut session: Session<S::Io>, source: &mut S) -> Result<DeviceError, RecorderGone>
    where
        S: Source<Io: AsyncRead + AsyncWrite + Unpin>,
    {
        let (mut answer_again, mut person_again) = (ANSWER_AGAIN, PERSON_AGAIN);
        self.greeted = false;
        loop {
            let error = match self.attend(&mut session).await {
                Stop::Recorder => return Err(RecorderGone),
                Stop::Device(error) => error,
            };
            if self.failing.is_none() && !self.restarting {
                (answer_again, person_again) = (ANSWER_AGAIN, PERSON_AGAIN);
            }
            self.tell_restart(&mut session).await?;
            if let Some(error) = source.elsewhere(&error, self.greeted) {
                return Ok(error);
            }
            if error.is_port() {
                return Ok(error);
            }
            let wait = match error {
                // Greeted again at once; a sensor that keeps restarting before it measures anything is failing.
                DeviceError::Restarted { .. } if !std::mem::replace(&mut self.restarting, true) => continue,
                _ if error.needs_person() => person_again.wait(),
                _ => answer_again.wait(),
            };
            self.fail(&error).await?;
            if let Err(error) = self.wait_listening(&mut session, wait).await?
                && error.is_port()
            {
                return Ok(error);
            }
        }
    }

    fn access(&self, port: String) -> Access {
        Access { port, pin: None, pace: self.outlets.pace, start: self.outlets.start }
    }
}
