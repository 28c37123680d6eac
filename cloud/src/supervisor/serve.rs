//! Starts everything in order, and stops it in order.

use std::convert::Infallible;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusHandle;
use tokio::signal::unix::{SignalKind, signal};

use crate::accounts::Passwords;
use crate::api::token::Tokens;
use crate::api::{ApiState, Logins, Peers};
use crate::bridge::{self, Bridge};
use crate::clock::Clock;
use crate::config::{BrokerConfig, Config, EndpointConfig};
use crate::databases::Databases;
use crate::endpoint::tls::{TlsError, server_config};
use crate::endpoint::{self, Capacity, Endpoint};
use crate::ingest::IngestTask;
use crate::supervisor::error::ServeError;
use crate::supervisor::listeners::Listeners;
use crate::supervisor::tasks::Tasks;
use crate::{api, metrics};

/// How long the doors and the API may take to finish what was begun.
const DOORS_GRACE: Duration = Duration::from_secs(6);

/// How long ingest may take to commit what is waiting; with the doors' time it stays below [`super::tasks::GRACE`].
const INGEST_GRACE: Duration = Duration::from_secs(3);

/// Runs the cloud until `stop`.
///
/// # Errors
/// It cannot be started, or a part of it ended by itself.
pub async fn serve(config: &Config, stop: impl Future<Output = ()>) -> Result<(), ServeError> {
    let listeners = Listeners::bind(config).await?;
    let keys = Keys::load(config)?;
    let recorder = listeners.metrics.is_some().then(metrics::install).transpose()?;
    let databases = Databases::open(config).await?;
    let records_per_s = config.ingest.backlog_records_per_s;
    let parts = Parts { listeners, keys, recorder, peers: peers(config), records_per_s };
    let mut tasks = start(parts, &databases);
    let outcome = tokio::select! {
        () = stop => Ok(()),
        ended = tasks.doors.watch() => Err(ended),
        ended = tasks.ingest.watch() => Err(ended),
    };
    tracing::info!("stopping");
    tasks.doors.stop(DOORS_GRACE).await;
    tasks.ingest.stop(INGEST_GRACE).await;
    databases.close().await;
    tracing::info!("stopped");
    outcome
}

/// Completes on SIGTERM or SIGINT (Ctrl-C); both are caught from the call on.
///
/// # Errors
/// The system does not let us.
pub fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Everything that the tasks are made of; whatever can fail has been done.
struct Parts {
    listeners: Listeners,
    keys: Keys,
    recorder: Option<PrometheusHandle>,
    peers: Peers,
    records_per_s: Option<u32>,
}

/// Secrets and certificates.
struct Keys {
    tokens: Tokens,
    tls: Option<Arc<rustls::ServerConfig>>,
    broker: Option<(BrokerConfig, Arc<rustls::ClientConfig>)>,
}

impl Keys {
    fn load(config: &Config) -> Result<Self, ServeError> {
        let EndpointConfig { enabled, certificate, key, ca, .. } = &config.endpoint;
        let endpoint = Files { section: "endpoint", certificate, key, ca };
        let tls = enabled.then(|| endpoint.load(server_config)).transpose()?;
        let broker = config.broker.as_ref().map(|broker| {
            let BrokerConfig { certificate, key, ca, .. } = broker;
            let tls = Files { section: "broker", certificate, key, ca }.load(bridge::client_config)?;
            Ok::<_, ServeError>((broker.clone(), tls))
        });
        Ok(Self {
            tls,
            broker: broker.transpose()?,
            tokens: Tokens::open(&config.api.jwt_secret_file, config.api.token_lifetime)?,
        })
    }
}

/// A door's files, and the section of the configuration that names them.
struct Files<'a> {
    section: &'static str,
    certificate: &'a Path,
    key: &'a Path,
    ca: &'a Path,
}

impl Files<'_> {
    fn load<T>(&self, tls: impl Fn(&Path, &Path, &Path) -> Result<T, TlsError>) -> Result<T, ServeError> {
        tls(self.certificate, self.key, self.ca)
            .map_err(|error| ServeError::Tls { setting: self.setting(&error), error })
    }

    /// Where the configuration names what is wrong.
    fn setting(&self, error: &TlsError) -> String {
        let named = [("certificate", self.certificate), ("key", self.key), ("ca", self.ca)];
        let wrong = match error {
            TlsError::Pem { path, .. } => named.into_iter().find(|(_, named)| named == path),
            TlsError::Config(_) => None,
        };
        wrong.map_or_else(|| format!("[{}]", self.section), |(key, _)| format!("{}.{key}", self.section))
    }
}

/// What runs, in the two steps in which it stops.
#[derive(Default)]
struct Running {
    doors: Tasks,
    ingest: Tasks,
}

const fn peers(config: &Config) -> Peers {
    if config.api.behind_tls_proxy { Peers::BehindProxy } else { Peers::Direct }
}

fn start(parts: Parts, databases: &Databases) -> Running {
    let Parts { listeners, keys: Keys { tokens, tls, broker }, recorder, peers, records_per_s } = parts;
    let mut running = Running::default();
    listeners.log();
    let (task, ingest) = IngestTask::new(databases.store.clone(), Clock::system());
    let stop_ingest = running.ingest.shutdown();
    running.ingest.spawn("ingest", never_fails(task.pace_gateways(records_per_s).run(stop_ingest)));
    if let (Some(listener), Some(tls)) = (listeners.endpoint, tls) {
        let (registry, ingest, capacity) = (databases.registry(), ingest.clone(), Capacity::default());
        let gateways = Endpoint { listener, tls, registry, ingest, capacity };
        let shutdown = running.doors.shutdown();
        running.doors.spawn("endpoint", never_fails(endpoint::run(gateways, shutdown)));
    }
    if let Some((broker, tls)) = broker {
        let shutdown = running.doors.shutdown();
        running.doors.spawn("bridge", never_fails(bridge::run(Bridge { broker, tls, ingest }, shutdown)));
    }
    let shutdown = running.doors.shutdown();
    let state = Arc::new(api_state(databases, tokens, peers));
    running.doors.spawn("api", api::serve::run(listeners.api, state, shutdown.clone()));
    if let (Some(listener), Some(recorder)) = (listeners.metrics, recorder) {
        running.doors.spawn("metrics", metrics::run(listener, recorder, shutdown));
    }
    running
}

fn api_state(databases: &Databases, tokens: Tokens, peers: Peers) -> ApiState {
    ApiState {
        accounts: databases.accounts.clone(),
        registry: databases.registry(),
        store: databases.store.clone(),
        passwords: Passwords::default(),
        tokens,
        clock: Clock::system(),
        peers,
        logins: Logins::default(),
    }
}

/// For tasks that only end.
async fn never_fails(task: impl Future<Output = ()>) -> Result<(), Infallible> {
    task.await;
    Ok(())
}
