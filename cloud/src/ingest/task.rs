//! The one writer: drains what is waiting into one commit, and answers only when that is on disk.

use std::time::{Duration, Instant};

use metrics::{counter, histogram};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::delivery::{Answer, Delivered, Ingest, Job};
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
}

impl IngestTask {
    /// The task, and the way in for the doors.
    pub fn new(store: Store, clock: Clock) -> (Self, Ingest) {
        let (ingest, waiting) = Ingest::channel();
        (Self { registry: Registry::new(store.clone()), store, waiting, clock, slot: 0 }, ingest)
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
            if let Err(error) = self.group(first).await {
                counter!("ingest_store_refused_total").increment(1);
                tracing::error!(%error, "the store refused; nothing is acknowledged, the gateways will send again");
                tokio::time::sleep(REFUSED_PAUSE).await;
            }
        }
    }

    /// One commit: the first delivery and what else is waiting.
    async fn group(&mut self, first: Job) -> Result<(), StoreError> {
        let started = Instant::now();
        let batch = Batch::new(&self.store);
        let mut unit = Unit { registry: &self.registry, batch, now: self.clock.now(), slot: &mut self.slot };
        let mut answers: Vec<(Option<Answer>, oneshot::Sender<Delivered>)> = Vec::new();
        let mut next = Some(first);
        while let Some((delivery, sender)) = next.take() {
            answers.push((unit.take(&delivery).await?, sender));
            if answers.len() < GROUP_MAX && unit.batch.len() < GROUP_ITEMS_MAX {
                next = self.waiting.try_recv().ok();
            }
        }
        unit.batch.commit().await?;
        counter!("ingest_deliveries_total").increment(answers.len() as u64);
        histogram!("ingest_commit_seconds").record(started.elapsed());
        for (answer, sender) in answers {
            // The door may have lost its gateway meanwhile; the gateway sends again and is answered again.
            let _door_is_gone = sender.send(Delivered { answer });
        }
        Ok(())
    }
}
