//! The items behind the keys, with the customer's field names.

use kitchen_contract::alarm::{AlertType, Limits};
use kitchen_contract::id::{CustomerId, DeviceId, GatewayId, KitchenId};
use kitchen_contract::time::Timestamp;
use kitchen_contract::unit::Celsius;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::store::{Item, StoreError};

/// Whether a registered thing is in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ThingStatus {
    /// In use.
    #[default]
    Active,
    /// Kept for the record.
    Inactive,
}

/// A customer: the tenant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Customer {
    /// Which.
    pub customer_id: CustomerId,
    /// What people call it.
    pub name: String,
    /// In use or not.
    #[serde(default)]
    pub status: ThingStatus,
    /// When it was registered first.
    pub created_at: Timestamp,
}

/// A kitchen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Kitchen {
    /// Which.
    pub kitchen_id: KitchenId,
    /// Whose.
    pub customer_id: CustomerId,
    /// What people call it.
    pub name: String,
    /// Where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Who runs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manager: Option<String>,
    /// How to reach them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// When it was registered first.
    pub created_at: Timestamp,
}

/// A measuring point.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Device {
    /// Which.
    pub device_id: DeviceId,
    /// Where it is now.
    pub kitchen_id: KitchenId,
    /// Whose it is now.
    pub customer_id: CustomerId,
    /// What people call it.
    pub location: String,
    /// The day it was installed, such as `2026-01-11`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub install_date: Option<String>,
    /// What measures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe_model: Option<String>,
    /// The limits; absent means that nothing is judged out of range.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alert_thresholds: Option<Limits>,
    /// How often a reading is expected, in seconds.
    pub transmission_interval: u32,
    /// In use or not.
    #[serde(default)]
    pub status: ThingStatus,
}

/// A gateway.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Gateway {
    /// Which; also the CN of its certificate.
    pub gateway_id: GatewayId,
    /// Whose it is now.
    pub customer_id: CustomerId,
    /// The public keys of its certificates (SEC 1 points in base64url), the newest first.
    pub public_keys: Vec<String>,
    /// When it was registered first.
    pub created_at: Timestamp,
}

/// Where a gateway or a measuring point was, and whose, from one moment to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Assignment {
    /// Where.
    pub kitchen_id: KitchenId,
    /// Whose.
    pub customer_id: CustomerId,
    /// From this moment on.
    pub from: Timestamp,
    /// Up to this moment, not included; absent while it lasts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Timestamp>,
}

impl Assignment {
    /// Where, and whose.
    pub(super) fn place(&self) -> (&KitchenId, &CustomerId) {
        (&self.kitchen_id, &self.customer_id)
    }

    /// Whether it holds at a moment.
    pub fn holds_at(&self, moment: Timestamp) -> bool {
        self.from <= moment && self.to.is_none_or(|to| moment < to)
    }
}

/// An alert, as stored: the customer's fields and what identifies it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Alert {
    /// Which; made of its key, so the same excursion always has the same id.
    pub id: String,
    /// The measuring point.
    pub device_id: DeviceId,
    /// The kitchen at the time.
    pub kitchen_id: KitchenId,
    /// The customer at the time.
    pub customer_id: CustomerId,
    /// What it is about.
    pub alert_type: AlertType,
    /// The first temperature beyond the limit, in °C.
    pub temperature: Celsius,
    /// The limit, in °C.
    pub threshold: Celsius,
    /// When the excursion began.
    pub created_at: Timestamp,
    /// Whether someone has taken notice.
    pub acknowledged: bool,
    /// Who has.
    pub acknowledged_by: Option<String>,
    /// When it was back in range; absent while it is active.
    pub resolved_at: Option<Timestamp>,
    /// Late readings told of it, after it was over.
    #[serde(default)]
    pub historic: bool,
}

/// The fields of a thing, ready to be an item.
pub(crate) fn fields<T: Serialize>(thing: &T) -> Map<String, Value> {
    match serde_json::to_value(thing) {
        Ok(Value::Object(fields)) => fields,
        Ok(_) | Err(_) => unreachable!("invariant: the registry's things are structs with text keys"),
    }
}

/// The thing behind an item.
pub(crate) fn thing<T: DeserializeOwned>(item: Item) -> Result<T, StoreError> {
    let Item { key, body, .. } = item;
    T::deserialize(Value::Object(body)).map_err(|error| StoreError::Damaged {
        partition: key.partition,
        sort: key.sort,
        reason: error.to_string(),
    })
}
