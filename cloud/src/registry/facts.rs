//! What ingest and the endpoint need to know: whose key, where, with which limits.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use kitchen_contract::alarm::Limits;
use kitchen_contract::id::{CustomerId, DeviceId, GatewayId, KitchenId};
use kitchen_contract::signature::GatewayKey;
use kitchen_contract::time::Timestamp;

use super::scope::{LIST_MAX, Registry};
use super::things::{Assignment, Device, Gateway, thing};
use crate::store::{Index, Order, Range, StoreError, Table, keys};

/// What is known of a gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayFacts {
    /// The keys it may sign with.
    pub keys: Vec<GatewayKey>,
    /// Where it was, dated.
    pub assignments: Vec<Assignment>,
}

impl GatewayFacts {
    /// Whose the gateway is at a moment; outside all assignments, whose it was in the latest. `None` if it was never assigned.
    pub fn customer_at(&self, moment: Timestamp) -> Option<&CustomerId> {
        let held = self.assignments.iter().find(|assignment| assignment.holds_at(moment));
        held.or(self.assignments.last()).map(|assignment| &assignment.customer_id)
    }
}

/// What is known of a measuring point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceFacts {
    /// Its limits, if it has any.
    pub limits: Option<Limits>,
    /// Where it was, dated.
    pub assignments: Vec<Assignment>,
}

impl Registry {
    /// What is known of a gateway; `None` if it is not registered.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn gateway_facts(&self, id: &GatewayId) -> Result<Option<GatewayFacts>, StoreError> {
        let Some(item) = self.store.get(&keys::gateway(id)).await? else { return Ok(None) };
        let gateway: Gateway = thing(item)?;
        let keys = gateway.public_keys.iter().filter_map(|text| {
            let point = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
            GatewayKey::from_sec1(&point).ok()
        });
        Ok(Some(GatewayFacts { keys: keys.collect(), assignments: self.gateway_assignments(id).await? }))
    }

    /// What is known of a measuring point; `None` if it is not registered.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn device_facts(&self, id: &DeviceId) -> Result<Option<DeviceFacts>, StoreError> {
        let Some(item) = self.store.get(&keys::device(id)).await? else { return Ok(None) };
        let device: Device = thing(item)?;
        Ok(Some(DeviceFacts { limits: device.alert_thresholds, assignments: self.device_assignments(id).await? }))
    }

    /// The kitchens in which a gateway has ever been: on their topics it may publish, for its backlog is of then. `None` if
    /// the gateway is not registered.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn gateway_kitchens(&self, id: &GatewayId) -> Result<Option<Vec<KitchenId>>, StoreError> {
        let facts = self.gateway_facts(id).await?;
        Ok(facts.map(|facts| {
            let mut kitchens: Vec<_> = facts.assignments.into_iter().map(|assignment| assignment.kitchen_id).collect();
            kitchens.sort();
            kitchens.dedup();
            kitchens
        }))
    }

    /// All registered gateways.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn gateway_ids(&self) -> Result<Vec<GatewayId>, StoreError> {
        let items = self.store.query_index(Table::Devices, (Index::Second, keys::ALL_GATEWAYS), LIST_MAX).await?;
        items.into_iter().map(|item| Ok(thing::<Gateway>(item)?.gateway_id)).collect()
    }

    pub(super) async fn gateway_assignments(&self, id: &GatewayId) -> Result<Vec<Assignment>, StoreError> {
        self.assignments(keys::gateway(id).partition).await
    }

    pub(super) async fn device_assignments(&self, id: &DeviceId) -> Result<Vec<Assignment>, StoreError> {
        self.assignments(keys::device(id).partition).await
    }

    async fn assignments(&self, partition: String) -> Result<Vec<Assignment>, StoreError> {
        let from = keys::ASSIGNMENT.to_owned();
        let to = format!("{}{}", keys::ASSIGNMENT, keys::PREFIX_END);
        let range = Range { table: Table::Devices, partition, from, to, order: Order::Rising };
        let items = self.store.query(&range, LIST_MAX).await?;
        items.into_iter().map(thing).collect()
    }
}
