//! Who we are to the broker, and which authority its certificate must come from.

use std::path::Path;
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::{ClientConfig, RootCertStore};

use crate::endpoint::tls::{TlsError, certificates, private_key};

/// The bridge's TLS configuration from PEM files. Nothing is resumed: every connection shows the certificate anew.
///
/// # Errors
/// A file that cannot be read, or files that do not fit together.
pub fn client_config(certificate: &Path, key: &Path, ca: &Path) -> Result<Arc<ClientConfig>, TlsError> {
    let mut roots = RootCertStore::empty();
    for root in certificates(ca)? {
        roots.add(root).map_err(|error| TlsError::Config(error.to_string()))?;
    }
    let mut config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_client_auth_cert(certificates(certificate)?, private_key(key)?)
        .map_err(|error| TlsError::Config(error.to_string()))?;
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}
