//! The accounts' database: opened, migrated, closed.

use std::path::Path;
use std::time::Duration;

use sqlx::SqlitePool;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use crate::accounts::error::AccountsError;
use crate::pki::files::make_private_dir;

/// The tables, in every version.
static MIGRATIONS: Migrator = sqlx::migrate!("migrations/accounts");

/// Connections: every request reads one row, and SQLite serves readers in parallel.
const CONNECTIONS_MAX: u32 = 4;

/// How long a statement waits for another writer: `seed` may run next to `serve`.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// People and tenants.
#[derive(Clone, Debug)]
pub struct Accounts {
    pub(crate) pool: SqlitePool,
}

impl Accounts {
    /// Opens the database, makes it if it is not there, and brings its tables to this version.
    ///
    /// # Errors
    /// The file or its directory cannot be used, or it was written by a newer version.
    pub async fn open(path: &Path) -> Result<Self, AccountsError> {
        if let Some(dir) = path.parent().filter(|dir| !dir.as_os_str().is_empty()) {
            make_private_dir(dir).map_err(|source| AccountsError::Directory { path: path.to_owned(), source })?;
        }
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY_TIMEOUT);
        let pool = SqlitePoolOptions::new().max_connections(CONNECTIONS_MAX).connect_with(options).await;
        let pool = pool.map_err(|source| AccountsError::Open { path: path.to_owned(), source })?;
        MIGRATIONS.run(&pool).await.map_err(|source| AccountsError::Migrate { path: path.to_owned(), source })?;
        Ok(Self { pool })
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// It does not.
    pub async fn ping(&self) -> Result<(), AccountsError> {
        let row = sqlx::query("SELECT id FROM tenants LIMIT 1").fetch_optional(&self.pool).await;
        row.map(drop).map_err(AccountsError::query("read"))
    }

    /// Closes all connections; what was committed is on disk.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}
