//! `GET /kitchens`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use kitchen_contract::id::{CustomerId, KitchenId};
use kitchen_contract::time::Timestamp;
use serde::Serialize;

use crate::api::cursor;
use crate::api::guard::Principal;
use crate::api::problem::ApiError;
use crate::api::query::Parameters;
use crate::api::state::ApiState;
use crate::registry::{Kitchen, Scoped};

/// A page of kitchens, by id.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KitchenPage {
    kitchens: Vec<KitchenView>,
    next_cursor: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct KitchenView {
    id: KitchenId,
    customer_id: CustomerId,
    name: String,
    address: Option<String>,
    manager: Option<String>,
    phone: Option<String>,
    sensor_count: usize,
    created_at: Timestamp,
}

/// `GET /kitchens`: those of the user's customer, an admin's are all.
///
/// # Errors
/// 400 a query that cannot be, 503 the store does not answer.
pub async fn list(
    State(state): State<Arc<ApiState>>,
    principal: Principal,
    parameters: Parameters,
) -> Result<Json<KitchenPage>, ApiError> {
    parameters.only(&["limit", "cursor"])?;
    let page = parameters.page()?;
    let mut kitchens = state.registry.kitchens(&principal.viewer()?).await?;
    kitchens.sort_by(|(left, _), (right, _)| left.id().cmp(right.id()));
    let id = |(id, _): &(Scoped<KitchenId>, Kitchen)| id.id().to_string();
    let (kitchens, next_cursor) = cursor::page(kitchens, id, (page.limit, page.cursor.as_deref()))?;
    let mut views = Vec::new();
    for (scoped, kitchen) in kitchens {
        views.push(view(kitchen, state.registry.sensors(&scoped).await?.len()));
    }
    Ok(Json(KitchenPage { kitchens: views, next_cursor }))
}

fn view(kitchen: Kitchen, sensor_count: usize) -> KitchenView {
    let Kitchen { kitchen_id: id, customer_id, name, address, manager, phone, created_at } = kitchen;
    KitchenView { id, customer_id, name, address, manager, phone, sensor_count, created_at }
}
