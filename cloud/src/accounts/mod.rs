//! People and tenants: the customer's SQL schema, passwords, and the audit log.
//!
//! SQL is the truth for people; a tenant and the registry's `CUSTOMER#` record share one id. Every request asks here
//! again whether its user may still act, so that somebody who is switched off is out at once. Statements use `$1`
//! placeholders and types that SQLite and PostgreSQL share.

pub mod audit;
pub mod database;
pub mod email;
pub mod error;
pub mod identity;
pub mod password;
pub mod role;
pub mod write;

pub use audit::{AuditAction, AuditEntry};
pub use database::Accounts;
pub use email::EmailAddress;
pub use error::AccountsError;
pub use identity::{Credentials, Identity, UserId};
pub use password::{Busy, NewPassword, Passwords};
pub use role::Role;

#[cfg(test)]
mod tests;
