//! What the gateway's certificate says, and why files cannot be used, in words a technician can act on. Pure.

use kitchen_contract::id::GatewayId;
use kitchen_contract::time::Timestamp;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;
use x509_parser::time::ASN1Time;

/// Why the files cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
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
    /// It is a certificate and its key, but none to go over to.
    #[error("{0}")]
    Unfit(String),
    /// The cloud did not take it when it was tried last.
    #[error("the cloud does not take them: {0}")]
    NotTaken(String),
}

impl IdentityError {
    /// The key of the configuration section that names the file.
    pub fn key(&self) -> &'static str {
        match self {
            Self::Ca(_) => "ca",
            Self::Certificate(_) | Self::Unfit(_) | Self::NotTaken(_) => "certificate",
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
            Self::NotTaken(_) => {
                "check issuer and `mqtt.ca`, and that the cloud knows the new key; they are tried again every quarter of an hour"
            }
            Self::Unfit(_) => "copy the certificate and the key that were issued for this gateway last",
        }
    }
}

/// What a certificate says of itself, as far as it can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The common names; there should be one, which is the gateway's id.
    pub names: Vec<String>,
    /// When it begins.
    pub begins: Timestamp,
    /// When it ends.
    pub ends: Timestamp,
}

impl Facts {
    /// Of a certificate in DER.
    pub fn read(der: &[u8]) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let names = certificate.subject().iter_common_name().map(|name| name.as_str().unwrap_or_default().to_owned());
        let validity = certificate.validity();
        Some(Self {
            names: names.collect(),
            begins: timestamp(validity.not_before),
            ends: timestamp(validity.not_after),
        })
    }

    /// Why a connection that works is not given up for this certificate; `now` is what is known of the time.
    ///
    /// # Errors
    /// Nobody's, another gateway's, ended, or not valid yet.
    pub fn fit(&self, gateway_id: &GatewayId, now: Option<Timestamp>) -> Result<(), IdentityError> {
        let unfit = |text| Err(IdentityError::Unfit(text));
        match &self.names[..] {
            [name] if name == gateway_id.as_str() => {}
            [name] => return unfit(format!("the certificate is the one of `{name}`")),
            [] => return unfit("the certificate has no CN, so it is nobody's".to_owned()),
            names => return unfit(format!("the certificate has several CNs: `{}`", names.join("`, `"))),
        }
        match now {
            Some(now) if now > self.ends => unfit(format!("the certificate ended on {}", self.ends)),
            Some(now) if now < self.begins => unfit(format!("the certificate is not valid before {}", self.begins)),
            Some(_) | None => Ok(()),
        }
    }
}

/// What lies outside our times is their end: such a certificate never does.
fn timestamp(time: ASN1Time) -> Timestamp {
    let epoch = Timestamp::from_unix_ms(0).expect("invariant: 1970 is a time");
    epoch.saturating_add_ms(time.timestamp().saturating_mul(1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(facts: &Facts, gateway_id: &str, now: Option<&str>) -> String {
        let now = now.map(|now| now.parse().unwrap());
        facts.fit(&gateway_id.parse().unwrap(), now).err().map_or(String::new(), |error| error.to_string())
    }

    #[test]
    fn a_connection_is_given_up_only_for_a_certificate_of_this_gateway_that_is_valid_now() {
        let (begins, ends) = ("2026-12-01T00:00:00.000Z".parse().unwrap(), "2027-12-01T00:00:00.000Z".parse().unwrap());
        let facts = Facts { names: vec!["gw-1".to_owned()], begins, ends };
        assert_eq!(fit(&facts, "gw-1", Some("2027-03-01T00:00:00.000Z")), "");
        assert_eq!(fit(&facts, "gw-1", None), "", "nobody knows what time it is");
        assert_eq!(fit(&facts, "gw-2", None), "the certificate is the one of `gw-1`");
        let late = fit(&facts, "gw-1", Some("2028-01-01T00:00:00.000Z"));
        assert_eq!(late, "the certificate ended on 2027-12-01T00:00:00.000Z");
        let early = fit(&facts, "gw-1", Some("2026-11-30T00:00:00.000Z"));
        assert_eq!(early, "the certificate is not valid before 2026-12-01T00:00:00.000Z");
        let named =
            |names: &[&str]| Facts { names: names.iter().map(|name| (*name).to_owned()).collect(), begins, ends };
        assert_eq!(fit(&named(&[]), "gw-1", None), "the certificate has no CN, so it is nobody's");
        let several = fit(&named(&["gw-1", "gw-2"]), "gw-1", None);
        assert_eq!(several, "the certificate has several CNs: `gw-1`, `gw-2`");
    }

    #[test]
    fn what_is_no_certificate_has_no_facts() {
        assert_eq!(Facts::read(b"no certificate"), None);
    }
}
