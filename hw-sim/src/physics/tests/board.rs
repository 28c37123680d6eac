//! The whole way from the kitchen unit to the measured value.

use std::time::Duration;

use proptest::prelude::*;

use crate::physics::{Board, BoardConfig, BurnOut, Change, Environment, ProbeClass, ProbeFault, ProbeFaultKind, Unit};

const HOUR: Duration = Duration::from_secs(3600);

fn config(environment: Environment) -> BoardConfig {
    BoardConfig { environment, idc_clip: 21.333, startup_current: true, negative_reads_high: true }
}

fn board(seed: u64) -> Board {
    Board::new(config(Environment::walk_in_fridge()), seed)
}

/// Six seconds of 12 V before `now`, as the driver sets it.
fn measure(board: &mut Board, now: Duration) -> f64 {
    board.power_on(now.saturating_sub(Duration::from_secs(6)));
    let current = board.convert_idc_ma(now);
    board.power_off(now);
    current
}

fn celsius(current_ma: f64) -> f64 {
    (current_ma - 4.0) / 16.0 * 100.0 - 40.0
}

fn check_fault(environment: Environment, fault: &str, expected: std::ops::RangeInclusive<f64>) {
    let mut board = Board::new(config(environment), 1);
    board.change(HOUR, &Change::Fault(fault.parse().unwrap()));
    let current = measure(&mut board, HOUR * 2);
    assert!(expected.contains(&current), "{fault}: {current}");
    board.change(HOUR * 3, &Change::ClearFault(None));
    let (error, _) = error_at(&mut board, HOUR * 4);
    assert!(error < 0.5, "{fault} left {error} °C behind");
}

fn error_at(board: &mut Board, now: Duration) -> (f64, f64) {
    let current = measure(board, now);
    let truth = board.true_temperature(now);
    ((celsius(current) - truth).abs(), current)
}

#[test]
fn every_fault_reads_as_the_reference_says() {
    let fridge = Environment::walk_in_fridge;
    let high = Environment { burn_out: BurnOut::High, ..fridge() };
    check_fault(fridge(), "wire-break", 0.0..=0.002);
    check_fault(fridge(), "loop-short", 21.28..=21.4);
    check_fault(fridge(), "pt100-open", 3.4..=3.6);
    check_fault(high.clone(), "pt100-open", 21.0..=21.4);
    check_fault(high, "pt100-short", 3.4..=3.6);
    check_fault(fridge(), "reversed", 21.28..=21.4);
    check_fault(fridge(), "lead ohm=2", 11.4..=12.5);
    for held in [3.59, 3.61, 3.79, 4.0, 20.0, 20.5, 20.99] {
        check_fault(fridge(), &format!("current ma={held}"), held - 0.02..=held + 0.02);
    }
    check_fault(fridge(), "current ma=22", 21.28..=21.4);
}

#[test]
fn reversed_reads_nothing_where_the_sign_is_kept() {
    let signed = BoardConfig { negative_reads_high: false, ..config(Environment::walk_in_fridge()) };
    let mut board = Board::new(signed, 1);
    board.change(HOUR, &Change::Fault(ProbeFault::Reversed));
    assert_eq!(measure(&mut board, HOUR * 2), 0.0);
}

#[test]
fn errors_stay_within_the_budget_of_the_reference() {
    for (class, worst) in [(ProbeClass::A, 0.42), (ProbeClass::B, 0.62)] {
        for seed in 0..200 {
            let environment = Environment { unit: Unit::Freezer, probe_class: class, ..Environment::walk_in_fridge() };
            let (error, _) = error_at(&mut Board::new(config(environment), seed), HOUR);
            assert!(error <= worst, "class {class} seed {seed}: {error}");
        }
    }
}

#[test]
fn without_the_start_up_quirk_a_short_warm_up_reads_the_truth() {
    let config = BoardConfig { startup_current: false, ..config(Environment::walk_in_fridge()) };
    let mut board = Board::new(config, 1);
    board.power_on(HOUR);
    let current = board.convert_idc_ma(HOUR + Duration::from_secs(1));
    assert!((celsius(current) - board.true_temperature(HOUR + Duration::from_secs(1))).abs() < 0.5);
}

