//! The gateway's certificate is replaced while everything runs: the new one is used without a restart, and files that cannot
//! be used cost no connection.

use std::path::{Path, PathBuf};
use std::process::Command;

use hw_sim::bench::Plan;
use hw_sim::bench::layout::GATEWAY;
use kitchen_cloud::pki::CertificateFacts;
use kitchen_contract::envelope::Opened;
use serde_json::Value;

use crate::evidence::Evidence;
use crate::kitchen::{Kitchen, plan, wait_for};

const FRIDGE: &str = "walk-in-fridge";
const ENDS: [&str; 2] = ["pem", "key"];

/// Speed of the tests that count connections: one of them may take 2 s, which a busy machine does not use up.
const SPEED_COUNTED: f64 = 10.0;
/// Speed of the test that waits for a quarter of an hour, which is 36 s, and counts no connections.
const SPEED_WAITING: f64 = 25.0;

/// A kitchen whose gateway has its own copies of what the authority issued, as in the field.
struct Gateway(Kitchen);

impl Gateway {
    async fn start(speed: f64) -> Self {
        let gateway = Self(Kitchen::prepare(Plan { speed, ..plan() }).await);
        let config = gateway.dir().join("agent.toml");
        let text = std::fs::read_to_string(&config).unwrap();
        std::fs::write(&config, text.replace(&format!("pki/gateways/{GATEWAY}."), "gateway.")).unwrap();
        gateway.install_both();
        let mut gateway = gateway;
        gateway.0.start_cloud().await;
        gateway.0.start_sensors();
        gateway.0.start_agent();
        gateway.taken(2).await;
        gateway
    }

    fn dir(&self) -> &Path {
        self.0.layout.dir()
    }

    fn issued(&self, end: &str) -> PathBuf {
        self.dir().join(format!("pki/gateways/{GATEWAY}.{end}"))
    }

    /// Puts what was issued last where the agent reads it, whole.
    fn install(&self, end: &str) {
        let (copy, place) = (self.dir().join("gateway.new"), self.dir().join(format!("gateway.{end}")));
        std::fs::copy(self.issued(end), &copy).unwrap();
        std::fs::rename(copy, place).unwrap();
    }

    fn install_both(&self) {
        ENDS.iter().for_each(|end| self.install(end));
    }

    /// Issues a certificate for a new key.
    async fn issue(&self) {
        for end in ENDS {
            std::fs::rename(self.issued(end), self.issued(&format!("old.{end}"))).unwrap();
        }
        self.0.layout.cloud_command(&["pki", "gateway", GATEWAY, "--valid-for", "20d"]).await.unwrap();
    }

    /// Tells the cloud what was issued last.
    async fn register(&self) {
        self.0.layout.cloud_command(&["seed", "seed.toml"]).await.unwrap();
    }

    /// Waits until so many readings more are in the cloud.
    async fn taken(&self, more: usize) {
        let is_reading = |reading: &Value| reading["temperature"].is_number();
        let before = self.0.readings(FRIDGE, 0, is_reading).await.len();
        self.0.readings(FRIDGE, before + more, is_reading).await;
    }

    /// How often the agent has said something.
    fn said(&self, message: &str) -> usize {
        let log = std::fs::read_to_string(self.dir().join("agent.log")).unwrap_or_default();
        let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.filter(|line| line["message"] == message).count()
    }

    async fn says(&self, message: &str) {
        wait_for(&format!("the agent to say {message:?}"), || async { (self.said(message) > 0).then_some(()) }).await;
    }

    /// What `kitchen-agent status` finds wrong with the certificate, and the whole answer.
    fn status(&self) -> (Vec<String>, Value) {
        let mut asking = Command::new(env!("CARGO_BIN_EXE_demo"));
        asking.args(["__agent", "--config", "agent.toml", "status", "--json"]).current_dir(self.dir());
        let answer: Value = serde_json::from_slice(&asking.output().unwrap().stdout).unwrap();
        let problems = answer["problems"].as_array().unwrap().iter();
        let problems = problems.filter(|problem| problem["with"] == "certificate");
        (problems.map(|problem| problem["what"].as_str().unwrap().to_owned()).collect(), answer)
    }

