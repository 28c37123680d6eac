//! `GET /alerts`.

use std::cmp::Reverse;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use kitchen_contract::alarm::AlertType;
use kitchen_contract::id::{DeviceId, KitchenId};
use kitchen_contract::time::Timestamp;
use kitchen_contract::unit::Celsius;
use serde::Serialize;

use crate::api::guard::Principal;
use crate::api::problem::ApiError;
use crate::api::query::Parameters;
use crate::api::state::ApiState;
use crate::registry::Alert;

/// The active alerts, newest first.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AlertList {
    alerts: Vec<AlertView>,
    total_active: usize,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct AlertView {
    id: String,
    device_id: DeviceId,
    kitchen_id: KitchenId,
    r#type: AlertType,
    temperature: Celsius,
    threshold: Celsius,
    created_at: Timestamp,
    acknowledged: bool,
}

/// `GET /alerts`: `totalActive` counts all of them, also those beyond `limit`.
///
/// # Errors
/// 400 a query that cannot be, 503 the store does not answer.
pub async fn list(
    State(state): State<Arc<ApiState>>,
    principal: Principal,
    parameters: Parameters,
) -> Result<Json<AlertList>, ApiError> {
    parameters.only(&["limit"])?;
    let limit = parameters.page()?.limit;
    let mut active = state.registry.active_alerts(&principal.viewer()?).await?;
    active.sort_by_key(|alert| (Reverse(alert.created_at), alert.id.clone()));
    let total_active = active.len();
    Ok(Json(AlertList { alerts: active.into_iter().take(limit).map(view).collect(), total_active }))
}

fn view(alert: Alert) -> AlertView {
    AlertView {
        id: alert.id,
        device_id: alert.device_id,
        kitchen_id: alert.kitchen_id,
        r#type: alert.alert_type,
        temperature: alert.temperature,
        threshold: alert.threshold,
        created_at: alert.created_at,
        acknowledged: alert.acknowledged,
    }
}
