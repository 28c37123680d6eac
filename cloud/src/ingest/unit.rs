//! One delivery's part of a unit of work: look up, let `accept` decide and `judge` judge, write.
//!
//! Everything a delivery causes is in one batch with its ledger entry behind it, so a reading that is acknowledged is stored
//! and judged, and a delivery that is repeated finds its ledger entry and changes nothing.

use std::collections::{BTreeMap, HashMap};

use kitchen_contract::ack::Ack;
use kitchen_contract::alarm::Transition;
use kitchen_contract::envelope::{Header, Opened, ReceivedRecord};
use kitchen_contract::id::{DeviceId, GatewayId, KitchenId};
use kitchen_contract::record::{Body, Reading};
use kitchen_contract::time::Timestamp;
use kitchen_contract::topic::Topic;
use serde_json::{Map, Value, json};

use super::accept::{self, Accepted, Disbelief, Known, Origin, Sorted};
use super::aside::Source;
use super::delivery::{Answer, Delivery};
use super::judge::{Case, Memory, Site, judge};
use super::judged::Judged;
use super::ledger::{Block, HOT_DAYS, Ledger};
use super::tally::Tally;
use crate::alert::{self, Exceeded, Place};
use crate::registry::{Alert, DeviceFacts, GatewayFacts, Registry, StoredReading, fields, thing};
use crate::store::keys::RecordRef;
use crate::store::{Batch, Item, StoreError, keys};

/// Seconds of a day.
const DAY_SECONDS: i64 = 24 * 60 * 60;

/// A unit of work under way.
pub(super) struct Unit<'a> {
    pub(super) registry: &'a Registry,
    pub(super) batch: Batch<'a>,
    pub(super) now: Timestamp,
    /// The next place in the ring of unsigned messages.
    pub(super) slot: &'a mut u32,
    /// What a gateway may send of its backlog.
    pub(super) records_per_s: Option<u32>,
    /// What is to be counted once the unit is committed.
    pub(super) tally: Tally,
}

