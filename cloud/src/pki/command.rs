//! What `pki init`, `pki gateway` and `pki list` do.

use std::path::{Path, PathBuf};

use kitchen_contract::id::GatewayId;
use kitchen_contract::time::Timestamp;

use crate::config::PkiConfig;
use crate::pki::authority::{Authority, Issued, Subject, Validity};
use crate::pki::certificate::CertificateFacts;
use crate::pki::error::PkiError;
use crate::pki::files::{Access, make_private_dir, write_atomically};
use crate::pki::layout::{Layout, Pair, SINK_NAME};

/// Names that every endpoint certificate carries: for tests, demos and a proxy on the same machine.
const LOCAL_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// More certificates than this are not listed: the directory is not ours then.
const LISTED_MAX: usize = 100_000;

/// What became of one certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Made now.
    Made,
    /// It was there and was left as it is.
    Kept,
}

/// One certificate of the directory.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What it is for.
    pub role: Role,
    /// The certificate's file.
    pub path: PathBuf,
    /// What it says, or why it cannot be read.
    pub facts: Result<CertificateFacts, String>,
}

/// What a certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The authority itself.
    Authority,
    /// The endpoint.
    Server,
    /// The sink as a client of an external broker.
    Sink,
    /// A gateway.
    Gateway,
}

/// Makes the authority, the endpoint's certificate and the sink's, as far as they are not there yet.
///
/// # Errors
/// A file cannot be read or written, or a name cannot stand in a certificate.
pub fn init(config: &PkiConfig, now: Timestamp) -> Result<Vec<(Pair, Outcome)>, PkiError> {
    let layout = Layout::new(&config.dir);
    make_dir(&config.dir)?;
    make_dir(&layout.gateways())?;
    let (authority, ca_outcome) = authority(&layout, Validity { now, length: config.ca_validity })?;
    let validity = Validity { now, length: config.server_validity };
    let mut names: Vec<String> = config.names.clone();
    names.extend(LOCAL_NAMES.map(str::to_owned).into_iter().filter(|name| !config.names.contains(name)));
    let server = missing(&layout.server(), || authority.issue(&Subject::Server(names), validity))?;
    let sink = missing(&layout.sink(), || authority.issue(&Subject::Sink, validity))?;
    Ok(vec![(layout.ca(), ca_outcome), (layout.server(), server), (layout.sink(), sink)])
}

/// Makes the key and certificate of one gateway.
///
/// # Errors
/// No authority, the gateway has one already, or a file cannot be written.
pub fn gateway(config: &PkiConfig, id: &GatewayId, validity: Validity) -> Result<Pair, PkiError> {
    if id.as_str() == SINK_NAME {
        return Err(PkiError::Reserved { name: id.clone() });
    }
    let layout = Layout::new(&config.dir);
    let authority = Authority::load(&layout.ca())?;
    let pair = layout.gateway(id);
    if pair.certificate.exists() {
        return Err(PkiError::Exists { gateway: id.clone(), path: pair.certificate });
    }
    make_dir(&layout.gateways())?;
    write(&pair, &authority.issue(&Subject::Gateway(id.clone()), validity)?)?;
    Ok(pair)
}

/// All certificates of the directory: the authority's, the endpoint's, the sink's, then the gateways' by name.
///
/// # Errors
/// No authority, or the directory cannot be read.
pub fn list(config: &PkiConfig) -> Result<Vec<Entry>, PkiError> {
    let layout = Layout::new(&config.dir);
    if !layout.ca().certificate.exists() {
        return Err(PkiError::NoAuthority { dir: config.dir.clone() });
    }
    let own = [(Role::Authority, layout.ca()), (Role::Server, layout.server()), (Role::Sink, layout.sink())];
    let own = own.into_iter().map(|(role, pair)| (role, pair.certificate)).filter(|(_, path)| path.exists());
    let gateways = gateway_certificates(&layout.gateways())?.into_iter().map(|path| (Role::Gateway, path));
    let entry = |(role, path): (Role, PathBuf)| {
        let facts = CertificateFacts::read(&path).map_err(|error| error.to_string());
        Entry { role, path, facts }
    };
    Ok(own.chain(gateways).map(entry).collect())
}

fn authority(layout: &Layout, validity: Validity) -> Result<(Authority, Outcome), PkiError> {
    let files = layout.ca();
    if files.certificate.exists() {
        return Ok((Authority::load(&files)?, Outcome::Kept));
    }
    let (authority, issued) = Authority::create(validity)?;
    write(&files, &issued)?;
    Ok((authority, Outcome::Made))
}

fn missing(pair: &Pair, issue: impl FnOnce() -> Result<Issued, PkiError>) -> Result<Outcome, PkiError> {
    if pair.certificate.exists() {
        return Ok(Outcome::Kept);
    }
    write(pair, &issue()?)?;
    Ok(Outcome::Made)
}

/// The key first: where there is a certificate, there is its key. A key alone is left over from a crash and replaced.
fn write(pair: &Pair, issued: &Issued) -> Result<(), PkiError> {
    for (path, access, pem) in
        [(&pair.key, Access::Secret, &issued.key), (&pair.certificate, Access::Public, &issued.certificate)]
    {
        write_atomically(path, access, pem.as_bytes())
            .map_err(|source| PkiError::Write { path: path.clone(), source })?;
    }
    Ok(())
}

fn make_dir(dir: &Path) -> Result<(), PkiError> {
    make_private_dir(dir).map_err(|source| PkiError::Write { path: dir.to_owned(), source })
}

fn gateway_certificates(dir: &Path) -> Result<Vec<PathBuf>, PkiError> {
    let unreadable = |source| PkiError::Read { path: dir.to_owned(), source };
    let entries = match std::fs::read_dir(dir) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(unreadable)?,
    };
    let mut paths = Vec::new();
    for entry in entries.take(LISTED_MAX) {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_some_and(|extension| extension == "pem") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}
