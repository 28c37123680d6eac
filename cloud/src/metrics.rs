//! Counters for Prometheus, on a loopback listener of their own: there is no login.

use std::io;
use std::time::Duration;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio::net::TcpListener;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::api::limits::limited;

/// How often what was measured is put together, so that memory stays bounded when nobody scrapes.
const UPKEEP: Duration = Duration::from_secs(5);

/// The media type of Prometheus' text format.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Installs the process's recorder; counters before this are lost.
///
/// # Errors
/// There is one already.
pub fn install() -> Result<PrometheusHandle, metrics_exporter_prometheus::BuildError> {
    PrometheusBuilder::new().install_recorder()
}

/// Serves `/metrics` until shutdown.
///
/// # Errors
/// The listener's.
pub async fn run(listener: TcpListener, handle: PrometheusHandle, shutdown: CancellationToken) -> io::Result<()> {
    let page = handle.clone();
    let router = Router::new().route("/metrics", get(async move || ([(CONTENT_TYPE, TEXT)], page.render())));
    let served = axum::serve(listener, limited(router)).with_graceful_shutdown(shutdown.cancelled_owned());
    tokio::select! {
        ended = served => ended,
        () = upkeep(handle) => Ok(()),
    }
}

async fn upkeep(handle: PrometheusHandle) {
    let mut ticks = interval(UPKEEP);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        handle.run_upkeep();
    }
}
