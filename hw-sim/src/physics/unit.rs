//! The kitchen units a sensor can sit in, and the numbers of their thermal behaviour.

use std::fmt;
use std::str::FromStr;

/// A kitchen unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unit {
    /// A walk-in fridge kept at 3 to 4 °C.
    WalkInFridge,
    /// A fridge below the work surface, kept at about 4 °C and opened often.
    UnderCounterFridge,
    /// A freezer kept at about -20 °C.
    Freezer,
    /// A hot holding cabinet kept at about 65 °C by a heater.
    HotHolding,
}

/// Not the name of a unit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown unit `{0}`: one of walk-in-fridge, under-counter-fridge, freezer, hot-holding")]
pub struct UnitError(String);

/// Temperatures in °C and time constants in seconds. A time constant says how fast the air at the probe would follow
/// that influence alone; chosen so that a walk-in fridge with its door open to a warm kitchen passes 8 °C in a minute,
/// and one without its compressor stays above it after one to five hours.
#[derive(Debug, Clone, Copy)]
pub(super) struct UnitConstants {
    /// Middle of the thermostat's band.
    pub(super) setpoint: f64,
    /// Half the thermostat's band.
    pub(super) band: f64,
    /// Evaporator while the compressor runs, or the heating element of a hot holding unit.
    pub(super) machine: f64,
    /// Air towards evaporator or heating element.
    pub(super) machine_s: f64,
    /// Air towards the goods.
    pub(super) goods_s: f64,
    /// Goods towards the air.
    pub(super) content_s: f64,
    /// Air towards the kitchen, through the walls.
    pub(super) leak_s: f64,
    /// Air towards the kitchen, through the open door.
    pub(super) door_s: f64,
    /// Probe towards the air.
    pub(super) probe_s: f64,
    /// Mean time between two short door openings.
    pub(super) door_every_s: f64,
    /// How the unit gets rid of its ice, if it does.
    pub(super) defrost: Option<Defrost>,
    /// Goods as they are delivered.
    pub(super) delivery: f64,
    /// Share of the goods that a delivery replaces.
    pub(super) delivery_share: f64,
}

/// The compressor rests while a heater melts the ice off the evaporator.
#[derive(Debug, Clone, Copy)]
pub(super) struct Defrost {
    /// From one defrost to the next; none for a unit that defrosts only when told to.
    pub(super) every_s: Option<u64>,
    /// How long the heater is on.
    pub(super) length_s: u64,
    /// Evaporator while the heater is on.
    pub(super) heater: f64,
    /// Air towards it.
    pub(super) heater_s: f64,
}

const WALK_IN_FRIDGE: UnitConstants = UnitConstants {
    setpoint: 3.5,
    band: 0.6,
    machine: -8.0,
    machine_s: 1_100.0,
    goods_s: 400.0,
    content_s: 9_000.0,
    leak_s: 5_000.0,
    door_s: 220.0,
    probe_s: 12.0,
    door_every_s: 1_500.0,
    defrost: Some(Defrost { every_s: Some(8 * 3600), length_s: 900, heater: 25.0, heater_s: 12_000.0 }),
    delivery: 15.0,
    delivery_share: 0.2,
};

const UNDER_COUNTER_FRIDGE: UnitConstants = UnitConstants {
    setpoint: 4.0,
    band: 1.0,
    machine: -10.0,
    machine_s: 700.0,
    goods_s: 300.0,
    content_s: 6_000.0,
    leak_s: 4_000.0,
    door_s: 160.0,
    probe_s: 10.0,
    door_every_s: 900.0,
    defrost: Some(Defrost { every_s: None, length_s: 900, heater: 20.0, heater_s: 6_000.0 }),
    delivery: 15.0,
    delivery_share: 0.25,
};

const FREEZER: UnitConstants = UnitConstants {
    setpoint: -20.0,
    band: 0.9,
    machine: -32.0,
    machine_s: 900.0,
    goods_s: 500.0,
    content_s: 20_000.0,
    leak_s: 9_000.0,
    door_s: 400.0,
    probe_s: 15.0,
    door_every_s: 3_600.0,
    defrost: Some(Defrost { every_s: Some(6 * 3600), length_s: 1_200, heater: 20.0, heater_s: 4_500.0 }),
    delivery: -12.0,
    delivery_share: 0.2,
};

const HOT_HOLDING: UnitConstants = UnitConstants {
    setpoint: 65.0,
    band: 1.5,
    machine: 95.0,
    machine_s: 800.0,
    goods_s: 400.0,
    content_s: 7_000.0,
    leak_s: 4_000.0,
    door_s: 250.0,
    probe_s: 12.0,
    door_every_s: 1_200.0,
    defrost: None,
    delivery: 50.0,
    delivery_share: 0.2,
};

impl UnitConstants {
    /// The machine makes it warmer, not colder.
    pub(super) fn heats(&self) -> bool {
        self.machine > self.setpoint
    }
}

impl Unit {
    /// Every unit.
    pub const ALL: [Self; 4] = [Self::WalkInFridge, Self::UnderCounterFridge, Self::Freezer, Self::HotHolding];

    /// The unit's name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::WalkInFridge => "walk-in-fridge",
            Self::UnderCounterFridge => "under-counter-fridge",
            Self::Freezer => "freezer",
            Self::HotHolding => "hot-holding",
        }
    }

    pub(super) fn constants(self) -> UnitConstants {
        match self {
            Self::WalkInFridge => WALK_IN_FRIDGE,
            Self::UnderCounterFridge => UNDER_COUNTER_FRIDGE,
            Self::Freezer => FREEZER,
            Self::HotHolding => HOT_HOLDING,
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Unit {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        Self::ALL.into_iter().find(|unit| unit.name() == text).ok_or_else(|| UnitError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_written_and_read_alike_and_the_error_names_them_all() {
        let error = "cellar".parse::<Unit>().unwrap_err().to_string();
        for unit in Unit::ALL {
            assert_eq!(unit.to_string().parse(), Ok(unit));
            assert!(error.contains(unit.name()), "{error}");
        }
    }
}
