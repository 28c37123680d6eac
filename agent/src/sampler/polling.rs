//! From a greeted sensor to observations: poll when due, listen in between, measure again what surprises.
//!
//! The other half of [`super::task`]: everything here happens on one open port.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use kitchen_contract::fault::SensorFault;
use kitchen_contract::record::{Body, Calibration, Diagnostic, Event, Trigger};
use kitchen_contract::time::Timestamp;
use miette::Diagnostic as _;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep_until};

use super::backfill::hole_from;
use super::greeting::{Greeting, greet};
use super::plausibility::{Outcome, Plausibility};
use super::punctuality::Circumstances;
use super::reading;
use super::state::{self, SensorState};
use super::task::{RecorderGone, Stop, Task};
use super::upkeep::Upkeep;
use super::warm_up::WarmUps;
use crate::at::block::Block;
use crate::clock::shared::since;
use crate::convert::convert;
use crate::device::error::DeviceError;
use crate::device::session::{Sending, Session};
use crate::observation::{Moment, Observation};

/// No poll waits longer for its reading, whatever the sensor is at: longer than it is deaf after a reset.
const OVERDUE: Duration = Duration::from_secs(90);

impl Task {
    /// Greets the sensor and measures it until something breaks.
    pub(super) async fn attend<Io: AsyncRead + AsyncWrite + Unpin>(&mut self, session: &mut Session<Io>) -> Stop {
        match self.welcome(session).await {
            Err(stop) => stop,
            Ok(()) => loop {
                if let Err(stop) = self.step(session).await {
                    break stop;
                }
            },
        }
    }

    async fn welcome<Io: AsyncRead + AsyncWrite + Unpin>(&mut self, session: &mut Session<Io>) -> Result<(), Stop> {
        self.show((SensorState::LoggingIn, None));
        let (plan, shown) = (Arc::clone(&self.plan), self.outlets.shown.clone());
        let greeting = match self.meanwhile(greet(session, &plan, &shown)).await? {
            Ok(greeting) => greeting,
            Err(error) => {
                self.name_foreign(&error).await?;
                if error.needs_person() {
                    // Another sensor's, for all we know.
                    while session.heard().is_some() {}
                }
                return Err(error.into());
            }
        };
        session.expect(&greeting.identity.imei);
        let same = self.known.as_ref() == Some(&greeting.identity.imei);
        self.tell_restart(session).await?;
        self.restart_told = false;
        let found = (greeting.identity.imei.clone(), session.port());
        self.outlets.shown.send_modify(|shown| shown.found = Some(found));
        self.ready(greeting).await?;
        while let Some(block) = session.heard() {
            // What was heard before it was known who speaks is nobody's, unless the sensor is the one that was there before.
            if same {
                self.take(session, block, Trigger::Unsolicited).await?;
            }
        }
        Ok(())
    }

    async fn ready(&mut self, greeting: Greeting) -> Result<(), RecorderGone> {
        let Greeting { identity, applied } = greeting;
        (self.greeted_at, self.greeted) = (self.now(), true);
        self.upkeep.greeted();
        self.warm_ups = WarmUps::new(&applied, self.device_now());
        let imei = identity.imei.as_str().to_owned();
        if self.known.is_none() {
            let mark = self.outlets.marks.iter().find(|mark| mark.imei == identity.imei);
            self.upkeep = self.new_upkeep(mark.and_then(|mark| mark.until));
        }
        if let Some(known) = self.known.replace(identity.imei).filter(|known| known.as_str() != imei) {
            self.forget();
            self.swapped(known.as_str().to_owned(), imei.clone()).await?;
        }
        (self.failing, self.foreign) = (None, None);
        applied.not_taken.iter().for_each(|error| tracing::warn!(%error, "setting not taken by the sensor"));
        let problem = applied.not_taken.first();
        self.show((problem.map_or(SensorState::Ready, SensorState::from), problem));
        if !std::mem::replace(&mut self.found, true) {
            let model = identity.model.as_str().to_owned();
            tracing::info!(sensor.id = %self.plan.device_id, imei, model, "sensor found");
            self.event(self.sensor_found(imei, model)).await?;
        }
        Ok(())
    }

    fn sensor_found(&self, imei: String, model: String) -> Event {
        let calibration = self.plan.scale.calibration.as_ref().map(|calibration| Calibration {
            offset: calibration.offset,
            gain: calibration.gain,
            date: calibration.date.to_string(),
            by: calibration.by.clone(),
        });
        Event::SensorFound { device_id: self.plan.device_id.clone(), imei, model, calibration }
    }

    /// What another sensor said is no measure for this one.
    fn forget(&mut self) {
        self.plausibility = Plausibility::new(self.plan.jump);
        (self.raw_watch, self.placement) = Default::default();
        self.upkeep = self.new_upkeep(None);
    }

    fn new_upkeep(&self, earlier: Option<Timestamp>) -> Upkeep {
        Upkeep::new(hole_from(self.plan.interval, self.outlets.pace), earlier)
    }

