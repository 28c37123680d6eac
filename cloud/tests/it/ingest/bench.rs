//! A running ingest over a store, and eyes on what it left there.

use kitchen_cloud::clock::Clock;
use kitchen_cloud::ingest::{Delivered, Delivery, Ingest, IngestTask};
use kitchen_cloud::registry::{Alert, StoredReading};
use kitchen_cloud::store::{Item, Order, Page, Range, Store, Table, keys};
use kitchen_contract::ack::Ack;
use kitchen_contract::id::GatewayId;
use kitchen_contract::ranges::SeqRanges;
use kitchen_contract::time::Timestamp;
use kitchen_contract::topic::Topic;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::field::{Field, now};

pub(super) struct Sink {
    pub(super) store: Store,
    pub(super) ingest: Ingest,
    task: JoinHandle<()>,
    shutdown: CancellationToken,
}

impl Sink {
    pub(super) async fn open(field: &Field) -> Self {
        Self::open_at(field, now()).await
    }

    pub(super) async fn open_at(field: &Field, now: Timestamp) -> Self {
        let store = field.store().await;
        let (task, ingest) = IngestTask::new(store.clone(), Clock::fixed(now));
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(task.run(shutdown.clone()));
        Self { store, ingest, task, shutdown }
    }

    /// Hands in records and waits for the outcome: the ack, if there is one.
    pub(super) async fn send(&self, kitchen: &str, payload: Vec<u8>) -> Option<Ack> {
        self.deliver(records(kitchen, payload, None)).await
    }

    pub(super) async fn deliver(&self, delivery: Delivery) -> Option<Ack> {
        self.hand_in(delivery).await.await.unwrap().answer.map(|(_, payload)| ack(&payload))
    }

    pub(super) async fn hand_in(&self, delivery: Delivery) -> oneshot::Receiver<Delivered> {
        self.ingest.deliver(delivery).await.unwrap()
    }

    /// Stops in the middle of whatever it does.
    pub(super) async fn crash(self) {
        self.task.abort();
        let _ = self.task.await;
    }

    pub(super) async fn stop(self) {
        self.shutdown.cancel();
        self.task.await.unwrap();
        self.store.close().await;
    }

    pub(super) async fn readings(&self, device: &str) -> Vec<StoredReading> {
        let partition = format!("DEVICE#{device}");
        let items = self.items(Table::Readings, &partition, keys::READING).await;
        items.into_iter().map(|item| read(item.body)).collect()
    }

    pub(super) async fn alerts(&self, kitchen: &str) -> Vec<Alert> {
        let items = self.items(Table::Alerts, &format!("KITCHEN#{kitchen}"), "ALERT#").await;
        items.into_iter().map(|item| read(item.body)).collect()
    }

    pub(super) async fn of_gateway(&self, gateway: &str, prefix: &str) -> Vec<Item> {
        self.items(Table::Readings, &format!("GATEWAY#{gateway}"), prefix).await
    }

    pub(super) async fn ledger(&self, gateway: &GatewayId, epoch: &str) -> SeqRanges {
        let blocks = self.items(Table::Devices, &format!("GATEWAY#{gateway}"), &format!("EPOCH#{epoch}#")).await;
        let ranges = blocks.into_iter().map(|item| serde_json::from_value(item.body["ranges"].clone()).unwrap());
        ranges.flat_map(|ranges: Vec<(u64, u64)>| ranges).collect::<Vec<_>>().into()
    }

    pub(super) async fn items(&self, table: Table, partition: &str, prefix: &str) -> Vec<Item> {
        let range = Range {
            table,
            partition: partition.to_owned(),
            from: prefix.to_owned(),
            to: format!("{prefix}{}", keys::PREFIX_END),
            order: Order::Rising,
        };
        self.store.query(&range, Page(100_000)).await.unwrap()
    }
}

fn read<T: serde::de::DeserializeOwned>(body: serde_json::Map<String, serde_json::Value>) -> T {
    serde_json::from_value(serde_json::Value::Object(body)).unwrap()
}

pub(super) fn ack(payload: &[u8]) -> Ack {
    serde_json::from_slice(payload).unwrap()
}

pub(super) fn records(kitchen: &str, payload: Vec<u8>, peer: Option<&str>) -> Delivery {
    let peer = peer.map(|peer| peer.parse().unwrap());
    Delivery { topic: Topic::Temperature(kitchen.parse().unwrap()), payload, peer }
}

pub(super) fn status(gateway: &str, payload: Vec<u8>, peer: Option<&str>) -> Delivery {
    let peer = peer.map(|peer| peer.parse().unwrap());
    Delivery { topic: Topic::Status(gateway.parse().unwrap()), payload, peer }
}
