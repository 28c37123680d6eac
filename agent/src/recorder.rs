//! The recorder: gives every observation its time, its kitchen and its place on disk.
//!
//! Where it sits: between the samplers' channel and the buffer. It promises: what waits is written together, one sync per
//! round; a disk that takes nothing never stops sampling: observations wait in memory, bounded, and are written when it
//! takes again; of those that had to go, a gap record tells. It does not send anything; the forwarder is woken by the buffer's own signal.

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use kitchen_contract::id::KitchenId;
use kitchen_contract::record::{Body, Event, Reading};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};
use tracing::{debug, error, info, warn};

use crate::buffer::entry::Draft;
use crate::buffer::pack::BLOCK_RECORDS;
use crate::buffer::{Appended, BufferHandle, Round};
use crate::clock::shared::SharedClock;
use crate::observation::{Moment, Observation};
use crate::recorded::Recorded;
use crate::repeats::Repeats;

/// Observations between the samplers and the recorder. Full, which takes a recorder that is stuck, the samplers wait.
pub const OBSERVATIONS_MAX: usize = 256;
/// Observations written together at most, with one sync: as many as a block holds, so that nothing is left to be merged.
const ROUND_MAX: usize = BLOCK_RECORDS;
/// Observations in memory while the disk takes nothing: more than a day of two sensors once a minute. Then the oldest goes.
const WAITING_MAX: usize = 4096;
/// How soon a disk that took nothing is tried again.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Takes observations, appends rounds.
pub struct Recorder {
    kitchen_id: KitchenId,
    observations: mpsc::Receiver<Observation>,
    buffer: BufferHandle,
    clock: SharedClock,
    waiting: VecDeque<Observation>,
    /// A round that the disk has not taken yet; it is brought again unchanged.
    refused: Option<Arc<Round>>,
    dropped: u64,
    /// Of those, how many no round tells of yet.
    dropped_untold: u64,
    failures: Repeats,
    recorded: watch::Sender<Recorded>,
}

impl Recorder {
    /// A recorder for readings of `kitchen_id`.
    pub fn new(
        kitchen_id: KitchenId,
        observations: mpsc::Receiver<Observation>,
        buffer: BufferHandle,
        clock: SharedClock,
    ) -> Self {
        let (waiting, failures) = (VecDeque::new(), Repeats::default());
        Self {
            kitchen_id,
            observations,
            buffer,
            clock,
            waiting,
            refused: None,
            dropped: 0,
            dropped_untold: 0,
            failures,
            recorded: watch::Sender::default(),
        }
    }

    /// What is on disk, as it changes.
    pub fn recorded(&self) -> watch::Receiver<Recorded> {
        self.recorded.subscribe()
    }

    /// Runs until every sampler has gone and what they left is on disk, or cannot be put there.
    pub async fn run(mut self) {
        let first = self.round(Vec::new());
        let mut retry_at = self.append(first).await;
        loop {
            let observation = match retry_at {
                Some(at) => tokio::select! {
                    observation = self.observations.recv() => observation,
                    () = sleep_until(at) => {
                        retry_at = self.write_waiting().await;
                        continue;
                    }
                },
                None => self.observations.recv().await,
            };
            let Some(observation) = observation else { break };
            self.note_step();
            self.take(observation);
            if retry_at.is_none() {
                retry_at = self.write_waiting().await;
            }
        }
        if self.write_waiting().await.is_some() {
            error!(observations = self.waiting.len(), "the last observations could not be written");
        }
    }

    /// Somebody has set the system's clock: an event among the observations, where it was noticed.
    fn note_step(&mut self) {
        if let Some(step_ms) = self.clock.stepped() {
            warn!(step_ms, "the system's clock was set");
            let body = Body::Event(Event::ClockStep { step_ms });
            self.waiting.push_back(Observation { at: self.clock.now(), stamp: None, body, mark: None });
        }
    }

