//! The kitchen units a sensor can sit in, and the numbers of their thermal behaviour.

use std::fmt;
use std::str::FromStr;

/// A kitchen unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unit {
    /// A walk-in fridge kept at 3 to 4 °C.
    WalkInFridge,
    /// A freezer kept at about -20 °C.
    Freezer,
}

/// Not the name of a unit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown unit `{0}`: one of walk-in-fridge, freezer")]
pub struct UnitError(String);

/// Temperatures in °C and time constants in seconds. A time constant says how fast the air at the probe would follow
/// that influence alone; chosen so that a walk-in fridge with its door open to a warm kitchen passes 8 °C in a minute.
#[derive(Debug, Clone, Copy)]
pub(super) struct UnitConstants {
    /// Middle of the thermostat's band.
    pub(super) setpoint: f64,
    /// Half the thermostat's band.
    pub(super) band: f64,
    /// Evaporator while the compressor runs.
    pub(super) evaporator: f64,
    /// Air towards the evaporator.
    pub(super) cooling_s: f64,
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
}

impl Unit {
    /// Every unit.
    pub const ALL: [Self; 2] = [Self::WalkInFridge, Self::Freezer];

    /// The unit's name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::WalkInFridge => "walk-in-fridge",
            Self::Freezer => "freezer",
        }
    }

    pub(super) fn constants(self) -> UnitConstants {
        match self {
            Self::WalkInFridge => UnitConstants {
                setpoint: 3.5,
                band: 0.6,
                evaporator: -8.0,
                cooling_s: 700.0,
                goods_s: 400.0,
                content_s: 20_000.0,
                leak_s: 9_000.0,
                door_s: 220.0,
                probe_s: 12.0,
                door_every_s: 1_500.0,
            },
            Self::Freezer => UnitConstants {
                setpoint: -20.0,
                band: 0.9,
                evaporator: -32.0,
                cooling_s: 900.0,
                goods_s: 500.0,
                content_s: 30_000.0,
                leak_s: 16_000.0,
                door_s: 400.0,
                probe_s: 15.0,
                door_every_s: 3_600.0,
            },
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
