//! The proxy's two ends of TLS: the cloud's certificate towards the agent, the gateway's towards the cloud.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::serve::Between;

fn chain(file: &Path) -> io::Result<Vec<CertificateDer<'static>>> {
    let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect);
    read.map_err(|error| io::Error::other(format!("{}: {error}", file.display())))
}

fn key(file: &Path) -> io::Result<PrivateKeyDer<'static>> {
    PrivateKeyDer::from_pem_file(file).map_err(|error| io::Error::other(format!("{}: {error}", file.display())))
}

fn roots(pki: &Path) -> io::Result<Arc<RootCertStore>> {
    let mut roots = RootCertStore::empty();
    for certificate in chain(&pki.join("ca.pem"))? {
        roots.add(certificate).map_err(io::Error::other)?;
    }
    Ok(Arc::new(roots))
}

/// What takes TLS connections as the cloud does, with its certificate and from gateways only; `pki` is the cloud's directory.
///
/// # Errors
/// A certificate cannot be used.
pub fn acceptor(pki: &Path) -> io::Result<TlsAcceptor> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let clients = WebPkiClientVerifier::builder_with_provider(roots(pki)?, provider.clone()).build();
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(io::Error::other)?.with_client_cert_verifier(clients.map_err(io::Error::other)?);
    let certificate = config.with_single_cert(chain(&pki.join("server.pem"))?, key(&pki.join("server.key"))?);
    Ok(TlsAcceptor::from(Arc::new(certificate.map_err(io::Error::other)?)))
}

/// What connects to the cloud as the gateway does.
pub(super) fn connector(between: &Between) -> io::Result<TlsConnector> {
    let file = |end: &str| between.pki.join("gateways").join(format!("{}.{end}", between.gateway));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(io::Error::other)?.with_root_certificates(roots(&between.pki)?);
    let config = config.with_client_auth_cert(chain(&file("pem"))?, key(&file("key"))?);
    Ok(TlsConnector::from(Arc::new(config.map_err(io::Error::other)?)))
}