#[test]
fn a_voltage_source_reads_at_its_own_input() {
    let environment = Environment { vdc_v: Some(24.0), ..Environment::walk_in_fridge() };
    let voltage = Board::new(config(environment), 1).convert_vdc_v();
    assert!((voltage - 24.0).abs() <= 0.02, "{voltage}");
    assert!((board(1).convert_vdc_v() - 0.012).abs() <= 0.002);
}

#[test]
fn a_held_temperature_and_a_bench_supply_read_exactly_until_they_end() {
    let mut board = board(2);
    board.change(HOUR, &Change::Temperature(Some(-18.0)));
    board.change(HOUR, &Change::BatteryVolts(Some(2.4)));
    assert_eq!(board.true_temperature(HOUR), -18.0);
    assert!(error_at(&mut board, HOUR * 2).0 < 0.5);
    assert_eq!(board.battery_v(HOUR * 2), 2.4);
    assert!(board.is_browned_out(HOUR * 2));
    board.change(HOUR * 3, &Change::Temperature(None));
    board.change(HOUR * 3, &Change::BatteryVolts(None));
    assert!(board.true_temperature(HOUR * 3) > 2.0 && !board.is_browned_out(HOUR * 3));
}

fn script() -> Vec<(Duration, Change)> {
    let stuck = Change::Fault(ProbeFault::Stuck);
    let minutes = |minutes: u64| Duration::from_secs(minutes * 60) + Duration::from_millis(400);
    vec![
        (minutes(10), Change::DoorOpen(true)),
        (minutes(13), Change::DoorOpen(false)),
        (minutes(30), stuck),
        (minutes(60), Change::ClearFault(Some(ProbeFaultKind::Stuck))),
        (minutes(90), Change::Restock),
        (minutes(120), Change::CompressorFails(true)),
        (minutes(200), Change::CompressorFails(false)),
        (minutes(210), Change::Defrost),
        (minutes(260), Change::Mains(false)),
        (minutes(300), Change::Mains(true)),
    ]
}

#[test]
fn what_is_scheduled_happens_at_its_time_however_often_anyone_looks() {
    let mut events = script();
    events.reverse();
    let environment = Environment { events, ..Environment::walk_in_fridge() };
    let mut often = Board::new(config(environment.clone()), 7);
    let mut once = Board::new(config(environment), 7);
    let mut by_hand = board(7);
    for (at, change) in script() {
        by_hand.change(at, &change);
    }
    let curve: Vec<f64> = (0..4000).map(|index| often.true_temperature(Duration::from_secs(index * 5))).collect();
    let end = Duration::from_secs(3999 * 5);
    assert_eq!(once.true_temperature(end).to_bits(), curve[3999].to_bits());
    assert_eq!(by_hand.true_temperature(end).to_bits(), curve[3999].to_bits());
    assert!(curve[150] > 8.0, "the door was open: {}", curve[150]);
    assert!(often.faults(end).is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_same_seed_and_events_give_the_same_curve_at_any_times_asked(
        seed in 0..1000_u64,
        unit in proptest::sample::select(Unit::ALL.to_vec()),
        mut times in proptest::collection::vec(0..20_000_000_000_u64, 1..60),
    ) {
        let environment = Environment { unit, events: script(), ..Environment::walk_in_fridge() };
        let mut often = Board::new(config(environment.clone()), seed);
        times.sort_unstable();
        for time in times.into_iter().map(Duration::from_micros) {
            let mut once = Board::new(config(environment.clone()), seed);
            often.is_browned_out(time);
            prop_assert_eq!(often.true_temperature(time).to_bits(), once.true_temperature(time).to_bits());
        }
        let end = Duration::from_secs(20_000);
        let mut once = Board::new(config(environment), seed);
        prop_assert_eq!(often.convert_idc_ma(end).to_bits(), once.convert_idc_ma(end).to_bits());
        prop_assert_eq!(often.battery_v(end).to_bits(), once.battery_v(end).to_bits());
    }
}

#[test]
fn a_scheduled_stuck_holds_the_value_of_its_own_time() {
    let open = Change::DoorOpen(true);
    let events = vec![(HOUR, Change::Fault(ProbeFault::Stuck)), (HOUR + Duration::from_secs(100), open)];
    let environment = Environment { events, ..Environment::walk_in_fridge() };
    let mut board = Board::new(config(environment), 3);
    let current = measure(&mut board, HOUR * 2);
    assert!(celsius(current) < 7.0 && board.true_temperature(HOUR * 2) > 12.0, "{current}");
}
