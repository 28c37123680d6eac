//! Every route of the API in one list, each with who may use it.

use std::sync::Arc;

use axum::Router;
use axum::handler::Handler;
use axum::http::Method;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodFilter, MethodRouter, on};

use crate::api::guard::guard;
use crate::api::limits::limited;
use crate::api::permission::{Access, Permission};
use crate::api::problem::ApiError;
use crate::api::state::ApiState;
use crate::api::{alerts, health, kitchens, login, readings, sensors};

/// One route.
pub struct Route {
    /// Its method; GET also answers HEAD.
    pub method: Method,
    /// Its path, with `{…}` for ids.
    pub path: &'static str,
    /// Who may use it.
    pub access: Access,
    handler: MethodRouter<Arc<ApiState>>,
}

/// Every route there is.
pub fn routes() -> Vec<Route> {
    const PUBLIC: Access = Access::Public;
    const VIEW: Access = Access::Needs(Permission::View);
    vec![
        route((Method::GET, "/healthz"), PUBLIC, health::healthz),
        route((Method::POST, "/smartkitchen/v1/auth/login"), PUBLIC, login::login),
        route((Method::GET, "/smartkitchen/v1/kitchens"), VIEW, kitchens::list),
        route((Method::GET, "/smartkitchen/v1/kitchens/{id}/sensors"), VIEW, sensors::of_kitchen),
        route((Method::GET, "/smartkitchen/v1/sensors/{id}"), VIEW, sensors::one),
        route((Method::GET, "/smartkitchen/v1/sensors/{id}/current"), VIEW, readings::current),
        route((Method::GET, "/smartkitchen/v1/sensors/{id}/readings"), VIEW, readings::list),
        route((Method::GET, "/smartkitchen/v1/alerts"), VIEW, alerts::list),
    ]
}

/// The whole API: routes, guards, limits.
pub fn router(state: Arc<ApiState>) -> Router {
    let mut router = Router::new();
    for Route { path, access, handler, .. } in routes() {
        let guarded = match access {
            Access::Public => handler,
            Access::Needs(permission) => {
                handler.route_layer(from_fn_with_state((Arc::clone(&state), permission), guard))
            }
        };
        router = router.route(path, guarded);
    }
    limited(router.fallback(async || ApiError::NotFound).with_state(state))
}

fn route<T: 'static>(
    (method, path): (Method, &'static str),
    access: Access,
    handler: impl Handler<T, Arc<ApiState>>,
) -> Route {
    let filter = MethodFilter::try_from(method.clone()).expect("invariant: the list names standard methods");
    Route { method, path, access, handler: on(filter, handler) }
}
