//! Putting tenants and users in: idempotent, all in one transaction. Used by `seed`.

use kitchen_contract::id::CustomerId;
use kitchen_contract::time::Timestamp;
use sqlx::{Sqlite, Transaction};

use crate::accounts::database::Accounts;
use crate::accounts::email::EmailAddress;
use crate::accounts::error::AccountsError;
use crate::accounts::identity::UserId;
use crate::accounts::role::Role;

/// A tenant as it shall be.
#[derive(Clone, Debug)]
pub struct TenantRow {
    /// Its id, the customer's.
    pub id: CustomerId,
    /// Its name.
    pub name: String,
    /// Its name in addresses; unique.
    pub slug: String,
}

/// A user as they shall be.
#[derive(Clone, Debug)]
pub struct UserRow {
    /// Their id.
    pub id: UserId,
    /// Their address; unique.
    pub email: EmailAddress,
    /// Their name.
    pub name: Option<String>,
    /// bcrypt.
    pub password_hash: String,
    /// What they are; admin is written to the user, the others to the membership.
    pub role: Role,
    /// Their customer; an admin may have none.
    pub customer_id: Option<CustomerId>,
}

impl Accounts {
    /// Writes tenants and users: new ones are added, known ones (by id) made as given. Nothing is removed.
    ///
    /// # Errors
    /// A slug or address belongs to another one, a tenant is missing, or the database does not answer; then nothing is
    /// written.
    pub async fn put(&self, tenants: &[TenantRow], users: &[UserRow], now: Timestamp) -> Result<(), AccountsError> {
        let failed = AccountsError::query("write tenants and users");
        let mut transaction = self.pool.begin().await.map_err(&failed)?;
        let now = now.to_string();
        for tenant in tenants {
            put_tenant(&mut transaction, tenant, &now).await.map_err(&failed)?;
        }
        for user in users {
            put_user(&mut transaction, user, &now).await.map_err(&failed)?;
            put_membership(&mut transaction, user, &now).await.map_err(&failed)?;
        }
        transaction.commit().await.map_err(&failed)
    }
}

async fn put_tenant(
    transaction: &mut Transaction<'_, Sqlite>,
    tenant: &TenantRow,
    now: &str,
) -> Result<(), sqlx::Error> {
    let statement = "INSERT INTO tenants (id, name, slug, created_at, updated_at) VALUES ($1, $2, $3, $4, $4) \
                     ON CONFLICT (id) DO UPDATE SET name = $2, slug = $3, updated_at = $4 \
                     WHERE tenants.name <> $2 OR tenants.slug <> $3";
    let query = sqlx::query(statement).bind(tenant.id.as_str()).bind(&tenant.name).bind(&tenant.slug).bind(now);
    query.execute(&mut **transaction).await.map(drop)
}

async fn put_user(transaction: &mut Transaction<'_, Sqlite>, user: &UserRow, now: &str) -> Result<(), sqlx::Error> {
    let role = if user.role == Role::Admin { "ADMIN" } else { "USER" };
    sqlx::query(
        "INSERT INTO users (id, email, password_hash, name, role, default_tenant_id, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $7) ON CONFLICT (id) DO UPDATE SET \
         email = $2, password_hash = $3, name = $4, role = $5, default_tenant_id = $6, updated_at = $7",
    )
    .bind(user.id.as_str())
    .bind(user.email.as_str())
    .bind(&user.password_hash)
    .bind(&user.name)
    .bind(role)
    .bind(user.customer_id.as_ref().map(|id| id.as_str()))
    .bind(now)
    .execute(&mut **transaction)
    .await
    .map(drop)
}

async fn put_membership(
    transaction: &mut Transaction<'_, Sqlite>,
    user: &UserRow,
    now: &str,
) -> Result<(), sqlx::Error> {
    let (Some(role), Some(customer_id)) = (user.role.membership(), &user.customer_id) else { return Ok(()) };
    sqlx::query(
        "INSERT INTO tenant_memberships (id, tenant_id, user_id, role, created_at) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (tenant_id, user_id) DO UPDATE SET role = $4, status = 'ACTIVE'",
    )
    .bind(UserId::from_entropy(rand::random()).as_str().to_owned())
    .bind(customer_id.as_str())
    .bind(user.id.as_str())
    .bind(role)
    .bind(now)
    .execute(&mut **transaction)
    .await
    .map(drop)
}
