//! Who says so: ECDSA P-256 over the RFC 8785 canonical form of a document without its `signature`.
//!
//! The key is that of the gateway's certificate. Signing is deterministic (RFC 6979), so it needs no randomness and its
//! bytes can be pinned. The form is the same in every version of the contract.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use p256::ecdsa::signature::{Signer, Verifier};
use p256::ecdsa::{Signature, SigningKey, VerifyingKey};
use p256::pkcs8::DecodePrivateKey;
use serde_json::{Map, Value};

/// The field that holds the signature: base64url without padding, 64 bytes (r and s).
pub const SIGNATURE_FIELD: &str = "signature";

/// A gateway's private key.
#[derive(Clone)]
pub struct DeviceKey(SigningKey);

/// A gateway's public key, as its certificate names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayKey(VerifyingKey);

/// Why a key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an ECDSA P-256 key")]
pub struct KeyError;

/// Why a signature does not stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The document is no JSON object with a text under `signature`.
    #[error("no signature")]
    Missing,
    /// The text is not base64url of 64 bytes.
    #[error("malformed signature")]
    Malformed,
    /// Another key or other content.
    #[error("signature does not match")]
    Mismatch,
    /// The document has no canonical form.
    #[error("no canonical form")]
    NotCanonical,
}

impl DeviceKey {
    /// Reads a PKCS #8 private key in PEM form.
    ///
    /// # Errors
    /// Not a P-256 key.
    pub fn from_pkcs8_pem(pem: &str) -> Result<Self, KeyError> {
        SigningKey::from_pkcs8_pem(pem).map(Self).map_err(|_| KeyError)
    }

    /// The public half.
    pub fn public(&self) -> GatewayKey {
        GatewayKey(*self.0.verifying_key())
    }
}

impl fmt::Debug for DeviceKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("DeviceKey(redacted)")
    }
}

impl GatewayKey {
    /// Reads a public point as a certificate holds it (SEC 1, 65 bytes uncompressed or 33 compressed).
    ///
    /// # Errors
    /// Not a point on P-256.
    pub fn from_sec1(point: &[u8]) -> Result<Self, KeyError> {
        VerifyingKey::from_sec1_bytes(point).map(Self).map_err(|_| KeyError)
    }

    /// The uncompressed point, 65 bytes.
    pub fn to_sec1(&self) -> Vec<u8> {
        self.0.to_encoded_point(false).as_bytes().to_vec()
    }
}

/// Puts `signature` into the document, over everything else in it.
///
/// # Errors
/// [`SignatureError::NotCanonical`] if a number in it has no canonical form.
pub fn sign(document: &mut Map<String, Value>, key: &DeviceKey) -> Result<(), SignatureError> {
    document.remove(SIGNATURE_FIELD);
    let text = of(&canonical(document)?, key);
    document.insert(SIGNATURE_FIELD.to_owned(), Value::String(text));
    Ok(())
}

/// The text under `signature` of a document without one, which is in its canonical form.
pub(crate) fn of(canonical: &[u8], key: &DeviceKey) -> String {
    let signature: Signature = key.0.sign(canonical);
    BASE64_URL_SAFE_NO_PAD.encode(signature.to_bytes())
}

/// Checks the document's `signature` against a key.
///
/// # Errors
/// Missing, malformed or not made with this key over this content.
pub fn verify(document: &Map<String, Value>, key: &GatewayKey) -> Result<(), SignatureError> {
    let text = document.get(SIGNATURE_FIELD).and_then(Value::as_str).ok_or(SignatureError::Missing)?;
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| SignatureError::Malformed)?;
    let signature = Signature::from_slice(&bytes).map_err(|_| SignatureError::Malformed)?;
    let mut unsigned = document.clone();
    unsigned.remove(SIGNATURE_FIELD);
    key.0.verify(&canonical(&unsigned)?, &signature).map_err(|_| SignatureError::Mismatch)
}

/// Reads a JSON object in its canonical form: what verifies is exactly what is parsed, however its numbers were spelled.
pub(crate) fn canonical_document(bytes: &[u8]) -> Result<Map<String, Value>, String> {
    let document: Map<String, Value> = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let canonical = canonical(&document).map_err(|error| error.to_string())?;
    serde_json::from_slice(&canonical).map_err(|error| error.to_string())
}

fn canonical(document: &Map<String, Value>) -> Result<Vec<u8>, SignatureError> {
    serde_json_canonicalizer::to_vec(document).map_err(|_| SignatureError::NotCanonical)
}
