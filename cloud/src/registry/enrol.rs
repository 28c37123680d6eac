//! Writing what is registered: customers, kitchens, gateways, sensors. Enrolling the same again changes nothing.

use std::collections::BTreeSet;
use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use kitchen_contract::id::{CustomerId, GatewayId, KitchenId};
use kitchen_contract::signature::GatewayKey;
use kitchen_contract::time::Timestamp;

use super::scope::{LIST_MAX, Registry};
use super::things::{Assignment, Customer, Device, Gateway, Kitchen, fields, thing};
use crate::store::{Batch, Index, Item, Key, StoreError, Table, keys};

/// Keys that a gateway keeps beside its newest: a renewal overlaps for as long as its backlog is signed with the old one.
const GATEWAY_KEYS_MAX: usize = 4;

/// Everything that is registered in one go: all of it or nothing.
#[derive(Clone, Debug, Default)]
pub struct Enrolment {
    /// Customers: id and name.
    pub customers: Vec<(CustomerId, String)>,
    /// Kitchens.
    pub kitchens: Vec<KitchenEnrolment>,
    /// Gateways.
    pub gateways: Vec<GatewayEnrolment>,
    /// Sensors.
    pub sensors: Vec<SensorEnrolment>,
}

/// Why nothing was registered.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    /// It would be in two places at once.
    #[error("{what} cannot be moved from {since} on: it is in kitchen `{kitchen_id}` since {from}")]
    Overlap {
        /// The sensor or gateway.
        what: String,
        /// When the move was to be.
        since: Timestamp,
        /// Where it is.
        kitchen_id: KitchenId,
        /// Since when.
        from: Timestamp,
    },
    /// The same id is there twice.
    #[error("{what} is there twice")]
    Twice {
        /// The sensor or gateway.
        what: String,
    },
    /// The store cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A kitchen to register; `created_at` is kept from the first time.
pub type KitchenEnrolment = Kitchen;

/// A gateway to register.
#[derive(Clone, Debug)]
pub struct GatewayEnrolment {
    /// Which.
    pub gateway_id: GatewayId,
    /// Where it is.
    pub kitchen_id: KitchenId,
    /// Whose it is.
    pub customer_id: CustomerId,
    /// The key of its certificate.
    pub public_key: GatewayKey,
    /// Since when it is there; readings before are not its.
    pub since: Timestamp,
}

/// A sensor to register.
#[derive(Clone, Debug)]
pub struct SensorEnrolment {
    /// The measuring point.
    pub device: Device,
    /// Since when it is there; readings before are not its.
    pub since: Timestamp,
}

impl Registry {
    /// Registers everything in one commit.
    ///
    /// # Errors
    /// The store cannot be read or written, or something would be in two places at once; nothing is registered then.
    pub async fn enrol(&self, enrolment: &Enrolment, now: Timestamp) -> Result<(), EnrolError> {
        once("gateway", enrolment.gateways.iter().map(|gateway| &gateway.gateway_id))?;
        once("sensor", enrolment.sensors.iter().map(|sensor| &sensor.device.device_id))?;
        let mut batch = Batch::new(&self.store);
        for (customer_id, name) in &enrolment.customers {
            enrol_customer(&mut batch, (customer_id, name), now).await?;
        }
        for kitchen in &enrolment.kitchens {
            enrol_kitchen(&mut batch, kitchen).await?;
        }
        for gateway in &enrolment.gateways {
            self.enrol_gateway(&mut batch, gateway, now).await?;
        }
        for SensorEnrolment { device, since } in &enrolment.sensors {
            let item = Item::new(keys::device(&device.device_id), fields(device));
            batch.put(item.first(keys::devices_of(&device.kitchen_id)));
            let assignment = assignment(&device.kitchen_id, &device.customer_id, *since);
            let known = self.device_assignments(&device.device_id).await?;
            let what = format!("sensor `{}`", device.device_id);
            let key = |from| keys::device_assignment(&device.device_id, from);
            assign(&mut batch, what, (&known, assignment), key)?;
        }
        Ok(batch.commit().await?)
    }

