//! All sensors polled as often as they honestly can: is every measurement stored once, and how soon is it on disk?

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use serde_json::Value;
use sqlx::Row;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};

use super::{Site, idle, show};

/// A warm-up of 6 s, the conversions, and what a busy console takes: the least interval that the agent accepts.
const INTERVAL: Duration = Duration::from_secs(10);
/// From the end of a measurement on the line to its record on disk, in s, 99 of 100 times.
pub(super) const ON_DISK_S_MAX: f64 = 2.0;
/// The resident memory's limit while polling, in KiB.
const RSS_KIB_MAX: f64 = 12.0 * 1024.0;
/// What was sent and not acknowledged when sampling stopped gets so long.
const DRAIN: Duration = Duration::from_secs(20);
/// Two measurements of one sensor cannot be closer: a block takes longer to print. (One that is asked for may well come
/// right behind one of the sensor's own.)
const APART_S: f64 = 0.1;

pub(super) async fn measure(binary: &Path, minutes: u64) -> anyhow::Result<bool> {
    let mut site = Site::start(binary, INTERVAL).await?;
    tokio::time::sleep(Duration::from_secs(60 * minutes)).await;
    let rss = idle::rss_kib(site.agent_id()?)?;
    let printed = settled(&site).await?;
    let stored = stored(&site).await?;
    let log = std::fs::read_to_string(site.agent.log())?;
    site.agent.terminate().await?;
    let kept: usize = stored.values().map(Vec::len).sum();
    let doubled = stored.values().map(|times| doubled(times)).sum::<usize>();
    println!("measurements printed by the sensors in {minutes} min   {printed}, stored {kept}");
    let none_lost = show("measurements lost", printed as f64 - kept as f64, "", 0.0);
    let none_doubled = show("measurements doubled", doubled as f64, "", 0.0);
    let soon = show("measured to on disk, 99 of 100", on_disk_s(&log, 0.99)?, "s", ON_DISK_S_MAX);
    let small = show("RSS while polling", rss, "KiB", RSS_KIB_MAX);
    println!("measured to on disk, half {:.3} s, longest {:.3} s", on_disk_s(&log, 0.5)?, on_disk_s(&log, 1.0)?);
    Ok(none_lost && none_doubled && soon && small)
}

/// How many measurements the sensors have printed, at a moment when the store has them all, or after [`DRAIN`] has not.
async fn settled(site: &Site) -> anyhow::Result<u64> {
    let deadline = tokio::time::Instant::now() + DRAIN;
    loop {
        let printed = site.printed().await?;
        let stored: usize = stored(site).await?.values().map(Vec::len).sum();
        let all = stored as u64 == printed && printed == site.printed().await?;
        if all || tokio::time::Instant::now() > deadline {
            return Ok(printed);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The times of each sensor's stored measurements, in seconds, in order.
async fn stored(site: &Site) -> anyhow::Result<BTreeMap<String, Vec<f64>>> {
    let file = site.layout.dir().join("data/store.sqlite");
    let pool = SqlitePool::connect_with(SqliteConnectOptions::new().filename(file).read_only(true)).await?;
    let rows = sqlx::query(
        "SELECT json_extract(item, '$.record.deviceId') AS device, \
         (julianday(json_extract(item, '$.record.timestamp')) - 2440587.5) * 86400.0 AS at \
         FROM \"VisionDrive-SensorReadings\" WHERE (sk LIKE 'READING#%' OR sk LIKE 'RECORD#%') AND json_extract(item, '$.record.rawMa') IS NOT NULL ORDER BY at",
    )
    .fetch_all(&pool)
    .await?;
    pool.close().await;
    let mut stored: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for row in rows {
        stored.entry(row.try_get("device")?).or_default().push(row.try_get("at")?);
    }
    Ok(stored)
}

fn doubled(times: &[f64]) -> usize {
    let close = |pair: &&[f64]| pair[1] - pair[0] < APART_S;
    times.windows(2).filter(close).inspect(|pair| println!("so close: {pair:?}")).count()
}

/// From a measurement's arrival to its place on disk, as the log has both; so quick were that many of all. The first of a
/// sensor is not counted: it is held back until a second one confirms it.
pub(super) fn on_disk_s(log: &str, share: f64) -> anyhow::Result<f64> {
    let mut waits = Vec::new();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for line in log.lines().filter(|line| line.contains("reading buffered")) {
        let event: Value = serde_json::from_str(line)?;
        let (Some(arrived), Some(device)) = (event["arrived"].as_str(), event["device.id"].as_str()) else { continue };
        let count = seen.entry(device.to_owned()).or_default();
        *count += 1;
        if *count > 1 {
            waits.push(unix_s(event["timestamp"].as_str().context("a log line without its time")?)? - unix_s(arrived)?);
        }
    }
    waits.sort_by(f64::total_cmp);
    let last = waits.len().checked_sub(1).context("no reading was logged")?;
    Ok(waits[(last as f64 * share) as usize])
}

fn unix_s(text: &str) -> anyhow::Result<f64> {
    let time: jiff::Timestamp = text.parse()?;
    Ok(time.as_microsecond() as f64 / 1e6)
}
