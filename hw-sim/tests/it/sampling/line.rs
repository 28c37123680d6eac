//! S1 to S7, S10 to S14 and S20: what goes wrong on the line, and what the agent makes of it.

use std::time::Duration;

use kitchen_agent::observation::Observation;
use kitchen_contract::fault::SensorFault;

use super::gateway::{Gateway, INTERVAL, faults, readings};
use crate::support::seconds;

/// What the loop carries in every one of these tests, and what that is over the configured range.
const CURRENT: &str = "fault current ma=10.976";
const TRUTH: f64 = 3.6;
/// A temperature may be so far from the truth: what the agent takes for a move that needs no second look (`jump`).
const FALSE_FROM: f64 = 2.0;
/// The sensor has booted, and the agent has been let in and measures.
const SETTLED: Duration = seconds_(180);
/// How long each fault stands.
const STANDS: Duration = seconds_(300);
/// I5: a fresh reading after a fault, but for what has to be waited for.
const FRESH_WITHIN: Duration = seconds_(60);
/// No record for longer than this would be a silent hole: a poll, with the login and the deaf minute before it.
const SILENT_AT_MOST: Duration = seconds_(180);

const fn seconds_(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// What a fault did.
struct Outcome {
    /// While it stood.
    during: Vec<Observation>,
    /// From its end to the first temperature.
    fresh_after: Duration,
}

/// Lets a fault stand for a while, and checks what holds for every one: no false temperature, no silence, back by itself.
async fn suffer(seed: u64, fault: &str) -> Outcome {
    let mut gateway = Gateway::start(seed, "");
    gateway.tell(CURRENT);
    gateway.pass(SETTLED).await;
    assert!(readings(&gateway.seen).last().is_some_and(|(_, reading)| reading.value.is_ok()), "{fault}: never settled");
    gateway.tell(&format!("fault {fault} for={}", STANDS.as_secs()));
    let during = gateway.pass(STANDS).await.to_vec();
    let cleared = gateway.now();
    let after = gateway.pass(STANDS + FRESH_WITHIN).await;
    let fresh = readings(after).find(|(at, reading)| *at >= cleared && reading.value.is_ok());
    let fresh_after = fresh.map(|(at, _)| at - cleared).unwrap_or_else(|| panic!("{fault}, seed {seed}: never back"));
    check(&gateway.seen, &format!("{fault}, seed {seed}"));
    Outcome { during, fresh_after }
}

fn check(seen: &[Observation], name: &str) {
    let mut last = SETTLED;
    for (at, reading) in readings(seen) {
        if let Ok(value) = reading.value {
            let off = (value.get() - TRUTH).abs();
            assert!(off < FALSE_FROM, "{name}: {} °C at {at:?} was never measured", value.get());
        }
        // What was heard while nobody knew who spoke is recorded later.
        if at > last {
            assert!(at - last <= INTERVAL + SILENT_AT_MOST, "{name}: no record from {last:?} to {at:?}");
            last = at;
        }
    }
}

/// Whether the polls were answered nearly as if nothing was.
fn mostly_measured(outcome: &Outcome) -> bool {
    let measured = readings(&outcome.during).filter(|(_, reading)| reading.value.is_ok()).count();
    measured as u64 * 10 >= STANDS.as_secs() / INTERVAL.as_secs() * 8
}

#[tokio::test(start_paused = true)]
async fn s1_noise_of_every_strength_never_makes_a_temperature() {
    let (mut lost, mut runs) = (0, 0);
    for rate in ["0.001", "0.003", "0.01", "0.03", "0.1"] {
        for seed in 0..40 {
            let outcome = suffer(seed, &format!("noise rate={rate}")).await;
            assert!(outcome.fresh_after <= FRESH_WITHIN, "rate {rate}, seed {seed}: {:?}", outcome.fresh_after);
            lost += usize::from(!faults(&outcome.during).is_empty());
            runs += 1;
        }
    }
    assert!(lost > runs / 4, "the noise hurt too little to show anything: {lost} of {runs}");
}

#[tokio::test(start_paused = true)]
async fn s2_a_reply_that_ends_anywhere_is_asked_for_again() {
    for bytes in (0..240).step_by(6) {
        let outcome = suffer(bytes, &format!("truncated bytes={bytes} once=yes")).await;
        assert!(mostly_measured(&outcome), "{bytes} bytes: {:?}", faults(&outcome.during));
        assert!(outcome.fresh_after <= INTERVAL * 2);
    }
    for bytes in [0, 30, 120] {
        let outcome = suffer(bytes, &format!("truncated bytes={bytes}")).await;
        assert!(!faults(&outcome.during).is_empty(), "{bytes} bytes");
        assert!(outcome.fresh_after <= FRESH_WITHIN, "{bytes} bytes: {:?}", outcome.fresh_after);
    }
}

#[tokio::test(start_paused = true)]
async fn s3_an_echo_of_any_kind_changes_nothing() {
    for (seed, mode) in (0..).zip(["on", "off", "partial", "partial part=0.1", "partial part=0.9", "on after=100"]) {
        let outcome = suffer(seed, &format!("echo mode={mode}")).await;
        // What came back of half a line cannot be told from the reply behind it.
        assert!(mode.starts_with("partial") || mostly_measured(&outcome), "echo {mode}: {:?}", faults(&outcome.during));
        assert!(outcome.fresh_after <= FRESH_WITHIN);
    }
}

#[tokio::test(start_paused = true)]
async fn s4_a_line_in_between_is_put_aside() {
    for after in 1..=9 {
        for text in ["RDY", "+CSQ:17,0", "OK", "ERROR", "[99]Signal", "garbage"] {
            let outcome = suffer(after, &format!("unsolicited text={text} after={after} once=yes")).await;
            assert!(mostly_measured(&outcome), "{text} after {after}: {:?}", faults(&outcome.during));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn s5_a_late_reply_is_never_the_next_ones() {
    for delay in ["0.5", "2", "7.9", "8.1", "9", "12", "15", "16.3", "20", "40"] {
        let outcome = suffer(5, &format!("late delay={delay}")).await;
        let once = suffer(6, &format!("late delay={delay} once=yes")).await;
        assert!(outcome.fresh_after <= FRESH_WITHIN, "{delay} s late: {:?}", outcome.fresh_after);
        assert!(mostly_measured(&once), "once {delay} s late: {:?}", faults(&once.during));
    }
}

#[tokio::test(start_paused = true)]
async fn s6_a_restart_in_the_middle_of_a_reply_is_got_over() {
    for (seed, bytes) in (0..).zip([0, 1, 17, 40, 90, 150, 199]) {
        let outcome = suffer(seed, &format!("reboot bytes={bytes}")).await;
        let measured = readings(&outcome.during).filter(|(_, reading)| reading.value.is_ok()).count();
        assert!(measured >= 5, "{bytes} bytes: {measured} readings in {STANDS:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn s7_a_console_that_locks_at_any_moment_is_logged_in_to() {
    for every in [7, 31, 61] {
        let outcome = suffer(every, &format!("password every={every}")).await;
        assert!(outcome.fresh_after <= FRESH_WITHIN, "every {every} s: {:?}", outcome.fresh_after);
    }
    let refused = suffer(1, "password pin=999999").await;
    assert_eq!(faults(&refused.during).last(), Some(&SensorFault::WrongPin));
    // A refused PIN is tried again slowly, so that it locks nobody out.
    assert!(refused.fresh_after <= seconds(300 + 20), "{:?}", refused.fresh_after);
}

#[tokio::test(start_paused = true)]
async fn s10_a_line_at_another_rate_is_a_fault() {
    for rate in [4800, 19_200, 115_200] {
        let outcome = suffer(10, &format!("baud rate={rate}")).await;
        assert!(!faults(&outcome.during).is_empty(), "{rate} baud");
        assert!(outcome.fresh_after <= FRESH_WITHIN, "{rate} baud: {:?}", outcome.fresh_after);
    }
}

#[tokio::test(start_paused = true)]
async fn s11_to_s14_a_sensor_that_is_stuck_floods_or_drips_is_a_fault_in_time() {
    for fault in ["stuck", "never-reads", "endless", "drip every=0.5", "drip every=3"] {
        let outcome = suffer(11, fault).await;
        assert!(faults(&outcome.during).contains(&SensorFault::NoAnswer), "{fault}: {:?}", faults(&outcome.during));
        assert!(outcome.fresh_after <= FRESH_WITHIN, "{fault}: {:?}", outcome.fresh_after);
    }
}

#[tokio::test(start_paused = true)]
async fn s20_bytes_that_are_no_text_never_make_a_temperature() {
    for kind in ["all", "utf8", "nul", "ansi"] {
        for seed in 0..10 {
            let outcome = suffer(seed, &format!("junk kind={kind} rate=0.05")).await;
            assert!(outcome.fresh_after <= FRESH_WITHIN, "{kind}, seed {seed}: {:?}", outcome.fresh_after);
        }
    }
}
