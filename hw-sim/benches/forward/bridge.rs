//! A Mosquitto that takes readings on the gateway and hands them to the cloud over its bridge.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use hw_sim::bench::layout::{GATEWAY, free_port};
use hw_sim::bench::{Layout, Plan};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::cpu_s;
use crate::receiver::Receiver;

/// Published and not arrived: no more, because a broker that saves all it holds is the slower the more that is.
const UNDER_WAY_MAX: u64 = 1_000;
/// Published at once.
const BURST: u64 = 50;
/// One reading as the contract has it, but for its number.
const READING: &str = r#""type":"reading","deviceId":"fridge-1","timestamp":"2026-12-01T10:00:00.000Z","temperature":4.123,"rawMa":11.06,"batteryVoltage":3.58,"trigger":"poll","uncertainty":0.36}"#;

/// What becomes of what the broker holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keeps {
    /// Saved every half hour: Debian's way.
    InMemory,
    /// Saved at every change.
    OnDisk,
}

/// A running broker with its bridge, and the one who publishes.
pub(super) struct Bridge {
    broker: Child,
    publisher: TcpStream,
    receiver: Receiver,
    published: u64,
    _dir: tempfile::TempDir,
}

impl Bridge {
    pub(super) async fn start(keeps: Keeps) -> anyhow::Result<Self> {
        let dir = tempfile::tempdir()?;
        let exe = std::env::current_exe()?;
        let layout =
            Layout::prepare(&exe, &dir.path().join("kitchen"), Plan::fridges(1, Duration::from_secs(3600))).await?;
        let receiver = Receiver::new(&layout.dir().join("pki"), &dir.path().join("received")).await?;
        let port = free_port()?;
        let config = dir.path().join("mosquitto.conf");
        std::fs::write(&config, text(layout.dir(), dir.path(), (port, receiver.port()), keeps))?;
        let broker = start_broker(&config)?;
        receiver.open().await?;
        let publisher = connect(port).await?;
        Ok(Self { broker, publisher, receiver, published: 0, _dir: dir })
    }

    /// Publishes as fast as it arrives; how many arrived meanwhile.
    pub(super) async fn publish_for(&mut self, time: Duration) -> anyhow::Result<u64> {
        let (began, before) = (Instant::now(), self.receiver.progress().records);
        let mut answers = vec![0; 64 * 1024];
        while began.elapsed() < time {
            if self.published - self.receiver.progress().records + BURST <= UNDER_WAY_MAX {
                let burst: Vec<u8> = (0..BURST).flat_map(|more| packet(self.published + more)).collect();
                self.publisher.write_all(&burst).await?;
                self.published += BURST;
            } else {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            match self.publisher.try_read(&mut answers) {
                Ok(0) => bail!("mosquitto has closed the connection"),
                Ok(_) => {}
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(self.receiver.progress().records - before)
    }

    pub(super) fn cpu_s(&self) -> anyhow::Result<f64> {
        cpu_s(self.broker.id())
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        let _gone_already = self.broker.kill();
        let _gone_already = self.broker.wait();
    }
}

fn start_broker(config: &Path) -> anyhow::Result<Child> {
    let program = if Path::new("/usr/sbin/mosquitto").exists() { "/usr/sbin/mosquitto" } else { "mosquitto" };
    let log = std::fs::File::create(config.with_extension("log"))?;
    let mut command = Command::new(program);
    command.arg("-c").arg(config).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    command.spawn().context("Debian's mosquitto is the peer: install it, or leave the flood out with `--only backlog`")
}

fn text(kitchen: &Path, dir: &Path, (port, cloud): (u16, u16), keeps: Keeps) -> String {
    let saves = match keeps {
        Keeps::InMemory => "",
        Keeps::OnDisk => "autosave_on_changes true\nautosave_interval 1\n",
    };
    let (pki, dir) = (kitchen.join("pki"), dir.display());
    let gateway = pki.join("gateways").join(GATEWAY);
    format!(
        "user root\nlistener {port} 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location {dir}/\n{saves}\
         max_inflight_messages 0\nmax_queued_messages 0\n\
         connection cloud\naddress localhost:{cloud}\ntopic readings/# out 1\ncleansession false\nnotifications false\n\
         bridge_cafile {pki}/ca.pem\nbridge_certfile {gateway}.pem\nbridge_keyfile {gateway}.key\n",
        pki = pki.display(),
        gateway = gateway.display(),
    )
}

async fn connect(port: u16) -> anyhow::Result<TcpStream> {
    let began = Instant::now();
    let mut stream = loop {
        match TcpStream::connect(("127.0.0.1", port)).await {
            Ok(stream) => break stream,
            Err(error) if began.elapsed() > Duration::from_secs(10) => return Err(error.into()),
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    };
    stream.set_nodelay(true)?;
    stream.write_all(&[0x10, 16, 0, 4, b'M', b'Q', b'T', b'T', 4, 2, 0, 0, 0, 4, b't', b'e', b's', b't']).await?;
    let mut answer = [0; 4];
    stream.read_exact(&mut answer).await?;
    Ok(stream)
}

/// One reading, QoS 1.
fn packet(number: u64) -> Vec<u8> {
    let topic = "readings/kitchen-demo";
    let payload = format!("{{\"seq\":{number},{READING}");
    let id = (number % u64::from(u16::MAX)) as u16 + 1;
    let length = 2 + topic.len() + 2 + payload.len();
    let mut packet = vec![0x32, (length & 0x7f) as u8 | 0x80, (length >> 7) as u8];
    packet.extend((topic.len() as u16).to_be_bytes());
    packet.extend(topic.as_bytes());
    packet.extend(id.to_be_bytes());
    packet.extend(payload.as_bytes());
    packet
}
