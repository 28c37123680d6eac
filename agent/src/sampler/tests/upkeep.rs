//! The sensor's clock and history against the small device: what is read, set and recorded of it between polls.

use std::time::Duration;

use kitchen_contract::record::{Body, Trigger};
use tokio::time::{Instant, sleep};

use super::bench::{Bench, IMEI, OTHER_IMEI};
use crate::at::command::Value;
use crate::at::sensor_clock::SensorClock;
use crate::clock::wall::{Exchange, Stamp};

const NOW: &str = "2026-12-01 T10:00:00";

/// The sink tells the agent that it is [`NOW`].
fn anchor(bench: &Bench) {
    let server_time = SensorClock::parse(NOW).unwrap().0;
    let now = bench.clock.now();
    bench.clock.learn(Exchange { sent: now, received: now, server_time });
}

/// The readings of a while that came from the history: when they were measured, and what.
async fn backfilled(bench: &mut Bench, seconds: u64) -> Vec<(String, f64)> {
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut found = Vec::new();
    while let Ok(Some(observation)) = tokio::time::timeout_at(until, bench.observations.recv()).await {
        match (observation.body, observation.stamp) {
            (Body::Reading(reading), Some(Stamp::Settled { timestamp, .. })) => {
                assert_eq!(reading.trigger, Trigger::Backfill);
                found.push((timestamp.to_string()[11..19].to_owned(), reading.value.unwrap().get()));
            }
            (Body::Reading(reading), _) => assert_ne!(reading.trigger, Trigger::Backfill),
            _ => {}
        }
    }
    found
}

fn asked(bench: &Bench, line: &str) -> usize {
    bench.fake.lock().unwrap().asked.iter().filter(|asked| asked.contains(line)).count()
}

#[tokio::test(start_paused = true)]
async fn the_night_without_the_gateway_is_filled_once() {
    let mut bench = Bench::new(&format!("imei = '{IMEI}'"));
    bench.set(|fake| {
        fake.clock = (SensorClock::parse(NOW).unwrap().0, Instant::now());
        fake.history = vec![
            "2026/12/1 09:15:00 idc_input=12.000 vdc_input=0.012",
            "2026/12/1 07:45:00 idc_input=4.000 vdc_input=0.012",
            "2026/12/1 09:00:00 idc_input=10.976 vdc_input=0.012",
            "1970/1/1 00:00:00 idc_input=0.000 vdc_input=0.000",
        ];
    });
    anchor(&bench);
    let found = backfilled(&mut bench, 600).await;
    let times: Vec<_> = found.iter().map(|(at, value)| (at.as_str(), *value)).collect();
    assert!(matches!(times[..], [("08:59:59" | "09:00:00", 3.6), ("09:14:59" | "09:15:00", 10.0)]), "{times:?}");
    assert_eq!(backfilled(&mut bench, 7200).await, []);
}

#[tokio::test(start_paused = true)]
async fn nobody_knows_what_another_sensor_measured_before() {
    let mut bench = Bench::new("");
    bench.set(|fake| {
        fake.imei = OTHER_IMEI;
        fake.clock = (SensorClock::parse(NOW).unwrap().0, Instant::now());
        fake.history = vec!["2026/12/1 09:15:00 idc_input=12.000 vdc_input=0.012"];
    });
    anchor(&bench);
    assert_eq!(backfilled(&mut bench, 600).await, []);
}

/// The marks of a while, with the triggers of the readings that brought them.
async fn marked(bench: &mut Bench, seconds: u64) -> Vec<(Trigger, Option<String>)> {
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut found = Vec::new();
    while let Ok(Some(observation)) = tokio::time::timeout_at(until, bench.observations.recv()).await {
        if let (Body::Reading(reading), Some(mark)) = (observation.body, observation.mark) {
            assert_eq!((mark.imei.as_str(), &mark.device_id), (IMEI, &reading.device_id));
            found.push((reading.trigger, mark.until.map(|until| until.to_string()[11..16].to_owned())));
        }
    }
    found
}

