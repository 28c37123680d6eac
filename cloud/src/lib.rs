//! The cloud of the smart kitchen: receives, validates, stores and judges readings, and serves them to their owners.

pub mod accounts;
pub mod alert;
pub mod clock;
pub mod config;
pub mod document;
pub mod endpoint;
pub mod ingest;
pub mod pki;
pub mod registry;
pub mod report;
pub mod store;
