//! Bearer tokens: JWT, HS256, 24 hours, with the payload that the customer specifies and what RFC 8725 asks for.
//!
//! The key comes from our own file only; `jku`, `jwk`, `x5u` and `kid` of a token are never looked at. A token names a
//! user and a customer; whether they may still act is asked at every request (see [`crate::api::guard`]).

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use kitchen_contract::id::CustomerId;
use kitchen_contract::time::Timestamp;
use miette::Diagnostic;
use serde::{Deserialize, Serialize};

use crate::accounts::{Identity, Role, UserId};
use crate::clock::Clock;
use crate::pki::files::{Access, make_private_dir, write_atomically};

const ISSUER: &str = "visiondrive-smart-kitchen";
const AUDIENCE: &str = "smartkitchen-api";
const HEADER_TYPE: &str = "JWT";
const TOKEN_TYPE: &str = "access";

/// How far the clocks of two of our machines may differ, in seconds.
const LEEWAY_S: u64 = 5;

/// The shortest secret, in bytes: the length of HS256's output (RFC 7518, 3.2).
const SECRET_BYTES_MIN: usize = 32;

/// Why the secret cannot be used.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum SecretError {
    /// The file cannot be read, or made.
    #[error("cannot use the token secret `{}`", path.display())]
    #[diagnostic(code(api::secret_file), help("check `api.jwt_secret_file` and its permissions"))]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Others may read it.
    #[error("others may read the token secret `{}`", path.display())]
    #[diagnostic(code(api::secret_exposed), help("chmod 600 it; if others had access, delete it: a new one is made"))]
    Exposed {
        /// The file.
        path: PathBuf,
    },
    /// It can be guessed.
    #[error("the token secret `{}` has fewer than {SECRET_BYTES_MIN} bytes", path.display())]
    #[diagnostic(code(api::secret_short), help("delete it: a new one is made at the next start"))]
    Short {
        /// The file.
        path: PathBuf,
    },
}

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Claims {
    /// The person.
    pub user_id: UserId,
    /// Their customer; null for an admin without one.
    pub customer_id: Option<CustomerId>,
    /// Their role when they logged in; what counts is their role now.
    pub role: Role,
    /// Until when, in seconds since 1970.
    pub exp: u64,
    iat: u64,
    nbf: u64,
    iss: String,
    aud: String,
    sub: String,
    typ: String,
}

/// Makes and reads tokens.
#[derive(Clone)]
pub struct Tokens {
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
    lifetime: Duration,
}

impl Tokens {
    /// Tokens signed with the secret in a file, which is made if it is not there.
    ///
    /// # Errors
    /// The file cannot be used, others may read it, or it is too short.
    pub fn open(path: &Path, lifetime: Duration) -> Result<Self, SecretError> {
        let failed = |source| SecretError::File { path: path.to_owned(), source };
        if !path.try_exists().map_err(failed)? {
            make_secret(path).map_err(failed)?;
        }
        if fs::metadata(path).map_err(failed)?.permissions().mode() & 0o077 != 0 {
            return Err(SecretError::Exposed { path: path.to_owned() });
        }
        let secret = fs::read(path).map_err(failed)?;
        if secret.trim_ascii().len() < SECRET_BYTES_MIN {
            return Err(SecretError::Short { path: path.to_owned() });
        }
        Ok(Self::new(secret.trim_ascii(), lifetime))
    }

    /// Tokens signed with a secret.
    pub(crate) fn new(secret: &[u8], lifetime: Duration) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_required_spec_claims(&["exp", "nbf", "aud", "iss", "sub"]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_issuer(&[ISSUER]);
        validation.validate_nbf = true;
        validation.leeway = LEEWAY_S;
        let (encoding, decoding) = (EncodingKey::from_secret(secret), DecodingKey::from_secret(secret));
        Self { encoding, decoding, validation, lifetime }
    }

    /// A token for somebody who has just logged in, and when it ends. Goes by the system's clock, as reading does.
    pub fn issue(&self, identity: &Identity) -> (String, Timestamp) {
        let now = Clock::system().now();
        let seconds = now.unix_ms().unsigned_abs() / 1000;
        let exp = seconds + self.lifetime.as_secs();
        let claims = Claims {
            user_id: identity.user_id.clone(),
            customer_id: identity.customer_id.clone(),
            role: identity.role,
            exp,
            iat: seconds,
            nbf: seconds,
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: identity.user_id.to_string(),
            typ: TOKEN_TYPE.to_owned(),
        };
        let header = Header { typ: Some(HEADER_TYPE.to_owned()), ..Header::new(Algorithm::HS256) };
        let token =
            encode(&header, &claims, &self.encoding).expect("invariant: our claims are JSON and HS256 is built in");
        let lifetime_ms = i64::try_from(self.lifetime.as_millis()).unwrap_or(i64::MAX);
        let whole_ms = now.unix_ms() % 1000;
        (token, now.saturating_add_ms(lifetime_ms - whole_ms))
    }

    /// What a token says, if it is ours and valid now.
    pub fn read(&self, token: &str) -> Option<Claims> {
        let data = decode::<Claims>(token, &self.decoding, &self.validation).ok()?;
        let typed = data.header.typ.as_deref() == Some(HEADER_TYPE) && data.claims.typ == TOKEN_TYPE;
        let whole = data.claims.sub == data.claims.user_id.as_str();
        (typed && whole).then_some(data.claims)
    }
}

/// 32 random bytes in hexadecimal: printable, so that a secret manager can carry it.
fn make_secret(path: &Path) -> std::io::Result<()> {
    if let Some(dir) = path.parent().filter(|dir| !dir.as_os_str().is_empty()) {
        make_private_dir(dir)?;
    }
    let secret: [u8; SECRET_BYTES_MIN] = rand::random();
    let text: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    write_atomically(path, Access::Secret, text.as_bytes())
}
