//! Air temperature at the probe: compressor cycles, defrosts, doors, goods, and what the surroundings do to them.
//!
//! Integrated in fixed steps with generators of its own, so that the temperature at a time depends on the seed and on
//! what happened until then, and never on how often it is asked for.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::doors::{DoorOpening, Doors};
use super::machine::Machine;
use super::unit::{Unit, UnitConstants};

/// Kitchen air in °C: a warm kitchen in summer.
const KITCHEN: f64 = 32.0;
/// One integration step in seconds. Every time constant is at least ten times longer.
const STEP_S: u64 = 1;
/// How long the door is open while goods are put in, in seconds.
const RESTOCK_S: f64 = 90.0;
/// Makes the machine's chance independent of the door's.
const MACHINE_STREAM: u64 = 0xD1B5_4A32_D192_ED03;

/// The air around the probe, the goods behind it and the probe itself.
#[derive(Debug)]
pub(super) struct ThermalModel {
    constants: UnitConstants,
    doors: Doors,
    machine: Machine,
    steps: u64,
    air: f64,
    goods: f64,
    probe: f64,
    held: Option<f64>,
}

impl ThermalModel {
    pub(super) fn new(unit: Unit, seed: u64, doors: Vec<DoorOpening>) -> Self {
        let constants = unit.constants();
        let mut rng = StdRng::seed_from_u64(seed);
        let air = constants.setpoint + rng.random_range(-0.5..0.5) * constants.band;
        Self {
            constants,
            doors: Doors::new(constants.door_every_s, rng, doors),
            machine: Machine::new(&constants, seed ^ MACHINE_STREAM),
            steps: 0,
            air,
            goods: constants.setpoint,
            probe: air,
            held: None,
        }
    }

    /// Temperature of the probe at `now` in °C. `now` never goes back.
    pub(super) fn probe_at(&mut self, now: Duration) -> f64 {
        self.advance(now);
        self.held.unwrap_or(self.probe)
    }

    /// Does the steps until `now`; a change that follows takes effect from the next step on.
    pub(super) fn advance(&mut self, now: Duration) {
        while STEP_S * (self.steps + 1) <= now.as_secs() {
            self.steps += 1;
            self.step();
        }
    }

    /// Holds the probe at that temperature, or lets go; the unit itself does not notice.
    pub(super) fn hold(&mut self, temperature: Option<f64>) {
        self.held = temperature;
    }

    /// The unit's door.
    pub(super) fn doors(&mut self) -> &mut Doors {
        &mut self.doors
    }

    /// The unit's compressor, heater and mains.
    pub(super) fn machine(&mut self) -> &mut Machine {
        &mut self.machine
    }

    /// Begins a defrost.
    pub(super) fn defrost(&mut self) {
        self.machine.defrost(self.now_s(), self.constants.defrost);
    }

    /// Replaces part of the goods by a delivery, the door open meanwhile.
    pub(super) fn restock(&mut self) {
        self.goods += (self.constants.delivery - self.goods) * self.constants.delivery_share;
        self.doors.open_until(self.now_s() as f64 + RESTOCK_S);
    }

    fn now_s(&self) -> u64 {
        self.steps * STEP_S
    }

    fn step(&mut self) {
        let constants = &self.constants;
        let step_s = STEP_S as f64;
        let now_s = self.steps * STEP_S;
        let mut slope = (self.goods - self.air) / constants.goods_s + (KITCHEN - self.air) / constants.leak_s;
        if let Some(pull) = self.machine.pull(now_s, self.air, constants) {
            slope += (pull.towards - self.air) * pull.per_s;
        }
        if self.doors.are_open(now_s) {
            slope += (KITCHEN - self.air) / constants.door_s;
        }
        self.air += slope * step_s;
        self.goods += (self.air - self.goods) / constants.content_s * step_s;
        self.probe += (self.air - self.probe) / constants.probe_s * step_s;
    }
}
