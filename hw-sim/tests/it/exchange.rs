//! The agent's forwarder and buffer in this process, before a real cloud behind the proxy: one exchange after the other, each
//! from the first byte of a connection to the last acknowledgement, with one fault in it. As whole programs an exchange takes
//! seconds, and there are thousands of bytes to cut behind.
#![allow(clippy::print_stdout)] // what was done, in figures

use std::path::PathBuf;
use std::time::{Duration, Instant};

use hw_sim::bench::layout::GATEWAY;
use hw_sim::bench::proxy::serve::Between;
use hw_sim::bench::proxy::{Fault, Kind, Proxy, Way};
use kitchen_agent::buffer::entry::Draft;
use kitchen_agent::buffer::{Buffer, BufferHandle, BufferState, Keeper, Limits, Round};
use kitchen_agent::clock::shared::SharedClock;
use kitchen_agent::config::{Config, load};
use kitchen_agent::forwarder::Forwarder;
use kitchen_agent::forwarder::task::Destination;
use kitchen_agent::forwarder::timing::Timing;
use kitchen_agent::forwarder::told::Told;
use kitchen_agent::speed::Speed;
use kitchen_contract::id::Epoch;
use kitchen_contract::record::{Absence, Body, Reading, Trigger};
use kitchen_contract::unit::{Celsius, MilliAmp};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::evidence::Evidence;
use crate::kitchen::{Kitchen, plan};

const FRIDGE: &str = "walk-in-fridge";
/// Every so manieth byte is cut behind, unless this variable says it.
const STRIDE: &str = "KITCHEN_NETWORK_STRIDE";
const STRIDE_DEFAULT: usize = 101;
/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often to look.
const LOOK_EVERY: Duration = Duration::from_millis(1);
/// After so long nothing more passes on a connection that has nothing to say.
const QUIET: Duration = Duration::from_millis(300);
/// How long the forwarder may take to end.
const END_MAX: Duration = Duration::from_secs(5);
/// The handshake is shorter than this, by far, in either direction.
const HANDSHAKE_BYTES_MAX: usize = 1_200;
/// Behind it TLS passes nothing on that is not whole: one byte is as good as another.
const STRIDES_BEHIND: usize = 11;
/// Everything that agent and cloud say to each other, but the last word.
const KINDS: [Kind; 10] = [
    Kind::Connect,
    Kind::ConnAck,
    Kind::Subscribe,
    Kind::SubAck,
    Kind::Status,
    Kind::Records,
    Kind::PubAck,
    Kind::Acknowledgement,
    Kind::PingReq,
    Kind::PingResp,
];
/// A cut behind the last byte of an exchange does not happen.
const NOT_CUT_MAX: usize = 8;
/// Where there are few, so many of a hundred do.
const HITS_MIN_PERCENT: usize = 75;
const LIMITS: Limits = Limits { records_max: 10_000, bytes_max: 16 * 1024 * 1024, free_bytes_min: 0 };

/// A forwarder that runs, and all around it.
struct Exchange {
    kitchen: Kitchen,
    proxy: Proxy,
    buffer: BufferHandle,
    state: watch::Receiver<BufferState>,
    clock: SharedClock,
    config: Config,
    forwarding: JoinHandle<()>,
    shutdown: CancellationToken,
    /// The recorder's part, of which the forwarder has a weak end.
    _observations: mpsc::Sender<kitchen_agent::observation::Observation>,
}

/// On which side of TLS the proxy sits.
enum Place {
    Above,
    Below,
}

impl Exchange {
    async fn start(place: Place) -> Self {
        let mut kitchen = Kitchen::prepare(plan()).await;
        kitchen.start_cloud().await;
        let pki: PathBuf = kitchen.layout.dir().join("pki");
        let cloud_port = kitchen.layout.endpoint_port();
        let between = Between { pki, gateway: GATEWAY.to_owned(), cloud_port };
        let proxy = match place {
            Place::Above => Proxy::start(&between).await.unwrap(),
            Place::Below => Proxy::start_below_tls(cloud_port).await.unwrap(),
        };
        let mut config = load::load(&kitchen.layout.dir().join("agent.toml")).unwrap();
        config.mqtt.port = proxy.port();
        config.mqtt.keep_alive = Duration::from_secs(2);
        let clock = SharedClock::new(tokio::time::Instant::now());
        let epoch = Epoch::from_entropy(rand::random());
        let (keeper, buffer) = Keeper::new(Buffer::open(&config.gateway.data_dir, LIMITS, epoch).unwrap());
        std::thread::spawn(move || keeper.run());
        let (observations, _) = mpsc::channel(1);
        let recorded = watch::Sender::default().subscribe();
        let destination = Destination {
            gateway_id: config.gateway.id.clone(),
            mqtt: config.mqtt.clone(),
            told: Told { config_hash: "0".repeat(16), recorded, sensors: Vec::new() },
            observations: observations.downgrade(),
            timing: timing(),
        };
        let (forwarder, shutdown) =
            (Forwarder::new(destination, buffer.clone(), clock.clone()), CancellationToken::new());
        let forwarding = tokio::spawn(forwarder.run(shutdown.clone()));
        let state = buffer.state();
        let exchange =
            Self { kitchen, proxy, buffer, state, clock, config, forwarding, shutdown, _observations: observations };
        exchange.append().await;
        exchange.all_is_acknowledged().await;
        exchange
    }

