//! The connections of the proxy.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::fault::{Fault, Kind, Way};
use super::packets::{Packets, kind};
pub use super::tls::acceptor;
use super::tls::connector;

/// How much is read at once.
const PIECE_BYTES: usize = 16 * 1024;
/// How often a connection that stalls looks whether it may go on.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1024;
/// A second of a limited rate is read in so many pieces.
const PIECES_PER_S: usize = 100;
/// What the system keeps of a narrow line, so that the agent feels its rate; the system's least is little less.
const NARROW_BYTES: u32 = 4 * 1024;

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
    /// How often something went wrong.
    hits: u64,
    /// Bytes that passed on the newest connection.
    passed: BTreeMap<Way, usize>,
    /// What the agent sent on each connection that led nowhere.
    heard: Vec<Vec<u8>>,
}

impl State {
    fn new() -> Self {
        let (packets, passed, heard) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        Self { fault: Fault::None, connections: 0, packets, hits: 0, passed, heard }
    }

    /// A connection that is made, and where it is to be cut: no other will be.
    fn accept(&mut self) -> Option<(Way, usize)> {
        self.connections += 1;
        self.passed.clear();
        let Fault::Cut(way, at) = self.fault else { return None };
        self.fault = Fault::None;
        Some((way, at))
    }

    /// A packet that comes, and what is to go wrong with it.
    fn see(&mut self, way: Way, kind: Kind) -> Fault {
        *self.packets.entry((way, kind)).or_default() += 1;
        match self.fault {
            Fault::StallAt(stalls) if stalls == kind => self.fault = Fault::Stall,
            Fault::Drop(hit) | Fault::Double(hit) | Fault::Delay(hit, _) if hit == kind => {}
            other => return other,
        }
        self.hits += 1;
        self.fault
    }
}

/// A running proxy; it ends when this is dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    hang_up: Arc<Notify>,
    serving: JoinHandle<()>,
}

/// How connections are passed on.
#[derive(Clone)]
enum Wire {
    /// Packet by packet.
    Packets(Box<Tls>),
    /// Byte by byte, and nothing is understood: of the faults, only cuts happen.
    Bytes,
}

impl Wire {
    fn between(between: &Between) -> io::Result<Self> {
        Ok(Self::Packets(Box::new((acceptor(&between.pki)?, connector(between)?))))
    }
}

/// What all connections of a proxy share.
#[derive(Clone)]
struct Shared {
    wire: Wire,
    cloud_port: u16,
    state: Arc<Mutex<State>>,
    hang_up: Arc<Notify>,
}

impl Proxy {
    /// Listens on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// A certificate cannot be used, or no port is free.
    pub async fn start(between: &Between) -> io::Result<Self> {
        Self::listen(Wire::between(between)?, between.cloud_port, TcpSocket::new_v4()?)
    }

    /// The same, and hardly anything is kept on the way from the agent to a proxy that reads slowly.
    ///
    /// # Errors
    /// As with [`Proxy::start`].
    pub async fn start_narrow(between: &Between) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        // What is accepted inherits it.
        socket.set_recv_buffer_size(NARROW_BYTES)?;
        Self::listen(Wire::between(between)?, between.cloud_port, socket)
    }

    /// The same below TLS: agent and cloud see each other's certificates, and every byte of their handshake passes here.
    ///
    /// # Errors
    /// No port is free.
    pub async fn start_below_tls(cloud_port: u16) -> io::Result<Self> {
        Self::listen(Wire::Bytes, cloud_port, TcpSocket::new_v4()?)
    }

    fn listen(wire: Wire, cloud_port: u16, socket: TcpSocket) -> io::Result<Self> {
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let listener = socket.listen(BACKLOG)?;
        let address = listener.local_addr()?;
        let (state, hang_up) = (Arc::new(Mutex::new(State::new())), Arc::new(Notify::new()));
        let shared = Shared { wire, cloud_port, state: state.clone(), hang_up: hang_up.clone() };
        let serving = tokio::spawn(serve(listener, shared));
        Ok(Self { address, state, hang_up, serving })
    }

    /// Where the agent is to connect.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// From now on, this goes wrong; also on connections that stand.
    pub fn set(&self, fault: Fault) {
        lock(&self.state).fault = fault;
    }

    /// Ends the connections that stand.
    pub fn hang_up(&self) {
        self.hang_up.notify_waiters();
    }

    /// How often something went wrong so far.
    pub fn hits(&self) -> u64 {
        lock(&self.state).hits
    }

    /// How many bytes passed in a direction on the newest connection.
    pub fn passed(&self, way: Way) -> usize {
        lock(&self.state).passed.get(&way).copied().unwrap_or(0)
    }

    /// Connections that were accepted.
    pub fn connections(&self) -> u64 {
        lock(&self.state).connections
    }

    /// What the agent sent on each connection that was refused, left in silence or answered with a web page.
    pub fn heard(&self) -> Vec<Vec<u8>> {
        lock(&self.state).heard.clone()
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

async fn serve(listener: TcpListener, shared: Shared) {
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((agent, _)) = listener.accept().await {
        let (cut, shared) = (lock(&shared.state).accept(), shared.clone());
        connections.spawn(async move {
            tokio::select! {
                () = shared.hang_up.notified() => {}
                () = connection(agent, &shared, cut) => {}
            }
        });
        while connections.try_join_next().is_some() {}
    }
}

/// One connection, until either side or a fault ends it.
async fn connection(agent: TcpStream, shared: &Shared, cut: Option<(Way, usize)>) {
    let (state, fault) = (&shared.state, lock(&shared.state).fault);
    match fault {
        Fault::Refuse | Fault::Silent | Fault::WebPage => return nowhere(agent, state, fault).await,
        _ => {}
    }
    let Ok(cloud) = TcpStream::connect(("127.0.0.1", shared.cloud_port)).await else { return };
    for stream in [&agent, &cloud] {
        let _slower_without = stream.set_nodelay(true);
    }
    match &shared.wire {
        Wire::Packets(tls) => packets(agent, cloud, tls, (cut, state)).await,
        Wire::Bytes => bytes(agent, cloud, (cut, state)).await,
    }
}

/// Where a connection is to be cut, and what all share.
type Own<'a> = (Option<(Way, usize)>, &'a Mutex<State>);

