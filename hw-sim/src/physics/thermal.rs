//! Air temperature at the probe: compressor cycles, short random door openings, long scheduled ones.
//!
//! Integrated in fixed steps with a generator of its own, so that the temperature at a time is the same however often it
//! is asked for.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::unit::{Unit, UnitConstants};

/// Kitchen air in °C: a warm kitchen in summer.
const KITCHEN: f64 = 32.0;
/// One integration step in seconds. Every time constant is at least ten times longer.
const STEP_S: u64 = 1;
/// Shortest and longest short door opening, in seconds: someone takes one thing out.
const SHORT_OPENING_S: (f64, f64) = (4.0, 14.0);

/// A scheduled door opening, in device time since power-on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DoorOpening {
    /// The door opens.
    pub from: Duration,
    /// The door is closed again.
    pub to: Duration,
}

/// The air around the probe, the goods behind it and the probe itself.
#[derive(Debug)]
pub(super) struct ThermalModel {
    constants: UnitConstants,
    doors: Vec<DoorOpening>,
    rng: StdRng,
    steps: u64,
    air: f64,
    goods: f64,
    probe: f64,
    compressor_runs: bool,
    next_opening_s: f64,
    open_until_s: f64,
}

impl ThermalModel {
    pub(super) fn new(unit: Unit, seed: u64, doors: Vec<DoorOpening>) -> Self {
        let constants = unit.constants();
        let mut rng = StdRng::seed_from_u64(seed);
        let air = constants.setpoint + rng.random_range(-0.5..0.5) * constants.band;
        let mut model = Self {
            constants,
            doors,
            rng,
            steps: 0,
            air,
            goods: constants.setpoint,
            probe: air,
            compressor_runs: false,
            next_opening_s: 0.0,
            open_until_s: 0.0,
        };
        model.next_opening_s = model.pause_between_openings();
        model
    }

    /// Temperature of the probe at `now` in °C. `now` never goes back.
    pub(super) fn probe_at(&mut self, now: Duration) -> f64 {
        while STEP_S * (self.steps + 1) <= now.as_secs() {
            self.steps += 1;
            self.step();
        }
        self.probe
    }

    fn step(&mut self) {
        let constants = self.constants;
        let step_s = STEP_S as f64;
        if self.air > constants.setpoint + constants.band {
            self.compressor_runs = true;
        } else if self.air < constants.setpoint - constants.band {
            self.compressor_runs = false;
        }
        let mut slope = (self.goods - self.air) / constants.goods_s + (KITCHEN - self.air) / constants.leak_s;
        if self.compressor_runs {
            slope += (constants.evaporator - self.air) / constants.cooling_s;
        }
        if self.door_is_open() {
            slope += (KITCHEN - self.air) / constants.door_s;
        }
        self.air += slope * step_s;
        self.goods += (self.air - self.goods) / constants.content_s * step_s;
        self.probe += (self.air - self.probe) / constants.probe_s * step_s;
    }

    fn door_is_open(&mut self) -> bool {
        let now = Duration::from_secs(self.steps * STEP_S);
        let now_s = now.as_secs_f64();
        if now_s >= self.next_opening_s {
            self.open_until_s = now_s + self.rng.random_range(SHORT_OPENING_S.0..SHORT_OPENING_S.1);
            self.next_opening_s = self.open_until_s + self.pause_between_openings();
        }
        now_s < self.open_until_s || self.doors.iter().any(|door| door.from <= now && now < door.to)
    }

    /// Openings are independent of each other, so the pauses are exponential.
    fn pause_between_openings(&mut self) -> f64 {
        let uniform: f64 = self.rng.random_range(f64::EPSILON..1.0);
        -uniform.ln() * self.constants.door_every_s
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn over_a_day(unit: Unit, seed: u64) -> Vec<f64> {
        let mut model = ThermalModel::new(unit, seed, Vec::new());
        (0..24 * 60).map(|minute| model.probe_at(Duration::from_secs(minute * 60))).collect()
    }

    fn check_day(unit: Unit, lowest: f64, highest: f64) {
        for seed in 0..5 {
            let day = over_a_day(unit, seed);
            let mean = day.iter().sum::<f64>() / day.len() as f64;
            assert!((mean - unit.constants().setpoint).abs() < 0.5, "{unit} seed {seed}: mean {mean}");
            assert!(day.iter().all(|value| (lowest..highest).contains(value)), "{unit} seed {seed}");
        }
    }

    #[test]
    fn a_walk_in_fridge_stays_cold_all_day() {
        check_day(Unit::WalkInFridge, 2.0, 7.0);
    }

    #[test]
    fn a_freezer_stays_frozen_all_day() {
        check_day(Unit::Freezer, -23.0, -16.0);
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
    fn the_temperature_does_not_depend_on_how_often_it_is_read() {
        let mut often = ThermalModel::new(Unit::Freezer, 3, Vec::new());
        let mut once = ThermalModel::new(Unit::Freezer, 3, Vec::new());
        for half_second in 0..7200 {
            often.probe_at(Duration::from_millis(half_second * 500));
        }
        assert_eq!(often.probe_at(HOUR).to_bits(), once.probe_at(HOUR).to_bits());
    }
}
