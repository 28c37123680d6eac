//! The two databases of a configuration, opened.

use std::path::PathBuf;

use miette::Diagnostic;

use crate::accounts::{Accounts, AccountsError};
use crate::config::Config;
use crate::pki::files::make_private_dir;
use crate::registry::Registry;
use crate::store::{Store, StoreError};

/// The two databases.
#[derive(Clone)]
pub struct Databases {
    /// People and tenants.
    pub accounts: Accounts,
    /// Everything else.
    pub store: Store,
}

/// Why they cannot be opened.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum OpenError {
    /// People and tenants.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Accounts(#[from] AccountsError),
    /// The store.
    #[error("cannot open the store `{}`", path.display())]
    #[diagnostic(code(store::open), help("check `store.path`, its permissions, and that it is an SQLite file of ours"))]
    Store {
        /// The file.
        path: PathBuf,
        /// Why.
        source: StoreError,
    },
    /// The store's directory.
    #[error("cannot make the directory of `{}`", path.display())]
    #[diagnostic(code(store::directory), help("check `store.path` and the permissions above it"))]
    Directory {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl Databases {
    /// Opens both, and makes what is not there.
    ///
    /// # Errors
    /// A file or its directory cannot be used.
    pub async fn open(config: &Config) -> Result<Self, OpenError> {
        let accounts = Accounts::open(&config.accounts.path).await?;
        let path = &config.store.path;
        if let Some(dir) = path.parent().filter(|dir| !dir.as_os_str().is_empty()) {
            make_private_dir(dir).map_err(|source| OpenError::Directory { path: path.clone(), source })?;
        }
        let store = Store::open_sqlite(path).await;
        Ok(Self { accounts, store: store.map_err(|source| OpenError::Store { path: path.clone(), source })? })
    }

    /// The registry in the store.
    pub fn registry(&self) -> Registry {
        Registry::new(self.store.clone())
    }

    /// Closes both; what was committed is on disk.
    pub async fn close(&self) {
        self.store.close().await;
        self.accounts.close().await;
    }
}
