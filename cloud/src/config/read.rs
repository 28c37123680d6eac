//! From a document to a [`Config`]: keys, defaults, ranges, and what must hold between keys.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use toml::de::DeValue;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::config::schema::{
    AccountsConfig, ApiConfig, BrokerConfig, Config, EndpointConfig, IngestConfig, LogConfig, LogFormat, MetricsConfig,
    PkiConfig, StoreConfig,
};
use crate::document::{Document, FileProblems, Refusal, Section, value};

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// The standard port of MQTT over TLS.
const MQTTS_PORT: u16 = 8883;

impl Config {
    /// Reads and checks a configuration file. Nothing else is opened.
    ///
    /// # Errors
    /// Unreadable, or all its problems.
    pub fn load(path: &Path) -> Result<Self, FileProblems> {
        Document::open(path)?.read(config)
    }
}

pub(crate) fn config(root: &mut Section<'_>) -> Option<Config> {
    let store = file(root, "store", "data/store.sqlite");
    let accounts = file(root, "accounts", "data/accounts.sqlite");
    if store == accounts {
        root.refuse(root.spot("accounts"), Refusal::new("`accounts.path` and `store.path` must be different files"));
    }
    let pki = pki(root.section("pki"), root);
    Some(Config {
        store: StoreConfig { path: store },
        accounts: AccountsConfig { path: accounts },
        endpoint: endpoint(root.section("endpoint"), &pki.dir),
        ingest: ingest(root.section("ingest")),
        broker: broker(root.section("broker"), &pki.dir),
        api: api(root.section("api"), root),
        metrics: metrics(root.section("metrics")),
        log: log(root.section("log")),
        pki,
    })
}

/// A section with nothing but `path`.
fn file(root: &mut Section<'_>, name: &'static str, default: &str) -> PathBuf {
    let mut section = root.section(name);
    let path = section.path("path").unwrap_or_else(|| root.resolve(default));
    section.finish();
    path
}

fn pki(mut section: Section<'_>, root: &Section<'_>) -> PkiConfig {
    let config = PkiConfig {
        dir: section.path("dir").unwrap_or_else(|| root.resolve("pki")),
        names: section.list("names", host),
        ca_validity: section.or("ca_validity", |value| value::duration_within(value, DAY, 40 * YEAR), 10 * YEAR),
        server_validity: section.or("server_validity", validity, 2 * YEAR),
        gateway_validity: section.or("gateway_validity", validity, 2 * YEAR),
    };
    section.finish();
    config
}

fn validity(found: &DeValue<'_>) -> Result<Duration, Refusal> {
    value::duration_within(found, HOUR, 10 * YEAR)
}

fn ingest(mut section: Section<'_>) -> IngestConfig {
    let at_least_one = |found: &DeValue<'_>| match value::integer::<u32>(found)? {
        0 => Err(Refusal::new("must be at least 1; leave it out for no limit")),
        rate => Ok(rate),
    };
    let backlog_records_per_s = section.optional("backlog_records_per_s", at_least_one);
    section.finish();
    IngestConfig { backlog_records_per_s }
}

fn endpoint(mut section: Section<'_>, pki: &Path) -> EndpointConfig {
    let everywhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, MQTTS_PORT));
    let config = EndpointConfig {
        enabled: section.or("enabled", value::boolean, true),
        listen: section.or("listen", address, everywhere),
        certificate: section.path("certificate").unwrap_or_else(|| pki.join("server.pem")),
        key: section.path("key").unwrap_or_else(|| pki.join("server.key")),
        ca: section.path("ca").unwrap_or_else(|| pki.join("ca.pem")),
    };
    section.finish();
    config
}

