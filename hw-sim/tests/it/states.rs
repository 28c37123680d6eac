//! What goes wrong at a kitchen is a visible state, never the end: sampling goes on, and what was wrong can be put right
//! while everything runs.

use std::path::Path;
use std::time::Duration;

use hw_sim::Imei;
use hw_sim::bench::layout::{GATEWAY, KITCHEN};
use hw_sim::bench::process::Role;
use hw_sim::bench::{Layout, Process, process::Run};
use jiff::Timestamp;
use nix::sys::signal::Signal;
use serde_json::Value;
use tokio::time::sleep;

use crate::evidence::Evidence;
use crate::kitchen::{Kitchen, plan, wait_for};

const FRIDGE: &str = "walk-in-fridge";
const FREEZER: &str = "freezer";

fn log_of(layout: &Layout, name: &str) -> String {
    std::fs::read_to_string(layout.dir().join(name)).unwrap_or_default()
}

async fn agent_says(layout: &Layout, text: &str) {
    wait_for(&format!("the agent to say {text:?}"), || {
        let said = log_of(layout, "agent.log").contains(text);
        async move { said.then_some(()) }
    })
    .await;
}

fn replace_in(path: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.contains(from));
    std::fs::write(path, text.replace(from, to)).unwrap();
}

#[tokio::test]
async fn a_wrong_pin_is_a_fault_and_no_pin_is_ever_logged() {
    let mut kitchen = Kitchen::prepare(plan()).await;
    replace_in(&kitchen.layout.dir().join("agent.toml"), "\"604218\"", "\"999999\"");
    kitchen.start_cloud().await;
    kitchen.start_sensors();
    kitchen.start_agent();
    let readings = kitchen.readings(FRIDGE, 3, |reading| reading["fault"] == "wrong-pin").await;
    assert!(readings.iter().all(|reading| reading["temperature"].is_null()));
    assert_eq!(kitchen.agent.as_mut().unwrap().ended().unwrap(), None);
    let current = kitchen.client().await.get(&format!("/sensors/{FRIDGE}/current")).await.unwrap();
    assert_eq!(current["status"], "fault");
    kitchen.settle().await;
    assert!(!log_of(&kitchen.layout, "agent.log").contains("999999"));
    Evidence::of(&kitchen.layout).await.is_whole();
}

#[tokio::test]
async fn a_foreign_certificate_is_a_state_and_the_right_one_is_used_when_it_comes() {
    let mut kitchen = Kitchen::prepare(plan()).await;
    let stranger = Kitchen::prepare(plan()).await;
    let pair = |layout: &Layout, end: &str| layout.dir().join(format!("pki/gateways/{GATEWAY}.{end}"));
    let own = ["pem", "key"].map(|end| std::fs::read(pair(&kitchen.layout, end)).unwrap());
    for end in ["pem", "key"] {
        std::fs::copy(pair(&stranger.layout, end), pair(&kitchen.layout, end)).unwrap();
    }
    kitchen.start_cloud().await;
    kitchen.start_sensors();
    kitchen.start_agent();
    agent_says(&kitchen.layout, "tls-refused").await;
    agent_says(&kitchen.layout, "\"message\":\"reading taken\",\"device.id\":\"walk-in-fridge\",\"temperature\"").await;
    for (end, content) in ["pem", "key"].into_iter().zip(own) {
        std::fs::write(pair(&kitchen.layout, end), content).unwrap();
    }
    kitchen.readings(FRIDGE, 3, |reading| reading["temperature"].is_number()).await;
    kitchen.settle().await;
    Evidence::of(&kitchen.layout).await.is_whole();
}

/// A mistyped kitchen: its records can never be taken, and must not hold up those of the right one behind them.
#[tokio::test]
async fn a_wrong_kitchen_is_said_and_does_not_hold_up_the_right_one() {
    let mut kitchen = Kitchen::prepare(plan()).await;
    let config = kitchen.layout.dir().join("agent.toml");
    let (right, wrong) = (format!("kitchen_id = \"{KITCHEN}\""), "kitchen_id = \"no-such-kitchen\"");
    replace_in(&config, &right, wrong);
    kitchen.start_cloud().await;
    kitchen.start_sensors();
    kitchen.start_agent();
    agent_says(&kitchen.layout, "the cloud does not take the records of this kitchen").await;
    assert!(kitchen.agent.take().unwrap().terminate().await.unwrap().success());
    replace_in(&config, wrong, &right);
    kitchen.start_agent();
    kitchen.readings(FRIDGE, 3, |reading| reading["temperature"].is_number()).await;
}

