//! From a transition of the alarm engine to an alert item. Pure.

use kitchen_contract::alarm::{AlertType, Excursion};
use kitchen_contract::id::{CustomerId, DeviceId, Id, KitchenId};
use kitchen_contract::time::Timestamp;
use kitchen_contract::unit::Celsius;
use sha2::{Digest, Sha256};

use crate::registry::Alert;
use crate::store::{Item, Key, keys};

/// Where an excursion happens.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The measuring point.
    pub device_id: &'a DeviceId,
    /// Its kitchen.
    pub kitchen_id: &'a KitchenId,
    /// Whose it is.
    pub customer_id: &'a CustomerId,
}

/// The first value beyond a limit, and the limit.
#[derive(Clone, Copy, Debug)]
pub struct Exceeded {
    /// In °C.
    pub temperature: Celsius,
    /// In °C.
    pub threshold: Celsius,
}

/// The key of an excursion's alert.
pub fn key(place: Place<'_>, excursion: Excursion) -> Key {
    keys::alert(place.kitchen_id, excursion.since, place.device_id, excursion.alert_type)
}

/// A new alert; `over` says when, if it is over already.
pub fn opened(place: Place<'_>, excursion: Excursion, exceeded: Exceeded, over: Option<Timestamp>) -> Alert {
    Alert {
        id: id(&key(place, excursion)),
        device_id: place.device_id.clone(),
        kitchen_id: place.kitchen_id.clone(),
        customer_id: place.customer_id.clone(),
        alert_type: excursion.alert_type,
        temperature: exceeded.temperature,
        threshold: exceeded.threshold,
        created_at: excursion.since,
        acknowledged: false,
        acknowledged_by: None,
        resolved_at: over,
        historic: over.is_some(),
    }
}

/// The item of an alert: found among the active ones only while it is active.
pub fn item(alert: &Alert) -> Item {
    let key = keys::alert(&alert.kitchen_id, alert.created_at, &alert.device_id, alert.alert_type);
    let item = Item::new(key, crate::registry::fields(alert)).second(keys::alert_by_id(&alert.id));
    match alert.resolved_at {
        None => item.first(keys::active_alerts_of(&alert.customer_id)),
        Some(_) => item,
    }
}

/// The id of the alert at a key: always the same, so that writing it again changes nothing.
fn id(key: &Key) -> String {
    let digest = Sha256::digest(format!("{}\n{}", key.partition, key.sort));
    let mut entropy = [0; 15];
    entropy.copy_from_slice(&digest[..15]);
    Id::<AlertType>::from_entropy(entropy).as_str().to_owned()
}
