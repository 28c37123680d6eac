//! One status message's part of a unit of work: believe it, keep it if it says anything new, answer it.

use kitchen_contract::ack::Ack;
use kitchen_contract::id::GatewayId;
use kitchen_contract::status::{OpenedStatus, StatusKind};

use super::accept::{self, Disbelief};
use super::delivery::{Answer, Delivery};
use super::ledger::Ledger;
use super::presence::{self, Heard};
use super::unit::{Unit, answer};
use crate::registry::{GatewayFacts, fields, thing};
use crate::store::{Item, Key, StoreError, keys};

impl Unit<'_> {
    /// Takes a status message and answers one that asks. One that has been told before is answered too: a gateway without a clock repeats itself
    /// until it has the sink's.
    pub(super) async fn status(
        &mut self,
        gateway: &GatewayId,
        delivery: &Delivery,
    ) -> Result<Option<Answer>, StoreError> {
        let facts = self.registry.gateway_facts(gateway).await?;
        let status = match accept::status(OpenedStatus::read(&delivery.payload), facts.as_ref(), gateway) {
            Ok(status) if delivery.peer.as_ref().is_none_or(|peer| peer == gateway) => status,
            Ok(_) => {
                self.keep_unsigned(delivery, Disbelief::NotThePeer, "the door knows the peer as another gateway");
                return Ok(None);
            }
            Err((disbelief, why)) => {
                self.keep_unsigned(delivery, disbelief, &why);
                return Ok(None);
            }
        };
        self.tally.add_one("ingest_statuses_total");
        let customer_id = facts.as_ref().and_then(|facts: &GatewayFacts| facts.customer_at(self.now)).cloned();
        let (epoch, answers) = (status.epoch.clone(), status.question);
        self.keep_status(gateway, Heard { status, customer_id, received_at: self.now }).await?;
        let ack = Ack { records_per_s: self.records_per_s, ..Ack::answer(epoch, answers, self.now) };
        Ok(answers.map(|_| answer(gateway, &ack)))
    }

    async fn keep_status(&mut self, gateway: &GatewayId, new: Heard) -> Result<(), StoreError> {
        let latest = self.heard(&keys::status(gateway)).await?;
        let (key, is_new) = if new.status.kind == StatusKind::LastWill {
            let key = keys::last_will(gateway);
            let is_new = presence::is_new_will(self.heard(&key).await?.as_ref(), latest.as_ref(), &new);
            (key, is_new)
        } else {
            let first_block = keys::ledger(gateway, &new.status.epoch, Ledger::block_of(1));
            let unheard = self.batch.get(&first_block).await?.is_none();
            (keys::status(gateway), presence::is_new(latest.as_ref(), &new, unheard))
        };
        if is_new {
            self.batch.put(Item::new(key, fields(&new)));
        } else {
            self.tally.add_one("ingest_statuses_repeated_total");
        }
        Ok(())
    }

    async fn heard(&self, key: &Key) -> Result<Option<Heard>, StoreError> {
        self.batch.get(key).await?.map(thing).transpose()
    }
}
