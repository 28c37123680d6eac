//! Who is connected: one connection per gateway, the newest wins.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use kitchen_contract::id::GatewayId;
use metrics::{counter, gauge};
use tokio_util::sync::CancellationToken;

/// The connected gateways. A std mutex: it is held for a map operation only, never across an await.
#[derive(Clone, Debug, Default)]
pub(super) struct Peers(Arc<Mutex<HashMap<GatewayId, CancellationToken>>>);

impl Peers {
    /// A gateway has come; an older connection of the same gateway is told to go. The token is cancelled when a newer one
    /// comes.
    pub(super) fn enter(&self, gateway: &GatewayId) -> CancellationToken {
        let token = CancellationToken::new();
        let mut peers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(older) = peers.insert(gateway.clone(), token.clone()) {
            older.cancel();
            counter!("endpoint_takeovers_total").increment(1);
            tracing::warn!(gateway.id = %gateway, "a second connection with the same certificate takes over");
        }
        gauge!("endpoint_gateways_connected").set(peers.len() as f64);
        token
    }

    /// A connection has ended; a newer one of the same gateway stays.
    pub(super) fn leave(&self, gateway: &GatewayId, token: &CancellationToken) {
        let mut peers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !token.is_cancelled() {
            peers.remove(gateway);
        }
        gauge!("endpoint_gateways_connected").set(peers.len() as f64);
    }
}
