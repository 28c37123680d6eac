//! The cloud of the smart kitchen: receives, validates, stores and judges readings, and serves them to their owners.
//!
//! # The path of a reading, in the order of the modules
//!
//! | module | what |
//! |---|---|
//! | [`endpoint`] | the door for gateways: MQTT over mutual TLS |
//! | [`ingest`] | accept, judge, commit, acknowledge |
//! | [`store`] | items under a partition and a sort key |
//! | [`registry`] | customers, kitchens, gateways, sensors; who may see what |
//! | [`alert`] | from a transition to an alert |
//! | [`accounts`] | people, passwords, the audit log |
//! | [`api`] | the REST API |
//! | [`supervisor`] | starts, watches and stops all of it |
//!
//! Around it: [`cli`], [`config`] and [`seed`] (both on [`document`]), [`pki`], [`acl`], [`log`], [`metrics`], [`report`].

use std::ffi::OsString;
use std::process::ExitCode;

pub mod accounts;
pub mod acl;
pub mod alert;
pub mod api;
pub mod bridge;
pub mod cli;
pub mod clock;
pub mod config;
pub mod databases;
pub mod document;
pub mod endpoint;
pub mod ingest;
pub mod log;
pub mod metrics;
pub mod pki;
pub mod registry;
pub mod report;
pub mod seed;
pub mod store;
pub mod supervisor;

/// The program: runs one command line and says how it went. 0 fine, 1 asked and the answer is bad, 2 could not ask.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        tracing::debug!("a TLS provider was installed already");
    }
    cli::run::run(arguments)
}
