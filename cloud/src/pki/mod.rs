//! Our certificate authority: one CA, one certificate per gateway, one for the endpoint, one for the sink itself.
//!
//! ECDSA P-256 throughout. A subject always comes from our own command, never from a request that somebody else wrote.
//! Private keys are written 0600 in directories of 0700, whole or not at all, and nothing is ever overwritten.
//!
//! ```text
//! pki/ca.pem        ca.key          the authority; gateways and brokers trust ca.pem
//! pki/server.pem    server.key      the endpoint's certificate (serverAuth)
//! pki/sink.pem      sink.key        our client certificate for an external broker (clientAuth, CN `sink`)
//! pki/gateways/ID.pem    ID.key     one per gateway (clientAuth, CN = its id): copy both and ca.pem to the box
//! ```

pub mod authority;
pub mod certificate;
pub mod command;
pub mod error;
pub mod files;
pub mod layout;

pub use certificate::CertificateFacts;
pub use error::PkiError;
pub use layout::{Layout, Pair, SINK_NAME};

#[cfg(test)]
mod tests;