    /// The ids of all customers.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn customer_ids(&self) -> Result<Vec<CustomerId>, StoreError> {
        let items = self.store.query_index(Table::Devices, (Index::First, keys::ALL_CUSTOMERS), LIST_MAX).await?;
        items.into_iter().map(|item| Ok(thing::<Customer>(item)?.customer_id)).collect()
    }

    async fn enrol_gateway(
        &self,
        batch: &mut Batch<'_>,
        enrolment: &GatewayEnrolment,
        now: Timestamp,
    ) -> Result<(), EnrolError> {
        let GatewayEnrolment { gateway_id, kitchen_id, customer_id, public_key, since } = enrolment;
        let key = keys::gateway(gateway_id);
        let known: Option<Gateway> = batch.get(&key).await?.map(thing).transpose()?;
        let mut public_keys = vec![BASE64_URL_SAFE_NO_PAD.encode(public_key.to_sec1())];
        let older = known.iter().flat_map(|gateway| gateway.public_keys.iter());
        public_keys.extend(
            older.filter(|older| **older != public_keys[0]).take(GATEWAY_KEYS_MAX - 1).cloned().collect::<Vec<_>>(),
        );
        let created_at = known.map_or(now, |gateway| gateway.created_at);
        let gateway =
            Gateway { gateway_id: gateway_id.clone(), customer_id: customer_id.clone(), public_keys, created_at };
        let item = Item::new(key, fields(&gateway));
        batch.put(item.first(keys::gateways_of(customer_id)).second(keys::ALL_GATEWAYS));
        let known = self.gateway_assignments(gateway_id).await?;
        let assignment = assignment(kitchen_id, customer_id, *since);
        let key = |from| keys::gateway_assignment(gateway_id, from);
        assign(batch, format!("gateway `{gateway_id}`"), (&known, assignment), key)
    }
}

async fn enrol_customer(
    batch: &mut Batch<'_>,
    (customer_id, name): (&CustomerId, &str),
    now: Timestamp,
) -> Result<(), StoreError> {
    let key = keys::customer(customer_id);
    let known: Option<Customer> = batch.get(&key).await?.map(thing).transpose()?;
    let (status, created_at) =
        known.map_or((super::ThingStatus::Active, now), |customer| (customer.status, customer.created_at));
    let customer = Customer { customer_id: customer_id.clone(), name: name.to_owned(), status, created_at };
    batch.put(Item::new(key, fields(&customer)).first(keys::ALL_CUSTOMERS));
    Ok(())
}

async fn enrol_kitchen(batch: &mut Batch<'_>, kitchen: &Kitchen) -> Result<(), StoreError> {
    let key = keys::kitchen(&kitchen.kitchen_id);
    let known: Option<Kitchen> = batch.get(&key).await?.map(thing).transpose()?;
    let created_at = known.map_or(kitchen.created_at, |kitchen| kitchen.created_at);
    let item = Item::new(key, fields(&Kitchen { created_at, ..kitchen.clone() }));
    batch.put(item.first(keys::kitchens_of(&kitchen.customer_id)).second(keys::ALL_KITCHENS));
    Ok(())
}

fn assignment(kitchen_id: &KitchenId, customer_id: &CustomerId, from: Timestamp) -> Assignment {
    Assignment { kitchen_id: kitchen_id.clone(), customer_id: customer_id.clone(), from, to: None }
}

/// What has to be written for a thing to be somewhere from a moment on. What holds already is never shortened or erased: by
/// it, records on their way are still judged whose they are.
///
/// # Errors
/// The assignment that is in the way.
fn moved(known: &[Assignment], new: Assignment) -> Result<Vec<Assignment>, Assignment> {
    let Some(running) = known.iter().find(|assignment| assignment.to.is_none()) else { return Ok(vec![new]) };
    if running.place() != new.place() {
        let ended = Assignment { to: Some(new.from), ..running.clone() };
        return if new.from > running.from { Ok(vec![ended, new]) } else { Err(running.clone()) };
    }
    let start = start_of_stay(known, running);
    if new.from >= start {
        return Ok(Vec::new());
    }
    let earlier = Assignment { to: Some(start), ..new };
    let in_the_way = known.iter().find(|other| other.from < start && other.to.is_some_and(|to| to > earlier.from));
    in_the_way.map_or(Ok(vec![earlier]), |other| Err(other.clone()))
}

/// When the stay of a running assignment began: an earlier start is told of in an assignment of its own before it.
fn start_of_stay(known: &[Assignment], running: &Assignment) -> Timestamp {
    let mut start = running.from;
    while let Some(before) = known.iter().find(|other| other.to == Some(start) && other.place() == running.place()) {
        start = before.from;
    }
    start
}

fn assign(
    batch: &mut Batch<'_>,
    what: String,
    (known, new): (&[Assignment], Assignment),
    key: impl Fn(Timestamp) -> Key,
) -> Result<(), EnrolError> {
    let since = new.from;
    let writes = moved(known, new).map_err(|other| EnrolError::Overlap {
        what,
        since,
        kitchen_id: other.kitchen_id,
        from: other.from,
    })?;
    for assignment in writes {
        batch.put(Item::new(key(assignment.from), fields(&assignment)));
    }
    Ok(())
}

/// Nothing can be in two places: an id that is there twice is a mistake.
fn once<'i, Id: Ord + fmt::Display + 'i>(
    kind: &'static str,
    ids: impl Iterator<Item = &'i Id>,
) -> Result<(), EnrolError> {
    let mut seen = BTreeSet::new();
    for id in ids {
        if !seen.insert(id) {
            return Err(EnrolError::Twice { what: format!("{kind} `{id}`") });
        }
    }
    Ok(())
}
