//! The connections of the proxy.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::fault::{Fault, Kind, Way};
use super::packets::{Packets, kind};

/// How much is read at once.
const PIECE_BYTES: usize = 16 * 1024;
/// How often a connection that stalls looks whether it may go on.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Whose certificates to use, and where the cloud is.
#[derive(Clone, Debug)]
pub struct Between {
    /// The cloud's CA, in `ca.pem`, and its certificate, in `server.pem` and `server.key`.
    pub pki: PathBuf,
    /// The gateway, whose certificate is in `gateways`.
    pub gateway: String,
    /// The cloud's port on 127.0.0.1.
    pub cloud_port: u16,
}

/// What has been seen, and what is to go wrong.
#[derive(Debug)]
struct State {
    fault: Fault,
    connections: u64,
    packets: BTreeMap<(Way, Kind), u64>,
}

/// A running proxy; it ends when this is dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    serving: JoinHandle<()>,
}

impl Proxy {
    /// Listens on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// A certificate cannot be used, or no port is free.
    pub async fn start(between: &Between) -> io::Result<Self> {
        let (acceptor, connector) = (acceptor(&between.pki)?, connector(between)?);
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let state = Arc::new(Mutex::new(State { fault: Fault::None, connections: 0, packets: BTreeMap::new() }));
        let serving = tokio::spawn(serve(listener, (acceptor, connector), between.cloud_port, state.clone()));
        Ok(Self { address, state, serving })
    }

    /// Where the agent is to connect.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// From now on, this goes wrong; also on connections that stand.
    pub fn set(&self, fault: Fault) {
        lock(&self.state).fault = fault;
    }

    /// Connections that were accepted.
    pub fn connections(&self) -> u64 {
        lock(&self.state).connections
    }

    /// Packets of a kind that were seen in a direction, whatever became of them.
    pub fn packets(&self, way: Way, kind: Kind) -> u64 {
        lock(&self.state).packets.get(&(way, kind)).copied().unwrap_or(0)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

type Tls = (TlsAcceptor, TlsConnector);

async fn serve(listener: TcpListener, tls: Tls, cloud_port: u16, state: Arc<Mutex<State>>) {
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((agent, _)) = listener.accept().await {
        lock(&state).connections += 1;
        connections.spawn(connection(agent, tls.clone(), cloud_port, state.clone()));
    }
}

/// One connection, until either side or a fault ends it.
async fn connection(mut agent: TcpStream, (acceptor, connector): Tls, cloud_port: u16, state: Arc<Mutex<State>>) {
    let fault = lock(&state).fault;
    match fault {
        Fault::Refuse => return,
        Fault::Silent => return while_it_is(&state, Fault::Silent).await,
        Fault::WebPage => {
            let page = b"HTTP/1.1 302 Found\r\nLocation: http://login.example/\r\nContent-Length: 0\r\n\r\n";
            return drop(agent.write_all(page).await);
        }
        _ => {}
    }
    let Ok(agent) = acceptor.accept(agent).await else { return };
    let Ok(cloud) = TcpStream::connect(("127.0.0.1", cloud_port)).await else { return };
    let name = ServerName::try_from("localhost").expect("invariant: a name");
    let Ok(cloud) = connector.connect(name, cloud).await else { return };
    let ((agent_in, agent_out), (cloud_in, cloud_out)) = (split(agent), split(cloud));
    tokio::select! {
        () = pass(Way::Up, agent_in, cloud_out, &state) => {}
        () = pass(Way::Down, cloud_in, agent_out, &state) => {}
    }
}

async fn while_it_is(state: &Mutex<State>, fault: Fault) {
    while lock(state).fault == fault {
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Packets of one direction, until the connection is to end.
async fn pass(way: Way, mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, state: &Mutex<State>) {
    let (mut packets, mut piece, mut passed) = (Packets::default(), vec![0; PIECE_BYTES], 0);
    loop {
        let Ok(read @ 1..) = from.read(&mut piece).await else { return };
        for packet in packets.feed(&piece[..read]) {
            let (out, ends) = treat(way, packet, passed, state).await;
            passed += out.len();
            if to.write_all(&out).await.is_err() || to.flush().await.is_err() || ends {
                return;
            }
        }
    }
}

/// What of a packet passes, and whether the connection ends behind it.
async fn treat(way: Way, mut packet: Vec<u8>, passed: usize, state: &Mutex<State>) -> (Vec<u8>, bool) {
    let kind = kind(&packet);
    let fault = {
        let mut state = lock(state);
        *state.packets.entry((way, kind)).or_default() += 1;
        state.fault
    };
    match fault {
        Fault::Stall => while_it_is(state, Fault::Stall).await,
        Fault::Cut(cut, at) if cut == way && passed + packet.len() >= at => {
            packet.truncate(at.saturating_sub(passed));
            return (packet, true);
        }
        Fault::Drop(dropped) if dropped == kind => packet.clear(),
        Fault::Double(doubled) if doubled == kind => packet.extend(packet.clone()),
        Fault::Delay(delayed, by) if delayed == kind => tokio::time::sleep(by).await,
        Fault::Flip(flip, at) if flip == way && (passed..passed + packet.len()).contains(&at) => {
            packet[at - passed] ^= 1 << (at % 8);
        }
        _ => {}
    }
    (packet, false)
}

fn chain(file: &Path) -> io::Result<Vec<CertificateDer<'static>>> {
    let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect);
    read.map_err(|error| io::Error::other(format!("{}: {error}", file.display())))
}

fn key(file: &Path) -> io::Result<PrivateKeyDer<'static>> {
    PrivateKeyDer::from_pem_file(file).map_err(|error| io::Error::other(format!("{}: {error}", file.display())))
}

fn roots(pki: &Path) -> io::Result<Arc<RootCertStore>> {
    let mut roots = RootCertStore::empty();
    for certificate in chain(&pki.join("ca.pem"))? {
        roots.add(certificate).map_err(io::Error::other)?;
    }
    Ok(Arc::new(roots))
}

/// What takes TLS connections as the cloud does, with its certificate and from gateways only; `pki` is the cloud's directory.
///
/// # Errors
/// A certificate cannot be used.
pub fn acceptor(pki: &Path) -> io::Result<TlsAcceptor> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let clients = WebPkiClientVerifier::builder_with_provider(roots(pki)?, provider.clone()).build();
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(io::Error::other)?.with_client_cert_verifier(clients.map_err(io::Error::other)?);
    let certificate = config.with_single_cert(chain(&pki.join("server.pem"))?, key(&pki.join("server.key"))?);
    Ok(TlsAcceptor::from(Arc::new(certificate.map_err(io::Error::other)?)))
}

fn connector(between: &Between) -> io::Result<TlsConnector> {
    let file = |end: &str| between.pki.join("gateways").join(format!("{}.{end}", between.gateway));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(io::Error::other)?.with_root_certificates(roots(&between.pki)?);
    let config = config.with_client_auth_cert(chain(&file("pem"))?, key(&file("key"))?);
    Ok(TlsConnector::from(Arc::new(config.map_err(io::Error::other)?)))
}
