//! Who is connected: one connection per gateway, the newest wins.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use kitchen_contract::id::GatewayId;
use metrics::{counter, gauge};
use tokio_util::sync::CancellationToken;

use super::complaints::Complaints;

/// The connected gateways. A std mutex: it is held for a map operation only, never across an await.
#[derive(Clone, Debug, Default)]
pub(super) struct Peers(Arc<Mutex<HashMap<GatewayId, CancellationToken>>>);

/// One connection's place among the connected gateways; gives it up when dropped, however the connection ended.
#[derive(Debug)]
pub(super) struct Presence {
    peers: Peers,
    gateway: GatewayId,
    taken_over: CancellationToken,
}

impl Peers {
    /// A gateway has come; an older connection of the same gateway is told to go.
    pub(super) fn enter(&self, gateway: &GatewayId, complaints: &Complaints) -> Presence {
        let taken_over = CancellationToken::new();
        let mut peers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(older) = peers.insert(gateway.clone(), taken_over.clone()) {
            older.cancel();
            counter!("endpoint_takeovers_total").increment(1);
            if let Some(suppressed) = complaints.say(gateway.as_str(), "takeover") {
                tracing::warn!(
                    gateway.id = %gateway,
                    suppressed,
                    "a second connection with the same certificate takes over"
                );
            }
        }
        gauge!("endpoint_gateways_connected").set(peers.len() as f64);
        Presence { peers: self.clone(), gateway: gateway.clone(), taken_over }
    }
}

impl Presence {
    /// Cancelled when a newer connection of the same gateway comes.
    pub(super) const fn taken_over(&self) -> &CancellationToken {
        &self.taken_over
    }
}

impl Drop for Presence {
    /// A newer connection of the same gateway stays.
    fn drop(&mut self) {
        let mut peers = self.peers.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.taken_over.is_cancelled() {
            peers.remove(&self.gateway);
        }
        gauge!("endpoint_gateways_connected").set(peers.len() as f64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_connection_stays_whoever_leaves_first() {
        let peers = Peers::default();
        let gateway: GatewayId = "gw-1".parse().unwrap();
        let count = || peers.0.lock().unwrap().len();
        let older = peers.enter(&gateway, &Complaints::default());
        let newer = peers.enter(&gateway, &Complaints::default());
        assert!(older.taken_over().is_cancelled() && !newer.taken_over().is_cancelled());
        drop(older);
        assert_eq!(count(), 1);
        drop(newer);
        assert_eq!(count(), 0);
    }
}
