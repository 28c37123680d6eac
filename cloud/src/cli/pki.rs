//! `pki init`, `pki gateway`, `pki list`.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use kitchen_contract::id::GatewayId;
use kitchen_contract::time::Timestamp;
use serde::Serialize;

use crate::config::Config;
use crate::pki::authority::Validity;
use crate::pki::command::{self, Entry, Outcome, Role};
use crate::pki::{Layout, PkiError};
use crate::report::Report;

/// A certificate that ends within this time wants attention.
const SOON_MS: i64 = 30 * 24 * 60 * 60 * 1000;

/// What `pki init` made.
#[derive(Debug, Serialize)]
pub struct InitReport {
    /// Each certificate, and whether it was made now.
    pub certificates: Vec<InitLine>,
}

/// One certificate of `pki init`.
#[derive(Debug, Serialize)]
pub struct InitLine {
    /// `true` if it was made now, `false` if it was there.
    pub made: bool,
    /// Its file.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

/// What `pki gateway` made.
#[derive(Debug, Serialize)]
pub struct GatewayReport {
    /// The gateway.
    pub gateway: GatewayId,
    /// Its certificate.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// The CA certificate that it needs too.
    pub ca: PathBuf,
}

/// What `pki list` found.
#[derive(Debug, Serialize)]
pub struct ListReport {
    /// All certificates.
    pub certificates: Vec<ListLine>,
}

/// One certificate of `pki list`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ListLine {
    /// `ca`, `server`, `sink` or `gateway`.
    pub role: &'static str,
    /// The common name; null if the file cannot be read.
    pub name: Option<String>,
    /// When it ends.
    pub not_after: Option<Timestamp>,
    /// `valid`, `ends-soon` (within 30 days), `expired` or `unreadable`.
    pub state: &'static str,
    /// SHA-256 over the DER.
    pub fingerprint: Option<String>,
    /// Its file.
    pub path: PathBuf,
    /// Why it cannot be read.
    pub error: Option<String>,
}

/// `pki init`.
///
/// # Errors
/// A file cannot be read or written.
pub fn init(config: &Config, now: Timestamp) -> Result<InitReport, PkiError> {
    let line = |(pair, outcome): (crate::pki::Pair, Outcome)| InitLine {
        made: outcome == Outcome::Made,
        certificate: pair.certificate,
        key: pair.key,
    };
    Ok(InitReport { certificates: command::init(&config.pki, now)?.into_iter().map(line).collect() })
}

/// How long a gateway's certificate is valid.
pub fn validity(config: &Config, now: Timestamp, wanted: Option<Duration>) -> Validity {
    Validity { now, length: wanted.unwrap_or(config.pki.gateway_validity) }
}

/// `pki gateway`.
///
/// # Errors
/// No authority, it exists, or a file cannot be written.
pub fn gateway(config: &Config, id: &GatewayId, validity: Validity) -> Result<GatewayReport, PkiError> {
    let pair = command::gateway(&config.pki, id, validity)?;
    let ca = Layout::new(&config.pki.dir).ca().certificate;
    Ok(GatewayReport { gateway: id.clone(), certificate: pair.certificate, key: pair.key, ca })
}

/// `pki list`.
///
/// # Errors
/// No authority, or the directory cannot be read.
pub fn list(config: &Config, now: Timestamp) -> Result<ListReport, PkiError> {
    let certificates = command::list(&config.pki)?.into_iter().map(|entry| line(entry, now)).collect();
    Ok(ListReport { certificates })
}

fn line(entry: Entry, now: Timestamp) -> ListLine {
    let role = match entry.role {
        Role::Authority => "ca",
        Role::Server => "server",
        Role::Sink => "sink",
        Role::Gateway => "gateway",
    };
    let facts = entry.facts.as_ref().ok();
    ListLine {
        role,
        name: facts.map(|facts| facts.name.clone()),
        not_after: facts.map(|facts| facts.not_after),
        state: facts.map_or("unreadable", |facts| state(facts.not_after, now)),
        fingerprint: facts.map(|facts| facts.fingerprint.clone()),
        path: entry.path,
        error: entry.facts.err(),
    }
}

/// How a certificate stands that ends then.
pub fn state(not_after: Timestamp, now: Timestamp) -> &'static str {
    match not_after.ms_since(now) {
        ..=0 => "expired",
        1..=SOON_MS => "ends-soon",
        _ => "valid",
    }
}

impl fmt::Display for InitReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.certificates {
            let made = if line.made { "made" } else { "kept" };
            writeln!(formatter, "{made}  {}", line.certificate.display())?;
        }
        Ok(())
    }
}

impl fmt::Display for GatewayReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "gateway      {}", self.gateway)?;
        writeln!(formatter, "certificate  {}", self.certificate.display())?;
        writeln!(formatter, "key          {}", self.key.display())?;
        writeln!(formatter, "ca           {}", self.ca.display())
    }
}

impl fmt::Display for ListReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{:<8} {:<28} {:<10} {:<11} FILE", "ROLE", "NAME", "STATE", "ENDS")?;
        for line in &self.certificates {
            let ends = line.not_after.map(|end| end.to_string()).unwrap_or_default();
            let (name, ends) = (line.name.as_deref().unwrap_or("-"), ends.get(..10).unwrap_or("-"));
            writeln!(formatter, "{:<8} {name:<28} {:<10} {ends:<11} {}", line.role, line.state, line.path.display())?;
        }
        Ok(())
    }
}

impl Report for InitReport {}
impl Report for GatewayReport {}
impl Report for ListReport {}
