//! Three ports in trouble beside thirteen in order: what they cost, and whether the others notice.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Error};
use serde_json::Value;

use super::idle::{self, SETTLE};
use super::{Site, polling, show};

/// What each port in trouble may cost, in % of one processor.
const CPU_PERCENT_MAX: f64 = 1.0;
/// How often every sensor is polled here.
const INTERVAL: Duration = Duration::from_secs(20);
/// The ports in trouble: hung up, never silent, and gone.
const TROUBLES: [&str; 3] = ["fault stuck", "fault endless", "unplug"];

pub(super) async fn measure(binary: &Path) -> anyhow::Result<bool> {
    let site = Site::start(binary, INTERVAL).await?;
    idle::first_polls(&site).await?;
    let in_order = idle::look(&site).await?.cpu_percent;
    let calm = std::fs::read_to_string(site.agent.log())?.len();
    for (sensor, trouble) in site.sensors.iter().zip(TROUBLES) {
        sensor.controller().command(trouble).await.map_err(Error::msg)?;
    }
    tokio::time::sleep(SETTLE).await;
    let in_trouble = idle::look(&site).await?.cpu_percent;
    let log = std::fs::read_to_string(site.agent.log())?;
    let others = Others::of(&site, log.get(calm..).context("the log became shorter")?)?;
    let cost = (in_trouble - in_order) / TROUBLES.len() as f64;
    println!("processor with all ports in order {in_order:.3} %, with three in trouble {in_trouble:.3} %");
    println!("readings of the others meanwhile {}", others.readings);
    let cheap = show("processor per port in trouble", cost, "%", CPU_PERCENT_MAX);
    let punctual = show("late polls of the others, without a lock", others.late as f64, "", 0.0);
    let fine = show("faults of the others", others.faults as f64, "", 0.0);
    let soon = show("measured to on disk of the others, 99 of 100", others.on_disk_s, "s", polling::ON_DISK_S_MAX);
    Ok(cheap && punctual && fine && soon && others.readings > 0)
}

/// What the log says of the sensors on ports in order.
struct Others {
    readings: usize,
    faults: usize,
    late: usize,
    on_disk_s: f64,
}

impl Others {
    fn of(site: &Site, log: &str) -> anyhow::Result<Self> {
        let names: Vec<&str> = site.layout.plan().sensors.iter().map(|sensor| sensor.device_id.as_str()).collect();
        let troubled = |line: &&str| {
            let device = serde_json::from_str::<Value>(line).ok().map(|event| event["device.id"].clone());
            device.is_some_and(|device| names[..TROUBLES.len()].contains(&device.as_str().unwrap_or_default()))
        };
        let lines: Vec<&str> = log.lines().filter(|line| !troubled(line)).collect();
        let count = |text: &str| lines.iter().filter(|line| line.contains(text)).count();
        let readings = count("reading buffered");
        // Each console locks itself every five minutes, in trouble or not.
        let late = |line: &&&str| line.contains("poll left late") && !line.contains("Relock");
        lines.iter().filter(late).take(20).for_each(|line| println!("{line}"));
        let temperatures =
            lines.iter().filter(|line| line.contains("reading buffered") && line.contains("\"temperature\""));
        Ok(Self {
            readings,
            faults: readings - temperatures.count(),
            late: lines.iter().filter(late).count(),
            on_disk_s: polling::on_disk_s(&lines.join("\n"), 0.99)?,
        })
    }
}
