//! The cloud of the smart kitchen: receives, validates, stores and judges readings, and serves them to their owners.

pub mod accounts;
pub mod clock;
pub mod config;
pub mod document;
pub mod pki;
pub mod report;
