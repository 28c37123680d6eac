//! Two gateways of two customers, registered, and a running ingest.

use kitchen_cloud::registry::{Enrolment, Registry};
use kitchen_contract::record::Record;
use kitchen_contract::time::Timestamp;

use super::bench::Sink;
use crate::field::{Field, Gateway, enrol, now, sensor};

pub(super) struct Scene {
    pub(super) field: Field,
    pub(super) a: Gateway,
    pub(super) b: Gateway,
    pub(super) sink: Sink,
}

impl Scene {
    pub(super) async fn new() -> Self {
        let field = Field::new();
        let (a, b) = (field.gateway("gw-a"), field.gateway("gw-b"));
        let sink = Sink::open(&field).await;
        enrol(&sink.store, &[&a, &b]).await;
        Self { field, a, b, sink }
    }

    pub(super) fn registry(&self) -> Registry {
        Registry::new(self.sink.store.clone())
    }

    /// Gateway a's records of its own kitchen; all of them are taken.
    pub(super) async fn a_says(&self, records: Vec<Record>) {
        let count = records.len() as u64;
        let ack = self.sink.send("kitchen-a", self.a.envelope("kitchen-a", "cepoch", records)).await.unwrap();
        assert_eq!(ack.ranges.count(), count, "{ack:?}");
    }

    /// Gateway b's records of its own kitchen; none of them is rejected.
    pub(super) async fn b_says(&self, records: Vec<Record>) {
        let ack = self.sink.send("kitchen-b", self.b.envelope("kitchen-b", "cepoch", records)).await.unwrap();
        assert!(ack.rejected.is_empty(), "{ack:?}");
    }

    /// `sensor-a` is taken to customer b's kitchen.
    pub(super) async fn move_to_b(&self, since: Timestamp) {
        let enrolment = Enrolment { sensors: vec![sensor("a", "b", since)], ..Enrolment::default() };
        self.registry().enrol(&enrolment, now()).await.unwrap();
    }
}
