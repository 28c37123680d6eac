//! The audit log: who did what, from where. Append only; no secrets, and no text that a stranger typed as an address.

use std::net::IpAddr;

use kitchen_contract::id::{CustomerId, Id};
use kitchen_contract::time::Timestamp;

use crate::accounts::database::Accounts;
use crate::accounts::error::AccountsError;
use crate::accounts::identity::UserId;

/// Characters of a browser's name that are kept.
const USER_AGENT_CHARS_MAX: usize = 256;

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditAction {
    /// Somebody logged in.
    Login,
    /// A login was refused.
    LoginFailed,
}

/// One entry.
#[derive(Clone, Debug)]
pub struct AuditEntry {
    /// What was done.
    pub action: AuditAction,
    /// By whom or to whom, if that is a user of ours.
    pub user_id: Option<UserId>,
    /// For which customer.
    pub customer_id: Option<CustomerId>,
    /// From which address.
    pub ip: Option<IpAddr>,
    /// With which browser.
    pub user_agent: Option<String>,
}

impl AuditAction {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Login => "auth.login",
            Self::LoginFailed => "auth.login_failed",
        }
    }
}

impl Accounts {
    /// Appends an entry.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn audit(&self, entry: AuditEntry, now: Timestamp) -> Result<(), AccountsError> {
        let user_agent = entry.user_agent.map(|text| text.chars().take(USER_AGENT_CHARS_MAX).collect::<String>());
        let user = entry.user_id.as_ref().map(Id::as_str);
        sqlx::query(
            "INSERT INTO audit_logs \
             (id, tenant_id, actor_user_id, action, entity_type, entity_id, ip, user_agent, created_at) \
             VALUES ($1, $2, $3, $4, 'user', $5, $6, $7, $8)",
        )
        .bind(UserId::from_entropy(rand::random()).as_str().to_owned())
        .bind(entry.customer_id.as_ref().map(Id::as_str))
        .bind(user.filter(|_| entry.action == AuditAction::Login))
        .bind(entry.action.as_str())
        .bind(user)
        .bind(entry.ip.map(|ip| ip.to_string()))
        .bind(user_agent)
        .bind(now.to_string())
        .execute(&self.pool)
        .await
        .map(drop)
        .map_err(AccountsError::query("write the audit log"))
    }
}
