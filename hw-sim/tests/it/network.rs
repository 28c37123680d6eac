//! The network between agent and cloud fails in every way a proxy knows; nothing is lost, nothing is stored twice, and the
//! agent comes back by itself. N-numbers are those of the fault matrix.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use hw_sim::bench::Plan;
use hw_sim::bench::layout::GATEWAY;
use hw_sim::bench::proxy::serve::Between;
use hw_sim::bench::proxy::{Fault, Kind, Proxy, Way};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::Value;

use crate::evidence::Evidence;
use crate::exchange::sockets_of;
use crate::kitchen::{Kitchen, plan, wait_for, within_a_minute};

const FRIDGE: &str = "walk-in-fridge";

/// A kitchen whose agent reaches its cloud through a proxy; nothing but the cloud runs yet.
struct Network {
    kitchen: Kitchen,
    proxy: Proxy,
}

impl Network {
    async fn prepare() -> Self {
        let kitchen = Kitchen::prepare(plan()).await;
        let proxy = Proxy::start(&between(&kitchen)).await.unwrap();
        Self::join(kitchen, proxy).await
    }

    /// On a narrow line, whatever is slow is felt by the agent.
    async fn prepare_narrow(plan: Plan) -> Self {
        let kitchen = Kitchen::prepare(plan).await;
        let proxy = Proxy::start_narrow(&between(&kitchen)).await.unwrap();
        Self::join(kitchen, proxy).await
    }

    async fn join(mut kitchen: Kitchen, proxy: Proxy) -> Self {
        let config = kitchen.layout.dir().join("agent.toml");
        let text = std::fs::read_to_string(&config).unwrap();
        let direct = format!("port = {}\n", kitchen.layout.endpoint_port());
        assert!(text.contains(&direct));
        let through = format!("port = {}\nkeep_alive = \"5s\"\nheartbeat = \"10s\"\n", proxy.port());
        std::fs::write(config, text.replace(&direct, &through)).unwrap();
        kitchen.start_cloud().await;
        Self { kitchen, proxy }
    }

    async fn start() -> Self {
        let mut network = Self::prepare().await;
        network.start_gateway();
        network.kitchen.readings(FRIDGE, 1, |_| true).await;
        network
    }

    fn start_gateway(&mut self) {
        self.kitchen.start_sensors();
        self.kitchen.start_agent();
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.kitchen.layout.dir().join("agent.log")).unwrap_or_default()
    }

    fn said(&self, message: &str) -> usize {
        let lines = self.log();
        let lines = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.filter(|line| line["message"] == message).count()
    }

    /// Waits until the agent says something more often than `before`.
    async fn says(&self, message: &str, before: usize) {
        wait_for(&format!("the agent to say {message:?} again"), || async {
            (self.said(message) > before).then_some(())
        })
        .await;
    }

    fn agents_sockets(&self) -> usize {
        sockets_of(self.kitchen.agent.as_ref().unwrap().id().unwrap())
    }

    async fn taken(&self, more: usize) {
        let before = self.said("reading taken");
        self.says("reading taken", before + more - 1).await;
    }

    /// All is well again, and all that was measured is in the store, once; the agent never ended.
    async fn recovers(mut self) {
        self.proxy.set(Fault::None);
        let before = self.said("acknowledged");
        self.says("acknowledged", before).await;
        assert!(self.kitchen.agent.as_mut().unwrap().ended().unwrap().is_none());
        self.kitchen.settle().await;
        assert!(!self.log().contains("panicked"));
        let evidence = Evidence::of(&self.kitchen.layout).await;
        evidence.is_whole();
        assert_eq!(evidence.epochs(), 1, "one run of the agent");
    }
}

/// Where the proxy of a kitchen sits.
fn between(kitchen: &Kitchen) -> Between {
    let pki: PathBuf = kitchen.layout.dir().join("pki");
    Between { pki, gateway: GATEWAY.to_owned(), cloud_port: kitchen.layout.endpoint_port() }
}