    /// Takes one observation and all that wait behind it.
    fn take(&mut self, observation: Observation) {
        let mut next = Some(observation);
        while let Some(observation) = next {
            if let Body::Reading(reading) = &observation.body {
                say_taken(reading);
            }
            self.waiting.push_back(observation);
            // What is not taken now waits in the channel.
            next = if self.waiting.len() <= WAITING_MAX { self.observations.try_recv().ok() } else { None };
        }
        while self.waiting.len() > WAITING_MAX {
            self.waiting.pop_front();
            self.dropped += 1;
            self.dropped_untold += 1;
        }
    }

    /// Writes everything that waits; when to try again, if the disk does not take it.
    async fn write_waiting(&mut self) -> Option<Instant> {
        if let Some(round) = self.refused.take()
            && let Some(retry_at) = self.append(round).await
        {
            return Some(retry_at);
        }
        while !self.waiting.is_empty() {
            let count = self.waiting.len().min(ROUND_MAX);
            let observations = self.waiting.drain(..count).collect();
            let round = self.round(observations);
            if let Some(retry_at) = self.append(round).await {
                return Some(retry_at);
            }
        }
        None
    }

    fn round(&mut self, observations: Vec<Observation>) -> Arc<Round> {
        let draft = |Observation { at, stamp, body, mark }| {
            let stamp = stamp.unwrap_or_else(|| self.clock.stamp(at));
            Draft { stamp, body, mark }
        };
        let now: Moment = self.clock.now();
        Arc::new(Round {
            kitchen_id: self.kitchen_id.clone(),
            now: self.clock.stamp(now),
            dropped: mem::take(&mut self.dropped_untold),
            drafts: observations.into_iter().map(draft).collect(),
        })
    }

    /// Appends a round; when to bring it again, if the disk does not take it.
    async fn append(&mut self, round: Arc<Round>) -> Option<Instant> {
        match self.buffer.append(Arc::clone(&round)).await {
            Ok(appended) => {
                say_buffered(&appended);
                self.recorded.send_modify(|recorded| recorded.appended(self.clock.now(), &round.drafts));
                if self.failures.recovered() {
                    info!(dropped = self.dropped, "the disk takes records again");
                }
                None
            }
            Err(failure) => {
                let reason = crate::report::in_one_line(&failure);
                if let Some(repeated) = self.failures.failed(self.clock.now(), &reason) {
                    let (waiting, dropped) = (self.waiting.len(), self.dropped);
                    error!(reason, waiting, dropped, repeated, "the disk takes no records; sampling goes on in memory");
                }
                let kept = ((self.waiting.len() + round.drafts.len()) as u64, self.dropped);
                self.recorded.send_modify(|recorded| recorded.refused(self.clock.now(), reason, kept));
                self.refused = Some(round);
                Some(Instant::now() + RETRY_AFTER)
            }
        }
    }
}

fn say_taken(reading: &Reading) {
    let temperature = reading.value.ok().map(|value| value.get());
    let fault = reading.value.err().map(tracing::field::debug);
    let raw_ma = reading.raw_ma.map(|current| current.get());
    debug!(device.id = %reading.device_id, temperature, fault, raw_ma, trigger = ?reading.trigger, "reading taken");
}

fn say_buffered(appended: &Appended) {
    let records = appended.entry.records.len();
    debug!(epoch = %appended.epoch(), from = appended.from(), to = appended.to(), records, "round buffered");
    for held in appended.entry.records.iter().filter(|_| tracing::enabled!(tracing::Level::DEBUG)) {
        if let Body::Reading(reading) = &held.body {
            let (seq, temperature) = (held.seq, reading.value.ok().map(|value| value.get()));
            let arrived = held.timestamp().map(|timestamp| timestamp.to_string());
            debug!(device.id = %reading.device_id, epoch = %appended.epoch(), seq, temperature, arrived, "reading buffered");
        }
    }
    if appended.evicted > 0 {
        error!(records = appended.evicted, "the buffer is full: the oldest records were given up");
    }
}

#[cfg(test)]
mod tests {
    use kitchen_contract::id::Epoch;
    use kitchen_contract::record::{Gap, GapReason};

