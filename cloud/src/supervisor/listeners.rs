//! All listeners, bound before anything else is opened.

use std::net::SocketAddr;

use tokio::net::TcpListener;

use crate::config::Config;
use crate::supervisor::error::ServeError;

/// All listeners.
#[derive(Debug)]
pub struct Listeners {
    /// The gateways', if the endpoint is enabled.
    pub endpoint: Option<TcpListener>,
    /// The API's.
    pub api: TcpListener,
    /// Prometheus', if metrics are enabled.
    pub metrics: Option<TcpListener>,
}

impl Listeners {
    /// Binds every address of the configuration.
    ///
    /// # Errors
    /// The first address that cannot be listened on.
    pub async fn bind(config: &Config) -> Result<Self, ServeError> {
        let api = bind("api", config.api.listen).await?;
        let endpoint = match config.endpoint.enabled {
            true => Some(bind("endpoint", config.endpoint.listen).await?),
            false => None,
        };
        let metrics = match config.metrics.enabled {
            true => Some(bind("metrics", config.metrics.listen).await?),
            false => None,
        };
        Ok(Self { endpoint, api, metrics })
    }

    /// Where each listens; with port 0 in the configuration, the port that was given.
    pub fn log(&self) {
        let address = |listener: &TcpListener| listener.local_addr().map(|address| address.to_string()).ok();
        let endpoint = self.endpoint.as_ref().and_then(address);
        let metrics = self.metrics.as_ref().and_then(address);
        tracing::info!(
            api = address(&self.api),
            endpoint = endpoint.as_deref().unwrap_or("off"),
            metrics = metrics.as_deref().unwrap_or("off"),
            "serving"
        );
    }
}

async fn bind(section: &'static str, address: SocketAddr) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address).await.map_err(|source| ServeError::Listen { section, address, source })
}
