//! The gateway endpoint over real sockets and real TLS, against raw frames and a real client.

mod client;
mod door;
mod early;
mod limits;
mod matrix;
mod nuisance;
mod slots;
pub(crate) mod wire;
