//! The gateway endpoint: the sink speaks MQTT to its gateways itself. Not a broker: fixed topics per gateway, no wildcards,
//! no retained messages, no stored sessions.
//!
//! In the order of a message: `tls` says who the peer is, `session` is the protocol without its socket, `refusal` says no
//! in it, `policy` who may do what, `admission` lets a peer in, `connection` is its task, `peers` who is connected, `slots`
//! how many may be, `files` whether the system lets us, `complaints` what of it comes into the log, `server` the listener.
//! `limits` holds every number.

pub mod limits;

pub mod tls;

pub mod session;

pub mod refusal;

pub mod policy;

mod admission;

mod connection;

mod peers;

mod slots;

mod files;

pub(crate) mod complaints;

pub mod server;

pub use server::{Endpoint, run};
pub use slots::Capacity;
