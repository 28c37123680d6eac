//! The gateway endpoint: the sink speaks MQTT to its gateways itself. Not a broker: fixed topics per gateway, no wildcards,
//! no retained messages, no stored sessions.
//!
//! In the order of a message: `tls` says who the peer is, `session` is the protocol without its socket, `policy` who may do
//! what, `connection` one peer's task, `peers` who is connected, `server` the listener. `limits` holds every number.

pub mod limits;

pub mod tls;

pub mod session;

pub mod policy;

mod connection;

mod peers;

pub mod server;

pub use server::{Endpoint, run};
