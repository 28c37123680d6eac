//! The virtual port in real time, at high speed, with a client that knows nothing but file descriptors.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hw_sim::{PortError, SensorConfig, SensorError, SimulatedSensor};
use nix::fcntl::OFlag;

/// The longest wait for anything; what is waited for usually takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two looks of the client.
const LOOK: Duration = Duration::from_millis(2);
/// What the device has to answer a question, before it is asked again.
const ANSWER: Duration = Duration::from_millis(40);

pub(crate) struct Client(File);

impl Client {
    pub(crate) fn open(path: &Path) -> Self {
        let flags = OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
        Self(OpenOptions::new().read(true).write(true).custom_flags(flags.bits()).open(path).unwrap())
    }

    fn send(&mut self, line: &str) {
        self.0.write_all(format!("{line}\r").as_bytes()).unwrap();
    }

    /// Reads until the text has come.
    pub(crate) async fn read_until(&mut self, text: &str) -> String {
        let mut output = Vec::new();
        let read = async {
            loop {
                let mut buffer = [0; 512];
                match self.0.read(&mut buffer) {
                    Ok(count) => output.extend(&buffer[..count]),
                    Err(error) if error.kind() == ErrorKind::WouldBlock => tokio::time::sleep(LOOK).await,
                    Err(error) => panic!("{error}"),
                }
                if String::from_utf8_lossy(&output).contains(text) {
                    break;
                }
            }
        };
        let in_time = tokio::time::timeout(PATIENCE, read).await;
        let output = String::from_utf8_lossy(&output).into_owned();
        assert!(in_time.is_ok(), "waiting for {text:?}, got {output:?}");
        output
    }

    /// Asks again and again until the answer comes: during an upload a line may be lost, as at the real device.
    pub(crate) async fn ask(&mut self, line: &str, answer: &str) {
        let mut output = String::new();
        let ask = async {
            while !output.contains(answer) {
                // No room: what was written before has not been read yet.
                let _ = self.0.write(format!("{line}\r").as_bytes());
                tokio::time::sleep(ANSWER).await;
                let mut buffer = [0; 4096];
                if let Ok(count) = self.0.read(&mut buffer) {
                    output += &String::from_utf8_lossy(&buffer[..count]);
                }
            }
        };
        let in_time = tokio::time::timeout(PATIENCE, ask).await;
        assert!(in_time.is_ok(), "asked {line:?} for {answer:?}, got {output:?}");
    }

    /// Reads what is left until end of file. Not at once: a child that another test is just starting has the terminal's
    /// other end until its program begins.
    pub(crate) async fn read_to_hang_up(&mut self) {
        let read = async {
            let mut buffer = [0; 4096];
            while !matches!(self.0.read(&mut buffer), Ok(0)) {
                tokio::time::sleep(LOOK).await;
            }
        };
        assert!(tokio::time::timeout(PATIENCE, read).await.is_ok(), "no end of file");
    }

    /// Writes until nothing is taken for a while; how much was.
    pub(crate) async fn write_until_blocked(&mut self) -> usize {
        let (mut taken, mut refused) = (0, 0);
        while refused < 20 && taken < 1_000_000 {
            match self.0.write(&[b'x'; 256]) {
                Ok(count) => (taken, refused) = (taken + count, 0),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::WouldBlock);
                    refused += 1;
                    tokio::time::sleep(LOOK).await;
                }
            }
        }
        taken
    }

    /// The password again and again, as a driver does after a reset.
    pub(crate) async fn log_in(&mut self) {
        self.ask("604218", "Password Correct\r\n").await;
    }
}

fn sensor_in(directory: &Path) -> (SimulatedSensor, PathBuf) {
    let link = directory.join("ttyS1");
    let mut config = SensorConfig::new(&link, 7).unwrap();
    config.speed = 100.0;
    (SimulatedSensor::start(config).unwrap(), link)
}

