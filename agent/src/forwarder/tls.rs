//! The gateway's certificate, key and authorities, read from their files, and the TLS made of them.
//!
//! TLS 1.2 and up on ring. Resumption is off: a resumed session would keep the identity of a certificate that has been
//! replaced since. Certificates are checked against a clock that is never before the month the agent was built in, and by
//! [`super::verifier`], so that a gateway which boots in 1970 can still connect.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kitchen_contract::id::GatewayId;
use kitchen_contract::signature::DeviceKey;
use kitchen_contract::time::Timestamp;
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use super::certificate::{Facts, IdentityError};
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

/// Tells the content of the files from any other.
pub type Digest = [u8; 32];

/// A file and what is in it.
struct PemFile {
    path: PathBuf,
    text: String,
}

/// The files and what is in them.
pub struct Files {
    ca: PemFile,
    certificate: PemFile,
    key: PemFile,
}

impl Files {
    /// Reads them. Blocking.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn read(material: &Material<'_>) -> Result<Self, IdentityError> {
        Ok(Self {
            ca: PemFile::read(material.ca).map_err(IdentityError::Ca)?,
            certificate: PemFile::read(material.certificate).map_err(IdentityError::Certificate)?,
            key: PemFile::read(material.key).map_err(IdentityError::Key)?,
        })
    }

    /// Of what is in them, not of when they were written.
    pub fn digest(&self) -> Digest {
        let mut all = Sha256::new();
        for file in [&self.ca, &self.certificate, &self.key] {
            all.update(Sha256::digest(&file.text));
        }
        all.finalize().into()
    }
}

/// What the gateway proves itself with.
pub struct Identity {
    /// Signs envelopes and status messages.
    pub device_key: DeviceKey,
    /// Of the files it was made of.
    pub digest: Digest,
    facts: Option<Facts>,
    roots: RootCertStore,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Identity {
    /// Reads the files and checks that they belong together. Blocking.
    ///
    /// # Errors
    /// A file is missing, or as with [`Identity::new`].
    pub fn load(material: &Material<'_>) -> Result<Self, IdentityError> {
        Self::new(&Files::read(material)?)
    }

    /// Checks that the files belong together.
    ///
    /// # Errors
    /// A file is not PEM, of the wrong kind, or the key is not the certificate's.
    pub fn new(files: &Files) -> Result<Self, IdentityError> {
        let roots = files.ca.roots().map_err(IdentityError::Ca)?;
        let chain = files.certificate.certificates().map_err(IdentityError::Certificate)?;
        let facts = chain.first().and_then(|certificate| Facts::read(certificate));
        let unusable = |reason: String| IdentityError::Key(files.key.refuse(reason));
        let pem = &files.key.text;
        let device_key = DeviceKey::from_pkcs8_pem(pem).map_err(|error| unusable(error.to_string()))?;
        let key = PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|error| unusable(error.to_string()))?;
        let identity = Self { device_key, digest: files.digest(), facts, roots, chain, key };
        identity.client_config(&SharedClock::new(Instant::now()))?;
        Ok(identity)
    }

    /// When the certificate ends, if it says so.
    pub fn ends(&self) -> Option<Timestamp> {
        self.facts.as_ref().map(|facts| facts.ends)
    }

    /// Whether a connection that works may be given up for this one.
    ///
    /// # Errors
    /// Why not: [`Facts::fit`].
    pub fn fit(&self, gateway_id: &GatewayId, now: Option<Timestamp>) -> Result<(), IdentityError> {
        self.facts.as_ref().map_or(Ok(()), |facts| facts.fit(gateway_id, now))
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

impl PemFile {
    fn read(path: &Path) -> Result<Self, String> {
        let text = fs::read_to_string(path).map_err(|error| format!("cannot read `{}`: {error}", path.display()))?;
        Ok(Self { path: path.to_owned(), text })
    }

    fn roots(&self) -> Result<RootCertStore, String> {
        let mut roots = RootCertStore::empty();
        for certificate in self.certificates()? {
            roots.add(certificate).map_err(|error| self.refuse(error))?;
        }
        Ok(roots)
    }

    fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, String> {
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(self.text.as_bytes()).collect();
        match certificates {
            Ok(certificates) if !certificates.is_empty() => Ok(certificates),
            Ok(_) => Err(format!("no certificate in `{}`", self.path.display())),
            Err(error) => Err(self.refuse(error)),
        }
    }

    fn refuse(&self, reason: impl fmt::Display) -> String {
        format!("`{}`: {reason}", self.path.display())
    }
}
