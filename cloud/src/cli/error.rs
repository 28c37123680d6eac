//! Whatever stops a subcommand, and the exit code it ends with.

use miette::Diagnostic;

use crate::databases::OpenError;
use crate::document::FileProblems;
use crate::pki::PkiError;
use crate::seed::SeedError;
use crate::store::StoreError;
use crate::supervisor::ServeError;

/// Asked, and the answer is bad.
pub const BAD_ANSWER: u8 = 1;

/// Could not ask: usage, configuration, a file, an address in use.
pub const COULD_NOT_ASK: u8 = 2;

/// Whatever stops a subcommand.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum CommandError {
    /// The configuration or the seed file.
    #[error(transparent)]
    #[diagnostic(transparent)]
    File(#[from] FileProblems),
    /// Keys and certificates.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Pki(#[from] PkiError),
    /// The databases cannot be opened.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Open(#[from] OpenError),
    /// The store cannot be read.
    #[error("cannot read the store")]
    #[diagnostic(code(store::read), help("check `store.path` and the disk"))]
    Store(#[source] StoreError),
    /// Seeding.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Seed(#[from] SeedError),
    /// Serving.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Serve(#[from] ServeError),
    /// No runtime to work on.
    #[error("cannot start the runtime")]
    #[diagnostic(code(cli::runtime), help("check the limits on threads and open files"))]
    Runtime(#[source] std::io::Error),
}

impl CommandError {
    /// 1 if the service ran and then failed, or a check failed; 2 if it never got that far.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Serve(error) if error.was_running() => BAD_ANSWER,
            _ => COULD_NOT_ASK,
        }
    }
}
