//! Who somebody is: looked up by e-mail at login, and again by id at every request.

use kitchen_contract::id::{CustomerId, Id};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::accounts::database::Accounts;
use crate::accounts::email::EmailAddress;
use crate::accounts::error::AccountsError;
use crate::accounts::role::Role;

/// Marks the id of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum User {}

/// A person's id.
pub type UserId = Id<User>;

/// A person who may act now, and for whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The person.
    pub user_id: UserId,
    /// The customer whose data they see; `None` only for an admin who belongs to no customer.
    pub customer_id: Option<CustomerId>,
    /// What they may do.
    pub role: Role,
}

/// What a login is checked against.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The person.
    pub user_id: UserId,
    /// bcrypt.
    pub password_hash: String,
    /// Where they log in to unless they say otherwise.
    pub default_tenant: Option<CustomerId>,
}

impl Accounts {
    /// The credentials of an address, whatever its user's status.
    ///
    /// # Errors
    /// The database does not answer, or the row is damaged.
    pub async fn credentials(&self, email: &EmailAddress) -> Result<Option<Credentials>, AccountsError> {
        let row = sqlx::query("SELECT id, password_hash, default_tenant_id FROM users WHERE lower(email) = $1")
            .bind(email.as_str())
            .fetch_optional(&self.pool)
            .await
            .map_err(AccountsError::query("look up a login"))?;
        let read = |row: SqliteRow| {
            let default: Option<String> = row.get("default_tenant_id");
            Ok(Credentials {
                user_id: id(row.get("id"), "users.id")?,
                password_hash: row.get("password_hash"),
                default_tenant: default.map(|text| id(text, "users.default_tenant_id")).transpose()?,
            })
        };
        row.map(read).transpose()
    }

    /// Who a user is now for one customer; `None` when they may not act: user, membership or tenant switched off, or no
    /// such membership. An admin needs no membership.
    ///
    /// # Errors
    /// The database does not answer, or the row is damaged.
    pub async fn identity(
        &self,
        user_id: &UserId,
        customer_id: Option<&CustomerId>,
    ) -> Result<Option<Identity>, AccountsError> {
        let row = sqlx::query(
            "SELECT u.role AS user_role, t.id AS tenant_id, tm.role AS tenant_role FROM users u \
             LEFT JOIN tenant_memberships tm ON tm.user_id = u.id AND tm.tenant_id = $2 AND tm.status = 'ACTIVE' \
             LEFT JOIN tenants t ON t.id = tm.tenant_id AND t.status = 'ACTIVE' \
             WHERE u.id = $1 AND u.status = 'ACTIVE'",
        )
        .bind(user_id.as_str())
        .bind(customer_id.map(Id::as_str))
        .fetch_optional(&self.pool)
        .await
        .map_err(AccountsError::query("look up a user"))?;
        row.map_or(Ok(None), |row| acting(user_id, &row))
    }

    /// The customer that a user logs in to: the default one, if they may act there, else the one they joined first.
    ///
    /// # Errors
    /// The database does not answer, or the row is damaged.
    pub async fn home(&self, credentials: &Credentials) -> Result<Option<CustomerId>, AccountsError> {
        let row = sqlx::query(
            "SELECT tm.tenant_id FROM tenant_memberships tm JOIN tenants t ON t.id = tm.tenant_id \
             WHERE tm.user_id = $1 AND tm.status = 'ACTIVE' AND t.status = 'ACTIVE' \
             ORDER BY CASE WHEN tm.tenant_id = $2 THEN 0 ELSE 1 END, tm.created_at, tm.tenant_id LIMIT 1",
        )
        .bind(credentials.user_id.as_str())
        .bind(credentials.default_tenant.as_ref().map(Id::as_str))
        .fetch_optional(&self.pool)
        .await
        .map_err(AccountsError::query("look up a membership"))?;
        row.map(|row| id(row.get("tenant_id"), "tenant_memberships.tenant_id")).transpose()
    }
}

fn acting(user_id: &UserId, row: &SqliteRow) -> Result<Option<Identity>, AccountsError> {
    let tenant: Option<String> = row.get("tenant_id");
    let customer_id: Option<CustomerId> = tenant.map(|text| id(text, "tenants.id")).transpose()?;
    let admin = row.get::<String, _>("user_role") == "ADMIN";
    let role = if admin { Some(Role::Admin) } else { membership_role(row)?.filter(|_| customer_id.is_some()) };
    Ok(role.map(|role| Identity { user_id: user_id.clone(), customer_id, role }))
}

fn membership_role(row: &SqliteRow) -> Result<Option<Role>, AccountsError> {
    let Some(text) = row.get::<Option<String>, _>("tenant_role") else { return Ok(None) };
    let role = Role::from_membership(&text);
    role.map(Some).ok_or(AccountsError::Damaged { what: "tenant_memberships.role", text })
}

fn id<Kind>(text: String, what: &'static str) -> Result<Id<Kind>, AccountsError> {
    text.parse().map_err(|_| AccountsError::Damaged { what, text })
}
