//! From a file to a [`Config`], or to everything that is wrong with it.

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::de::DeTable;

use super::buffer;
use super::error::{ConfigError, Problem};
use super::reader::{Section, Span};
use super::sections::{
    Config, FALLBACKS_MAX, Fallback, GatewaySection, HEARTBEAT_DEFAULT, KEEP_ALIVE_DEFAULT, LogSection, MqttSection,
    PORT_DEFAULT, PORTS_DEFAULT, SENSORS_MAX, SOCKET_NAME_DEFAULT, Sensor, StatusSection,
};
use super::sensor::{self, Seen};
use crate::forwarder::tls::{self, Material};
use crate::status::socket::PATH_BYTES_MAX;

/// Reads and checks the file.
///
/// # Errors
/// Not readable, or anything in it is wrong.
pub fn load(file: &Path) -> Result<Config, ConfigError> {
    let text = fs::read_to_string(file).map_err(|source| ConfigError::Unreadable { file: file.to_owned(), source })?;
    let base = file.parent().unwrap_or(Path::new("."));
    parse(&text, base).map_err(|problems| ConfigError::Invalid { file: file.to_owned(), text, problems })
}

/// Checks the text of a file that lies in `base`.
///
/// # Errors
/// Everything that is wrong, in the order of the file.
pub fn parse(text: &str, base: &Path) -> Result<Config, Vec<Problem>> {
    let (tree, errors) = DeTable::parse_recoverable(text);
    let problems = RefCell::new(Vec::new());
    problems.borrow_mut().extend(errors.iter().map(|error| Problem {
        path: String::new(),
        message: error.message().trim().to_owned(),
        hint: None,
        span: error.span().unwrap_or(0..0),
    }));
    let broken = !errors.is_empty();
    let config = if broken { None } else { read(Section::root(tree.get_ref(), &problems), base) };
    let mut problems = problems.into_inner();
    problems.sort_by_key(|problem| problem.span.start);
    match config {
        Some(config) if problems.is_empty() => Ok(config),
        _ => Err(problems),
    }
}

/// The status socket of an agent that may run with an earlier content of the file: nothing else in it is looked at.
///
/// # Errors
/// Not readable, or it does not say where the socket is; then everything that is wrong.
pub fn socket(file: &Path) -> Result<PathBuf, ConfigError> {
    let text = fs::read_to_string(file).map_err(|source| ConfigError::Unreadable { file: file.to_owned(), source })?;
    let base = file.parent().unwrap_or(Path::new("."));
    let (tree, _) = DeTable::parse_recoverable(&text);
    let overlooked = RefCell::new(Vec::new());
    let mut root = Section::root(tree.get_ref(), &overlooked);
    let data_dir: Option<String> = root.section("gateway").required("data_dir");
    let data_dir = data_dir.map(|data_dir| base.join(data_dir));
    let status = read_status(root.optional_section("status"), base, data_dir.as_deref());
    match status {
        Some(StatusSection { socket }) => Ok(socket),
        None => load(file).map(|config| config.status.socket),
    }
}

fn read(mut root: Section<'_>, base: &Path) -> Option<Config> {
    let gateway = read_gateway(root.section("gateway"), base);
    let mqtt = read_mqtt(root.section("mqtt"), base);
    let buffer = root.optional_section("buffer");
    let data_dir = gateway.as_ref().map(|gateway| gateway.data_dir.as_path());
    let status = read_status(root.optional_section("status"), base, data_dir);
    let log = read_log(root.optional_section("log"));
    let sensors = read_sensors(&mut root, base);
    let buffer = buffer::read(buffer, &sensors);
    root.finish();
    Some(Config { gateway: gateway?, mqtt: mqtt?, buffer, status: status?, log, sensors })
}

fn read_gateway(mut section: Section<'_>, base: &Path) -> Option<GatewaySection> {
    let id = section.required("id");
    let kitchen_id = section.required("kitchen_id");
    let data_dir: Option<String> = section.required("data_dir");
    let ports: Vec<String> = section.or("ports", PORTS_DEFAULT.map(str::to_owned).to_vec());
    for pattern in &ports {
        if let Err(error) = glob::Pattern::new(pattern) {
            section.refuse("ports", format!("`{pattern}` is no pattern: {error}"));
        }
    }
    section.finish();
    Some(GatewaySection { id: id?, kitchen_id: kitchen_id?, data_dir: base.join(data_dir?), ports })
}

