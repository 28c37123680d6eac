//! Checks the sink's certificate, also while nobody knows what time it is.
//!
//! Without a clock that somebody vouches for there is only a floor: it is not before the month the agent was built in, nor
//! before the last synced time on disk. A certificate that was issued after the floor is then not "not yet valid"; that it
//! was issued shows that it is later than we know. One that ended before the floor is expired all the same.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};

use crate::clock::shared::SharedClock;

/// So many certificates of a chain may be newer than the floor.
const CHAIN_MAX: usize = 4;

/// The usual verifier, with a clock that may know nothing but a floor.
#[derive(Debug)]
pub struct Verifier {
    usual: Arc<WebPkiServerVerifier>,
    clock: SharedClock,
}

impl Verifier {
    /// Verifies as `usual` does; `clock` says whether time is known.
    pub fn new(usual: Arc<WebPkiServerVerifier>, clock: SharedClock) -> Self {
        Self { usual, clock }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verify = |now| self.usual.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        let mut verified = verify(now);
        if self.clock.is_known() {
            return verified;
        }
        for _ in 0..CHAIN_MAX {
            let Err(Error::InvalidCertificate(CertificateError::NotValidYetContext { not_before, .. })) = verified
            else {
                break;
            };
            verified = verify(not_before);
        }
        verified
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.usual.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.usual.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.usual.supported_verify_schemes()
    }
}
