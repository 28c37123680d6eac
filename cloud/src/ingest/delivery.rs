//! What a door hands in, and what it gets back.

use kitchen_contract::id::GatewayId;
use kitchen_contract::topic::Topic;
use tokio::sync::{mpsc, oneshot};

/// A message that came through a door.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Where it was published.
    pub topic: Topic,
    /// Untouched.
    pub payload: Vec<u8>,
    /// Who published it, if the door knows: the CN of the certificate. A broker does not tell.
    pub peer: Option<GatewayId>,
}

/// A message for a gateway: topic and payload.
pub type Answer = (Topic, Vec<u8>);

/// What became of a delivery, once that is on disk.
#[derive(Clone, Debug)]
pub struct Delivered {
    /// To be published for the gateway, if it is to hear anything.
    pub answer: Option<Answer>,
}

/// A delivery and where its outcome goes.
pub(super) type Job = (Delivery, oneshot::Sender<Delivered>);

/// Deliveries waiting for the next commit; at the limit the doors wait, and through them the gateways.
const WAITING_MAX: usize = 256;

/// The way into ingest. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Ingest(mpsc::Sender<Job>);

impl Ingest {
    /// The way in, and the end at which [`super::IngestTask`] takes out.
    pub(super) fn channel() -> (Self, mpsc::Receiver<Job>) {
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        (Self(sender), receiver)
    }

    /// Hands in a delivery, waiting while ingest is full. The outcome comes when it is on disk; it never comes if the store
    /// refused, and then nothing is to be confirmed. `None` if ingest has stopped.
    pub async fn deliver(&self, delivery: Delivery) -> Option<oneshot::Receiver<Delivered>> {
        let (sender, receiver) = oneshot::channel();
        self.0.send((delivery, sender)).await.ok().map(|()| receiver)
    }

    /// Hands in a delivery whose outcome nobody waits for, unless ingest is full.
    pub fn deliver_if_room(&self, delivery: Delivery) {
        let (sender, _nobody_waits) = oneshot::channel();
        if self.0.try_send((delivery, sender)).is_err() {
            metrics::counter!("ingest_dropped_total", "reason" => "full").increment(1);
        }
    }
}
