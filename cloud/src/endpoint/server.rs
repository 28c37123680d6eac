//! The listener: accepts, limits, serves, stops in order.

use std::sync::Arc;
use std::time::Duration;

use kitchen_contract::id::{GatewayId, KitchenId};
use kitchen_contract::topic::Topic;
use metrics::counter;
use rustls::ServerConfig;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::complaints::Complaints;
use super::connection;
use super::limits::{CONNECTIONS_MAX, STOP_TIMEOUT};
use super::peers::Peers;
use crate::ingest::{Delivered, Delivery, Ingest};
use crate::registry::Registry;
use crate::store::StoreError;

/// How long to wait when the system refuses a connection (out of file handles, say).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What the endpoint works with.
#[derive(Debug)]
pub struct Endpoint {
    /// Its listener, bound already.
    pub listener: TcpListener,
    /// Its TLS, from [`super::tls::server_config`].
    pub tls: Arc<ServerConfig>,
    /// Who is registered, and where.
    pub registry: Registry,
    /// Where messages go.
    pub ingest: Ingest,
}

/// Accepts gateways until `shutdown`, then lets running connections say goodbye, at most [`STOP_TIMEOUT`].
pub async fn run(endpoint: Endpoint, shutdown: CancellationToken) {
    let acceptor = TlsAcceptor::from(endpoint.tls);
    let services = Services {
        registry: endpoint.registry,
        ingest: endpoint.ingest,
        peers: Peers::default(),
        complaints: Complaints::default(),
        shutdown: shutdown.clone(),
    };
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = endpoint.listener.accept() => accepted,
        };
        match accepted {
            Ok(_) if connections.len() >= CONNECTIONS_MAX => {
                counter!("endpoint_connections_ended_total", "reason" => "full").increment(1);
            }
            Ok((stream, address)) => {
                connections.spawn(connection::serve(stream, address, acceptor.clone(), services.clone()));
            }
            Err(error) => {
                tracing::error!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    connections.close();
    if timeout(STOP_TIMEOUT, connections.wait()).await.is_err() {
        tracing::warn!(open = connections.len(), "some gateway connections did not end in time");
    }
}

/// What every connection works with. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Services {
    registry: Registry,
    ingest: Ingest,
    pub(super) peers: Peers,
    pub(super) complaints: Complaints,
    pub(super) shutdown: CancellationToken,
}

impl Services {
    /// The kitchens on whose topics a gateway may publish; `None` if it is not registered.
    pub(super) async fn kitchens(&self, gateway: &GatewayId) -> Result<Option<Vec<KitchenId>>, StoreError> {
        self.registry.gateway_kitchens(gateway).await
    }

    /// Hands a message to ingest; `None` if ingest has stopped.
    pub(super) async fn deliver(
        &self,
        gateway: &GatewayId,
        topic: Topic,
        payload: Vec<u8>,
    ) -> Option<oneshot::Receiver<Delivered>> {
        self.ingest.deliver(Delivery { topic, payload, peer: Some(gateway.clone()) }).await
    }

    /// Hands a message to ingest that nobody waits for.
    pub(super) fn deliver_if_room(&self, gateway: &GatewayId, topic: Topic, payload: Vec<u8>) {
        self.ingest.deliver_if_room(Delivery { topic, payload, peer: Some(gateway.clone()) });
    }
}
