//! The service as a process: how it starts, is refused, and ends. No cloud is reachable, no sensor is there.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

use crate::fixture;

/// A directory with a configuration whose cloud and sensor do not exist.
pub(crate) fn configured() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for name in ["ca.pem", "gateway.pem", "gateway.key"] {
        assert!(fs::copy(fixture(name), dir.path().join(name)).is_ok());
    }
    let good = fs::read_to_string(fixture("good.toml")).unwrap();
    let nowhere = good.replace("host = \"cloud.example\"", "host = \"127.0.0.1\"\nport = 1");
    let config = nowhere.replace("/dev/serial/by-id/usb-fridge", "no-such-port")
        + "\n[log]\nformat = \"json\"\nlevel = \"debug\"\n";
    fs::write(dir.path().join("agent.toml"), config).unwrap();
    dir
}

pub(crate) fn command(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kitchen-agent"));
    command.arg("--config").arg(dir.join("agent.toml")).arg("run").stderr(Stdio::piped());
    command
}

/// A running service; killed when the test ends early.
pub(crate) struct Service {
    child: Child,
    log: std::io::Lines<BufReader<std::process::ChildStderr>>,
}

impl Service {
    pub(crate) fn start(dir: &Path) -> Self {
        let mut child = command(dir).spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { child, log }
    }

    /// The next log line with this message.
    pub(crate) fn said(&mut self, message: &str) -> serde_json::Value {
        let lines = self.log.by_ref().map(|line| serde_json::from_str::<serde_json::Value>(&line.unwrap()).unwrap());
        let mut said = lines.skip_while(|line| line["message"] != message);
        said.next().unwrap_or_else(|| panic!("never said: {message}"))
    }

    pub(crate) fn terminate(mut self) -> ExitStatus {
        self.end()
    }

    /// How often it has said that, from here to its end.
    pub(crate) fn says_until_its_end(mut self, message: &str) -> usize {
        assert!(self.end().success());
        self.log.by_ref().filter(|line| line.as_ref().unwrap().contains(message)).count()
    }

    /// As a power cut.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn end(&mut self) -> ExitStatus {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        self.child.wait().unwrap()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn it_samples_without_a_cloud_refuses_a_second_one_and_ends_when_told() {
    let dir = configured();
    let mut service = Service::start(dir.path());
    service.said("started");
    let fault = service.said("cannot connect");
    assert_eq!(fault["state"], "unreachable");
    let second = command(dir.path()).output().unwrap();
    let told = String::from_utf8(second.stderr).unwrap();
    assert_eq!(second.status.code(), Some(2), "{told}");
    assert!(told.contains("error: another process uses the data directory") && told.contains("code: buffer::locked"));
    assert_eq!(service.terminate().code(), Some(0));
}

#[test]
fn after_a_kill_it_starts_again_and_names_the_run_before() {
    let dir = configured();
    let mut first = Service::start(dir.path());
    let epoch = first.said("started")["epoch"].clone();
    first.said("round buffered");
    first.kill();
    let mut second = Service::start(dir.path());
    let started = second.said("started");
    assert_ne!(started["epoch"], epoch);
    assert!(started["backlog"].as_u64().unwrap() >= 1, "{started}");
    assert_eq!(second.terminate().code(), Some(0));
}

/// The end under load: as many sensors as a gateway can have, all due all the time, and people who ask for the status.
#[test]
fn it_ends_in_time_and_writes_what_it_has_taken() {
    let dir = configured();
    let file = dir.path().join("agent.toml");
    let config = fs::read_to_string(&file).unwrap();
    let (before, sensor) = config.split_once("[[sensors]]").unwrap();
    let (sensor, after) = sensor.split_once("[log]").unwrap();
    let sensor = sensor.replace("\"60s\"", "\"10s\"").replace("imei", "# imei");
    let many = (1..=32).map(|number| {
        format!(
            "[[sensors]]{}",
            sensor
                .replace("fridge-1", &format!("fridge-{number}"))
                .replace("no-such-port", &format!("no-port-{number}"))
        )
    });
    fs::write(&file, format!("{before}{}[log]{after}", many.collect::<String>())).unwrap();
    let mut command = command(dir.path());
    let log = fs::File::create(dir.path().join("log")).unwrap();
    let mut child = command.env("KITCHEN_TEST_SPEED", "100").stderr(log).spawn().unwrap();
    let socket = dir.path().join("data/status.sock");
    while UnixStream::connect(&socket).is_err() {
        sleep(Duration::from_millis(20));
    }
    // Asks, and does not wait for the answer.
    let asking = spawn(move || while UnixStream::connect(&socket).is_ok() {});
    let count = |message: &str| {
        let log = fs::read_to_string(dir.path().join("log")).unwrap();
        log.lines().filter(|line| line.contains(message)).count()
    };
    while count("reading taken") < 500 {
        sleep(Duration::from_millis(100));
    }
    let begin = Instant::now();
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    assert!(child.wait().unwrap().success());
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    assert_eq!(count("reading taken"), count("reading buffered"));
    assert_eq!(count("not everything ended in time"), 0);
    asking.join().unwrap();
}
