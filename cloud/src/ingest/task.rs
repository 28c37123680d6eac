//! The one writer: drains what is waiting into one commit, and answers only when that is on disk.

use std::time::{Duration, Instant};

use metrics::{counter, histogram};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::delivery::{Answer, Delivered, Ingest, Job};
use super::tally::Tally;
use super::unit::Unit;
use crate::clock::Clock;
use crate::registry::Registry;
use crate::store::{Batch, Store, StoreError};

/// Deliveries in one commit: many gateways share one sync, and none waits for hundreds of others.
const GROUP_MAX: usize = 64;
/// Items after which a commit is closed, so that memory and the write lock stay bounded.
const GROUP_ITEMS_MAX: usize = 4000;
/// How long to wait after the store has refused; the doors close their connections meanwhile and the gateways send again.
const REFUSED_PAUSE: Duration = Duration::from_secs(1);

/// The task that owns the store's write side.
#[derive(Debug)]
pub struct IngestTask {
    store: Store,
    registry: Registry,
    waiting: mpsc::Receiver<Job>,
    clock: Clock,
    slot: u32,
    records_per_s: Option<u32>,
}

impl IngestTask {
    /// The task, and the way in for the doors.
    pub fn new(store: Store, clock: Clock) -> (Self, Ingest) {
        let (ingest, waiting) = Ingest::channel();
        (Self { registry: Registry::new(store.clone()), store, waiting, clock, slot: 0, records_per_s: None }, ingest)
    }

    /// Tells every gateway how many records a second of a backlog it may send; none is no limit.
    #[must_use]
    pub fn pace_gateways(self, records_per_s: Option<u32>) -> Self {
        Self { records_per_s, ..self }
    }

    /// Runs until `shutdown`, or until no door is left; what is waiting then is still committed.
    pub async fn run(mut self, shutdown: CancellationToken) {
        loop {
            let first = tokio::select! {
                () = shutdown.cancelled() => {
                    self.waiting.close();
                    self.waiting.recv().await
                }
                first = self.waiting.recv() => first,
            };
            let Some(first) = first else { return };
            let mut jobs = vec![first];
            if let Err(error) = self.group(&mut jobs, GROUP_MAX).await {
                self.refused(&error, jobs).await;
            }
        }
    }

    /// The store has refused a group. If an item in it is damaged, that is one gateway's affair: the group is tried again one
    /// by one, and only what meets the damaged item stays unanswered.
    async fn refused(&mut self, error: &StoreError, jobs: Vec<Job>) {
        counter!("ingest_store_refused_total").increment(1);
        tracing::error!(%error, "the store refused; what it refused is not acknowledged, the gateways will send again");
        if !matches!(error, StoreError::Damaged { .. }) {
            return tokio::time::sleep(REFUSED_PAUSE).await;
        }
        for job in jobs {
            if let Err(error) = self.group(&mut vec![job], 1).await {
                tracing::error!(%error, "a delivery cannot be taken");
            }
        }
    }

    /// One commit: the jobs given and what else is waiting, up to `most`. Answers them, or leaves them in `jobs`.
    async fn group(&mut self, jobs: &mut Vec<Job>, most: usize) -> Result<(), StoreError> {
        let started = Instant::now();
        let batch = Batch::new(&self.store);
        let (now, tally) = (self.clock.now(), Tally::default());
        let (slot, records_per_s) = (&mut self.slot, self.records_per_s);
        let mut unit = Unit { registry: &self.registry, batch, now, slot, records_per_s, tally };
        let mut answers: Vec<Option<Answer>> = Vec::new();
        while let Some((delivery, _)) = jobs.get(answers.len()) {
            // Each by its own time: a gateway sets its clock by the answer, which must not be older than the question.
            unit.now = self.clock.now();
            answers.push(unit.take(delivery).await?);
            if answers.len() < most && unit.batch.len() < GROUP_ITEMS_MAX {
                jobs.extend(self.waiting.try_recv());
            }
        }
        let Unit { batch, tally, .. } = unit;
        batch.commit().await?;
        tally.publish();
        histogram!("ingest_commit_seconds").record(started.elapsed());
        for ((_, sender), answer) in jobs.drain(..).zip(answers) {
            // The door may have lost its gateway meanwhile; the gateway sends again and is answered again.
            let _door_is_gone = sender.send(Delivered { answer });
        }
        Ok(())
    }
}