/// N3, with whole programs; every byte has its turn in `exchange.rs`.
#[tokio::test]
async fn a_connection_that_is_cut_again_and_again_costs_nothing_and_leaves_nothing_open() {
    let network = Network::start().await;
    let (before, mut random) = (network.agents_sockets(), StdRng::seed_from_u64(3));
    for cut in 0..12 {
        let way = if cut % 2 == 0 { Way::Up } else { Way::Down };
        let hits = network.proxy.hits();
        network.proxy.set(Fault::Cut(way, random.random_range(0..400)));
        network.proxy.hang_up();
        wait_for("a cut", || async { (network.proxy.hits() > hits).then_some(()) }).await;
    }
    let acknowledged = network.said("acknowledged");
    network.says("acknowledged", acknowledged).await;
    assert!(network.agents_sockets() <= before);
    network.recovers().await;
}

/// N8
#[tokio::test]
async fn acknowledgements_that_are_lost_delayed_or_doubled_cost_nothing() {
    let network = Network::start().await;
    network.proxy.set(Fault::Drop(Kind::Acknowledgement));
    let sent = network.proxy.packets(Way::Up, Kind::Records);
    // On a busy machine it may have been said before.
    let before = network.said("the cloud does not acknowledge; sending again");
    network.says("the cloud does not acknowledge; sending again", before).await;
    assert!(network.proxy.packets(Way::Up, Kind::Records) > sent);
    network.proxy.set(Fault::Double(Kind::Acknowledgement));
    network.taken(4).await;
    network.proxy.set(Fault::Delay(Kind::Acknowledgement, Duration::from_millis(400)));
    network.taken(4).await;
    network.recovers().await;
}

/// N7: a PUBACK proves nothing, and nothing depends on one.
#[tokio::test]
async fn pubacks_and_envelopes_that_are_lost_or_doubled_cost_nothing() {
    let network = Network::start().await;
    for fault in [Fault::Drop(Kind::PubAck), Fault::Double(Kind::PubAck), Fault::Double(Kind::Records)] {
        network.proxy.set(fault);
        network.taken(6).await;
    }
    let before = network.said("the cloud does not acknowledge; sending again");
    network.proxy.set(Fault::Drop(Kind::Records));
    network.says("the cloud does not acknowledge; sending again", before).await;
    network.recovers().await;
}

/// N2: nobody says that the other side is gone.
#[tokio::test]
async fn a_line_that_dies_silently_is_found_within_one_and_a_half_times_the_keep_alive() {
    let network = Network::start().await;
    for _ in 0..2 {
        let (before, began) = (network.said("disconnected"), Instant::now());
        network.proxy.set(Fault::Stall);
        network.says("disconnected", before).await;
        let took = began.elapsed();
        assert!(took <= Duration::from_millis(7_500 + 500), "{took:?}");
        network.proxy.set(Fault::None);
        let before = network.said("connected");
        network.says("connected", before).await;
    }
    network.recovers().await;
}

/// N10, N12: what answers there is not the cloud.
#[tokio::test]
async fn a_port_that_is_not_the_clouds_gets_nothing_and_is_tried_again() {
    let mut network = Network::prepare().await;
    network.proxy.set(Fault::WebPage);
    network.start_gateway();
    network.taken(4).await;
    wait_for("three attempts", || async { (network.proxy.connections() > 3).then_some(()) }).await;
    assert!(network.log().contains("no TLS as agreed"), "the reason has a name");
    network.proxy.set(Fault::Refuse);
    let before = network.proxy.connections();
    wait_for("more attempts", || async { (network.proxy.connections() > before + 3).then_some(()) }).await;
    let before = network.said("reading taken");
    network.proxy.set(Fault::Silent);
    wait_for("a silent connection is given up", || async { network.log().contains("no answer").then_some(()) }).await;
    assert!(network.said("reading taken") > before, "sampling goes on");
    network.proxy.set(Fault::None);
    wait_for("the silence to end", || async { (network.proxy.packets(Way::Up, Kind::Connect) > 0).then_some(()) })
        .await;
    let heard: Vec<_> = network.proxy.heard().into_iter().filter(|bytes| !bytes.is_empty()).collect();
    assert!(heard.len() > 3, "it begins with TLS everywhere: {heard:?}");
    heard.iter().for_each(|bytes| only_greets(bytes));
    network.recovers().await;
}

