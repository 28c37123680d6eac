//! Where the probe hangs and what it is wired to: everything about a sensor that is not firmware.

use super::thermal::DoorOpening;
use super::transmitter::Range;
use super::unit::Unit;

/// Kitchen unit, probe and transmitter of one sensor.
#[derive(Debug, Clone)]
pub struct Environment {
    /// The kitchen unit the probe hangs in.
    pub unit: Unit,
    /// The transmitter's range.
    pub range: Range,
    /// Long door openings, in device time since power-on.
    pub doors: Vec<DoorOpening>,
}

impl Environment {
    /// A walk-in fridge whose door nobody forgets, on a transmitter of the kitchen's default range.
    pub fn walk_in_fridge() -> Self {
        Self { unit: Unit::WalkInFridge, range: Range::KITCHEN, doors: Vec::new() }
    }
}
