//! Writing a plan: people in one transaction, then places in one commit.

use kitchen_contract::time::Timestamp;
use secrecy::SecretString;

use crate::accounts::write::UserRow;
use crate::accounts::{Accounts, Passwords};
use crate::registry::{Device, Enrolment, GatewayEnrolment, KitchenEnrolment, Registry, SensorEnrolment, ThingStatus};
use crate::seed::error::SeedError;
use crate::seed::plan::{SeedGateway, SeedKitchen, SeedPlan, SeedSensor, SeedUser};

/// Where a seed goes.
#[derive(Clone)]
pub struct Target {
    /// People and tenants.
    pub accounts: Accounts,
    /// Kitchens, gateways and sensors.
    pub registry: Registry,
    /// Hashes passwords.
    pub passwords: Passwords,
}

/// Writes a plan. Blocking for a good part of a second per new password.
///
/// # Errors
/// An address is taken (then nothing is written), or a database cannot be written.
pub async fn apply(plan: SeedPlan, target: &Target, now: Timestamp) -> Result<(), SeedError> {
    let mut users = Vec::new();
    for user in &plan.users {
        users.push(row(user, target).await?);
    }
    target.accounts.put(&plan.tenants, &users, now).await?;
    target.registry.enrol(&enrolment(plan, now), now).await?;
    Ok(())
}

/// The user's row; a hash that is right already stays.
async fn row(user: &SeedUser, target: &Target) -> Result<UserRow, SeedError> {
    let known = target.accounts.credentials(&user.email).await?;
    if let Some(holder) = known.as_ref().filter(|known| known.user_id != user.id) {
        return Err(SeedError::EmailTaken { email: user.email.clone(), holder: holder.user_id.clone() });
    }
    let password: &SecretString = user.password.secret();
    let right = known.map(|known| known.password_hash).filter(|hash| Passwords::matches(password, hash));
    Ok(UserRow {
        id: user.id.clone(),
        email: user.email.clone(),
        name: user.name.clone(),
        password_hash: right.unwrap_or_else(|| target.passwords.hash(&user.password)),
        role: user.role,
        customer_id: user.tenant.clone(),
    })
}

fn enrolment(plan: SeedPlan, now: Timestamp) -> Enrolment {
    let kitchen = |kitchen: SeedKitchen| KitchenEnrolment {
        kitchen_id: kitchen.id,
        customer_id: kitchen.tenant,
        name: kitchen.name,
        address: kitchen.address,
        manager: kitchen.manager,
        phone: kitchen.phone,
        created_at: now,
    };
    let gateway = |gateway: SeedGateway| GatewayEnrolment {
        gateway_id: gateway.id,
        kitchen_id: gateway.kitchen,
        customer_id: gateway.tenant,
        public_key: gateway.key,
        since: gateway.since.unwrap_or(now),
    };
    let sensor = |sensor: SeedSensor| SensorEnrolment {
        device: Device {
            device_id: sensor.id,
            kitchen_id: sensor.kitchen,
            customer_id: sensor.tenant,
            location: sensor.location,
            install_date: sensor.install_date,
            probe_model: sensor.probe_model,
            alert_thresholds: sensor.limits,
            transmission_interval: sensor.interval_s,
            status: ThingStatus::Active,
        },
        since: sensor.since.unwrap_or(now),
    };
    Enrolment {
        customers: plan.tenants.into_iter().map(|tenant| (tenant.id, tenant.name)).collect(),
        kitchens: plan.kitchens.into_iter().map(kitchen).collect(),
        gateways: plan.gateways.into_iter().map(gateway).collect(),
        sensors: plan.sensors.into_iter().map(sensor).collect(),
    }
}
