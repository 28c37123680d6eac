//! The endpoint's TLS: both sides show a certificate, and every connection shows it anew.
//!
//! No tickets and no session storage: a resumed session would keep the identity it began with, so that a renewed or
//! revoked certificate would not be seen.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use kitchen_contract::id::GatewayId;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};

/// Why a door's certificates cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read as PEM.
    #[error("cannot read `{path}`: {reason}")]
    Pem {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The files are readable but do not work together.
    #[error("the certificates cannot be used: {0}")]
    Config(String),
}

/// The endpoint's TLS configuration from PEM files: its certificate chain, its key, and the CA of the gateways.
///
/// # Errors
/// A file that cannot be read, or files that do not fit together.
pub fn server_config(certificate: &Path, key: &Path, ca: &Path) -> Result<Arc<ServerConfig>, TlsError> {
    let mut roots = RootCertStore::empty();
    for root in certificates(ca)? {
        roots.add(root).map_err(|error| TlsError::Config(error.to_string()))?;
    }
    let verifier =
        WebPkiClientVerifier::builder(Arc::new(roots)).build().map_err(|error| TlsError::Config(error.to_string()))?;
    let mut config = ServerConfig::builder()
        .with_client_cert_verifier(verifier)
        .with_single_cert(certificates(certificate)?, private_key(key)?)
        .map_err(|error| TlsError::Config(error.to_string()))?;
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Ok(Arc::new(config))
}

/// Who a verified certificate says its bearer is: the CN, if it is the id of a gateway.
pub fn gateway_of(certificate: &CertificateDer<'_>) -> Option<GatewayId> {
    let (_rest, certificate) = x509_parser::parse_x509_certificate(certificate).ok()?;
    let mut names = certificate.subject().iter_common_name();
    let name = names.next()?.as_str().ok()?;
    if names.next().is_some() { None } else { name.parse().ok() }
}

/// The private key in a PEM file.
pub(crate) fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| pem(path, &error))
}

/// The certificates in a PEM file, at least one.
pub(crate) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found = CertificateDer::pem_file_iter(path).and_then(Iterator::collect).map_err(|error| pem(path, &error))?;
    let found: Vec<_> = found;
    if found.is_empty() {
        return Err(TlsError::Pem { path: path.to_owned(), reason: "no certificate in it".to_owned() });
    }
    Ok(found)
}

fn pem(path: &Path, error: &rustls::pki_types::pem::Error) -> TlsError {
    TlsError::Pem { path: path.to_owned(), reason: error.to_string() }
}
