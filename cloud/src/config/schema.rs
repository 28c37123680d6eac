//! What can be configured, one struct per section; defaults are named at each key.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// The whole configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// `[store]`: readings, alerts, devices.
    pub store: StoreConfig,
    /// `[accounts]`: people and tenants.
    pub accounts: AccountsConfig,
    /// `[pki]`: our certificate authority.
    pub pki: PkiConfig,
    /// `[endpoint]`: the MQTT door for gateways.
    pub endpoint: EndpointConfig,
    /// `[ingest]`: what gateways may send.
    pub ingest: IngestConfig,
    /// `[broker]`: the other door, an external broker; absent means none.
    pub broker: Option<BrokerConfig>,
    /// `[api]`: the REST API.
    pub api: ApiConfig,
    /// `[metrics]`: counters for Prometheus.
    pub metrics: MetricsConfig,
    /// `[log]`: what is written to stderr.
    pub log: LogConfig,
}

/// `[store]`.
#[derive(Clone, Debug)]
pub struct StoreConfig {
    /// The SQLite file. Default `data/store.sqlite`.
    pub path: PathBuf,
}

/// `[accounts]`.
#[derive(Clone, Debug)]
pub struct AccountsConfig {
    /// The SQLite file. Default `data/accounts.sqlite`.
    pub path: PathBuf,
}

/// `[pki]`.
#[derive(Clone, Debug)]
pub struct PkiConfig {
    /// The directory of keys and certificates, made with mode 0700. Default `pki`.
    pub dir: PathBuf,
    /// DNS names and IP addresses of the endpoint, besides `localhost`, `127.0.0.1` and `::1`. Default none.
    pub names: Vec<String>,
    /// How long the CA is valid, 1 d to 40 y. Default `3650d`.
    pub ca_validity: Duration,
    /// How long the endpoint's and the sink's certificates are valid, 1 h to 10 y. Default `730d`.
    pub server_validity: Duration,
    /// How long a gateway's certificate is valid, 1 h to 10 y. Default `730d`.
    pub gateway_validity: Duration,
}

/// `[endpoint]`.
#[derive(Clone, Debug)]
pub struct EndpointConfig {
    /// Whether gateways are spoken to directly. Default `true`.
    pub enabled: bool,
    /// Where to listen. Default `0.0.0.0:8883`.
    pub listen: SocketAddr,
    /// The server certificate, PEM. Default `server.pem` in the PKI directory.
    pub certificate: PathBuf,
    /// Its key, PEM. Default `server.key` in the PKI directory.
    pub key: PathBuf,
    /// The CA that gateways' certificates must come from, PEM. Default `ca.pem` in the PKI directory.
    pub ca: PathBuf,
}

/// `[ingest]`.
#[derive(Clone, Copy, Debug)]
pub struct IngestConfig {
    /// How many records a second of a backlog each gateway may send; 1 or more. Default no limit.
    pub backlog_records_per_s: Option<u32>,
}

/// `[broker]`.
#[derive(Clone, Debug)]
pub struct BrokerConfig {
    /// DNS name or address, as its certificate names it.
    pub host: String,
    /// Its port. Default 8883.
    pub port: u16,
    /// The CA of the broker's certificate, PEM. Default `ca.pem` in the PKI directory.
    pub ca: PathBuf,
    /// Our client certificate, PEM. Default `sink.pem` in the PKI directory.
    pub certificate: PathBuf,
    /// Its key, PEM. Default `sink.key` in the PKI directory.
    pub key: PathBuf,
    /// Our MQTT client id. Default `sink`.
    pub client_id: String,
}

/// `[api]`.
#[derive(Clone, Debug)]
pub struct ApiConfig {
    /// Where to listen for HTTP; only loopback unless `behind_tls_proxy`. Default `127.0.0.1:8080`.
    pub listen: SocketAddr,
    /// A proxy in front of us ends TLS, and nobody else can reach the listener: other addresses are allowed, and the
    /// client's address is the last of `X-Forwarded-For`. Default `false`.
    pub behind_tls_proxy: bool,
    /// The key that signs bearer tokens; made at first start. Default `data/jwt-secret`.
    pub jwt_secret_file: PathBuf,
    /// How long a login lasts, 1 min to 24 h. Default `24h`.
    pub token_lifetime: Duration,
}

/// `[metrics]`.
#[derive(Clone, Debug)]
pub struct MetricsConfig {
    /// Whether they are served. Default `true`.
    pub enabled: bool,
    /// Where, loopback only: there is no login. Default `127.0.0.1:9464`.
    pub listen: SocketAddr,
}

/// `[log]`.
#[derive(Clone, Debug)]
pub struct LogConfig {
    /// Default `text`.
    pub format: LogFormat,
    /// Level, or levels per module such as `info,kitchen_cloud::ingest=debug`. Default `info`.
    pub level: String,
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}