    /// A restart prints its text in several lines and is one event. The first greeting of all finds no restart.
    pub(super) async fn tell_restart<Io>(&mut self, session: &mut Session<Io>) -> Result<(), RecorderGone>
    where
        Io: AsyncRead + AsyncWrite + Unpin,
    {
        let news = session.take_restarted() && self.known.is_some();
        if !news || std::mem::replace(&mut self.restart_told, true) {
            return Ok(());
        }
        self.event(Event::SensorReset { device_id: self.plan.device_id.clone() }).await
    }

    /// Another sensor than the configured one is an event, once for each; on a port that was only tried it is none.
    async fn name_foreign(&mut self, error: &DeviceError) -> Result<(), RecorderGone> {
        let DeviceError::WrongSensor { expected, found, .. } = error else {
            return Ok(());
        };
        if self.plan.port.is_none() {
            return Ok(());
        }
        if self.foreign.replace(found.clone()).as_ref() == Some(found) {
            return Ok(());
        }
        self.swapped(expected.clone(), found.clone()).await
    }

    async fn swapped(&mut self, expected: String, found: String) -> Result<(), RecorderGone> {
        self.event(Event::SensorSwapped { device_id: self.plan.device_id.clone(), expected, found }).await
    }

    /// One poll, or one stretch of listening up to the next.
    async fn step<Io: AsyncRead + AsyncWrite + Unpin>(&mut self, session: &mut Session<Io>) -> Result<(), Stop> {
        self.schedule.advance(self.now());
        if self.schedule.is_open() {
            return self.poll(session).await;
        }
        if self.keep_up(session).await? {
            return Ok(());
        }
        let due = self.outlets.start + self.schedule.next();
        match session.listen(due).await? {
            Some(block) => self.take(session, block, Trigger::Unsolicited).await,
            None => Ok(()),
        }
    }

    async fn poll<Io: AsyncRead + AsyncWrite + Unpin>(&mut self, session: &mut Session<Io>) -> Result<(), Stop> {
        self.confirm(session).await?;
        let polled = self.meanwhile(session.measure(self.warm_ups.polled())).await?;
        self.count(session.sending());
        if let Err(stop) = self.confirm(session).await {
            // Whose it is will be known with the next greeting.
            polled.into_iter().for_each(|block| session.keep(block));
            return Err(stop);
        }
        // What fails with one block must not cost the others: they are measured already.
        let mut outcome = Ok(());
        while let Some(block) = session.heard() {
            outcome = outcome.and(self.take(session, block, Trigger::Unsolicited).await);
        }
        outcome.and(self.take_polled(session, polled).await)
    }

    /// A poll that found nothing to ask is not late, it has a fault.
    fn count(&self, sending: Option<Sending>) {
        let Some(sending) = sending else { return };
        let due = self.schedule.due();
        let poll = Circumstances {
            delay: sending.at.saturating_duration_since(self.outlets.start + due),
            greeted: self.greeted_at > due,
            relocked: sending.relocked,
            repeated: sending.repeated,
        };
        self.outlets.punctuality.send_modify(|punctuality| {
            if let Some(cause) = punctuality.count(&poll) {
                tracing::debug!(device.id = %self.plan.device_id, ?cause, delay = ?poll.delay, "poll left late");
            }
        });
    }

