//! Takes what a gateway sends, syncs it, and acknowledges it: what any cloud must do, and nothing else.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use hw_sim::bench::layout::GATEWAY;
use hw_sim::bench::proxy::packets::Packets;
use hw_sim::bench::proxy::serve::acceptor;
use kitchen_contract::ack::Ack;
use kitchen_contract::ranges::SeqRanges;
use kitchen_contract::time::Timestamp;
use kitchen_contract::topic::Topic;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// How much is read at once: what has arrived meanwhile shares one sync.
const PIECE_BYTES: usize = 512 * 1024;
const CONNECT: u8 = 1;
const PUBLISH: u8 = 3;
const SUBSCRIBE: u8 = 8;
const PING: u8 = 12;
/// How the topics of gateways begin; anything else is one reading a message, from a bridge.
const OURS: &[u8] = b"visiondrive/";

/// What has arrived.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Progress {
    pub(super) records: u64,
    pub(super) envelopes: u64,
    /// Of the records, what sensors have measured, each counted once.
    pub(super) measurements: u64,
    /// From the connection to the first record, and to the last so far.
    pub(super) first: Duration,
    pub(super) drained: Duration,
}

#[derive(Debug, Default)]
struct State {
    is_open: bool,
    connected: Option<Instant>,
    attempts: Vec<Instant>,
    progress: Progress,
    seen: BTreeMap<String, SeqRanges>,
}

/// Listens; while it is not open, every connection is closed at once.
pub(super) struct Receiver {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    serving: JoinHandle<()>,
}

