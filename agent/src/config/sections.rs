//! The sections of the configuration, with their defaults.

use std::path::PathBuf;
use std::time::Duration;

use kitchen_contract::id::{GatewayId, KitchenId};
use serde::Deserialize;

use crate::buffer::Limits;
use crate::forwarder::tls::Material;
use crate::sampler::Plan;
use crate::settings::SensorSettings;

/// The port of MQTT over TLS.
pub const PORT_DEFAULT: u16 = 8883;
/// How often the connection is probed while nothing else is said.
pub const KEEP_ALIVE_DEFAULT: Duration = Duration::from_secs(30);
/// How often the gateway says that it is there, and learns the time.
pub const HEARTBEAT_DEFAULT: Duration = Duration::from_secs(60);
/// Where serial adapters appear: by their own name, so that a port keeps it over a replug, and as the kernel counts them.
pub const PORTS_DEFAULT: [&str; 3] = ["/dev/serial/by-id/*", "/dev/ttyUSB*", "/dev/ttyACM*"];
/// The status socket in the data directory.
pub const SOCKET_NAME_DEFAULT: &str = "status.sock";
/// The most addresses beside the preferred one.
pub const FALLBACKS_MAX: usize = 4;
/// The most sensors on one gateway.
pub const SENSORS_MAX: usize = 32;

/// Everything that is configured.
#[derive(Clone, Debug)]
pub struct Config {
    /// `[gateway]`
    pub gateway: GatewaySection,
    /// `[mqtt]`
    pub mqtt: MqttSection,
    /// `[buffer]`: how much is held before the oldest is given up.
    pub buffer: Limits,
    /// `[status]`
    pub status: StatusSection,
    /// `[log]`
    pub log: LogSection,
    /// `[[sensors]]`, 1 to [`SENSORS_MAX`].
    pub sensors: Vec<Sensor>,
}

/// One of `[[sensors]]`: as written, and as checked.
#[derive(Clone, Debug)]
pub struct Sensor {
    /// As written.
    pub settings: SensorSettings,
    /// As the sampler works with it.
    pub plan: Plan,
}

/// `[gateway]`: who this is.
#[derive(Clone, Debug)]
pub struct GatewaySection {
    /// The CN of the certificate and the MQTT client id.
    pub id: GatewayId,
    /// The kitchen whose readings these are from now on.
    pub kitchen_id: KitchenId,
    /// Where the buffer lives.
    pub data_dir: PathBuf,
    /// Where sensors without a configured port are looked for, as shell patterns; [`PORTS_DEFAULT`].
    pub ports: Vec<String>,
}

/// `[mqtt]`: where to forward.
#[derive(Clone, Debug)]
pub struct MqttSection {
    /// Name or address of the sink, as in its certificate.
    pub host: String,
    /// Its port, [`PORT_DEFAULT`].
    pub port: u16,
    /// Where else the same cloud can be reached, in order of preference; at most [`FALLBACKS_MAX`].
    pub fallbacks: Vec<Fallback>,
    /// The certificates of the authorities that may have issued the sink's.
    pub ca: PathBuf,
    /// The gateway's certificate chain.
    pub certificate: PathBuf,
    /// The gateway's private key, ECDSA P-256 in PKCS #8.
    pub key: PathBuf,
    /// [`KEEP_ALIVE_DEFAULT`]; 5 s to 18 h.
    pub keep_alive: Duration,
    /// [`HEARTBEAT_DEFAULT`]; 1 s to 1 h.
    pub heartbeat: Duration,
}

/// One of `mqtt.fallbacks`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fallback {
    /// Name or address, as in its certificate.
    pub host: String,
    /// Its port, [`PORT_DEFAULT`].
    #[serde(default = "port_default")]
    pub port: u16,
}

const fn port_default() -> u16 {
    PORT_DEFAULT
}

impl MqttSection {
    /// Where to connect, the preferred one first.
    pub fn addresses(&self) -> Vec<(String, u16)> {
        let fallbacks = self.fallbacks.iter().map(|fallback| (fallback.host.clone(), fallback.port));
        [(self.host.clone(), self.port)].into_iter().chain(fallbacks).collect()
    }

    /// Where the files are that the gateway proves itself with.
    pub fn material(&self) -> Material<'_> {
        Material { ca: &self.ca, certificate: &self.certificate, key: &self.key }
    }
}

/// `[status]`: where `kitchen-agent status` asks.
#[derive(Clone, Debug)]
pub struct StatusSection {
    /// The Unix socket; [`SOCKET_NAME_DEFAULT`] in the data directory.
    pub socket: PathBuf,
}

/// `[log]`: what is said on stderr.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogSection {
    /// The least important level that is said; info.
    pub level: LogLevel,
    /// For people or for machines; text.
    pub format: LogFormat,
}

/// How important a log line must be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Something failed.
    Error,
    /// Something is wrong but goes on.
    Warn,
    /// Something happened.
    #[default]
    Info,
    /// Every reading, round, envelope and acknowledgement.
    Debug,
    /// Everything.
    Trace,
}

/// The form of a log line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}