    use super::*;
    use crate::buffer::{Buffer, Keeper, Limits, Read, ReadLimits};
    use crate::clock::wall::Exchange;

    const EVERYTHING: ReadLimits = ReadLimits { records_max: 10_000, bytes_max: 10_000_000 };

    fn settled_clock() -> SharedClock {
        let clock = SharedClock::new(Instant::now());
        let server_time = "2026-12-01T10:00:00.000Z".parse().unwrap();
        clock.learn(Exchange { sent: clock.now(), received: clock.now(), server_time });
        clock
    }

    fn step(step_ms: i64) -> Observation {
        Observation {
            at: Moment(Duration::from_secs(1)),
            stamp: None,
            body: Body::Event(Event::ClockStep { step_ms }),
            mark: None,
        }
    }

    #[tokio::test]
    async fn what_waits_is_written_in_order_and_what_is_left_at_the_end_too() {
        let dir = tempfile::tempdir().unwrap();
        let limits = Limits { records_max: 1000, bytes_max: 1_000_000, free_bytes_min: 0 };
        let buffer = Buffer::open(dir.path(), limits, Epoch::from_entropy([1; 15])).unwrap();
        let (keeper, handle) = Keeper::new(buffer);
        let keeping = tokio::task::spawn_blocking(move || keeper.run());
        let (observations, waiting) = mpsc::channel(OBSERVATIONS_MAX);
        for step_ms in 0..100 {
            observations.send(step(step_ms)).await.unwrap();
        }
        drop(observations);
        let clock = settled_clock();
        Recorder::new("kitchen-1".parse().unwrap(), waiting, handle.clone(), clock).run().await;
        let Ok(Read::Batch(batch)) = handle.read(0, EVERYTHING).await else { panic!() };
        let records = batch.records.iter().map(|record| record.read().unwrap());
        let steps = records.filter_map(|record| match record.body {
            Body::Event(Event::ClockStep { step_ms }) => Some((record.seq, step_ms)),
            _ => None,
        });
        let expected: Vec<_> = (0..100).map(|step_ms| (step_ms as u64 + 2, step_ms)).collect();
        assert_eq!(steps.collect::<Vec<_>>(), expected);
        drop(handle);
        keeping.await.unwrap();
    }

    #[tokio::test]
    async fn what_no_longer_fits_in_memory_is_counted_and_told() {
        let dir = tempfile::tempdir().unwrap();
        let limits = Limits { records_max: 10_000, bytes_max: 10_000_000, free_bytes_min: 0 };
        let buffer = Buffer::open(dir.path(), limits, Epoch::from_entropy([1; 15])).unwrap();
        let (keeper, handle) = Keeper::new(buffer);
        let keeping = tokio::task::spawn_blocking(move || keeper.run());
        let many = WAITING_MAX + 10;
        let (observations, waiting) = mpsc::channel(many);
        for step_ms in 0..many as i64 {
            observations.send(step(step_ms)).await.unwrap();
        }
        let clock = settled_clock();
        let mut recorder = Recorder::new("kitchen-1".parse().unwrap(), waiting, handle.clone(), clock);
        while let Ok(observation) = recorder.observations.try_recv() {
            recorder.take(observation);
        }
        assert_eq!((recorder.waiting.len(), recorder.dropped), (WAITING_MAX, 10));
        assert!(recorder.write_waiting().await.is_none());
        let Ok(Read::Batch(batch)) = handle.read(0, EVERYTHING).await else { panic!() };
        let records = batch.records.iter().map(|record| record.read().unwrap());
        let told = records.filter_map(|record| match record.body {
            Body::Gap(Gap { from, to, reason, .. }) => Some((from, to, reason)),
            Body::Reading(_) | Body::Event(_) => None,
        });
        assert_eq!(told.collect::<Vec<_>>(), [(2, 11, GapReason::Evicted)]);
        assert_eq!(batch.records.len(), 1 + WAITING_MAX + 1);
        drop((recorder, handle));
        keeping.await.unwrap();
    }
}
