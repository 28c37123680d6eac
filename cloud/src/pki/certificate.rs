//! What a certificate says: its name, its end, its public key.

use std::path::Path;

use kitchen_contract::signature::GatewayKey;
use kitchen_contract::time::Timestamp;
use sha2::{Digest, Sha256};
use x509_parser::certificate::X509Certificate;
use x509_parser::pem::parse_x509_pem;

use crate::pki::error::PkiError;

/// The facts of one certificate that we work with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFacts {
    /// The common name; of a gateway, its id; empty if the certificate has none.
    pub name: String,
    /// When it ends.
    pub not_after: Timestamp,
    /// SHA-256 over the DER, lower-case hexadecimal.
    pub fingerprint: String,
    /// The public key; `None` unless it is ECDSA P-256.
    pub public_key: Option<GatewayKey>,
}

impl CertificateFacts {
    /// Reads the first certificate of a PEM file.
    ///
    /// # Errors
    /// Unreadable, or not a certificate.
    pub fn read(path: &Path) -> Result<Self, PkiError> {
        let pem = std::fs::read(path).map_err(|source| PkiError::Read { path: path.to_owned(), source })?;
        Self::parse(&pem).ok_or_else(|| PkiError::Malformed { path: path.to_owned(), wanted: "a PEM certificate" })
    }

    fn parse(pem: &[u8]) -> Option<Self> {
        let (_, pem) = parse_x509_pem(pem).ok()?;
        let certificate = pem.parse_x509().ok()?;
        Some(Self {
            name: common_name(&certificate).unwrap_or_default(),
            not_after: Timestamp::from_unix_ms(certificate.validity().not_after.timestamp().checked_mul(1000)?).ok()?,
            fingerprint: Sha256::digest(&pem.contents).iter().map(|byte| format!("{byte:02x}")).collect(),
            public_key: GatewayKey::from_sec1(&certificate.public_key().subject_public_key.data).ok(),
        })
    }
}

fn common_name(certificate: &X509Certificate<'_>) -> Option<String> {
    let name = certificate.subject().iter_common_name().next()?;
    name.as_str().ok().map(str::to_owned)
}
