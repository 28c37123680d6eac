//! The authority: makes keys and signs certificates for subjects that we name ourselves.

use std::time::Duration;

use kitchen_contract::id::GatewayId;
use kitchen_contract::time::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, date_time_ymd,
};

use crate::pki::error::PkiError;
use crate::pki::layout::{Pair, SINK_NAME};

/// The organisation in every subject.
const ORGANISATION: &str = "VisionDrive Smart Kitchen";

/// Certificates are valid from a day ago: a gateway's clock may be behind ours.
const BACKDATED: Duration = Duration::from_secs(24 * 60 * 60);

/// Whose certificate it is, from our own record.
#[derive(Clone, Debug)]
pub enum Subject {
    /// A gateway.
    Gateway(GatewayId),
    /// The sink as a client of an external broker.
    Sink,
    /// The endpoint, under these DNS names and addresses; at least one.
    Server(Vec<String>),
}

/// When a certificate is valid.
#[derive(Clone, Copy, Debug)]
pub struct Validity {
    /// When it is made.
    pub now: Timestamp,
    /// How long from then.
    pub length: Duration,
}

/// A new certificate and its private key, as PEM.
pub struct Issued {
    /// The certificate.
    pub certificate: String,
    /// The key, PKCS #8.
    pub key: String,
}

/// The authority with its key.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// Makes a new authority; the second value is what has to be kept in files.
    ///
    /// # Errors
    /// (Never seen) the certificate library refuses.
    pub fn create(validity: Validity) -> Result<(Self, Issued), PkiError> {
        let mut params = params(&format!("{ORGANISATION} CA"), validity);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let refused = |source| PkiError::Issue { name: "the authority".to_owned(), source };
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(refused)?;
        let certificate = params.self_signed(&key).map_err(refused)?;
        let issued = Issued { certificate: certificate.pem(), key: key.serialize_pem() };
        Ok((Self { issuer: Issuer::new(params, key) }, issued))
    }

    /// Reads the authority from its files.
    ///
    /// # Errors
    /// Missing, unreadable or not a CA.
    pub fn load(files: &Pair) -> Result<Self, PkiError> {
        let dir = files.certificate.parent().unwrap_or(&files.certificate);
        if !files.certificate.exists() || !files.key.exists() {
            return Err(PkiError::NoAuthority { dir: dir.to_owned() });
        }
        let read = |path: &std::path::PathBuf| {
            std::fs::read_to_string(path).map_err(|source| PkiError::Read { path: path.clone(), source })
        };
        let malformed = |path: &std::path::PathBuf, wanted| PkiError::Malformed { path: path.clone(), wanted };
        let key = KeyPair::from_pem(&read(&files.key)?).map_err(|_| malformed(&files.key, "a private key"))?;
        let issuer = Issuer::from_ca_cert_pem(&read(&files.certificate)?, key)
            .map_err(|_| malformed(&files.certificate, "a CA certificate"))?;
        Ok(Self { issuer })
    }

    /// Makes a key and signs its certificate.
    ///
    /// # Errors
    /// A name that cannot stand in a certificate.
    pub fn issue(&self, subject: &Subject, validity: Validity) -> Result<Issued, PkiError> {
        let name = subject.common_name();
        let refused = |source| PkiError::Issue { name: name.to_owned(), source };
        let mut params = params(name, validity);
        if let Subject::Server(names) = subject {
            params.subject_alt_names = CertificateParams::new(names.clone()).map_err(refused)?.subject_alt_names;
        }
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![subject.purpose()];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(refused)?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(refused)?;
        Ok(Issued { certificate: certificate.pem(), key: key.serialize_pem() })
    }
}

impl Subject {
    fn common_name(&self) -> &str {
        match self {
            Self::Gateway(id) => id.as_str(),
            Self::Sink => SINK_NAME,
            Self::Server(names) => names.first().map_or("localhost", String::as_str),
        }
    }

    fn purpose(&self) -> ExtendedKeyUsagePurpose {
        match self {
            Self::Gateway(_) | Self::Sink => ExtendedKeyUsagePurpose::ClientAuth,
            Self::Server(_) => ExtendedKeyUsagePurpose::ServerAuth,
        }
    }
}

fn params(common_name: &str, validity: Validity) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, ORGANISATION);
    params.distinguished_name.push(DnType::CommonName, common_name);
    let now = date_time_ymd(1970, 1, 1) + Duration::from_millis(validity.now.unix_ms().unsigned_abs());
    params.not_before = now - BACKDATED;
    params.not_after = now + validity.length;
    params
}