fn read_mqtt(mut section: Section<'_>, base: &Path) -> Option<MqttSection> {
    let host: Option<String> = section.required("host");
    let port = section.or("port", PORT_DEFAULT);
    let fallbacks: Vec<Fallback> = section.or("fallbacks", Vec::new());
    let ca: Option<String> = section.required("ca");
    let certificate: Option<String> = section.required("certificate");
    let key: Option<String> = section.required("key");
    let Span(keep_alive) = section.or("keep_alive", Span(KEEP_ALIVE_DEFAULT));
    let Span(heartbeat) = section.or("heartbeat", Span(HEARTBEAT_DEFAULT));
    check_mqtt(&section, host.as_deref(), port, [keep_alive, heartbeat]);
    check_fallbacks(&section, &fallbacks);
    if let (Some(ca), Some(certificate), Some(key)) = (&ca, &certificate, &key) {
        let [ca, certificate, key] = [ca, certificate, key].map(|file| base.join(file));
        check_material(&section, &Material { ca: &ca, certificate: &certificate, key: &key });
    }
    section.finish();
    Some(MqttSection {
        host: host?,
        port,
        fallbacks,
        ca: base.join(ca?),
        certificate: base.join(certificate?),
        key: base.join(key?),
        keep_alive,
        heartbeat,
    })
}

fn check_mqtt(section: &Section<'_>, host: Option<&str>, port: u16, [keep_alive, heartbeat]: [Duration; 2]) {
    if host.is_some_and(|host| !is_host(host)) {
        section.refuse("host", "is neither a host name nor an address".to_owned());
    }
    if port == 0 {
        section.refuse("port", "must be 1 to 65535".to_owned());
    }
    if !(Duration::from_secs(5)..=Duration::from_secs(65_535)).contains(&keep_alive) {
        section.refuse("keep_alive", "must be 5s to 65535s".to_owned());
    }
    if !(Duration::from_secs(1)..=Duration::from_secs(3600)).contains(&heartbeat) {
        section.refuse("heartbeat", "must be 1s to 1h".to_owned());
    }
}

fn check_fallbacks(section: &Section<'_>, fallbacks: &[Fallback]) {
    if fallbacks.len() > FALLBACKS_MAX {
        section.refuse("fallbacks", format!("at most {FALLBACKS_MAX} are tried"));
    }
    for Fallback { host, port } in fallbacks {
        if !is_host(host) {
            section.refuse("fallbacks", format!("`{host}` is neither a host name nor an address"));
        }
        if *port == 0 {
            section.refuse("fallbacks", format!("the port of `{host}` must be 1 to 65535"));
        }
    }
}

fn is_host(text: &str) -> bool {
    rustls::pki_types::ServerName::try_from(text).is_ok()
}

/// An absent or unreadable certificate is an error of the configuration; an expired or foreign one shows at run time.
fn check_material(section: &Section<'_>, material: &Material<'_>) {
    if let Err(error) = tls::Identity::load(material) {
        section.refuse_with_hint(error.key(), error.to_string(), Some(error.hint().to_owned()));
    }
}

/// Without a path of its own the socket is in the data directory, whatever the length: a long name of that must not keep
/// an agent from sampling.
fn read_status(mut section: Section<'_>, base: &Path, data_dir: Option<&Path>) -> Option<StatusSection> {
    let socket: Option<PathBuf> = section.optional("socket");
    let socket = socket.map(|socket| base.join(socket));
    let length = socket.as_ref().map_or(0, |socket| socket.as_os_str().len());
    if length > PATH_BYTES_MAX {
        section.refuse("socket", format!("is {length} bytes long with its directory; a socket takes {PATH_BYTES_MAX}"));
    }
    section.finish();
    Some(StatusSection { socket: socket.or_else(|| data_dir.map(|dir| dir.join(SOCKET_NAME_DEFAULT)))? })
}

fn read_log(mut section: Section<'_>) -> LogSection {
    let level = section.optional("level").unwrap_or_default();
    let format = section.optional("format").unwrap_or_default();
    section.finish();
    LogSection { level, format }
}

fn read_sensors(root: &mut Section<'_>, base: &Path) -> Vec<Sensor> {
    let sections = root.sections("sensors");
    if !(1..=SENSORS_MAX).contains(&sections.len()) {
        root.refuse("sensors", format!("there must be 1 to {SENSORS_MAX} sensors, `[[sensors]]`"));
    }
    let mut seen = Seen::default();
    sections.into_iter().filter_map(|section| sensor::read(section, base, &mut seen)).collect()
}
