//! Why a seed that was read could not be written.

use miette::Diagnostic;

use crate::accounts::{AccountsError, EmailAddress, UserId};
use crate::registry::EnrolError;
use crate::store::StoreError;

/// Why a seed that was read could not be written.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum SeedError {
    /// The address is somebody else's already.
    #[error("`{email}` belongs to user `{holder}` already")]
    #[diagnostic(code(seed::email_taken), help("use that id, or another address; nothing was written"))]
    EmailTaken {
        /// The address.
        email: EmailAddress,
        /// Whose it is.
        holder: UserId,
    },
    /// People and tenants.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Accounts(#[from] AccountsError),
    /// Something would be in two places at once.
    #[error("{0}")]
    #[diagnostic(
        code(seed::places),
        help("set `since` to when it was moved, later than that; no kitchen, gateway or sensor was written")
    )]
    Places(EnrolError),
    /// The registry.
    #[error("cannot write kitchens, gateways and sensors")]
    #[diagnostic(code(seed::store), help("check `store.path`, the disk and its free space, then seed again"))]
    Store(#[source] StoreError),
}

impl From<EnrolError> for SeedError {
    fn from(error: EnrolError) -> Self {
        match error {
            EnrolError::Store(error) => Self::Store(error),
            other => Self::Places(other),
        }
    }
}
