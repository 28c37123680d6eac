//! The configuration of the cloud: one TOML file, one table per section, everything checked before anything is opened.
//!
//! All problems of a file are reported at once (see [`crate::document`]). Relative paths start at the file's directory.
//! Defaults are those of `configs/cloud.toml`, which a test holds against this code.

pub mod read;
pub mod schema;

pub use schema::{
    AccountsConfig, ApiConfig, BrokerConfig, Config, EndpointConfig, LogConfig, LogFormat, MetricsConfig, PkiConfig,
    StoreConfig,
};

#[cfg(test)]
mod tests;