#[tokio::test]
async fn a_port_that_another_program_holds_is_a_fault_until_it_is_free() {
    let mut kitchen = Kitchen::prepare(plan()).await;
    kitchen.start_sensors();
    let link = kitchen.layout.port_link(0);
    wait_for("the port", || {
        let there = link.exists();
        async move { there.then_some(()) }
    })
    .await;
    let holder = std::fs::File::options().read(true).write(true).open(&link).unwrap();
    nix::fcntl::Flock::lock(holder.try_clone().unwrap(), nix::fcntl::FlockArg::LockExclusiveNonblock)
        .map(std::mem::forget)
        .unwrap();
    kitchen.start_cloud().await;
    kitchen.start_agent();
    kitchen.readings(FRIDGE, 2, |reading| reading["fault"] == "no-port").await;
    agent_says(&kitchen.layout, "port held by another program").await;
    kitchen.readings("freezer", 2, |reading| reading["temperature"].is_number()).await;
    drop(holder);
}

#[tokio::test]
async fn a_second_agent_and_a_second_cloud_exit_with_2_and_a_hint() {
    let kitchen = Kitchen::start(plan()).await;
    kitchen.readings(FRIDGE, 1, |_| true).await;
    let exe = Path::new(env!("CARGO_BIN_EXE_demo"));
    for (role, config, verb) in [(Role::Agent, "agent.toml", "run"), (Role::Cloud, "cloud.toml", "serve")] {
        let args = ["--config", config, verb].map(str::to_owned);
        let name = format!("second-{}", role.program());
        let run = Run { name: &name, dir: kitchen.layout.dir(), args: &args, envs: &[] };
        let mut second = Process::start(exe, role, run).unwrap();
        assert_eq!(second.wait().await.unwrap().code(), Some(2));
        let said = log_of(&kitchen.layout, &format!("{name}.log"));
        assert!(said.contains("help") || said.contains("hint"), "{said}");
    }
    kitchen.agent.as_ref().unwrap().signal(Signal::SIGTERM);
}

/// S9, S18: adapters change places, and nothing is credited to the wrong unit.
#[tokio::test]
async fn sensors_without_a_port_are_found_wherever_they_hang() {
    let mut kitchen = Kitchen::prepare(plan()).await;
    let config = kitchen.layout.dir().join("agent.toml");
    for (index, sensor) in kitchen.layout.plan().sensors.iter().enumerate() {
        let port = format!("port = \"{}\"", kitchen.layout.port_link(index).display());
        replace_in(&config, &port, &format!("imei = \"{}\"", Imei::from_seed(sensor.seed).as_str()));
    }
    let ports = format!("ports = [\"{}/tty-*\"]\n\n[mqtt]", kitchen.layout.dir().display());
    replace_in(&config, "\n[mqtt]", &ports);
    kitchen.start_cloud().await;
    kitchen.start_sensors();
    kitchen.start_agent();
    kitchen.readings(FRIDGE, 2, |reading| reading["temperature"].is_number()).await;
    kitchen.readings(FREEZER, 2, |reading| reading["temperature"].is_number()).await;

    for sensor in &mut kitchen.sensors {
        sensor.terminate().await.unwrap();
    }
    kitchen.sensors = vec![start_at(&kitchen.layout, 0, 1), start_at(&kitchen.layout, 1, 0)];
    for device in [FRIDGE, FREEZER] {
        let before = kitchen.readings(device, 2, |reading| reading["temperature"].is_number()).await.len();
        kitchen.readings(device, before + 2, |reading| reading["temperature"].is_number()).await;
    }
    let warm = |reading: &Value| reading["temperature"].as_f64().is_some_and(|celsius| celsius > -5.0);
    let cold = |reading: &Value| reading["temperature"].as_f64().is_some_and(|celsius| celsius < -5.0);
    assert_eq!(kitchen.readings(FRIDGE, 0, cold).await, Vec::<Value>::new());
    assert_eq!(kitchen.readings(FREEZER, 0, warm).await, Vec::<Value>::new());
    kitchen.settle().await;
    Evidence::of(&kitchen.layout).await.is_whole();
}

