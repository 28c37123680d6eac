//! The four kitchen units over hours and days.

use std::time::Duration;

use crate::physics::machine::Machine;
use crate::physics::thermal::ThermalModel;
use crate::physics::{DoorOpening, Unit};

const HOUR: Duration = Duration::from_secs(3600);
const MINUTE: Duration = Duration::from_secs(60);

fn model(unit: Unit, seed: u64) -> ThermalModel {
    ThermalModel::new(unit, seed, Vec::new())
}

fn minutes(model: &mut ThermalModel, from: Duration, to: Duration) -> Vec<f64> {
    let mut now = from;
    std::iter::from_fn(|| {
        now += MINUTE;
        (now <= to).then(|| model.probe_at(now))
    })
    .collect()
}

fn highest(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::MIN, f64::max)
}

fn check_day(unit: Unit, lowest: f64, highest: f64) {
    for seed in 0..8 {
        let day = minutes(&mut model(unit, seed), Duration::ZERO, HOUR * 24);
        let mean = day.iter().sum::<f64>() / day.len() as f64;
        assert!((mean - unit.constants().setpoint).abs() < 0.6, "{unit} seed {seed}: mean {mean}");
        let outside = day.iter().find(|value| !(lowest..highest).contains(*value));
        assert_eq!(outside, None, "{unit} seed {seed}");
    }
}

fn lowest(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::MAX, f64::min)
}

#[test]
fn every_unit_keeps_its_temperature_all_day() {
    check_day(Unit::WalkInFridge, 2.0, 7.8);
    check_day(Unit::UnderCounterFridge, 2.0, 8.0);
    check_day(Unit::Freezer, -23.0, -12.0);
    check_day(Unit::HotHolding, 60.5, 68.0);
}

#[test]
fn the_thermostat_cycles_a_few_times_an_hour() {
    for unit in Unit::ALL {
        let mut model = model(unit, 2);
        let setpoint = unit.constants().setpoint;
        let crossings = minutes(&mut model, Duration::ZERO, HOUR * 24)
            .windows(2)
            .filter(|pair| (pair[0] < setpoint) && (pair[1] >= setpoint))
            .count();
        assert!((24..220).contains(&crossings), "{unit}: {crossings}");
    }
}

#[test]
fn an_open_door_passes_eight_degrees_within_ninety_seconds_and_recovers() {
    for seed in 0..20 {
        let doors = vec![DoorOpening { from: HOUR, to: HOUR + Duration::from_secs(180) }];
        let mut model = ThermalModel::new(Unit::WalkInFridge, seed, doors);
        assert!(model.probe_at(HOUR) < 7.0);
        assert!(model.probe_at(HOUR + Duration::from_secs(25)) < 8.5, "seed {seed}");
        assert!(model.probe_at(HOUR + Duration::from_secs(90)) > 8.0, "seed {seed}");
        assert!(model.probe_at(HOUR * 2) < 6.0, "seed {seed}");
    }
}

#[test]
fn an_open_door_cools_a_hot_holding_unit() {
    let mut model = model(Unit::HotHolding, 1);
    model.advance(HOUR);
    model.doors().hold(true);
    assert!(model.probe_at(HOUR + MINUTE * 10) < 55.0);
    model.doors().hold(false);
    assert!(model.probe_at(HOUR * 3) > 62.0);
}

#[test]
fn a_defrost_warms_the_air_some_degrees_and_the_unit_recovers() {
    for (unit, rise) in
        [(Unit::Freezer, 3.0..8.0), (Unit::WalkInFridge, 1.0..4.0), (Unit::UnderCounterFridge, 1.0..6.0)]
    {
        let mut model = model(unit, 3);
        model.advance(MINUTE * 30);
        model.defrost();
        let peak = highest(&minutes(&mut model, MINUTE * 30, MINUTE * 60));
        assert!(rise.contains(&(peak - unit.constants().setpoint)), "{unit}: {peak}");
        let after = model.probe_at(HOUR + MINUTE * 40);
        assert!((after - unit.constants().setpoint).abs() < 1.5, "{unit}: {after}");
    }
}

