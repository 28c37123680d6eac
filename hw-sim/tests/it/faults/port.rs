//! S8, S9, S12 and S13 on a real pty; S15 and S19, which are the host's.

use std::path::{Path, PathBuf};
use std::time::Duration;

use hw_sim::control::Command;
use hw_sim::{Controller, SensorConfig, SimulatedSensor};

use super::refused;
use crate::port::Client;

async fn sensor_in(directory: &Path) -> (SimulatedSensor, Controller, PathBuf) {
    let link = directory.join("ttyS1");
    let mut config = SensorConfig::new(&link, 7).unwrap();
    (config.speed, config.on_for) = (20.0, Duration::from_secs(120));
    let sensor = SimulatedSensor::start(config).unwrap();
    let controller = sensor.controller();
    (sensor, controller, link)
}

async fn tell(controller: &Controller, command: &str) {
    assert_eq!(controller.command(command).await, Ok(String::new()), "{command}");
}

#[tokio::test]
async fn s8_unplugged_there_is_end_of_file_and_no_link() {
    let directory = tempfile::tempdir().unwrap();
    let (sensor, controller, link) = sensor_in(directory.path()).await;
    let mut client = Client::open(&link);
    client.log_in().await;
    tell(&controller, "fault s8").await;
    client.read_to_hang_up().await;
    assert!(std::fs::symlink_metadata(&link).is_err());
    assert!(controller.command("clear s8").await.unwrap_err().contains("say `replug`"));
    tell(&controller, "replug").await;
    Client::open(&link).ask("AT", "\r\nOK\r\n\r\n").await;
    sensor.stop().await.unwrap();
}

#[tokio::test]
async fn s9_it_comes_back_under_another_name() {
    let directory = tempfile::tempdir().unwrap();
    let (sensor, controller, link) = sensor_in(directory.path()).await;
    let mut client = Client::open(&link);
    client.log_in().await;
    let elsewhere = directory.path().join("ttyS2");
    tell(&controller, &format!("fault s9 path={}", elsewhere.display())).await;
    client.read_to_hang_up().await;
    assert!(std::fs::symlink_metadata(&link).is_err());
    let mut client = Client::open(&elsewhere);
    client.ask("AT+DEUI=?", sensor.imei().as_str()).await;
    // The same name, and another terminal behind it: somebody else has taken the number.
    let before = std::fs::read_link(&elsewhere).unwrap();
    tell(&controller, "fault unplug").await;
    let holder = Client::open(Path::new("/dev/ptmx"));
    client.read_to_hang_up().await;
    tell(&controller, "fault replug").await;
    assert_ne!(std::fs::read_link(&elsewhere).unwrap(), before);
    Client::open(&elsewhere).ask("AT", "\r\nOK\r\n\r\n").await;
    drop(holder);
    sensor.stop().await.unwrap();
}

#[tokio::test]
async fn s12_the_clients_writes_block() {
    let directory = tempfile::tempdir().unwrap();
    let (sensor, controller, link) = sensor_in(directory.path()).await;
    let mut client = Client::open(&link);
    client.log_in().await;
    tell(&controller, "fault s12").await;
    // The terminal has a buffer of its own; beyond it nothing is taken any more.
    let taken = client.write_until_blocked().await;
    assert!((4096..200_000).contains(&taken), "{taken}");
    tell(&controller, "clear").await;
    // The sensor reads what was written, whatever it makes of it, and is there again.
    client.ask("AT", "\r\nOK\r\n\r\n").await;
    sensor.stop().await.unwrap();
}

#[tokio::test]
async fn s13_endless_bytes_come_as_long_as_they_last() {
    let directory = tempfile::tempdir().unwrap();
    let (sensor, controller, link) = sensor_in(directory.path()).await;
    let mut client = Client::open(&link);
    client.log_in().await;
    tell(&controller, "fault s13 byte=66").await;
    client.read_until(&"B".repeat(2000)).await;
    tell(&controller, "clear s13").await;
    client.ask("AT", "\r\nOK\r\n\r\n").await;
    sensor.stop().await.unwrap();
}

#[test]
fn s15_and_s19_are_made_on_the_host_and_say_how() {
    assert!(refused("s15").contains("open the port with another program"));
    assert!(refused("s19").contains("strace -f -P PORT -e inject=read,write:error=EINTR:when=2+3"));
    assert!("clear s15".parse::<Command>().unwrap_err().to_string().contains("made on the host"));
}
