//! One delivery's part of a unit of work: look up, let `accept` decide, judge, write.
//!
//! Everything a delivery causes is in one batch with its ledger entry behind it, so a reading that is acknowledged is stored
//! and judged, and a delivery that is repeated finds its ledger entry and changes nothing.

use std::collections::HashMap;

use kitchen_contract::VERSION;
use kitchen_contract::ack::{Ack, RejectReason, Rejected};
use kitchen_contract::alarm::{AlarmState, Transition, evaluate};
use kitchen_contract::envelope::{Header, OpenError, Opened};
use kitchen_contract::id::{DeviceId, Epoch, GatewayId, KitchenId};
use kitchen_contract::ranges::SeqRanges;
use kitchen_contract::record::{Body, Reading};
use kitchen_contract::status::OpenedStatus;
use kitchen_contract::time::Timestamp;
use kitchen_contract::topic::Topic;
use metrics::counter;
use serde_json::{Map, Value, json};

use super::accept::{self, Accepted, Disbelief, Known, Origin, Sorted};
use super::delivery::{Answer, Delivery};
use super::judged::Judged;
use crate::alert::{self, Exceeded, Place};
use crate::registry::{Alert, DeviceFacts, Registry, StoredReading, fields, thing};
use crate::store::keys::RecordRef;
use crate::store::{Batch, Item, StoreError, keys};

/// Days that a received item stays in the store at least.
const HOT_DAYS: i64 = 10;
/// Seconds of a day.
const DAY_SECONDS: i64 = 24 * 60 * 60;
/// Places in the ring of unsigned messages; the oldest is overwritten.
const UNSIGNED_SLOTS: u32 = 1000;
/// Bytes kept of an unsigned message.
const UNSIGNED_BYTES_MAX: usize = 8 * 1024;

/// A unit of work under way.
pub(super) struct Unit<'a> {
    pub(super) registry: &'a Registry,
    pub(super) batch: Batch<'a>,
    pub(super) now: Timestamp,
    /// The next place in the ring of unsigned messages.
    pub(super) slot: &'a mut u32,
}

