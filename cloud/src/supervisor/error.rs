//! Why the cloud does not run.

use std::net::SocketAddr;

use miette::Diagnostic;

use crate::api::token::SecretError;
use crate::databases::OpenError;
use crate::endpoint::tls::TlsError;

/// Why the cloud does not run (any more).
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum ServeError {
    /// An address cannot be listened on.
    #[error("cannot listen on {address} for `{section}`")]
    #[diagnostic(
        code(serve::listen),
        help("another program (or another kitchen-cloud) may use it: `ss -ltnp`; or change `{section}.listen`")
    )]
    Listen {
        /// The section of the configuration.
        section: &'static str,
        /// The address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// A database cannot be opened.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Open(#[from] OpenError),
    /// The token secret cannot be used.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Secret(#[from] SecretError),
    /// A door's certificates cannot be used.
    #[error("{error}")]
    #[diagnostic(code(serve::tls), help("make them: `kitchen-cloud --config FILE pki init`, or correct `{setting}`"))]
    Tls {
        /// What names the file: section and key, or the section if it is not one file's fault.
        setting: String,
        /// What is wrong; said in full above, so it is no cause of its own.
        error: TlsError,
    },
    /// There is a metrics recorder already.
    #[error("cannot install the metrics recorder")]
    #[diagnostic(code(serve::metrics), help("only one cloud can run in a process"))]
    Metrics(#[from] metrics_exporter_prometheus::BuildError),
    /// Signals cannot be heard.
    #[error("cannot listen for signals")]
    #[diagnostic(code(serve::signals), help("check the limits on open files"))]
    Signals(#[source] std::io::Error),
    /// A part ended while it should run.
    #[error("`{task}` ended: {reason}")]
    #[diagnostic(code(serve::task_ended), help("see the log before this; systemd starts the service again"))]
    TaskEnded {
        /// The part.
        task: &'static str,
        /// Why, as far as it said.
        reason: String,
    },
}

impl ServeError {
    /// Whether it ran before it failed: exit code 1, not 2.
    pub const fn was_running(&self) -> bool {
        matches!(self, Self::TaskEnded { .. })
    }
}
