//! What the sensor measured while the gateway was away fills the hole: marked, in order, once.

use kitchen_contract::time::Timestamp;

use super::gateway::{BEGIN, Gateway, backfilled, readings};
use crate::support::seconds;

fn utc(after_s: i64) -> Timestamp {
    let begin: Timestamp = BEGIN.parse().unwrap();
    begin.saturating_add_ms(after_s * 1000)
}

/// Rows every 15 minutes, in rising order, of what the unit really was.
fn check(rows: &[(Timestamp, kitchen_contract::record::Reading)], (from_s, to_s): (i64, i64), expected: usize) {
    assert_eq!(rows.len(), expected, "{rows:?}");
    for pair in rows.windows(2) {
        let apart_ms = pair[1].0.ms_since(pair[0].0);
        // A measurement for us in between is waited for.
        assert!((892_000..=908_000).contains(&apart_ms), "{apart_ms} ms");
    }
    for (timestamp, reading) in rows {
        assert!(*timestamp > utc(from_s) && *timestamp < utc(to_s), "{timestamp}");
        assert!((-5.0..15.0).contains(&reading.value.unwrap().get()), "{reading:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_cable_that_was_out_for_hours_leaves_no_hole() {
    let mut gateway = Gateway::start(30, "");
    gateway.anchor();
    gateway.pass(seconds(5280)).await;
    assert_eq!(backfilled(&gateway.seen).len(), 0);
    gateway.plug(false);
    gateway.pass(seconds(3 * 3600)).await;
    gateway.plug(true);
    let seen = gateway.pass(seconds(300)).await;
    check(&backfilled(seen), (5280, 5280 + 3 * 3600), 12);
    let seen = gateway.pass(seconds(7200)).await;
    assert_eq!(backfilled(seen).len(), 0, "once");
    assert!(readings(seen).count() > 300);
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_was_off_for_hours_leaves_no_hole() {
    let mut gateway = Gateway::start(31, "");
    gateway.anchor();
    gateway.pass(seconds(5280)).await;
    gateway.stop_agent();
    gateway.pass(seconds(2 * 3600)).await;
    gateway.restart_agent();
    let seen = gateway.pass(seconds(300)).await;
    check(&backfilled(seen), (5280, 5280 + 2 * 3600), 8);
}

#[tokio::test(start_paused = true)]
async fn power_that_flickers_leaves_no_hole_and_fills_none_twice() {
    let mut gateway = Gateway::start(33, "");
    gateway.anchor();
    gateway.pass(seconds(5400)).await;
    gateway.stop_agent();
    gateway.pass(seconds(2 * 3600)).await;
    let before = gateway.seen.len();
    for ran_s in [5, 20, 40, 60, 70, 80, 300] {
        gateway.restart_agent();
        gateway.pass(seconds(ran_s)).await;
        gateway.stop_agent();
        gateway.pass(seconds(5)).await;
    }
    check(&backfilled(&gateway.seen[before..]), (5400, 5400 + 2 * 3600 + 60), 8);
}

#[tokio::test(start_paused = true)]
async fn what_was_measured_before_the_sensors_own_restart_has_no_time() {
    let mut gateway = Gateway::start(32, "");
    gateway.anchor();
    gateway.pass(seconds(5400)).await;
    gateway.plug(false);
    gateway.pass(seconds(3600)).await;
    gateway.tell("power-cut 10");
    gateway.pass(seconds(3600)).await;
    gateway.plug(true);
    let seen = gateway.pass(seconds(600)).await;
    assert_eq!(backfilled(seen).len(), 0);
    gateway.plug(false);
    gateway.pass(seconds(2 * 3600)).await;
    gateway.plug(true);
    let seen = gateway.pass(seconds(300)).await;
    check(&backfilled(seen), (5400 + 7800, 5400 + 15_000), 7);
}
