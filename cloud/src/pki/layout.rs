//! Which file is where in the PKI directory.

use std::path::{Path, PathBuf};

use kitchen_contract::id::GatewayId;

/// The name of the sink's own client certificate; no gateway may have it.
pub const SINK_NAME: &str = "sink";

/// The PKI directory.
#[derive(Clone, Debug)]
pub struct Layout {
    dir: PathBuf,
}

/// A certificate and its key, as files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// PEM.
    pub certificate: PathBuf,
    /// PKCS #8 PEM, mode 0600.
    pub key: PathBuf,
}

impl Layout {
    /// The layout below a directory, whether or not it exists.
    pub fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned() }
    }

    /// The authority.
    pub fn ca(&self) -> Pair {
        pair(&self.dir, "ca")
    }

    /// The endpoint's server certificate.
    pub fn server(&self) -> Pair {
        pair(&self.dir, "server")
    }

    /// The sink's client certificate for external brokers.
    pub fn sink(&self) -> Pair {
        pair(&self.dir, SINK_NAME)
    }

    /// The certificate of one gateway.
    pub fn gateway(&self, id: &GatewayId) -> Pair {
        pair(&self.gateways(), id.as_str())
    }

    /// The directory of the gateways' certificates.
    pub fn gateways(&self) -> PathBuf {
        self.dir.join("gateways")
    }
}

fn pair(dir: &Path, name: &str) -> Pair {
    Pair { certificate: dir.join(format!("{name}.pem")), key: dir.join(format!("{name}.key")) }
}
