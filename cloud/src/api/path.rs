//! Ids in paths: what cannot be an id looks like what is not there.

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use kitchen_contract::id::Id;

use crate::api::problem::ApiError;

/// The one id in a path.
pub struct PathId<Kind>(pub Id<Kind>);

impl<Kind, S: Send + Sync> FromRequestParts<S> for PathId<Kind> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Path(text) = Path::<String>::from_request_parts(parts, state).await.map_err(|_| ApiError::NotFound)?;
        text.parse().map(Self).map_err(|_| ApiError::NotFound)
    }
}