impl Unit<'_> {
    /// Takes a delivery into the unit of work; what it returns may be published once the unit is committed.
    pub(super) async fn take(&mut self, delivery: &Delivery) -> Result<Option<Answer>, StoreError> {
        let answer = match &delivery.topic {
            Topic::Temperature(kitchen) => self.records(kitchen, delivery).await?,
            Topic::Status(gateway) => self.status(gateway, delivery).await?,
            Topic::CommandReply(_) | Topic::Command(_) | Topic::Ack(_) => {
                self.tally.add_reason("ingest_dropped_total", "topic");
                None
            }
        };
        self.tally.add_one("ingest_deliveries_total");
        self.tally.add("ingest_acks_total", answer.is_some().into());
        Ok(answer)
    }

    async fn records(&mut self, kitchen: &KitchenId, delivery: &Delivery) -> Result<Option<Answer>, StoreError> {
        let Some((opened, gateway)) = self.believed(kitchen, delivery).await? else { return Ok(None) };
        let header = opened.header();
        let source = Source { header, delivery, customer_id: gateway.customer_at(self.now) };
        let records = opened.records();
        let named = match accept::numbers_named(header, records.as_deref().ok()) {
            Ok(named) => named,
            Err(disbelief) => {
                self.keep_unsigned(delivery, disbelief, disbelief.name());
                return Ok(None);
            }
        };
        let mut ledger = self.ledger(header, &named).await?;
        let sorted = match records {
            Ok(records) => self.sorted((&opened, records), &gateway, &ledger).await?,
            Err(error) => accept::body_rejected(&error, named, &ledger.stored()),
        };
        self.keep_envelope(source, &sorted).await?;
        self.keep_rejected(source, &mut ledger, &sorted.rejected).await?;
        Ok(Some(self.settle(source, ledger, sorted)))
    }

    /// What is to be done with the records; what is to be stored has been put into the batch.
    async fn sorted(
        &mut self,
        (opened, records): (&Opened, Vec<ReceivedRecord>),
        gateway: &GatewayFacts,
        ledger: &Ledger,
    ) -> Result<Sorted, StoreError> {
        self.tally.add("ingest_records_received_total", records.len() as u64);
        let devices = self.devices(&records).await?;
        let known = Known { gateway, devices: &devices, ledger: &ledger.stored(), now: self.now };
        let sorted = accept::sort(opened, records, known);
        for accepted in &sorted.accepted {
            self.store(opened.header(), accepted, &devices).await?;
        }
        Ok(sorted)
    }

    /// The envelope and its gateway, if it is that gateway's word; otherwise it is kept aside and nobody is answered.
    async fn believed(
        &mut self,
        kitchen: &KitchenId,
        delivery: &Delivery,
    ) -> Result<Option<(Opened, GatewayFacts)>, StoreError> {
        let opened = match Opened::read(&delivery.payload) {
            Ok(opened) => opened,
            Err(error) => {
                self.keep_unsigned(delivery, Disbelief::NotAnEnvelope, &error.to_string());
                return Ok(None);
            }
        };
        let gateway = self.registry.gateway_facts(&opened.header().gateway_id).await?;
        let origin = Origin { kitchen, peer: delivery.peer.as_ref() };
        if let Err(disbelief) = accept::believe(&opened, gateway.as_ref(), origin) {
            self.keep_unsigned(delivery, disbelief, disbelief.name());
            return Ok(None);
        }
        Ok(gateway.map(|gateway| (opened, gateway)))
    }

    /// Writes the ledger behind everything else and makes the acknowledgement.
    fn settle(&mut self, source: Source<'_>, mut ledger: Ledger, sorted: Sorted) -> Answer {
        let Source { header, customer_id, .. } = source;
        let Sorted { accepted, duplicates, rejected } = sorted;
        self.tally.add("ingest_duplicates_total", duplicates.count());
        tracing::debug!(
            gateway.id = %header.gateway_id,
            epoch = %header.epoch,
            from = header.from,
            to = header.to,
            stored = accepted.len(),
            duplicates = duplicates.count(),
            rejected = rejected.len(),
            "accepted"
        );
        let mut ranges = duplicates;
        for Accepted { record, .. } in &accepted {
            ledger.note_stored(record.seq);
            ranges.insert(record.seq, record.seq);
        }
        if !accepted.is_empty() || !rejected.is_empty() {
            for (number, block) in ledger.into_blocks() {
                let key = keys::ledger(&header.gateway_id, &header.epoch, number);
                let block = Block { customer_id: customer_id.cloned(), ..block };
                self.batch.put_last(Item::new(key, fields(&block)));
            }
        }
        let ack = Ack::of_records(header.epoch.clone(), ranges, rejected, self.now);
        answer(&header.gateway_id, &ack)
    }

    /// Stores one record, and judges it if it is a reading. Gaps and events are stored as they came: this sink may not know
    /// everything a newer gateway says.
    async fn store(
        &mut self,
        header: &Header,
        accepted: &Accepted,
        devices: &HashMap<DeviceId, DeviceFacts>,
    ) -> Result<(), StoreError> {
        let Accepted { record, raw, customer_id } = accepted;
        let place = RecordRef { timestamp: record.timestamp, epoch: &header.epoch, seq: record.seq };
        self.tally.add_one("ingest_records_stored_total");
        let Body::Reading(reading) = &record.body else {
            let body = json!({
                "record": raw, "epoch": header.epoch, "gatewayId": header.gateway_id,
                "kitchenId": header.kitchen_id, "customerId": customer_id, "receivedAt": self.now,
            });
            self.put_received(Item::new(keys::record(&header.gateway_id, place), object(body)));
            return Ok(());
        };
        let site = Site { kitchen_id: header.kitchen_id.clone(), customer_id: customer_id.clone() };
        let verdict = self.judge(&site, accepted.record.timestamp, (reading, devices.get(&reading.device_id))).await?;
        let stored = StoredReading {
            record: record.clone(),
            epoch: header.epoch.clone(),
            gateway_id: header.gateway_id.clone(),
            kitchen_id: header.kitchen_id.clone(),
            customer_id: customer_id.clone(),
            verdict,
            received_at: self.now,
        };
        self.put_received(Item::new(keys::reading(&reading.device_id, place), fields(&stored)));
        Ok(())
    }

    async fn judge(
        &mut self,
        site: &Site,
        timestamp: Timestamp,
        (reading, device): (&Reading, Option<&DeviceFacts>),
    ) -> Result<Judged, StoreError> {
        let key = keys::alarm_state(&reading.device_id);
        let memory: Memory = self.batch.get(&key).await?.map(thing).transpose()?.unwrap_or_default();
        let limits = device.and_then(|device| device.limits);
        let value = reading.value;
        let judgement = judge(memory, Case { site, limits: limits.as_ref(), timestamp, received_at: self.now, value });
        for (site, transition) in judgement.changes {
            let Site { kitchen_id, customer_id } = &site;
            self.transition(Place { device_id: &reading.device_id, kitchen_id, customer_id }, transition).await?;
        }
        self.batch.put(Item::new(key, fields(&judgement.memory)));
        self.tally.add_one("ingest_readings_judged_total");
        Ok(judgement.verdict.into())
    }

    async fn transition(&mut self, place: Place<'_>, transition: Transition) -> Result<(), StoreError> {
        match transition {
            Transition::Opened { excursion, temperature, threshold } => {
                // What is told of already keeps what people made of it.
                let known: Option<Alert> =
                    self.batch.get(&alert::key(place, excursion)).await?.map(thing).transpose()?;
                let opened = alert::opened(place, excursion, Exceeded { temperature, threshold }, None);
                let opened = known.map_or(opened, |known| Alert { resolved_at: None, ..known });
                tracing::info!(device.id = %place.device_id, alert.id = opened.id, %temperature, "alert opened");
                self.tally.add_one("alerts_opened_total");
                self.batch.put(alert::item(&opened));
            }
            Transition::Historic { excursion, temperature, threshold } => {
                // What is told of already keeps its end and what people made of it.
                if self.batch.get(&alert::key(place, excursion)).await?.is_some() {
                    return Ok(());
                }
                let over = Some(excursion.since);
                let opened = alert::opened(place, excursion, Exceeded { temperature, threshold }, over);
                self.tally.add_one("alerts_historic_total");
                self.batch.put(alert::item(&opened));
            }
            Transition::Resolved { excursion, at } => {
                let Some(item) = self.batch.get(&alert::key(place, excursion)).await? else { return Ok(()) };
                let resolved = Alert { resolved_at: Some(at), ..thing(item)? };
                tracing::info!(device.id = %place.device_id, alert.id = resolved.id, "alert resolved");
                self.tally.add_one("alerts_resolved_total");
                self.batch.put(alert::item(&resolved));
            }
        }
        Ok(())
    }

    pub(super) fn put_received(&mut self, item: Item) {
        let expires = self.now.unix_ms() / 1000 + HOT_DAYS * DAY_SECONDS;
        self.batch.put(item.second(keys::received_on(self.now)).expires_at(expires));
    }

    /// The blocks of the epoch's ledger that these numbers fall into.
    async fn ledger(&self, header: &Header, named: &[u64]) -> Result<Ledger, StoreError> {
        let mut blocks = BTreeMap::new();
        for number in named.iter().copied().map(Ledger::block_of) {
            if blocks.contains_key(&number) {
                continue;
            }
            let known = self.batch.get(&keys::ledger(&header.gateway_id, &header.epoch, number)).await?;
            let fresh = || Block::new(header.gateway_id.clone(), header.epoch.clone());
            blocks.insert(number, known.map(thing).transpose()?.unwrap_or_else(fresh));
        }
        Ok(Ledger::new(blocks))
    }

    async fn devices(&self, records: &[ReceivedRecord]) -> Result<HashMap<DeviceId, DeviceFacts>, StoreError> {
        let mut devices = HashMap::new();
        for id in accept::devices_named(records) {
            if devices.contains_key(id) {
                continue;
            }
            if let Some(facts) = self.registry.device_facts(id).await? {
                devices.insert(id.clone(), facts);
            }
        }
        Ok(devices)
    }
}

pub(super) fn object(body: Value) -> Map<String, Value> {
    match body {
        Value::Object(fields) => fields,
        _ => unreachable!("invariant: items are written as JSON objects"),
    }
}

/// An acknowledgement on its way.
pub(super) fn answer(gateway: &GatewayId, ack: &Ack) -> Answer {
    let payload = serde_json::to_vec(ack).expect("invariant: an ack has text keys only");
    (Topic::Ack(gateway.clone()), payload)
}
