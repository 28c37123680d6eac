//! `check`: the configuration is good; are the files that it names, too?

use std::fmt;
use std::path::{Path, PathBuf};

use kitchen_contract::time::Timestamp;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use serde::Serialize;

use crate::cli::pki::state;
use crate::config::Config;
use crate::pki::CertificateFacts;
use crate::report::Report;

/// What `check` found.
#[derive(Debug, Serialize)]
pub struct CheckReport {
    /// One line per file.
    pub files: Vec<CheckLine>,
}

/// One file.
#[derive(Debug, Serialize)]
pub struct CheckLine {
    /// The key of the configuration that names it.
    pub key: &'static str,
    /// The file.
    pub path: PathBuf,
    /// `ok`, or what is wrong.
    pub state: String,
}

impl CheckReport {
    /// Whether the cloud can be started with it.
    pub fn is_good(&self) -> bool {
        self.files.iter().all(|line| GOOD.contains(&line.state.as_str()))
    }
}

/// States with which the cloud starts.
const GOOD: [&str; 4] = ["ok", "valid", "ends-soon", "made at first start"];

/// `check`.
pub fn check(config: &Config, now: Timestamp) -> CheckReport {
    let made = "made at first start";
    let certificate = |path: &Path| certificate(path, now);
    let mut files = vec![
        line("store.path", &config.store.path, present(&config.store.path, made)),
        line("accounts.path", &config.accounts.path, present(&config.accounts.path, made)),
        line("api.jwt_secret_file", &config.api.jwt_secret_file, present(&config.api.jwt_secret_file, made)),
    ];
    if config.endpoint.enabled {
        let endpoint = &config.endpoint;
        files.push(line("endpoint.certificate", &endpoint.certificate, certificate(&endpoint.certificate)));
        files.push(line("endpoint.key", &endpoint.key, key(&endpoint.key)));
        files.push(line("endpoint.ca", &endpoint.ca, certificate(&endpoint.ca)));
    }
    if let Some(broker) = &config.broker {
        files.push(line("broker.certificate", &broker.certificate, certificate(&broker.certificate)));
        files.push(line("broker.key", &broker.key, key(&broker.key)));
        files.push(line("broker.ca", &broker.ca, certificate(&broker.ca)));
    }
    CheckReport { files }
}

fn line(key: &'static str, path: &Path, state: String) -> CheckLine {
    CheckLine { key, path: path.to_owned(), state }
}

fn present(path: &Path, absent: &str) -> String {
    match path.try_exists() {
        Ok(true) => std::fs::File::open(path).map_or_else(|error| error.to_string(), |_| "ok".to_owned()),
        Ok(false) => absent.to_owned(),
        Err(error) => error.to_string(),
    }
}

fn certificate(path: &Path, now: Timestamp) -> String {
    match CertificateFacts::read(path) {
        Ok(facts) => state(facts.not_after, now).to_owned(),
        Err(error) => with_cause(&error),
    }
}

fn key(path: &Path) -> String {
    PrivateKeyDer::from_pem_file(path).map_or_else(|error| with_cause(&error), |_| "ok".to_owned())
}

fn with_cause(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), |cause| cause.to_string())
}

impl fmt::Display for CheckReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.files {
            writeln!(formatter, "{:<22} {}: {}", line.key, line.path.display(), line.state)?;
        }
        let verdict = if self.is_good() { "good" } else { "not good: make missing files with `pki init`" };
        writeln!(formatter, "\nconfiguration: {verdict}")
    }
}

impl Report for CheckReport {}