    /// Whether an envelope is signed with the key of a certificate.
    fn is_signed(&self, envelope: &str, end: &str) -> bool {
        let key = CertificateFacts::read(&self.issued(end)).unwrap().public_key.unwrap();
        Opened::read(envelope.as_bytes()).unwrap().verify(&key).is_ok()
    }

    /// All that was measured is stored, once.
    async fn settle(&mut self) -> Evidence {
        self.0.settle().await;
        let evidence = Evidence::of(&self.0.layout).await;
        evidence.is_stored_and_judged();
        assert_eq!(evidence.epochs(), 1, "one run of the agent");
        evidence
    }
}

const UNUSED: &str = "the certificate files cannot be used; what they held before is";

#[tokio::test]
async fn a_renewed_certificate_is_used_once_all_of_it_is_there() {
    let mut gateway = Gateway::start(SPEED_COUNTED).await;
    let (problems, status) = gateway.status();
    assert_eq!(problems, [""; 0]);
    assert!(status["mqtt"]["certificate"]["endsInS"].as_i64().unwrap() > 700 * 86_400, "{status}");
    // Written again, and not changed.
    gateway.install_both();
    gateway.taken(2).await;

    gateway.issue().await;
    gateway.register().await;
    gateway.install("pem");
    gateway.says(UNUSED).await;
    gateway.taken(3).await;
    let (problems, status) = gateway.status();
    assert!(matches!(&problems[..], [what] if what.ends_with("the key is not the one of the certificate")), "{status}");
    assert_eq!((gateway.said(UNUSED), gateway.said("disconnected"), gateway.said("connected")), (1, 0, 1));

    gateway.install("key");
    gateway.says("disconnected").await;
    gateway.taken(3).await;
    assert_eq!((gateway.said("disconnected"), gateway.said("connected"), gateway.said("cannot connect")), (1, 2, 0));
    let (problems, status) = gateway.status();
    assert!(matches!(&problems[..], [what] if what.starts_with("it ends in 19 d")), "{status}");
    let evidence = gateway.settle().await;
    evidence.is_whole();
    let (first, last) = (evidence.envelopes.first().unwrap(), evidence.envelopes.last().unwrap());
    assert!(gateway.is_signed(first, "old.pem") && !gateway.is_signed(first, "pem"));
    assert!(gateway.is_signed(last, "pem") && !gateway.is_signed(last, "old.pem"));
}

#[tokio::test]
async fn what_worked_is_used_again_while_the_files_are_half_written() {
    let mut gateway = Gateway::start(SPEED_COUNTED).await;
    std::fs::write(gateway.dir().join("gateway.key"), "-----BEGIN PRIV").unwrap();
    gateway.says(UNUSED).await;
    assert!(gateway.0.cloud.as_mut().unwrap().terminate().await.unwrap().success());
    gateway.says("disconnected").await;
    gateway.0.start_cloud().await;
    gateway.taken(3).await;
    let (problems, status) = gateway.status();
    assert_eq!((problems.len(), &status["mqtt"]["connected"]), (1, &Value::Bool(true)), "{status}");
    gateway.install("key");
    gateway.says("the certificate files can be used again").await;
    assert_eq!(gateway.status().0, [""; 0]);
    assert_eq!(gateway.said("disconnected"), 1);
    gateway.settle().await.is_whole();
}

/// The order is the wrong one: the gateway has its new key before the cloud knows it.
#[tokio::test]
async fn what_worked_is_used_again_while_the_cloud_does_not_take_what_is_new() {
    let mut gateway = Gateway::start(SPEED_WAITING).await;
    gateway.issue().await;
    gateway.install_both();
    gateway.says(UNUSED).await;
    gateway.taken(3).await;
    let (problems, status) = gateway.status();
    let said = "the cloud does not take them: no answer to the birth";
    assert!(matches!(&problems[..], [what] if what.ends_with(said)), "{status}");
    gateway.register().await;
    // Tried again after a quarter of an hour.
    gateway.says("the certificate files can be used again").await;
    gateway.taken(3).await;
    let evidence = gateway.settle().await;
    assert_eq!(evidence.aside, 2, "the births that nobody could check: one silence proves nothing");
    assert!(gateway.is_signed(evidence.envelopes.last().unwrap(), "pem"));
}