#[tokio::test]
async fn a_client_logs_in_measures_and_comes_back() {
    let directory = tempfile::tempdir().unwrap();
    let (sensor, link) = sensor_in(directory.path());
    let mut client = Client::open(&link);
    client.log_in().await;
    client.send("AT+GETSENSORVALUE=0");
    // The battery sags while the modem works.
    let block = client.read_until("VDC_Input:").await;
    assert!(block.contains("]BAT:3.") && block.contains("]IDC_Input:"), "{block}");
    drop(client);

    let mut client = Client::open(&link);
    // The login lives in the device, and nothing that the other client left unread is read here.
    tokio::time::sleep(Duration::from_millis(20)).await;
    client.ask("AT", "\r\nOK\r\n\r\n").await;
    client.ask("AT+DEUI=?", &format!("{}\r\n\r\nOK\r\n\r\n", sensor.imei())).await;
    sensor.stop().await.unwrap();
    assert!(fs::symlink_metadata(&link).is_err());
}

#[tokio::test]
async fn unplugged_a_client_sees_a_hang_up_and_the_device_lives_on() {
    let directory = tempfile::tempdir().unwrap();
    let (sensor, link) = sensor_in(directory.path());
    let mut client = Client::open(&link);
    client.log_in().await;
    // A program started meanwhile must not keep the cable plugged in.
    let mut bystander = std::process::Command::new("sleep").arg("60").spawn().unwrap();
    sensor.unplug().await.unwrap();
    assert!(fs::symlink_metadata(&link).is_err());
    client.read_to_hang_up().await;
    bystander.kill().unwrap();
    bystander.wait().unwrap();
    assert_eq!(client.0.write(b"AT\r").unwrap_err().raw_os_error(), Some(5));

    sensor.replug().await.unwrap();
    let mut client = Client::open(&link);
    tokio::time::sleep(Duration::from_millis(20)).await;
    client.ask("AT+TDC=?", "7200\r\n\r\nOK\r\n\r\n").await;
    sensor.stop().await.unwrap();
}

#[tokio::test]
async fn reset_silence_and_another_pin() {
    let directory = tempfile::tempdir().unwrap();
    let (sensor, link) = sensor_in(directory.path());
    let mut client = Client::open(&link);
    client.log_in().await;
    sensor.set_pin("another1").await.unwrap();
    assert!(matches!(sensor.set_pin("TOO LONG").await, Err(SensorError::Pin(_))));
    sensor.silence(true).await.unwrap();
    client.send("AT+MODEL=?");
    tokio::time::sleep(Duration::from_millis(50)).await;
    sensor.silence(false).await.unwrap();
    sensor.reset().await.unwrap();
    let boot = client.read_until("NB module is initializing...").await;
    assert!(!boot.contains("PS-NB,v") && boot.contains("POR/PDR"), "{boot}");
    client.ask("604218", "Password Incorrect\r\n").await;
    client.ask("another1", "Password Correct\r\n").await;
    sensor.stop().await.unwrap();
}

#[tokio::test]
async fn a_file_in_the_way_is_refused_and_a_stale_link_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let link = directory.path().join("ttyS1");
    fs::write(&link, "precious").unwrap();
    let config = SensorConfig::new(&link, 1).unwrap();
    let refused = SimulatedSensor::start(config.clone()).unwrap_err();
    assert!(matches!(refused, SensorError::Port(PortError::Occupied(path)) if path == link));
    assert_eq!(fs::read_to_string(&link).unwrap(), "precious");

    fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink("/dev/pts/no-such", &link).unwrap();
    let sensor = SimulatedSensor::start(config).unwrap();
    assert_eq!(fs::read_link(&link).unwrap(), sensor.slave());
    sensor.stop().await.unwrap();
}

#[tokio::test]
async fn an_impossible_speed_is_refused() {
    for speed in [0.0, 1e-300, -1.0, f64::NAN, f64::INFINITY] {
        let mut config = SensorConfig::new("/nowhere", 1).unwrap();
        config.speed = speed;
        assert!(matches!(SimulatedSensor::start(config), Err(SensorError::Speed(_))));
    }
}