#[test]
fn freezer_and_walk_in_defrost_by_themselves_each_few_hours() {
    for (unit, expected) in [(Unit::Freezer, 7..=8), (Unit::WalkInFridge, 5..=6)] {
        let mut machine = Machine::new(&unit.constants(), 5);
        let heating = |now_s| {
            let pull = machine.pull(now_s, unit.constants().setpoint, &unit.constants());
            pull.is_some_and(|pull| pull.towards > 10.0)
        };
        let heats: Vec<bool> = (0..48 * 3600).map(heating).collect();
        let begun = heats.windows(2).filter(|pair| !pair[0] && pair[1]).count();
        assert!(expected.contains(&begun), "{unit}: {begun}");
    }
}

#[test]
fn a_hot_holding_unit_never_defrosts() {
    let (mut told, mut untold) = (model(Unit::HotHolding, 1), model(Unit::HotHolding, 1));
    told.advance(HOUR);
    told.defrost();
    assert_eq!(told.probe_at(HOUR * 2), untold.probe_at(HOUR * 2));
}

#[test]
fn without_its_compressor_a_fridge_is_too_warm_within_hours_and_recovers_after_the_repair() {
    for seed in 0..5 {
        let mut model = model(Unit::WalkInFridge, seed);
        model.advance(HOUR);
        model.machine().set_broken(true);
        let soon = lowest(&minutes(&mut model, HOUR, HOUR * 2));
        let late = lowest(&minutes(&mut model, HOUR * 5, HOUR * 6));
        assert!(soon < 8.0 && late > 8.0, "seed {seed}: {soon} {late}");
        model.machine().set_broken(false);
        assert!(model.probe_at(HOUR * 9) < 5.0, "seed {seed}");
    }
}

#[test]
fn without_mains_everything_goes_slowly_to_the_kitchen_and_nothing_defrosts() {
    for (unit, after_four_hours) in
        [(Unit::WalkInFridge, 7.0..12.0), (Unit::Freezer, -18.0..-12.0), (Unit::HotHolding, 40.0..58.0)]
    {
        let mut model = model(unit, 1);
        model.machine().set_mains(false);
        model.defrost();
        let four = model.probe_at(HOUR * 4);
        assert!(after_four_hours.contains(&four), "{unit}: {four}");
        let days = model.probe_at(HOUR * 24 * 10);
        assert!((days - 32.0).abs() < 6.0, "{unit}: {days}");
        model.machine().set_mains(true);
        let again = model.probe_at(HOUR * 24 * 12);
        assert!((again - unit.constants().setpoint).abs() < 3.0, "{unit}: {again}");
    }
}

#[test]
fn a_delivery_warms_the_fridge_for_a_while() {
    let (mut stocked, mut unstocked) = (model(Unit::WalkInFridge, 4), model(Unit::WalkInFridge, 4));
    stocked.advance(HOUR);
    stocked.restock();
    let during = highest(&minutes(&mut stocked, HOUR, HOUR + MINUTE * 10));
    assert!(during > highest(&minutes(&mut unstocked, HOUR, HOUR + MINUTE * 10)) + 2.0, "{during}");
    assert!(stocked.probe_at(HOUR * 6) < 6.5);
}

#[test]
fn a_held_probe_says_what_it_is_told_and_the_unit_lives_on() {
    let (mut held, mut free) = (model(Unit::Freezer, 6), model(Unit::Freezer, 6));
    held.hold(Some(21.5));
    assert_eq!(held.probe_at(HOUR), 21.5);
    held.hold(None);
    assert_eq!(held.probe_at(HOUR * 2), free.probe_at(HOUR * 2));
}

#[test]
fn the_temperature_does_not_depend_on_how_often_it_is_read() {
    for unit in Unit::ALL {
        let (mut often, mut once) = (model(unit, 3), model(unit, 3));
        for half_second in 0..57_600 {
            often.probe_at(Duration::from_millis(half_second * 500));
        }
        assert_eq!(often.probe_at(HOUR * 8).to_bits(), once.probe_at(HOUR * 8).to_bits(), "{unit}");
    }
}