impl Unit<'_> {
    /// Takes a delivery into the unit of work; what it returns may be published once the unit is committed.
    pub(super) async fn take(&mut self, delivery: &Delivery) -> Result<Option<Answer>, StoreError> {
        match &delivery.topic {
            Topic::Temperature(kitchen) => self.records(kitchen, delivery).await,
            Topic::Status(gateway) => self.status(gateway, delivery).await,
            Topic::CommandReply(_) | Topic::Command(_) | Topic::Ack(_) => {
                counter!("ingest_dropped_total", "reason" => "topic").increment(1);
                Ok(None)
            }
        }
    }

    async fn records(&mut self, kitchen: &KitchenId, delivery: &Delivery) -> Result<Option<Answer>, StoreError> {
        let opened = match Opened::read(&delivery.payload) {
            Ok(opened) => opened,
            Err(error) => return self.disbelieve(delivery, Disbelief::NotAnEnvelope, &open_error(&error)),
        };
        let gateway = self.registry.gateway_facts(&opened.header().gateway_id).await?;
        let origin = Origin { kitchen, peer: delivery.peer.as_ref() };
        if let Err(disbelief) = accept::believe(&opened, gateway.as_ref(), origin) {
            return self.disbelieve(delivery, disbelief, disbelief.name());
        }
        let Some(gateway) = gateway else { return Ok(None) };
        let header = opened.header().clone();
        let mut ledger = self.ledger(&header.gateway_id, &header.epoch).await?;
        let sorted = match opened.records() {
            Ok(records) => {
                let devices = self.devices(&records).await?;
                let known = Known { gateway: &gateway, devices: &devices, ledger: &ledger, now: self.now };
                let sorted = accept::sort(&opened, records, known);
                for accepted in &sorted.accepted {
                    self.store(&header, accepted, &devices).await?;
                }
                sorted
            }
            Err(error) => {
                let reason = accept::body_rejected(&error);
                Sorted { rejected: vec![Rejected { range: (header.from, header.to), reason }], ..Sorted::default() }
            }
        };
        self.keep_envelope(&header, delivery, &sorted);
        Ok(Some(self.settle(&header, &mut ledger, sorted)))
    }

    /// Writes the ledger behind everything else and makes the acknowledgement.
    fn settle(&mut self, header: &Header, ledger: &mut SeqRanges, sorted: Sorted) -> Answer {
        let Sorted { accepted, mut duplicates, rejected } = sorted;
        counter!("ingest_duplicates_total").increment(duplicates.count());
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
        if !accepted.is_empty() {
            accepted.iter().for_each(|accepted| ledger.insert(accepted.record.seq, accepted.record.seq));
            let body = json!({ "gatewayId": header.gateway_id, "epoch": header.epoch, "ranges": ledger });
            self.batch.put_last(Item::new(keys::ledger(&header.gateway_id, &header.epoch), object(body)));
        }
        accepted.iter().for_each(|accepted| duplicates.insert(accepted.record.seq, accepted.record.seq));
        self.answer(&header.gateway_id, header.epoch.clone(), (duplicates, rejected))
    }

    fn answer(&self, gateway: &GatewayId, epoch: Epoch, done: (SeqRanges, Vec<Rejected>)) -> Answer {
        let (ranges, rejected) = done;
        let ack = Ack { v: VERSION, epoch, ranges, rejected, server_time: self.now, lease_until: None };
        let payload = serde_json::to_vec(&ack).expect("invariant: an ack has text keys only");
        (Topic::Ack(gateway.clone()), payload)
    }

    /// Stores one record, and judges it if it is a reading.
    async fn store(
        &mut self,
        header: &Header,
        accepted: &Accepted,
        devices: &HashMap<DeviceId, DeviceFacts>,
    ) -> Result<(), StoreError> {
        let Accepted { record, customer_id } = accepted;
        let place = RecordRef { timestamp: record.timestamp, epoch: &header.epoch, seq: record.seq };
        counter!("ingest_records_stored_total").increment(1);
        let Body::Reading(reading) = &record.body else {
            let body = json!({
                "record": record, "epoch": header.epoch, "gatewayId": header.gateway_id,
                "kitchenId": header.kitchen_id, "customerId": customer_id, "receivedAt": self.now,
            });
            self.put_received(Item::new(keys::record(&header.gateway_id, place), object(body)));
            return Ok(());
        };
        let verdict = self.judge(header, accepted, (reading, devices.get(&reading.device_id))).await?;
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
        header: &Header,
        accepted: &Accepted,
        (reading, device): (&Reading, Option<&DeviceFacts>),
    ) -> Result<Judged, StoreError> {
        let key = keys::alarm_state(&reading.device_id);
        let state: AlarmState = self.batch.get(&key).await?.map(thing).transpose()?.unwrap_or_default();
        let limits = device.and_then(|device| device.limits);
        let evaluation = evaluate(state, limits.as_ref(), accepted.record.timestamp, reading.value);
        let place =
            Place { device_id: &reading.device_id, kitchen_id: &header.kitchen_id, customer_id: &accepted.customer_id };
        for transition in evaluation.transitions {
            self.transition(place, transition).await?;
        }
        self.batch.put(Item::new(key, fields(&evaluation.state)));
        counter!("ingest_readings_judged_total").increment(1);
        Ok(evaluation.verdict.into())
    }

    async fn transition(&mut self, place: Place<'_>, transition: Transition) -> Result<(), StoreError> {
        match transition {
            Transition::Opened { excursion, temperature, threshold } => {
                let opened = alert::opened(place, excursion, Exceeded { temperature, threshold }, None);
                tracing::info!(device.id = %place.device_id, alert.id = opened.id, %temperature, "alert opened");
                counter!("alerts_opened_total").increment(1);
                self.batch.put(alert::item(&opened));
            }
            Transition::Historic { excursion, temperature, threshold } => {
                let over = Some(excursion.since);
                let opened = alert::opened(place, excursion, Exceeded { temperature, threshold }, over);
                counter!("alerts_historic_total").increment(1);
                self.batch.put(alert::item(&opened));
            }
            Transition::Resolved { excursion, at } => {
                let Some(item) = self.batch.get(&alert::key(place, excursion)).await? else { return Ok(()) };
                let resolved = Alert { resolved_at: Some(at), ..thing(item)? };
                tracing::info!(device.id = %place.device_id, alert.id = resolved.id, "alert resolved");
                counter!("alerts_resolved_total").increment(1);
                self.batch.put(alert::item(&resolved));
            }
        }
        Ok(())
    }

    /// Keeps the signed envelope as it came, if anything in it is new; and beside it what was rejected.
    fn keep_envelope(&mut self, header: &Header, delivery: &Delivery, sorted: &Sorted) {
        let received = RecordRef { timestamp: self.now, epoch: &header.epoch, seq: header.from };
        let text = String::from_utf8_lossy(&delivery.payload);
        if !sorted.accepted.is_empty() {
            let body = json!({ "gatewayId": header.gateway_id, "receivedAt": self.now, "envelope": text });
            self.put_received(Item::new(keys::envelope(&header.gateway_id, received), object(body)));
        }
        if !sorted.rejected.is_empty() {
            for Rejected { reason, .. } in &sorted.rejected {
                counter!("ingest_quarantined_total", "reason" => reason_name(*reason)).increment(1);
            }
            tracing::warn!(gateway.id = %header.gateway_id, rejected = ?sorted.rejected, "signed records kept aside");
            let body = json!({
                "gatewayId": header.gateway_id, "receivedAt": self.now, "rejected": sorted.rejected, "envelope": text,
            });
            self.put_received(Item::new(keys::quarantine(&header.gateway_id, received), object(body)));
        }
    }

    fn put_received(&mut self, item: Item) {
        let expires = self.now.unix_ms() / 1000 + HOT_DAYS * DAY_SECONDS;
        self.batch.put(item.second(keys::received_on(self.now)).expires_at(expires));
    }

    async fn status(&mut self, gateway: &GatewayId, delivery: &Delivery) -> Result<Option<Answer>, StoreError> {
        let opened = match OpenedStatus::read(&delivery.payload) {
            Ok(opened) => opened,
            Err(error) => return self.disbelieve(delivery, Disbelief::NotAnEnvelope, &open_error(&error)),
        };
        if delivery.peer.as_ref().is_some_and(|peer| peer != gateway) || opened.gateway_id() != gateway {
            return self.disbelieve(delivery, Disbelief::NotThePeer, "the status names another gateway");
        }
        let Some(facts) = self.registry.gateway_facts(gateway).await? else {
            return self.disbelieve(delivery, Disbelief::UnknownGateway, "not registered");
        };
        let verified = facts.keys.iter().find_map(|key| opened.clone().verified(key).ok());
        let Some(status) = verified else {
            return self.disbelieve(delivery, Disbelief::Signature, "no key of this gateway matches");
        };
        counter!("ingest_statuses_total").increment(1);
        let mut body = fields(&status);
        body.insert("receivedAt".to_owned(), json!(self.now));
        self.batch.put(Item::new(keys::status(gateway), body));
        Ok(Some(self.answer(gateway, status.epoch, (SeqRanges::new(), Vec::new()))))
    }

    /// Keeps aside what nobody has signed, within a ring, and answers nobody.
    fn disbelieve(
        &mut self,
        delivery: &Delivery,
        disbelief: Disbelief,
        why: &str,
    ) -> Result<Option<Answer>, StoreError> {
        counter!("ingest_unsigned_total", "reason" => disbelief.name()).increment(1);
        let peer = delivery.peer.as_ref().map(ToString::to_string);
        tracing::warn!(topic = %delivery.topic, peer, why, "message not believed");
        let kept = &delivery.payload[..delivery.payload.len().min(UNSIGNED_BYTES_MAX)];
        let body = json!({
            "topic": delivery.topic.to_string(), "peer": peer, "reason": disbelief.name(), "why": why,
            "receivedAt": self.now, "bytes": delivery.payload.len(), "payload": String::from_utf8_lossy(kept),
        });
        self.batch.put(Item::new(keys::unsigned(*self.slot), object(body)));
        *self.slot = (*self.slot + 1) % UNSIGNED_SLOTS;
        Ok(None)
    }

    async fn ledger(&self, gateway: &GatewayId, epoch: &Epoch) -> Result<SeqRanges, StoreError> {
        let Some(mut item) = self.batch.get(&keys::ledger(gateway, epoch)).await? else { return Ok(SeqRanges::new()) };
        let ranges = item.body.remove("ranges").unwrap_or_default();
        serde_json::from_value(ranges).map_err(|error| StoreError::Damaged {
            partition: item.key.partition,
            sort: item.key.sort,
            reason: error.to_string(),
        })
    }

    async fn devices(
        &self,
        records: &[kitchen_contract::envelope::ReceivedRecord],
    ) -> Result<HashMap<DeviceId, DeviceFacts>, StoreError> {
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

fn object(body: Value) -> Map<String, Value> {
    match body {
        Value::Object(fields) => fields,
        _ => unreachable!("invariant: items are written as JSON objects"),
    }
}

fn open_error(error: &OpenError) -> String {
    error.to_string()
}

fn reason_name(reason: RejectReason) -> &'static str {
    match reason {
        RejectReason::UnknownVersion => "unknown-version",
        RejectReason::MalformedBody => "malformed-body",
        RejectReason::MalformedRecord => "malformed-record",
        RejectReason::UnknownDevice => "unknown-device",
        RejectReason::NotAssigned => "not-assigned",
        RejectReason::FutureTimestamp => "future-timestamp",
        RejectReason::Unknown => "unknown",
    }
}
