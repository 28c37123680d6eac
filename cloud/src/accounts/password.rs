//! Passwords: bcrypt, cost 12, as the customer specifies; never truncated, never more than a few at once.
//!
//! bcrypt's input is 72 bytes with its closing NUL: 71 are usable, and a longer password is refused when it is set. Each
//! check takes a good part of a second of a core, so checks run on blocking threads, `CHECKS_AT_ONCE` at a time, and
//! a bounded number waits. An account that does not exist costs the same time as one that does.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The cost of every hash in production.
pub const COST: u32 = 12;

/// The shortest password, in characters.
pub const PASSWORD_CHARS_MIN: usize = 8;

/// The longest password, in bytes of UTF-8: what bcrypt can tell apart.
pub const PASSWORD_BYTES_MAX: usize = 71;

/// Hashes computed at the same time: logins must not take every core from the ingest.
const CHECKS_AT_ONCE: usize = 2;

/// Logins that wait for their hash; more are told to come back, so that waiting stays below the request time-out.
const CHECKS_WAITING_MAX: usize = 16;

/// Why a text cannot be a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Fewer than [`PASSWORD_CHARS_MIN`].
    #[error("a password has at least {PASSWORD_CHARS_MIN} characters")]
    TooShort,
    /// More than [`PASSWORD_BYTES_MAX`].
    #[error("a password has at most {PASSWORD_BYTES_MAX} bytes")]
    TooLong,
}

/// More logins are waiting than can be answered in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many logins at once")]
pub struct Busy;

/// A password that somebody may have.
#[derive(Clone, Debug)]
pub struct NewPassword(SecretString);

impl NewPassword {
    /// Checks the policy: a length, and no rules about its characters.
    ///
    /// # Errors
    /// Too short or too long.
    pub fn new(text: SecretString) -> Result<Self, PasswordError> {
        let (chars, bytes) = (text.expose_secret().chars().count(), text.expose_secret().len());
        match () {
            () if chars < PASSWORD_CHARS_MIN => Err(PasswordError::TooShort),
            () if bytes > PASSWORD_BYTES_MAX => Err(PasswordError::TooLong),
            () => Ok(Self(text)),
        }
    }

    /// The password.
    pub fn secret(&self) -> &SecretString {
        &self.0
    }
}

/// Computes and checks hashes.
#[derive(Clone)]
pub struct Passwords {
    cost: u32,
    nobody: Arc<str>,
    checking: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self::with_cost(COST)
    }
}

impl Passwords {
    /// A lower cost, for tests that log in often.
    #[cfg(test)]
    pub(crate) fn cheap_for_tests() -> Self {
        Self::with_cost(4)
    }

    fn with_cost(cost: u32) -> Self {
        Self {
            cost,
            nobody: format!("$2b${cost:02}${}", ".".repeat(53)).into(),
            checking: Arc::new(Semaphore::new(CHECKS_AT_ONCE)),
            waiting: Arc::new(Semaphore::new(CHECKS_WAITING_MAX)),
        }
    }

    /// The hash to store. Blocking: a good part of a second.
    pub fn hash(&self, password: &NewPassword) -> String {
        bcrypt::non_truncating_hash(password.0.expose_secret(), self.cost)
            .expect("invariant: the length was checked, the cost is in range, and the system has randomness")
    }

    /// Whether a stored hash is that of the password. Blocking: a good part of a second.
    pub fn matches(password: &SecretString, hash: &str) -> bool {
        let password = password.expose_secret();
        let same = bcrypt::verify(password, hash).unwrap_or(false);
        same && password.len() <= PASSWORD_BYTES_MAX
    }

    /// Like [`Passwords::matches`], off the async threads and few at a time; without a hash it takes the same time and
    /// the answer is no.
    ///
    /// # Errors
    /// [`Busy`] when too many wait already.
    pub async fn verify(&self, password: SecretString, hash: Option<String>) -> Result<bool, Busy> {
        let waiting = Arc::clone(&self.waiting).try_acquire_owned().map_err(|_| Busy)?;
        let checking = Arc::clone(&self.checking).acquire_owned().await.map_err(|_| Busy)?;
        let nobody = Arc::clone(&self.nobody);
        let check = move || {
            let _permits: [OwnedSemaphorePermit; 2] = [waiting, checking];
            let exists = hash.is_some();
            Self::matches(&password, hash.as_deref().unwrap_or(&nobody)) && exists
        };
        tokio::task::spawn_blocking(check).await.map_err(|_| Busy)
    }
}