    async fn take_polled<Io: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        session: &mut Session<Io>,
        polled: Result<Block, DeviceError>,
    ) -> Result<(), Stop> {
        match polled {
            Ok(block) => {
                self.schedule.answered();
                self.restarting = false;
                self.take(session, block, Trigger::Poll).await
            }
            Err(error @ DeviceError::Damaged { .. }) => {
                tracing::warn!(sensor.id = %self.plan.device_id, %error, "measurement lost");
                Ok(self.answer_missing(error.fault()).await?)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Nothing is believed of a sensor that may have been swapped behind a login.
    async fn confirm<Io: AsyncRead + AsyncWrite + Unpin>(&mut self, session: &mut Session<Io>) -> Result<(), Stop> {
        match self.known.clone() {
            Some(known) => Ok(self.meanwhile(session.confirm(&known)).await??),
            None => Ok(()),
        }
    }

    /// A measurement becomes one reading, or two when it surprises: then it is measured again at once and both are kept.
    async fn take<Io>(&mut self, session: &mut Session<Io>, block: Block, trigger: Trigger) -> Result<(), Stop>
    where
        Io: AsyncRead + AsyncWrite + Unpin,
    {
        let first = self.outcome(&block, trigger);
        if !self.plausibility.surprises(first) {
            self.plausibility.believe(first);
            return Ok(self.reading(&block, first, trigger).await?);
        }
        let again = self.meanwhile(session.measure(self.warm_ups.polled())).await?;
        let second = again.as_ref().ok().map(|again| self.outcome(again, Trigger::Poll));
        let (first, second) = self.plausibility.compare(first, second);
        self.reading(&block, first, trigger).await?;
        self.confirm(session).await?;
        if let (Ok(again), Some(second)) = (&again, second) {
            self.reading(again, second, Trigger::Poll).await?;
        }
        match again {
            Ok(_) | Err(DeviceError::Damaged { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn outcome(&mut self, block: &Block, trigger: Trigger) -> Outcome {
        let warm_up = match trigger {
            Trigger::Poll => self.warm_ups.polled(),
            _ => self.warm_ups.overheard(self.device_now()),
        };
        let current = block.measurement.current;
        let of_its_band = convert(current, &self.plan.scale, warm_up);
        self.raw_watch.judge(self.outlets.pace.device_time(block.arrived), current, of_its_band)
    }

    /// Listens for that long. What is heard is believed after the greeting, if it was the sensor that was there before.
    pub(super) async fn wait_listening<Io: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        session: &mut Session<Io>,
        wait: Duration,
    ) -> Result<Result<(), DeviceError>, RecorderGone> {
        let until = Instant::now() + self.outlets.pace.pause(wait);
        self.meanwhile(session.idle(until)).await
    }

    /// Does `work`, which is bounded, while polls become due: they are closed at once while the sensor is failing; else they
    /// wait for what becomes of `work`, as one, but no longer than [`OVERDUE`].
    pub(super) async fn meanwhile<T>(&mut self, work: impl Future<Output = T>) -> Result<T, RecorderGone> {
        tokio::pin!(work);
        loop {
            let attention = self.outlets.start + self.attention();
            tokio::select! {
                biased;
                done = &mut work => return Ok(done),
                () = sleep_until(attention) => self.due().await?,
            }
        }
    }

    /// When a poll is due, or has waited for too long.
    fn attention(&self) -> Duration {
        match self.overdue() {
            Some(overdue) => overdue.min(self.schedule.next()),
            None => self.schedule.next(),
        }
    }

    fn overdue(&self) -> Option<Duration> {
        self.schedule.is_open().then(|| self.schedule.due() + self.outlets.pace.pause(OVERDUE))
    }

    async fn due(&mut self) -> Result<(), RecorderGone> {
        self.schedule.advance(self.now());
        match self.failing {
            Some(fault) => self.answer_missing(fault).await,
            None if self.overdue().is_some_and(|overdue| overdue <= self.now()) => {
                self.answer_missing(SensorFault::NoAnswer).await
            }
            None => Ok(()),
        }
    }

    /// The sensor cannot be read: a state, an event the first time, and the reading that is open.
    pub(super) async fn fail(&mut self, error: &DeviceError) -> Result<(), RecorderGone> {
        let fault = error.fault();
        self.show((SensorState::from(error), Some(error)));
        if self.failing.replace(fault) != Some(fault) {
            let (code, hint) = (error.code().map(|code| code.to_string()), error.help().map(|help| help.to_string()));
            tracing::warn!(sensor.id = %self.plan.device_id, %error, code, hint, "sensor cannot be read");
        }
        if std::mem::take(&mut self.found) {
            self.event(Event::SensorLost { device_id: self.plan.device_id.clone(), fault }).await?;
        }
        if self.schedule.is_open() { self.answer_missing(fault).await } else { Ok(()) }
    }

    async fn answer_missing(&mut self, fault: SensorFault) -> Result<(), RecorderGone> {
        self.schedule.answered();
        self.tell(reading::missing(&self.plan, fault)).await
    }

    async fn reading(&mut self, block: &Block, outcome: Outcome, trigger: Trigger) -> Result<(), RecorderGone> {
        let body = reading::measured(&self.plan, &block.measurement, (outcome, trigger));
        self.upkeep.measured(block.arrived);
        let mark = self.mark(block.arrived);
        self.observe(Observation { at: Moment(block.arrived), stamp: None, body, mark }).await?;
        let at = self.outlets.pace.device_time(block.arrived);
        match outcome.ok().and_then(|celsius| self.placement.take(at, celsius.get())) {
            Some(active) => self.diagnosed(Diagnostic::ProbeOutside, active).await,
            None => Ok(()),
        }
    }

    async fn diagnosed(&self, diagnostic: Diagnostic, active: bool) -> Result<(), RecorderGone> {
        tracing::warn!(device.id = %self.plan.device_id, active, "{}", diagnostic.text());
        self.event(Event::Diagnostic { device_id: self.plan.device_id.clone(), diagnostic, active }).await
    }

    pub(super) async fn event(&self, event: Event) -> Result<(), RecorderGone> {
        self.tell(Body::Event(event)).await
    }

    /// Something of now.
    async fn tell(&self, body: Body) -> Result<(), RecorderGone> {
        self.observe(Observation { at: Moment(self.moment()), stamp: None, body, mark: None }).await
    }

    pub(super) async fn observe(&self, observation: Observation) -> Result<(), RecorderGone> {
        self.outlets.observations.send(observation).await.map_err(|_| RecorderGone)
    }

    fn show(&self, state: (SensorState, Option<&DeviceError>)) {
        let now = self.moment();
        state::show(&self.outlets.shown, &self.plan.device_id, |shown| shown.go(now, state));
    }

    pub(super) fn now(&self) -> Duration {
        self.outlets.start.elapsed()
    }

    /// Now as stamps count it.
    pub(super) fn moment(&self) -> Duration {
        since(self.outlets.start)
    }

    pub(super) fn device_now(&self) -> Duration {
        self.outlets.pace.device_time(self.now())
    }
}
