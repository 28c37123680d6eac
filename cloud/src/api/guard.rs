//! Before every protected handler: who asks, may they act now, and does their role allow it.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::Response;

use crate::accounts::{Identity, Role};
use crate::api::permission::Permission;
use crate::api::problem::ApiError;
use crate::api::state::ApiState;
use crate::registry::Viewer;

/// The longest token that is looked at, in bytes; ours have about 500.
const TOKEN_BYTES_MAX: usize = 4096;

/// Somebody who may act now; only the guard makes it.
#[derive(Clone, Debug)]
pub struct Principal(Identity);

impl Principal {
    /// Who it is.
    pub fn identity(&self) -> &Identity {
        &self.0
    }

    /// What they may see: an admin everything, everybody else their own customer's.
    ///
    /// # Errors
    /// (Never seen) 403: a role within a customer, but no customer.
    pub fn viewer(&self) -> Result<Viewer, ApiError> {
        match (self.0.role, &self.0.customer_id) {
            (Role::Admin, _) => Ok(Viewer::Admin),
            (Role::Owner | Role::Manager | Role::Staff, Some(customer)) => Ok(Viewer::Tenant(customer.clone())),
            (Role::Owner | Role::Manager | Role::Staff, None) => Err(ApiError::Forbidden),
        }
    }
}

/// Lets a request through if its token stands, its user may act now, and their role has the permission.
///
/// # Errors
/// 401 or 403; never says why a token does not stand.
pub async fn guard(
    State((state, permission)): State<(Arc<ApiState>, Permission)>,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let token = bearer(&request).ok_or(ApiError::Unauthenticated)?;
    let claims = state.tokens.read(token).ok_or(ApiError::Unauthenticated)?;
    let identity = state.accounts.identity(&claims.user_id, claims.customer_id.as_ref()).await?;
    let identity = identity.ok_or(ApiError::Unauthenticated)?;
    if !identity.role.may(permission) {
        return Err(ApiError::Forbidden);
    }
    request.extensions_mut().insert(Principal(identity));
    Ok(next.run(request).await)
}

fn bearer(request: &Request) -> Option<&str> {
    let mut values = request.headers().get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") && token.len() <= TOKEN_BYTES_MAX).then_some(token)
}

impl<S: Sync> FromRequestParts<S> for Principal {
    type Rejection = ApiError;

    /// A handler that takes a principal on a route without a guard answers 401, whoever asks.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        parts.extensions.get().cloned().ok_or(ApiError::Unauthenticated)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(role: Role, customer: Option<&str>) -> Result<Viewer, ApiError> {
        let customer_id = customer.map(|id| id.parse().unwrap());
        Principal(Identity { user_id: "user-1".parse().unwrap(), customer_id, role }).viewer()
    }

    #[test]
    fn only_an_admin_sees_beyond_one_customer() {
        for role in [Role::Staff, Role::Manager, Role::Owner] {
            assert_eq!(check(role, Some("cust-a")), Ok(Viewer::Tenant("cust-a".parse().unwrap())));
            assert_eq!(check(role, None), Err(ApiError::Forbidden));
        }
        assert_eq!(check(Role::Admin, Some("cust-a")), Ok(Viewer::Admin));
        assert_eq!(check(Role::Admin, None), Ok(Viewer::Admin));
    }
}
