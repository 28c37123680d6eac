//! The listener: accepts, limits, serves, stops in order.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use kitchen_contract::id::{GatewayId, KitchenId};
use kitchen_contract::topic::Topic;
use metrics::counter;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::complaints::Complaints;
use super::connection::{self, Knock};
use super::files;
use super::limits::{ACCEPT_PAUSE, STOP_TIMEOUT};
use super::peers::Peers;
use super::slots::{Capacity, Slots};
use crate::ingest::{Delivered, Delivery, Ingest};
use crate::registry::Registry;
use crate::store::StoreError;

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
    /// How many at once.
    pub capacity: Capacity,
}

/// Accepts gateways until `shutdown`, then lets running connections say goodbye, at most [`STOP_TIMEOUT`].
pub async fn run(endpoint: Endpoint, shutdown: CancellationToken) {
    files::warn_if_short();
    let services = Services {
        acceptor: TlsAcceptor::from(endpoint.tls),
        slots: Slots::new(endpoint.capacity),
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
            Ok((stream, address)) => take(stream, address, &services, &connections),
            Err(error) => cannot_accept(&error, &services).await,
        }
    }
    connections.close();
    if timeout(STOP_TIMEOUT, connections.wait()).await.is_err() {
        tracing::warn!(open = connections.len(), "some gateway connections did not end in time");
    }
}

/// Serves a new connection, or closes it if there is no slot for it.
fn take(stream: TcpStream, address: SocketAddr, services: &Services, connections: &TaskTracker) {
    match services.slots.at_the_door() {
        Ok(slot) => {
            connections.spawn(connection::serve(Knock { stream, address, slot }, services.clone()));
        }
        Err(reason) => {
            counter!("endpoint_connections_ended_total", "reason" => reason).increment(1);
            if let Some(suppressed) = services.complaints.say("", reason) {
                tracing::warn!(peer = %address, reason, suppressed, "no slot for a connection");
            }
        }
    }
}

/// Waits if the system has no room, so as not to ask again at once for ever; what befell one peer holds up nobody else.
async fn cannot_accept(error: &io::Error, services: &Services) {
    if let Some(suppressed) = services.complaints.say("", "accept") {
        tracing::error!(%error, suppressed, "cannot accept a connection");
    }
    if !matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) {
        tokio::time::sleep(ACCEPT_PAUSE).await;
    }
}

/// What every connection works with. Cheap to clone.
#[derive(Clone)]
pub(super) struct Services {
    pub(super) acceptor: TlsAcceptor,
    pub(super) slots: Slots,
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