impl Receiver {
    pub(super) async fn new(pki: &Path, log: &Path) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let (address, state) = (listener.local_addr()?, Arc::new(Mutex::new(State::default())));
        let serving = tokio::spawn(serve(listener, acceptor(pki)?, log.to_owned(), state.clone()));
        Ok(Self { address, state, serving })
    }

    pub(super) fn port(&self) -> u16 {
        self.address.port()
    }

    /// From now on connections are taken; returns with the first.
    pub(super) async fn open(&self) -> anyhow::Result<()> {
        lock(&self.state).is_open = true;
        let began = Instant::now();
        while lock(&self.state).connected.is_none() {
            ensure!(began.elapsed() < Duration::from_secs(70), "nobody connects");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok(())
    }

    /// What has arrived so far.
    pub(super) fn progress(&self) -> Progress {
        lock(&self.state).progress
    }

    /// Waits until so many records are here.
    pub(super) async fn wait_for(&self, records: u64, patience: Duration) -> anyhow::Result<Progress> {
        let began = Instant::now();
        loop {
            let progress = lock(&self.state).progress;
            if progress.records >= records {
                return Ok(progress);
            }
            ensure!(began.elapsed() < patience, "only {} of {records} records came", progress.records);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Between two attempts to connect.
    pub(super) fn longest_pause(&self) -> Duration {
        let state = lock(&self.state);
        let pauses = state.attempts.windows(2).map(|pair| pair[1] - pair[0]);
        pauses.max().unwrap_or_default()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(listener: TcpListener, tls: TlsAcceptor, log: PathBuf, state: Arc<Mutex<State>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let is_open = {
            let mut state = lock(&state);
            state.attempts.push(Instant::now());
            if state.is_open {
                state.connected.get_or_insert_with(Instant::now);
            }
            state.is_open
        };
        if is_open && let Err(error) = connection(stream, &tls, &log, &state).await {
            println!("a connection ended: {error:#}");
        }
    }
}

async fn connection(stream: TcpStream, tls: &TlsAcceptor, log: &Path, state: &Mutex<State>) -> anyhow::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = tls.accept(stream).await?;
    let mut log = File::options().create(true).append(true).open(log)?;
    let (mut packets, mut piece) = (Packets::default(), vec![0; PIECE_BYTES]);
    loop {
        let read = stream.read(&mut piece).await?;
        if read == 0 {
            return Ok(());
        }
        let mut answers = Vec::new();
        let arrived = packets.feed(&piece[..read]);
        for packet in &arrived {
            log.write_all(packet)?;
        }
        if arrived.iter().any(|packet| packet[0] >> 4 == PUBLISH) {
            log.sync_data()?;
        }
        for packet in &arrived {
            answer(packet, &mut answers, state)?;
        }
        stream.write_all(&answers).await?;
        stream.flush().await?;
    }
}

fn answer(packet: &[u8], answers: &mut Vec<u8>, state: &Mutex<State>) -> anyhow::Result<()> {
    let body = body(packet).context("a packet without a body")?;
    match packet[0] >> 4 {
        CONNECT => answers.extend([0x20, 2, 0, 0]),
        SUBSCRIBE => answers.extend([0x90, 4, body[0], body[1], 1, 1]),
        PING => answers.extend([0xd0, 0]),
        PUBLISH => {
            let topic_bytes = usize::from(u16::from_be_bytes([body[0], body[1]]));
            let (id, payload) = (&body[2 + topic_bytes..4 + topic_bytes], &body[4 + topic_bytes..]);
            answers.extend([0x40, 2, id[0], id[1]]);
            if !body[2..].starts_with(OURS) {
                lock(state).progress.records += 1;
                return Ok(());
            }
            let ack = acknowledge(&serde_json::from_slice(payload)?, state)?;
            answers.extend(publish(&ack));
        }
        _ => {}
    }
    Ok(())
}

/// Of an envelope all its records; of a birth or heartbeat the question.
fn acknowledge(message: &Value, state: &Mutex<State>) -> anyhow::Result<Ack> {
    let epoch = message["epoch"].as_str().context("no epoch")?.parse().context("no epoch")?;
    let now = Timestamp::from_unix_ms(i64::try_from(std::time::UNIX_EPOCH.elapsed()?.as_millis())?)?;
    let Some(records) = message["records"].as_array() else {
        return Ok(Ack::answer(epoch, message["question"].as_u64(), now));
    };
    let ranges: SeqRanges = records.iter().filter_map(|record| record["seq"].as_u64()).collect();
    let mut state = lock(state);
    let since = state.connected.map_or(Duration::ZERO, |connected| connected.elapsed());
    let State { progress, seen, .. } = &mut *state;
    let seen = seen.entry(message["epoch"].to_string()).or_default();
    let fresh = |record: &&Value| record["seq"].as_u64().is_some_and(|seq| !seen.contains(seq));
    progress.measurements += records.iter().filter(fresh).filter(|record| record["rawMa"].is_number()).count() as u64;
    ranges.iter().for_each(|(from, to)| seen.insert(from, to));
    if progress.records == 0 {
        progress.first = since;
    }
    progress.records += ranges.count();
    progress.envelopes += 1;
    progress.drained = since;
    Ok(Ack::of_records(epoch, ranges, Vec::new(), now))
}

fn publish(ack: &Ack) -> Vec<u8> {
    let topic = Topic::Ack(GATEWAY.parse().expect("invariant: an id")).to_string();
    let payload = serde_json::to_vec(ack).expect("invariant: an ack is JSON");
    let mut body = (topic.len() as u16).to_be_bytes().to_vec();
    body.extend(topic.as_bytes());
    body.extend(payload);
    // QoS 0: nothing here needs to know whether it arrived.
    let mut packet = vec![0x30];
    let mut left = body.len();
    while left >= 0x80 {
        packet.push((left & 0x7f) as u8 | 0x80);
        left >>= 7;
    }
    packet.push(left as u8);
    packet.extend(body);
    packet
}

fn body(packet: &[u8]) -> Option<&[u8]> {
    let length = packet.iter().skip(1).position(|byte| byte & 0x80 == 0)? + 1;
    packet.get(1 + length..)
}
