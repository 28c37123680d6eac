//! What is kept beside the readings: signed envelopes as they came, signed records that cannot be taken, and, in a ring,
//! what nobody has signed. Everything here has a bound.

use kitchen_contract::ack::Rejected;
use kitchen_contract::envelope::Header;
use kitchen_contract::id::CustomerId;
use serde_json::{Value, json};

use super::accept::{Disbelief, Sorted};
use super::delivery::Delivery;
use super::ledger::{Ledger, QUARANTINE_SLOTS, RingPlace};
use super::tally::reason_name;
use super::unit::{Unit, object};
use crate::store::keys::RecordRef;
use crate::store::{Item, StoreError, keys};

/// Places in the ring of unsigned messages; the oldest is overwritten.
const UNSIGNED_SLOTS: u32 = 1000;
/// Bytes kept of an unsigned message.
const UNSIGNED_BYTES_MAX: usize = 8 * 1024;

/// The envelope that is being taken: what it says of itself, as it came, and whose its gateway is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source<'a> {
    pub(super) header: &'a Header,
    pub(super) delivery: &'a Delivery,
    pub(super) customer_id: Option<&'a CustomerId>,
}

impl Unit<'_> {
    /// Keeps the signed envelope as it came, if anything in it is new.
    pub(super) async fn keep_envelope(&mut self, source: Source<'_>, sorted: &Sorted) -> Result<(), StoreError> {
        let Some(first) = sorted.accepted.first() else { return Ok(()) };
        let Source { header, delivery, .. } = source;
        let mut moment = self.now;
        let key = loop {
            let place = RecordRef { timestamp: moment, epoch: &header.epoch, seq: header.from };
            let key = keys::envelope(&header.gateway_id, place);
            if self.batch.get(&key).await?.is_none() {
                break key;
            }
            // Two envelopes of one millisecond that begin alike: evidence is never overwritten.
            moment = moment.saturating_add_ms(1);
        };
        let body = json!({
            "gatewayId": header.gateway_id, "kitchenId": header.kitchen_id, "customerId": first.customer_id,
            "receivedAt": self.now, "envelope": text(delivery),
        });
        self.put_received(Item::new(key, object(body)));
        Ok(())
    }

    /// Keeps aside what was rejected, once for as long as that copy lasts, however often it comes.
    pub(super) async fn keep_rejected(
        &mut self,
        source: Source<'_>,
        ledger: &mut Ledger,
        rejected: &[Rejected],
    ) -> Result<(), StoreError> {
        for Rejected { reason, .. } in rejected {
            self.tally.add_reason("ingest_quarantined_total", reason_name(*reason));
        }
        if rejected.is_empty() {
            return Ok(());
        }
        let Source { header, delivery, customer_id } = source;
        let ring = keys::quarantine_ring(&header.gateway_id);
        let known = self.batch.get(&ring).await?;
        let count = known.and_then(|item| item.body.get("count").and_then(Value::as_u64)).unwrap_or(0);
        if !ledger.note_aside(rejected, RingPlace { at: self.now, count }) {
            return Ok(());
        }
        tracing::warn!(gateway.id = %header.gateway_id, ?rejected, "signed records kept aside");
        if count >= QUARANTINE_SLOTS {
            self.tally.add_one("ingest_quarantine_overwritten_total");
        }
        let body = json!({
            "gatewayId": header.gateway_id, "kitchenId": header.kitchen_id, "customerId": customer_id,
            "receivedAt": self.now, "rejected": rejected, "envelope": text(delivery),
        });
        let key = keys::quarantine(&header.gateway_id, count % QUARANTINE_SLOTS);
        self.put_received(Item::new(key, object(body)));
        let next =
            json!({ "gatewayId": header.gateway_id, "customerId": customer_id, "count": count.saturating_add(1) });
        self.batch.put(Item::new(ring, object(next)));
        Ok(())
    }

    /// Keeps aside what nobody has signed, within a ring, and answers nobody.
    pub(super) fn keep_unsigned(&mut self, delivery: &Delivery, disbelief: Disbelief, why: &str) {
        self.tally.add_reason("ingest_unsigned_total", disbelief.name());
        let peer = delivery.peer.as_ref().map(ToString::to_string);
        tracing::warn!(topic = %delivery.topic, peer, why, "message not believed");
        let kept = &delivery.payload[..delivery.payload.len().min(UNSIGNED_BYTES_MAX)];
        let body = json!({
            "topic": delivery.topic.to_string(), "peer": peer, "reason": disbelief.name(), "why": why,
            "receivedAt": self.now, "bytes": delivery.payload.len(), "payload": String::from_utf8_lossy(kept),
        });
        self.batch.put(Item::new(keys::unsigned(*self.slot), object(body)));
        *self.slot = (*self.slot + 1) % UNSIGNED_SLOTS;
    }
}

/// The payload as it came; a signed one is JSON, so it is text to the byte.
fn text(delivery: &Delivery) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(&delivery.payload)
}
