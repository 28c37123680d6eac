//! The gateway's certificate, key and authorities, read from their files at every connect, and the TLS made of them.
//!
//! TLS 1.2 and up on ring. Resumption is off: a resumed session would keep the identity of a certificate that has been
//! replaced since. Certificates are checked against a clock that is never before the month the agent was built in, and by
//! [`super::verifier`], so that a gateway which boots in 1970 can still connect.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use kitchen_contract::signature::DeviceKey;
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use tokio::time::Instant;

use super::verifier::Verifier;
use crate::clock::shared::SharedClock;

/// Where the files are.
#[derive(Clone, Copy, Debug)]
pub struct Material<'a> {
    /// The authorities that may have issued the sink's certificate.
    pub ca: &'a Path,
    /// The gateway's certificate chain.
    pub certificate: &'a Path,
    /// The gateway's private key.
    pub key: &'a Path,
}

/// Why the files cannot be used.
#[derive(Clone, Debug, thiserror::Error)]
pub enum IdentityError {
    /// No readable certificate of an authority.
    #[error("{0}")]
    Ca(String),
    /// No readable certificate of the gateway.
    #[error("{0}")]
    Certificate(String),
    /// No readable P-256 key.
    #[error("{0}")]
    Key(String),
    /// The key is not the certificate's.
    #[error("the key is not the one of the certificate")]
    Mismatch,
}

impl IdentityError {
    /// The key of the configuration section that names the file.
    pub fn key(&self) -> &'static str {
        match self {
            Self::Ca(_) => "ca",
            Self::Certificate(_) => "certificate",
            Self::Key(_) | Self::Mismatch => "key",
        }
    }

    /// What to do.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Ca(_) => "this is the certificate of the cloud's authority, PEM: `kitchen-cloud pki` makes it",
            Self::Certificate(_) => {
                "this is the gateway's certificate, PEM: `kitchen-cloud pki` issues one per gateway"
            }
            Self::Key(_) => "this is the gateway's private key, ECDSA P-256, PKCS #8 in PEM",
            Self::Mismatch => "certificate and key are issued together: copy both again",
        }
    }
}

/// What the gateway proves itself with.
pub struct Identity {
    /// Signs envelopes and status messages.
    pub device_key: DeviceKey,
    roots: RootCertStore,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Identity {
    /// Reads the files and checks that they belong together.
    ///
    /// # Errors
    /// A file is missing, not PEM, of the wrong kind, or the key is not the certificate's.
    pub fn load(material: &Material<'_>) -> Result<Self, IdentityError> {
        let roots = load_roots(material.ca).map_err(IdentityError::Ca)?;
        let chain = load_certificates(material.certificate).map_err(IdentityError::Certificate)?;
        let pem = read(material.key).map_err(IdentityError::Key)?;
        let unusable = |reason: String| IdentityError::Key(format!("`{}`: {reason}", material.key.display()));
        let device_key = DeviceKey::from_pkcs8_pem(&pem).map_err(|error| unusable(error.to_string()))?;
        let key = PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|error| unusable(error.to_string()))?;
        let identity = Self { device_key, roots, chain, key };
        identity.client_config(&SharedClock::new(Instant::now()))?;
        Ok(identity)
    }

    /// The TLS side of a connection; `clock` is what certificates are checked against.
    ///
    /// # Errors
    /// The key is not the certificate's, or an authority cannot be used.
    pub fn client_config(&self, clock: &SharedClock) -> Result<ClientConfig, IdentityError> {
        let mismatch = |error: rustls::Error| match error {
            rustls::Error::InconsistentKeys(_) => IdentityError::Mismatch,
            other => IdentityError::Certificate(format!("the certificate cannot be used: {other}")),
        };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let usual = WebPkiServerVerifier::builder_with_provider(Arc::new(self.roots.clone()), Arc::clone(&provider));
        let usual = usual.build().map_err(|error| IdentityError::Ca(error.to_string()))?;
        let mut config = ClientConfig::builder_with_details(provider, Arc::new(clock.clone()))
            .with_safe_default_protocol_versions()
            .map_err(mismatch)?
            .dangerous() // which it is not: see the verifier
            .with_custom_certificate_verifier(Arc::new(Verifier::new(usual, clock.clone())))
            .with_client_auth_cert(self.chain.clone(), self.key.clone_key())
            .map_err(mismatch)?;
        config.resumption = Resumption::disabled();
        Ok(config)
    }
}

fn load_roots(file: &Path) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in load_certificates(file)? {
        roots.add(certificate).map_err(|error| format!("`{}`: {error}", file.display()))?;
    }
    Ok(roots)
}

fn load_certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let pem = read(file)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) => Err(format!("no certificate in `{}`", file.display())),
        Err(error) => Err(format!("`{}`: {error}", file.display())),
    }
}

fn read(file: &Path) -> Result<String, String> {
    fs::read_to_string(file).map_err(|error| format!("cannot read `{}`: {error}", file.display()))
}
