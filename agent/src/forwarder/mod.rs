//! The forwarder: sends what is in the buffer over MQTT/TLS, and frees it on the sink's word alone.
//!
//! Where it sits: between the buffer and the sink. It promises: records are sent from the oldest unacknowledged on, signed,
//! and freed only by the sink's acknowledgement, never by a broker's PUBACK; the buffer is the only queue, so an error at
//! any point costs nothing but a resend; no state of the connection ever stops sampling. It does not: decide what is
//! measured, or obey commands (the contract defines none yet).
//!
//! | file | what |
//! |---|---|
//! | [`backoff`] | how long to wait before the next attempt; pure |
//! | [`window`] | envelopes under way; pure |
//! | [`passed_over`] | what the sink takes no notice of does not hold up the rest; pure |
//! | [`lanes`] | what is read next: the newest first, the backlog behind it; pure |
//! | [`allowance`] | how fast a backlog may be sent; pure |
//! | [`online`] | what is known of a working connection; pure |
//! | [`draining`] | what is under way is waited for; pure |
//! | [`event`] | what happens, and what is to be done; pure |
//! | [`timing`] | how long to wait for what; pure |
//! | [`state`] | offline → connecting → catching up → live → draining; pure |
//! | [`fault`] | why there is no connection, in words; pure |
//! | [`mod@line`] | how much the line takes at once; pure |
//! | `taken` | what the sink takes, and what it does not; pure |
//! | [`shown`] | what a person sees of it; pure |
//! | [`certificate`] | what the gateway's certificate says, and whether it is fit to be used; pure |
//! | [`trial`] | new certificate files beside those that worked; pure |
//! | [`tls`] | certificate, key, authorities |
//! | [`lookup`] | one name look-up at a time |
//! | [`link`] | one connection: rumqttc at arm's length |
//! | [`task`] | does what the state machine says |
//! | `connecting` | makes connections, and sees that their files have changed |
//! | [`rejections`] | what the sink has set aside, as events; pure |
//! | [`told`] | what births and heartbeats tell |
//! | `receiving` | what comes from the sink |
//! | `telling` | what is said of it in the log |

pub mod allowance;
pub mod backoff;
pub mod certificate;
mod connecting;
pub mod draining;
pub mod event;
pub mod fault;
pub mod lanes;
pub mod line;
pub mod link;
pub mod lookup;
pub mod online;
pub mod passed_over;
pub mod questions;
mod receiving;
pub mod rejections;
pub mod shown;
pub mod state;
mod taken;
pub mod task;
mod telling;
pub mod timing;
pub mod tls;
pub mod told;
pub mod trial;
pub mod verifier;
pub mod window;

pub use shown::LinkShown;
pub use task::Forwarder;

#[cfg(test)]
mod tests;