    /// Two readings go to disk.
    async fn append(&self) {
        let now = self.clock.stamp(self.clock.now());
        let reading = Reading {
            device_id: FRIDGE.parse().unwrap(),
            value: Ok(Celsius::new(4.0).unwrap()),
            uncertainty: None,
            raw_ma: MilliAmp::new(11.04).ok(),
            battery: Err(Absence::NotReported),
            signal: Err(Absence::NotReported),
            humidity: Err(Absence::NotConfigured),
            trigger: Trigger::Poll,
        };
        let drafts = vec![Draft::new(now, Body::Reading(reading)); 2];
        let round = Round { kitchen_id: self.config.gateway.kitchen_id.clone(), now, dropped: 0, drafts };
        let appended = self.buffer.append(round.into()).await.unwrap();
        let mut state = self.state.clone();
        state.wait_for(|state| state.last_seq >= appended.to()).await.unwrap();
    }

    async fn all_is_acknowledged(&self) {
        let mut state = self.state.clone();
        timeout(PATIENCE, state.wait_for(|state| state.records == 0)).await.expect("it comes back by itself").unwrap();
    }

    async fn wait_until(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let began = Instant::now();
        while !is_so(self) {
            assert!(began.elapsed() < PATIENCE, "waited too long for {what}");
            sleep(LOOK_EVERY).await;
        }
    }

    /// One exchange on a new connection, with two envelopes if packets can be seen, until all is acknowledged and, if anything
    /// is to go wrong, that has happened or will not.
    async fn whole(&self, fault: Fault) {
        let (connections, hits) = (self.proxy.connections(), self.proxy.hits());
        let envelopes = self.proxy.packets(Way::Up, Kind::Records);
        self.proxy.set(fault);
        self.proxy.hang_up();
        self.append().await;
        self.wait_until("an envelope, or the end", |exchange| {
            exchange.proxy.packets(Way::Up, Kind::Records) > envelopes || exchange.is_over(connections)
        })
        .await;
        if !self.is_over(connections) {
            self.append().await;
        }
        self.wait_until("the acknowledgements", |exchange| exchange.is_over(connections)).await;
        let (until, is_cut) = (Instant::now() + QUIET, matches!(fault, Fault::Cut(..)));
        while is_cut && self.proxy.hits() == hits && Instant::now() < until {
            sleep(LOOK_EVERY).await;
        }
    }

    /// There was another connection, and nothing waits for one.
    fn is_over(&self, connections: u64) -> bool {
        self.proxy.connections() > connections && self.state.borrow().records == 0
    }

    /// How many bytes pass in an exchange, once nothing more does.
    async fn length(&self, way: Way) -> usize {
        self.whole(Fault::None).await;
        sleep(QUIET).await;
        self.proxy.passed(way)
    }

    /// Exchange after exchange, each cut one stride later, in one direction; behind `dense` bytes, in longer strides.
    async fn cut_everywhere(&self, way: Way, dense: usize) {
        let stride: usize = std::env::var(STRIDE).map_or(STRIDE_DEFAULT, |stride| stride.parse().unwrap());
        let (length, hits) = (self.length(way).await, self.proxy.hits());
        let places = (0..length.min(dense)).step_by(stride);
        let places: Vec<usize> = places.chain((dense..length).step_by(stride * STRIDES_BEHIND)).collect();
        for at in &places {
            self.whole(Fault::Cut(way, *at)).await;
        }
        let (cuts, hits) = (places.len(), (self.proxy.hits() - hits) as usize);
        assert!(cuts > 2 && hits + NOT_CUT_MAX >= cuts, "{hits} of {cuts}");
        assert!(hits > 0 && hits * 100 >= cuts * HITS_MIN_PERCENT, "{hits} of {cuts}");
        println!("{hits} of {cuts} cuts {way:?} in an exchange of {length} bytes, every {stride}: 0 lost, 0 doubled");
    }