/// Starts a sensor of the plan at the port of another.
fn start_at(layout: &Layout, sensor: usize, port: usize) -> Process {
    let link = layout.port_link(port).display().to_string();
    let plan = &layout.plan().sensors[sensor];
    let (seed, speed) = (plan.seed.to_string(), layout.plan().speed.to_string());
    let args = ["run", "--link", &link, "--seed", &seed, "--unit", &plan.unit, "--speed", &speed].map(str::to_owned);
    let run = Run { name: "sensor-moved", dir: layout.dir(), args: &args, envs: &[] };
    Process::start(Path::new(env!("CARGO_BIN_EXE_demo")), Role::Sensor, run).unwrap()
}

#[tokio::test]
async fn an_agent_that_dies_leaves_its_last_will_and_one_that_ends_does_not() {
    for (killed, left) in [(false, None), (true, Some("lastWill"))] {
        let mut kitchen = Kitchen::start(plan()).await;
        kitchen.readings(FRIDGE, 1, |reading| reading["temperature"].is_number()).await;
        let mut agent = kitchen.agent.take().unwrap();
        if killed {
            agent.kill().await.unwrap();
        } else {
            assert!(agent.terminate().await.unwrap().success());
        }
        sleep(Duration::from_secs(1)).await;
        assert!(kitchen.cloud.as_mut().unwrap().terminate().await.unwrap().success());
        let will = Evidence::of(&kitchen.layout).await.last_will;
        assert_eq!(will.as_ref().map(|will| will["kind"].as_str().unwrap()), left);
    }
}

/// Every program as a process: what the sensor measured while the gateway was off is stored, marked, once.
#[tokio::test]
async fn a_gateway_that_was_off_is_filled_from_the_sensors_own_history() {
    let mut kitchen = Kitchen::prepare(plan()).await;
    let (speed, sensor) = (kitchen.layout.plan().speed, kitchen.layout.plan().sensors[0].seed);
    let port = format!("port = \"{}\"\n", kitchen.layout.port_link(0).display());
    let bound = format!("{port}imei = \"{}\"\nhistory_interval = \"1m\"\n", Imei::from_seed(sensor).as_str());
    replace_in(&kitchen.layout.dir().join("agent.toml"), &port, &bound);
    kitchen.start_cloud().await;
    kitchen.start_sensors();
    kitchen.start_agent();
    kitchen.readings(FRIDGE, 3, |reading| reading["temperature"].is_number()).await;

    // The history begins with the full hour by the sensor's clock, which was set to ours and runs faster.
    let past_the_hour_s = Timestamp::now().as_second().rem_euclid(3600) as f64;
    sleep(Duration::from_secs_f64((3600.0 - past_the_hour_s) / speed + 5.0)).await;
    assert!(kitchen.agent.as_mut().unwrap().terminate().await.unwrap().success());
    let off = Timestamp::now();
    sleep(Duration::from_secs(8)).await;
    let on = Timestamp::now();
    kitchen.start_agent();

    let backfilled = kitchen.readings(FRIDGE, 4, |reading| reading["trigger"] == "backfill").await;
    for reading in &backfilled {
        let at: Timestamp = reading["timestamp"].as_str().unwrap().parse().unwrap();
        assert!(off.as_second() - 2 <= at.as_second() && at.as_second() <= on.as_second() + 3, "{reading}");
        assert!(reading["temperature"].is_number(), "{reading}");
    }
    kitchen.readings(FREEZER, 3, |reading| reading["temperature"].is_number()).await;
    let count = kitchen.readings(FRIDGE, 4, |reading| reading["trigger"] == "backfill").await.len();
    assert!((4..=8).contains(&count), "{count} rows in 8 s of 1.2 s each");
    kitchen.settle().await;
    Evidence::of(&kitchen.layout).await.is_whole();
}
