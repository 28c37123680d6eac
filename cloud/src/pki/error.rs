//! What can go wrong with keys and certificates.

use std::path::PathBuf;

use kitchen_contract::id::GatewayId;
use miette::Diagnostic;

/// Why a certificate was not made or read.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum PkiError {
    /// There is no authority yet.
    #[error("no certificate authority in `{}`", dir.display())]
    #[diagnostic(code(pki::no_authority), help("make one: `kitchen-cloud --config FILE pki init`"))]
    NoAuthority {
        /// Where it was looked for.
        dir: PathBuf,
    },
    /// The gateway has a certificate already.
    #[error("gateway `{gateway}` already has a certificate: `{}`", path.display())]
    #[diagnostic(
        code(pki::exists),
        help("to replace it, move the certificate and its key away first, and register the new one with `seed`")
    )]
    Exists {
        /// The gateway.
        gateway: GatewayId,
        /// Its certificate.
        path: PathBuf,
    },
    /// A name that is not for gateways.
    #[error("`{name}` is the sink's own name and cannot be a gateway's")]
    #[diagnostic(code(pki::reserved), help("choose another id"))]
    Reserved {
        /// The name.
        name: GatewayId,
    },
    /// A file could not be read.
    #[error("cannot read `{}`", path.display())]
    #[diagnostic(
        code(pki::read),
        help("check the path and its permissions, or make it: `kitchen-cloud --config FILE pki init`")
    )]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file could not be written.
    #[error("cannot write `{}`", path.display())]
    #[diagnostic(code(pki::write), help("check the directory, its permissions and the free space"))]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is not what its name promises.
    #[error("`{}` is not {wanted}", path.display())]
    #[diagnostic(code(pki::malformed), help("restore it from a copy, or move it away and make a new one"))]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What was expected.
        wanted: &'static str,
    },
    /// The certificate library refused.
    #[error("cannot make the certificate of `{name}`")]
    #[diagnostic(code(pki::issue), help("check `pki.names` in the configuration"))]
    Issue {
        /// Whose.
        name: String,
        /// Why.
        source: rcgen::Error,
    },
}
