//! Why the accounts could not be asked.

use std::path::PathBuf;

use miette::Diagnostic;

/// Why the accounts could not be asked.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum AccountsError {
    /// The file cannot be opened.
    #[error("cannot open the accounts `{}`", path.display())]
    #[diagnostic(code(accounts::open), help("check `accounts.path`, its permissions, and that it is an SQLite file"))]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: sqlx::Error,
    },
    /// Its directory cannot be made.
    #[error("cannot make the directory of `{}`", path.display())]
    #[diagnostic(code(accounts::directory), help("check `accounts.path` and the permissions above it"))]
    Directory {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The tables cannot be brought to this version.
    #[error("cannot bring the tables of `{}` to this version", path.display())]
    #[diagnostic(code(accounts::migrate), help("was the file written by a newer version? restore a copy, or update"))]
    Migrate {
        /// The file.
        path: PathBuf,
        /// Why.
        source: sqlx::migrate::MigrateError,
    },
    /// A statement failed.
    #[error("accounts: cannot {what}")]
    #[diagnostic(code(accounts::query), help("check the disk and its free space"))]
    Query {
        /// What was to be done.
        what: &'static str,
        /// Why.
        source: sqlx::Error,
    },
    /// A row holds something that we never write.
    #[error("accounts: {what} `{text}` cannot be")]
    #[diagnostic(code(accounts::damaged), help("correct the row, or restore a copy"))]
    Damaged {
        /// The column.
        what: &'static str,
        /// What it holds.
        text: String,
    },
}

impl AccountsError {
    /// For `map_err`: a failed statement, named by what it was to do.
    pub(crate) fn query(what: &'static str) -> impl Fn(sqlx::Error) -> Self {
        move |source| Self::Query { what, source }
    }
}
