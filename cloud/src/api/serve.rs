//! Answers requests on a listener until it is told to stop.

use std::io;
use std::sync::Arc;

use axum::ServiceExt;
use axum::extract::Request;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::api::listener::{LimitedListener, Peer};
use crate::api::routes::router;
use crate::api::state::ApiState;

/// Serves the API. On shutdown no connection is taken any more, and requests that were begun are answered.
///
/// # Errors
/// The listener's; in practice it waits and goes on.
pub async fn run(listener: TcpListener, state: Arc<ApiState>, shutdown: CancellationToken) -> io::Result<()> {
    let service = ServiceExt::<Request>::into_make_service_with_connect_info::<Peer>(router(state));
    let served = axum::serve(LimitedListener::new(listener), service);
    served.with_graceful_shutdown(shutdown.cancelled_owned()).await
}
