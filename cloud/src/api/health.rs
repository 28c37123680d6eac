//! `GET /healthz`: whether what we need answers.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use crate::api::problem::ApiError;
use crate::api::state::ApiState;
use crate::store::keys::METADATA;
use crate::store::{Key, Table};

/// The answer when all is well.
#[derive(Debug, Serialize)]
pub struct Health {
    status: &'static str,
}

/// `GET /healthz`.
///
/// # Errors
/// 503 when the store or the accounts cannot be read.
pub async fn healthz(State(state): State<Arc<ApiState>>) -> Result<Json<Health>, ApiError> {
    state.accounts.ping().await?;
    state.store.get(&Key::new(Table::Devices, "HEALTH", METADATA)).await?;
    Ok(Json(Health { status: "ok" }))
}