async fn packets(agent: TcpStream, cloud: TcpStream, (acceptor, connector): &Tls, own: Own<'_>) {
    let Ok(agent) = acceptor.accept(agent).await else { return };
    let name = ServerName::try_from("localhost").expect("invariant: a name");
    let Ok(cloud) = connector.connect(name, cloud).await else { return };
    let ((agent_in, agent_out), (cloud_in, cloud_out)) = (split(agent), split(cloud));
    tokio::select! {
        () = pass(Way::Up, agent_in, cloud_out, own) => {}
        () = pass(Way::Down, cloud_in, agent_out, own) => {}
    }
}

/// Bytes as they come; every second cut is a reset.
async fn bytes(mut agent: TcpStream, mut cloud: TcpStream, own: Own<'_>) {
    {
        let ((agent_in, agent_out), (cloud_in, cloud_out)) = (agent.split(), cloud.split());
        tokio::select! {
            () = pass_bytes(Way::Up, agent_in, cloud_out, own) => {}
            () = pass_bytes(Way::Down, cloud_in, agent_out, own) => {}
        }
    }
    if own.0.is_some_and(|(_, at)| at % 2 == 1) {
        for stream in [agent, cloud] {
            let _without_a_reset_then = stream.set_zero_linger();
        }
    }
}

/// A connection that leads nowhere: what comes is heard until the agent closes it, or the fault is another.
async fn nowhere(mut agent: TcpStream, state: &Mutex<State>, fault: Fault) {
    if fault == Fault::WebPage {
        let page = b"HTTP/1.1 302 Found\r\nLocation: http://login.example/\r\nContent-Length: 0\r\n\r\n";
        let _gone_then = agent.write_all(page).await;
    }
    if fault != Fault::Silent {
        let _gone_then = agent.shutdown().await;
    }
    let (mut heard, mut piece) = (Vec::new(), vec![0; PIECE_BYTES]);
    let hear = async {
        while let Ok(read @ 1..) = agent.read(&mut piece).await {
            heard.extend_from_slice(&piece[..read]);
        }
    };
    tokio::select! {
        () = hear => {}
        () = while_it_is(state, fault) => {}
    }
    lock(state).heard.push(heard);
}

async fn while_it_is(state: &Mutex<State>, fault: Fault) {
    while lock(state).fault == fault {
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Bytes of one direction, until the connection is to end.
async fn pass_bytes(
    way: Way,
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    (cut, state): Own<'_>,
) {
    let (mut piece, mut passed) = (vec![0; PIECE_BYTES], 0);
    let end = cut.filter(|(of, _)| *of == way).map_or(usize::MAX, |(_, at)| at);
    while passed < end {
        let Ok(read @ 1..) = from.read(&mut piece).await else { return };
        let read = read.min(end - passed);
        if to.write_all(&piece[..read]).await.is_err() {
            return;
        }
        passed += read;
        lock(state).passed.insert(way, passed);
    }
    lock(state).hits += 1;
}

/// How many bytes may pass in a second, if that is limited.
fn limit(way: Way, state: &Mutex<State>) -> Option<usize> {
    match lock(state).fault {
        Fault::Rate(rate) if way == Way::Up => Some(rate.max(1)),
        _ => None,
    }
}

/// Packets of one direction, until the connection is to end.
async fn pass(way: Way, mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, own: Own<'_>) {
    let (mut packets, mut piece, mut passed) = (Packets::default(), vec![0; PIECE_BYTES], 0);
    loop {
        let rate = limit(way, own.1);
        let at_once = rate.map_or(PIECE_BYTES, |rate| (rate / PIECES_PER_S).clamp(1, PIECE_BYTES));
        let Ok(read @ 1..) = from.read(&mut piece[..at_once]).await else { return };
        if let Some(rate) = rate {
            tokio::time::sleep(Duration::from_secs(1).mul_f64(read as f64 / rate as f64)).await;
        }
        for packet in packets.feed(&piece[..read]) {
            let (out, ends) = treat((way, passed), packet, own).await;
            passed += out.len();
            if to.write_all(&out).await.is_err() || to.flush().await.is_err() || ends {
                return;
            }
            lock(own.1).passed.insert(way, passed);
        }
    }
}

/// What of a packet passes, and whether the connection ends behind it.
async fn treat((way, passed): (Way, usize), mut packet: Vec<u8>, (cut, state): Own<'_>) -> (Vec<u8>, bool) {
    let kind = kind(&packet);
    let fault = lock(state).see(way, kind);
    if let Some((_, at)) = cut.filter(|(cut, at)| *cut == way && passed + packet.len() >= *at) {
        packet.truncate(at.saturating_sub(passed));
        lock(state).hits += 1;
        return (packet, true);
    }
    match fault {
        Fault::Stall => while_it_is(state, Fault::Stall).await,
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
