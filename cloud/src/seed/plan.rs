//! What a seed file asks for, checked: ids are ids, passwords are hashable, certificates were read.

use kitchen_contract::alarm::Limits;
use kitchen_contract::id::{CustomerId, DeviceId, GatewayId, KitchenId};
use kitchen_contract::signature::GatewayKey;
use kitchen_contract::time::Timestamp;

use crate::accounts::write::TenantRow;
use crate::accounts::{EmailAddress, NewPassword, Role, UserId};

/// What a seed file asks for. Everything that is referred to is in it.
#[derive(Debug, Default)]
pub struct SeedPlan {
    /// `[[tenants]]`.
    pub tenants: Vec<TenantRow>,
    /// `[[users]]`.
    pub users: Vec<SeedUser>,
    /// `[[kitchens]]`.
    pub kitchens: Vec<SeedKitchen>,
    /// `[[gateways]]`.
    pub gateways: Vec<SeedGateway>,
    /// `[[sensors]]`.
    pub sensors: Vec<SeedSensor>,
}

/// A person.
#[derive(Debug)]
pub struct SeedUser {
    /// Their id.
    pub id: UserId,
    /// Their address.
    pub email: EmailAddress,
    /// Their name.
    pub name: Option<String>,
    /// Their role.
    pub role: Role,
    /// Their customer; none for an admin.
    pub tenant: Option<CustomerId>,
    /// Their password.
    pub password: NewPassword,
}

/// A kitchen.
#[derive(Debug)]
pub struct SeedKitchen {
    /// Its id.
    pub id: KitchenId,
    /// Its customer.
    pub tenant: CustomerId,
    /// Its name.
    pub name: String,
    /// Its address.
    pub address: Option<String>,
    /// Who is responsible.
    pub manager: Option<String>,
    /// Their phone.
    pub phone: Option<String>,
}

/// A gateway.
#[derive(Debug)]
pub struct SeedGateway {
    /// Its id, the CN of its certificate.
    pub id: GatewayId,
    /// Its customer, that of its kitchen.
    pub tenant: CustomerId,
    /// Where it stands.
    pub kitchen: KitchenId,
    /// Since when it stands there; `None` means from now on.
    pub since: Option<Timestamp>,
    /// The public key of its certificate.
    pub key: GatewayKey,
}

/// A measuring point.
#[derive(Debug)]
pub struct SeedSensor {
    /// Its id.
    pub id: DeviceId,
    /// Its customer, that of its kitchen.
    pub tenant: CustomerId,
    /// Its kitchen.
    pub kitchen: KitchenId,
    /// Since when it hangs there; `None` means from now on.
    pub since: Option<Timestamp>,
    /// Where in the kitchen.
    pub location: String,
    /// What measures, such as `PT100`.
    pub probe_model: Option<String>,
    /// Since when, `YYYY-MM-DD`.
    pub install_date: Option<String>,
    /// `alertThresholds`, °C.
    pub limits: Option<Limits>,
    /// `transmissionInterval`, seconds.
    pub interval_s: u32,
}