fn broker(mut section: Section<'_>, pki: &Path) -> Option<BrokerConfig> {
    if !section.is_present() {
        return None;
    }
    let config = BrokerConfig {
        host: section.required("host", host).unwrap_or_default(),
        port: section.or("port", value::integer, MQTTS_PORT),
        ca: section.path("ca").unwrap_or_else(|| pki.join("ca.pem")),
        certificate: section.path("certificate").unwrap_or_else(|| pki.join("sink.pem")),
        key: section.path("key").unwrap_or_else(|| pki.join("sink.key")),
        client_id: section.or("client_id", value::text, "sink".to_owned()),
    };
    section.finish();
    Some(config)
}

fn api(mut section: Section<'_>, root: &Section<'_>) -> ApiConfig {
    let config = ApiConfig {
        listen: section.or("listen", address, SocketAddr::from((Ipv4Addr::LOCALHOST, 8080))),
        behind_tls_proxy: section.or("behind_tls_proxy", value::boolean, false),
        jwt_secret_file: section.path("jwt_secret_file").unwrap_or_else(|| root.resolve("data/jwt-secret")),
        token_lifetime: section.or("token_lifetime", token_lifetime, DAY),
    };
    if !config.listen.ip().is_loopback() && !config.behind_tls_proxy {
        let refusal =
            Refusal::new(format!("{} can be reached from other machines, and this is plain HTTP", config.listen))
                .hint("listen on 127.0.0.1; or put a TLS proxy in front and set `behind_tls_proxy = true`");
        section.refuse(section.spot("listen"), refusal);
    }
    section.finish();
    config
}

fn token_lifetime(found: &DeValue<'_>) -> Result<Duration, Refusal> {
    value::duration_within(found, Duration::from_secs(60), DAY)
}

fn metrics(mut section: Section<'_>) -> MetricsConfig {
    let config = MetricsConfig {
        enabled: section.or("enabled", value::boolean, true),
        listen: section.or("listen", address, SocketAddr::from((Ipv4Addr::LOCALHOST, 9464))),
    };
    if !config.listen.ip().is_loopback() {
        let refusal =
            Refusal::new(format!("{} can be reached from other machines, and metrics have no login", config.listen))
                .hint("listen on 127.0.0.1 and let Prometheus scrape from this machine");
        section.refuse(section.spot("listen"), refusal);
    }
    section.finish();
    config
}

fn log(mut section: Section<'_>) -> LogConfig {
    let config = LogConfig {
        format: section.or("format", log_format, LogFormat::Text),
        level: section.or("level", log_level, "info".to_owned()),
    };
    section.finish();
    config
}

fn log_format(found: &DeValue<'_>) -> Result<LogFormat, Refusal> {
    match value::text(found)?.as_str() {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        other => Err(Refusal::new(format!("`{other}` is not a log format")).hint("`text` or `json`")),
    }
}

fn log_level(found: &DeValue<'_>) -> Result<String, Refusal> {
    let text = value::text(found)?;
    let level = |directive: &str| directive.rsplit('=').next().unwrap_or_default().parse::<LevelFilter>().is_ok();
    if text.split(',').all(level) && EnvFilter::from_str(&text).is_ok() {
        return Ok(text);
    }
    let hint = "error, warn, info, debug or trace, also per module: \"info,kitchen_cloud::ingest=debug\"";
    Err(Refusal::new(format!("`{text}` is not a log level")).hint(hint))
}

fn address(found: &DeValue<'_>) -> Result<SocketAddr, Refusal> {
    value::parsed(found).map_err(|refusal: Refusal| refusal.hint("an address and a port, such as \"127.0.0.1:8080\""))
}

/// A DNS name or an IP address.
fn host(found: &DeValue<'_>) -> Result<String, Refusal> {
    let text = value::text(found)?;
    let label = |label: &str| {
        let inside = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        (1..=63).contains(&label.len()) && inside && !label.starts_with('-') && !label.ends_with('-')
    };
    if text.parse::<IpAddr>().is_ok() || (text.len() <= 253 && text.split('.').all(label)) {
        return Ok(text);
    }
    Err(Refusal::new(format!("`{text}` is neither a DNS name nor an IP address")))
}
