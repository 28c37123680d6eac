//! `GET /kitchens/{id}/sensors` and `GET /sensors/{id}`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use kitchen_contract::alarm::Limits;
use kitchen_contract::id::{self, CustomerId, DeviceId, KitchenId};
use kitchen_contract::time::Timestamp;
use serde::Serialize;

use crate::api::cursor;
use crate::api::guard::Principal;
use crate::api::path::PathId;
use crate::api::problem::ApiError;
use crate::api::query::Parameters;
use crate::api::readings::CurrentView;
use crate::api::state::ApiState;
use crate::registry::{Device, Scoped, StoredReading, ThingStatus};

/// A page of sensors, by id.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SensorPage {
    sensors: Vec<SensorView>,
    next_cursor: Option<String>,
}

/// A sensor: the customer's fields, and how it is doing now.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SensorView {
    device_id: DeviceId,
    kitchen_id: KitchenId,
    customer_id: CustomerId,
    location: String,
    install_date: Option<String>,
    probe_model: Option<String>,
    alert_thresholds: Option<Limits>,
    transmission_interval: u32,
    status: ThingStatus,
    last_seen: Option<Timestamp>,
    current: CurrentView,
}

/// `GET /kitchens/{id}/sensors`.
///
/// # Errors
/// 400 a query that cannot be, 404 not a kitchen of the user's, 503 the store does not answer.
pub async fn of_kitchen(
    State(state): State<Arc<ApiState>>,
    principal: Principal,
    PathId(id): PathId<id::Kitchen>,
    parameters: Parameters,
) -> Result<Json<SensorPage>, ApiError> {
    parameters.only(&["limit", "cursor"])?;
    let page = parameters.page()?;
    let kitchen = state.registry.kitchen(&principal.viewer()?, &id).await?;
    let (kitchen, _) = kitchen.ok_or(ApiError::NotFound)?;
    let mut sensors = state.registry.sensors(&kitchen).await?;
    sensors.sort_by(|(left, _), (right, _)| left.id().cmp(right.id()));
    let key = |(id, _): &(Scoped<DeviceId>, Device)| id.id().to_string();
    let (sensors, next_cursor) = cursor::page(sensors, key, (page.limit, page.cursor.as_deref()))?;
    let mut views = Vec::new();
    for (scoped, device) in sensors {
        let latest = state.registry.current(&scoped, state.clock.now()).await?;
        views.push(view(device, latest, state.clock.now()));
    }
    Ok(Json(SensorPage { sensors: views, next_cursor }))
}

/// `GET /sensors/{id}`.
///
/// # Errors
/// 404 not a sensor of the user's, 503 the store does not answer.
pub async fn one(
    State(state): State<Arc<ApiState>>,
    principal: Principal,
    PathId(id): PathId<id::Device>,
    parameters: Parameters,
) -> Result<Json<SensorView>, ApiError> {
    parameters.only(&[])?;
    let (scoped, device) = find(&state, &principal, &id).await?;
    let latest = state.registry.current(&scoped, state.clock.now()).await?;
    Ok(Json(view(device, latest, state.clock.now())))
}

/// A sensor of the user's. What is somebody else's looks like what is not there.
pub(super) async fn find(
    state: &ApiState,
    principal: &Principal,
    id: &DeviceId,
) -> Result<(Scoped<DeviceId>, Device), ApiError> {
    let found = state.registry.device(&principal.viewer()?, id).await?;
    found.ok_or(ApiError::NotFound)
}

fn view(device: Device, latest: Option<StoredReading>, now: Timestamp) -> SensorView {
    let current = CurrentView::of(&device, latest.as_ref(), now);
    SensorView {
        device_id: device.device_id,
        kitchen_id: device.kitchen_id,
        customer_id: device.customer_id,
        location: device.location,
        install_date: device.install_date,
        probe_model: device.probe_model,
        alert_thresholds: device.alert_thresholds,
        transmission_interval: device.transmission_interval,
        status: device.status,
        last_seen: latest.map(|latest| latest.record.timestamp),
        current,
    }
}
