//! A network that fails: a proxy between agent and cloud that understands MQTT packets.
//!
//! It ends TLS on both sides, with the cloud's certificate towards the agent and the gateway's towards the cloud, so that it
//! can cut, hold, delay, drop, double and damage packets by their type. It changes nothing that it is not told to.
//!
//! | file | what |
//! |---|---|
//! | [`packets`] | bytes into packets; pure |
//! | [`fault`] | what goes wrong |
//! | [`tls`] | its two ends of TLS |
//! | [`serve`] | the connections |

pub mod fault;
pub mod packets;
pub mod serve;
pub mod tls;

pub use fault::{Fault, Kind, Way};
pub use serve::Proxy;
