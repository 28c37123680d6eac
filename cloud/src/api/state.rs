//! What every handler is given.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::http::HeaderMap;

use crate::accounts::{Accounts, Passwords};
use crate::api::throttle::Throttle;
use crate::api::token::Tokens;
use crate::clock::Clock;
use crate::registry::Registry;
use crate::store::Store;

/// What every handler is given; shared behind an `Arc`.
pub struct ApiState {
    /// People and tenants.
    pub accounts: Accounts,
    /// Kitchens, sensors, readings, alerts.
    pub registry: Registry,
    /// Only to ask whether it answers.
    pub store: Store,
    /// Checks passwords.
    pub passwords: Passwords,
    /// Makes and reads tokens.
    pub tokens: Tokens,
    /// The wall clock.
    pub clock: Clock,
    /// Whose word the client's address is.
    pub peers: Peers,
    /// Failed logins.
    pub logins: Logins,
}

/// Whose word the client's address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peers {
    /// The socket's: clients connect directly.
    Direct,
    /// The proxy's: the last entry of `X-Forwarded-For`, which the proxy itself wrote.
    BehindProxy,
}

/// The memory of failed logins, on a monotonic clock.
pub struct Logins {
    started: Instant,
    throttle: Mutex<Throttle>,
}

impl Default for Logins {
    fn default() -> Self {
        Self { started: Instant::now(), throttle: Mutex::default() }
    }
}

impl Logins {
    /// The time on the throttle's clock, and the throttle. Never held across an await.
    pub fn lock(&self) -> (Duration, MutexGuard<'_, Throttle>) {
        (self.started.elapsed(), self.throttle.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Peers {
    /// The client's address.
    pub fn client(self, peer: SocketAddr, headers: &HeaderMap) -> IpAddr {
        let forwarded = headers.get_all("x-forwarded-for").iter().next_back();
        let last = forwarded.and_then(|value| value.to_str().ok()?.rsplit(',').next()?.trim().parse().ok());
        match self {
            Self::BehindProxy => last.unwrap_or(peer.ip()),
            Self::Direct => peer.ip(),
        }
    }
}
