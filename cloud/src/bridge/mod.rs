//! The other door: a client of an external broker (AWS IoT Core, EMQX, Mosquitto).
//!
//! It hands the same deliveries to ingest as the endpoint does, and confirms a message to the broker only when it is stored
//! and judged. The broker tells nobody who published, so a delivery has no peer: the signature alone says who speaks.
//!
//! `tls` is who we are to the broker, `link` one connection with rumqttc at arm's length, `task` connects again for ever,
//! `backoff` says when.

mod backoff;

mod link;

mod task;

mod tls;

pub use task::{Bridge, run};
pub use tls::client_config;
