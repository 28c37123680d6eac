//! What keeps a unit at its temperature: thermostat, compressor (or heater), defrost, mains.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::unit::{Defrost, UnitConstants};

/// After the defrost heater the water drips off before the compressor may start, in seconds.
const DRIP_S: u64 = 180;

/// Something the air is drawn to: its temperature in °C, and how fast, in 1/s.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pull {
    pub(super) towards: f64,
    pub(super) per_s: f64,
}

/// The machine of one unit.
#[derive(Debug)]
pub(super) struct Machine {
    runs: bool,
    broken: bool,
    mains_off: bool,
    /// When the running defrost heater goes off; the drip time follows.
    heater_until_s: u64,
    next_defrost_s: u64,
}

impl Machine {
    /// The first defrost comes at a chance time within the unit's period, not in the first third of it.
    pub(super) fn new(constants: &UnitConstants, seed: u64) -> Self {
        let period_s = constants.defrost.and_then(|defrost| defrost.every_s);
        let next_defrost_s =
            period_s.map_or(u64::MAX, |period_s| StdRng::seed_from_u64(seed).random_range(period_s / 3..period_s));
        Self { runs: false, broken: false, mains_off: false, heater_until_s: 0, next_defrost_s }
    }

    /// Breaks the compressor (the heater of a hot holding unit), or repairs it.
    pub(super) fn set_broken(&mut self, broken: bool) {
        self.broken = broken;
    }

    /// Switches the mains.
    pub(super) fn set_mains(&mut self, on: bool) {
        self.mains_off = !on;
    }

    /// Begins a defrost, if the unit has one.
    pub(super) fn defrost(&mut self, now_s: u64, defrost: Option<Defrost>) {
        if let Some(defrost) = defrost {
            self.heater_until_s = now_s + defrost.length_s;
        }
    }

    /// What the machine does to air of that temperature in this step.
    pub(super) fn pull(&mut self, now_s: u64, air: f64, constants: &UnitConstants) -> Option<Pull> {
        self.keep_defrost_clock(now_s, constants);
        self.keep_thermostat(air, constants);
        if self.mains_off {
            return None;
        }
        if let Some(defrost) = constants.defrost.filter(|_| now_s < self.heater_until_s + DRIP_S) {
            let heats = now_s < self.heater_until_s;
            return heats.then_some(Pull { towards: defrost.heater, per_s: 1.0 / defrost.heater_s });
        }
        let works = self.runs && !self.broken;
        works.then_some(Pull { towards: constants.machine, per_s: 1.0 / constants.machine_s })
    }

    /// The clock of a defrost has a battery or is set by hand: it runs on without mains.
    fn keep_defrost_clock(&mut self, now_s: u64, constants: &UnitConstants) {
        let Some(Defrost { every_s: Some(every_s), .. }) = constants.defrost else {
            return;
        };
        if now_s >= self.next_defrost_s {
            self.next_defrost_s += every_s;
            self.defrost(now_s, constants.defrost);
        }
    }

    /// A hot holding unit's thermostat is a fridge's turned round.
    fn keep_thermostat(&mut self, air: f64, constants: &UnitConstants) {
        let too_much = if constants.heats() { constants.setpoint - air } else { air - constants.setpoint };
        if too_much > constants.band {
            self.runs = true;
        } else if too_much < -constants.band {
            self.runs = false;
        }
    }
}