#[tokio::test(start_paused = true)]
async fn while_a_hole_is_filled_each_row_moves_the_mark_and_then_each_reading() {
    let mut bench = Bench::new("");
    bench.set(|fake| {
        fake.clock = (SensorClock::parse(NOW).unwrap().0, Instant::now());
        fake.history = vec![
            "2026/12/1 09:45:10 idc_input=12.000 vdc_input=0.012",
            "2026/12/1 09:00:10 idc_input=10.976 vdc_input=0.012",
        ];
    });
    assert_eq!(marked(&mut bench, 400).await, [], "nobody knows our own time");
    anchor(&bench);
    let found = marked(&mut bench, 130).await;
    let at = |text: &str| Some(text.to_owned());
    assert_eq!(found[..2], [(Trigger::Backfill, at("08:53")), (Trigger::Backfill, at("09:38"))]);
    assert!(matches!(&found[2..], [(Trigger::Poll, Some(_)), ..]), "{found:?}");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_never_learns_the_time_leaves_no_mark() {
    let mut bench = Bench::new("");
    let found = marked(&mut bench, 1800).await;
    assert!(found.len() >= 10 && found.iter().all(|mark| *mark == (Trigger::Poll, None)), "{found:?}");
}

#[tokio::test(start_paused = true)]
async fn rows_of_a_wrong_clock_are_deleted_before_it_is_set() {
    let mut bench = Bench::new("");
    let ahead_ms = 4 * 3_600_000;
    let ahead = SensorClock::parse(NOW).unwrap().0.saturating_add_ms(ahead_ms);
    bench.set(|fake| fake.clock = (ahead, Instant::now()));
    anchor(&bench);
    backfilled(&mut bench, 300).await;
    let of_both = |line: &&String| line.contains("AT+CDP=0") || line.contains("AT+TIMESTAMP=1");
    let asked: Vec<_> = bench.fake.lock().unwrap().asked.iter().filter(of_both).cloned().collect();
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert_eq!(asked[0], "AT+CDP=0");
}

#[tokio::test(start_paused = true)]
async fn a_cable_that_was_out_leaves_no_hole() {
    let mut bench = Bench::settled("").await;
    anchor(&bench);
    sleep(Duration::from_secs(120)).await;
    bench.set(|fake| (fake.unplugged, fake.silent) = (true, true));
    sleep(Duration::from_secs(3600)).await;
    bench.set(|fake| fake.history = vec!["2026/12/1 10:30:00 idc_input=12.000 vdc_input=0.012"]);
    bench.set(|fake| (fake.unplugged, fake.silent) = (false, false));
    let found = backfilled(&mut bench, 900).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].0.starts_with("10:29:59") || found[0].0.starts_with("10:30:00"), "{found:?}");
}

#[tokio::test(start_paused = true)]
async fn clock_and_history_are_set_when_our_time_is_known_and_again_after_a_restart() {
    let mut bench = Bench::settled("").await;
    sleep(Duration::from_secs(300)).await;
    assert_eq!(asked(&bench, "CLOCKLOG"), 0);
    anchor(&bench);
    backfilled(&mut bench, 300).await;
    assert_eq!((asked(&bench, "AT+CLOCKLOG=1,0,15,0"), asked(&bench, "AT+TIMESTAMP=1")), (1, 1));
    backfilled(&mut bench, 3600).await;
    assert_eq!(asked(&bench, "AT+TIMESTAMP=1"), 1, "it runs well");
    bench.set(|fake| {
        fake.clock = (SensorClock::parse("2021-02-03 T00:00:00").unwrap().0, Instant::now());
        (fake.locked, fake.print) = (true, super::bench::BOOT.to_owned());
    });
    backfilled(&mut bench, 300).await;
    assert_eq!((asked(&bench, "AT+CLOCKLOG=1,0,15,0"), asked(&bench, "AT+TIMESTAMP=1")), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn a_firmware_without_a_clock_is_asked_once_a_day_and_measures_on() {
    let mut bench = Bench::new("");
    bench.set(|fake| fake.unknown = "TIMESTAMP");
    anchor(&bench);
    backfilled(&mut bench, 3600).await;
    let asked_at_first = asked(&bench, "TIMESTAMP");
    assert!((1..=6).contains(&asked_at_first), "{asked_at_first}");
    assert_eq!(bench.punctuality.borrow().command.polls, 0);
    bench.temperature().await;
    backfilled(&mut bench, 20 * 3600).await;
    assert_eq!(asked(&bench, "TIMESTAMP"), asked_at_first);
}
