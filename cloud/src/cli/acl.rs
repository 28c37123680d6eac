//! `gateway acl`: the access rules for an external Mosquitto.

use std::fmt;

use kitchen_contract::id::{GatewayId, KitchenId};
use serde::Serialize;

use crate::acl::{GatewayPlaces, mosquitto};
use crate::cli::error::CommandError;
use crate::config::Config;
use crate::databases::Databases;
use crate::registry::Registry;
use crate::report::Report;
use crate::store::StoreError;

/// The access rules, and what they were made of.
#[derive(Debug, Serialize)]
pub struct AclReport {
    /// Each gateway and its kitchens.
    pub gateways: Vec<AclGateway>,
    /// The text of the `acl_file`.
    pub acl: String,
}

/// A gateway and its kitchens.
#[derive(Debug, Serialize)]
pub struct AclGateway {
    /// The gateway.
    pub id: GatewayId,
    /// The kitchens that it may publish for.
    pub kitchens: Vec<KitchenId>,
}

/// `gateway acl`.
///
/// # Errors
/// The store cannot be read.
pub async fn acl(config: &Config) -> Result<AclReport, CommandError> {
    let databases = Databases::open(config).await?;
    let places = places(&databases.registry()).await;
    databases.close().await;
    let places = places.map_err(CommandError::Store)?;
    let acl = mosquitto(&places);
    let gateways = places.into_iter().map(|(id, kitchens)| AclGateway { id, kitchens }).collect();
    Ok(AclReport { gateways, acl })
}

async fn places(registry: &Registry) -> Result<Vec<GatewayPlaces>, StoreError> {
    let mut places = Vec::new();
    for gateway in registry.gateway_ids().await? {
        if let Some(kitchens) = registry.gateway_kitchens(&gateway).await? {
            places.push((gateway, kitchens));
        }
    }
    Ok(places)
}

impl fmt::Display for AclReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.acl)
    }
}

impl Report for AclReport {}