/// What one sends who does not yet know who is there: a TLS ClientHello, perhaps an alert, and not who it is.
fn only_greets(bytes: &[u8]) {
    const HANDSHAKE: u8 = 0x16;
    const ALERT: u8 = 0x15;
    let (mut rest, mut expected) = (bytes, HANDSHAKE);
    while let [content, _, _, high, low, behind @ ..] = rest {
        assert_eq!(*content, expected, "{bytes:?}");
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        (rest, expected) = (&behind[length..], ALERT);
    }
    assert!(rest.is_empty(), "{bytes:?}");
    let names_itself = bytes.windows(GATEWAY.len()).any(|window| window == GATEWAY.as_bytes());
    assert!(!names_itself, "{bytes:?}");
}

/// N9: everything in flight, and the cloud is gone at once.
#[tokio::test]
async fn a_cloud_that_dies_with_everything_in_flight_is_used_again_at_once() {
    let mut network = Network::start().await;
    for _ in 0..3 {
        network.proxy.set(Fault::Drop(Kind::Acknowledgement));
        network.taken(8).await;
        network.kitchen.cloud.as_mut().unwrap().kill().await.unwrap();
        network.taken(4).await;
        network.proxy.set(Fault::None);
        network.kitchen.start_cloud().await;
        let (before, began) = (network.said("acknowledged"), Instant::now());
        network.says("acknowledged", before).await;
        let (took, most) = (began.elapsed(), within_a_minute(&network.kitchen));
        assert!(took < most, "{took:?} instead of {most:?}");
    }
    network.recovers().await;
}

/// N14
#[tokio::test]
async fn bits_that_flip_under_the_packets_end_a_connection_and_nothing_else() {
    let network = Network::start().await;
    let mut random = StdRng::seed_from_u64(14);
    for flip in 0..40 {
        let way = if flip % 4 == 0 { Way::Up } else { Way::Down };
        network.proxy.set(Fault::Flip(way, random.random_range(0..600)));
        network.taken(1).await;
    }
    let mut network = network;
    network.proxy.set(Fault::None);
    let before = network.said("acknowledged");
    network.says("acknowledged", before).await;
    assert!(network.kitchen.agent.as_mut().unwrap().ended().unwrap().is_none());
    network.kitchen.settle().await;
    assert!(!network.log().contains("panicked"));
    // What was damaged on its way up is kept aside as nobody's; what was sent again is stored.
    Evidence::of(&network.kitchen.layout).await.is_stored_and_judged();
}

/// N5: a poor mobile line of 1 kB/s, times the speed, after an outage.
#[tokio::test]
async fn a_backlog_on_a_slow_line_is_not_taken_for_one_that_the_cloud_does_not_take() {
    const RECORDS: usize = 300;
    const PASSED_OVER: &str =
        "the cloud does not take the records of this kitchen; they are kept and tried again every few minutes";
    let speed = plan().speed;
    let rate = (1_000.0 * speed) as usize;
    let plan = Plan { speed, ..Plan::fridges(6, Duration::from_secs(10)) };
    let mut network = Network::prepare_narrow(plan).await;
    network.proxy.set(Fault::Refuse);
    network.start_gateway();
    network.taken(RECORDS).await;
    let opened = jiff::Timestamp::now();
    network.proxy.set(Fault::Rate(rate));
    network.says("acknowledged", 0).await;
    network.taken(60).await;
    network.kitchen.settle().await;
    assert_eq!(network.said(PASSED_OVER), 0, "slow is not refused");
    let evidence = Evidence::of(&network.kitchen.layout).await;
    evidence.is_whole();
    // As long as connecting may take, half a minute at this speed, and what a busy machine takes.
    let soon = Duration::from_secs(30).div_f64(speed) + Duration::from_secs(3);
    let first = first_lag(&evidence, opened);
    assert!(first < soon, "a live record took {first:?}");
}

/// How long the first record took that was measured after a time, counted from then to its arrival.
fn first_lag(evidence: &Evidence, after: jiff::Timestamp) -> Duration {
    let time = |value: &Value| -> jiff::Timestamp { value.as_str().unwrap().parse().unwrap() };
    let records = evidence.records.values().flatten();
    let live = records.filter(|item| time(&item["record"]["timestamp"]) > after);
    let arrived = live.map(|item| time(&item["receivedAt"])).min().unwrap();
    Duration::try_from(arrived.duration_since(after)).unwrap()
}