    /// A fault of one kind on a new connection, until it has happened and `enough` is so, which knows how many connections
    /// there were before; then all is well again.
    async fn suffer(&self, fault: Fault, enough: impl Fn(&Self, u64) -> bool) {
        let (connections, hits) = (self.proxy.connections(), self.proxy.hits());
        self.proxy.set(fault);
        self.proxy.hang_up();
        self.append().await;
        self.wait_until(&format!("{fault:?}"), |exchange| {
            exchange.proxy.hits() > hits && enough(exchange, connections)
        })
        .await;
        self.proxy.set(Fault::None);
        self.all_is_acknowledged().await;
    }

    /// All is well again, and every record is in the store, once; nobody holds on to what is over.
    async fn ends_well(mut self) {
        self.proxy.set(Fault::None);
        self.append().await;
        self.all_is_acknowledged().await;
        let last = self.state.borrow().last_seq;
        let open = open_to(self.proxy.port());
        assert!(open <= 1, "{open} connections are open to one cloud");
        // Nobody waits for the last word to arrive.
        self.proxy.set(Fault::Drop(Kind::Disconnect));
        self.shutdown.cancel();
        timeout(END_MAX, self.forwarding).await.expect("the end takes no time").unwrap();
        self.kitchen.settle().await;
        let evidence = Evidence::of(&self.kitchen.layout).await;
        evidence.is_whole();
        assert_eq!(evidence.runs()[0].len() as u64, last);
    }
}

/// The waits of the field, where a second of a test is as good as a minute; of the backoff nothing is left.
fn timing() -> Timing {
    Timing {
        connect: Duration::from_secs(2),
        patience: Duration::from_secs(1),
        ..Timing::new(Duration::from_secs(3600), Speed::parse(Some("10000")).unwrap())
    }
}

/// Sockets of this process that lead to a port of 127.0.0.1 and have not been closed on this side.
fn open_to(port: u16) -> usize {
    const ESTABLISHED: &str = "01";
    const CLOSE_WAIT: &str = "08";
    let table = std::fs::read_to_string("/proc/self/net/tcp").unwrap();
    let rows = table.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    rows.filter(|row| row[2].ends_with(&format!(":{port:04X}")) && [ESTABLISHED, CLOSE_WAIT].contains(&row[3])).count()
}

/// How many sockets a process has open.
pub(crate) fn sockets_of(process: u32) -> usize {
    let files = std::fs::read_dir(format!("/proc/{process}/fd")).unwrap().flatten();
    files
        .filter_map(|file| std::fs::read_link(file.path()).ok())
        .filter(|file| file.display().to_string().starts_with("socket:"))
        .count()
}

/// N3, above TLS: each side gets the beginning of a packet, and no more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_is_cut_behind_any_byte_costs_nothing() {
    let exchange = Exchange::start(Place::Above).await;
    for way in [Way::Up, Way::Down] {
        exchange.cut_everywhere(way, usize::MAX).await;
    }
    exchange.ends_well().await;
}

/// N7, N8: what is lost is said again, on the same connection or on another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn packets_of_any_kind_that_are_lost_cost_nothing() {
    let exchange = Exchange::start(Place::Above).await;
    for kind in KINDS {
        exchange.suffer(Fault::Drop(kind), |_, _| true).await;
        exchange.suffer(Fault::Double(kind), |_, _| true).await;
    }
    exchange.ends_well().await;
}

/// N4
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn packets_of_any_kind_that_are_late_cost_nothing() {
    let exchange = Exchange::start(Place::Above).await;
    for kind in KINDS {
        for late in [50, 300].map(Duration::from_millis) {
            exchange.suffer(Fault::Delay(kind, late), Exchange::is_over).await;
        }
    }
    exchange.ends_well().await;
}

/// N2: from any kind of packet on, the line is dead, and nobody says so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_that_dies_at_a_packet_of_any_kind_is_given_up() {
    let exchange = Exchange::start(Place::Above).await;
    for kind in KINDS {
        exchange
            .suffer(Fault::StallAt(kind), |exchange, connections| exchange.proxy.connections() > connections + 1)
            .await;
    }
    exchange.ends_well().await;
}

/// N3, T4, below TLS: also behind every byte of the handshake; every second cut is a reset.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handshake_that_is_cut_behind_any_byte_costs_nothing_and_leaves_nothing_open() {
    let exchange = Exchange::start(Place::Below).await;
    let cloud = exchange.kitchen.cloud.as_ref().unwrap().id().unwrap();
    let before = sockets_of(cloud);
    for way in [Way::Up, Way::Down] {
        exchange.cut_everywhere(way, HANDSHAKE_BYTES_MAX).await;
    }
    exchange.wait_until("the cloud to close what is over", |_| sockets_of(cloud) <= before).await;
    exchange.ends_well().await;
}
