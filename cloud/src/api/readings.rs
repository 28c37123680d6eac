//! `GET /sensors/{id}/current` and `GET /sensors/{id}/readings`.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use kitchen_contract::id::{self, DeviceId, KitchenId};
use kitchen_contract::record::Body;
use kitchen_contract::time::Timestamp;
use serde::Serialize;

use crate::api::cursor;
use crate::api::guard::Principal;
use crate::api::measured::{Measured, nothing_measured};
use crate::api::path::PathId;
use crate::api::problem::ApiError;
use crate::api::query::Parameters;
use crate::api::sensors::find;
use crate::api::state::ApiState;
use crate::api::status::{Status, Watch, status};
use crate::registry::{Device, ReadingQuery, StoredReading, ThingStatus};

/// How a sensor is doing: the customer's fields, where each null has its reason in `fault` or `missing`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CurrentView {
    device_id: DeviceId,
    kitchen_id: KitchenId,
    location: String,
    #[serde(flatten)]
    measured: Measured,
    status: Status,
}

/// A page of readings, newest first.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReadingsPage {
    device_id: DeviceId,
    readings: Vec<ReadingView>,
    next_cursor: Option<String>,
}

/// One reading; the kitchen is the one where it was taken.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ReadingView {
    device_id: DeviceId,
    kitchen_id: KitchenId,
    #[serde(flatten)]
    measured: Measured,
}

/// `GET /sensors/{id}/current`.
///
/// # Errors
/// 404 not a sensor of the user's, 503 the store does not answer.
pub async fn current(
    State(state): State<Arc<ApiState>>,
    principal: Principal,
    PathId(id): PathId<id::Device>,
    parameters: Parameters,
) -> Result<Json<CurrentView>, ApiError> {
    parameters.only(&[])?;
    let (scoped, device) = find(&state, &principal, &id).await?;
    let latest = state.registry.current(&scoped, state.clock.now()).await?;
    Ok(Json(CurrentView::of(&device, latest.as_ref(), state.clock.now())))
}

/// `GET /sensors/{id}/readings`.
///
/// # Errors
/// 400 a query that cannot be, 404 not a sensor of the user's, 503 the store does not answer.
pub async fn list(
    State(state): State<Arc<ApiState>>,
    principal: Principal,
    PathId(id): PathId<id::Device>,
    parameters: Parameters,
) -> Result<Json<ReadingsPage>, ApiError> {
    parameters.only(&["from", "to", "limit", "cursor"])?;
    let (span, page) = (parameters.span()?, parameters.page()?);
    let place = page.cursor.as_deref().map(cursor::reading).transpose()?;
    let (scoped, device) = find(&state, &principal, &id).await?;
    let limit = u32::try_from(page.limit).unwrap_or(u32::MAX);
    let query = ReadingQuery { from: span.from, to: span.to, cursor: place.as_deref(), limit };
    let found = state.registry.readings(&scoped, query).await?;
    let readings = found.readings.iter().filter_map(reading_view).collect();
    let next_cursor = found.next.as_deref().map(cursor::give_out);
    Ok(Json(ReadingsPage { device_id: device.device_id, readings, next_cursor }))
}

impl CurrentView {
    /// How a sensor is doing at a moment, by its latest reading.
    pub fn of(device: &Device, latest: Option<&StoredReading>, now: Timestamp) -> Self {
        let latest = latest.and_then(|stored| Some((stored, Measured::of(stored)?)));
        let heard = latest.as_ref().and_then(|(stored, _)| match &stored.record.body {
            Body::Reading(reading) => Some((stored.record.timestamp.min(stored.received_at), reading.value)),
            Body::Gap(_) | Body::Event(_) => None,
        });
        let watch = Watch {
            active: device.status == ThingStatus::Active,
            interval: Duration::from_secs(u64::from(device.transmission_interval)),
            limits: device.alert_thresholds.as_ref(),
        };
        Self {
            device_id: device.device_id.clone(),
            kitchen_id: device.kitchen_id.clone(),
            location: device.location.clone(),
            measured: latest.map_or_else(nothing_measured, |(_, measured)| measured),
            status: status(now, watch, heard),
        }
    }
}

fn reading_view(stored: &StoredReading) -> Option<ReadingView> {
    let Body::Reading(reading) = &stored.record.body else { return None };
    Some(ReadingView {
        device_id: reading.device_id.clone(),
        kitchen_id: stored.kitchen_id.clone(),
        measured: Measured::of(stored)?,
    })
}
