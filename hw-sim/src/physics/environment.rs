//! Where the probe hangs and what it is wired to: everything about a sensor that is not firmware.

use std::time::Duration;

use super::change::Change;
use super::doors::DoorOpening;
use super::probe::ProbeClass;
use super::transmitter::{BurnOut, Range};
use super::unit::Unit;

/// Kitchen unit, probe, transmitter and battery of one sensor, and what will happen to them.
#[derive(Debug, Clone)]
pub struct Environment {
    /// The kitchen unit the probe hangs in.
    pub unit: Unit,
    /// The transmitter's range.
    pub range: Range,
    /// Long door openings, in device time since power-on.
    pub doors: Vec<DoorOpening>,
    /// Tolerance class of the PT100.
    pub probe_class: ProbeClass,
    /// Uncompensated resistance of the PT100's leads in Ω; none with three or four wires.
    pub lead_ohm: f64,
    /// Where the transmitter goes when its PT100 is open.
    pub burn_out: BurnOut,
    /// Offset of the current input in mA; negative ones make an idle loop read near full scale (quirk Q21).
    pub input_offset_ma: f64,
    /// Voltage at the voltage input; `None` when nothing is connected.
    pub vdc_v: Option<f64>,
    /// What is left of the battery, 0 to 1.
    pub battery_charge: f64,
    /// What happens by itself, in device time since power-on; in any order.
    pub events: Vec<(Duration, Change)>,
}

impl Environment {
    /// A walk-in fridge whose door nobody forgets, a good probe on a transmitter of the kitchen's default range that
    /// fails low, a fresh battery.
    pub fn walk_in_fridge() -> Self {
        Self {
            unit: Unit::WalkInFridge,
            range: Range::KITCHEN,
            doors: Vec::new(),
            probe_class: ProbeClass::A,
            lead_ohm: 0.0,
            burn_out: BurnOut::Low,
            input_offset_ma: 0.0,
            vdc_v: None,
            battery_charge: 1.0,
            events: Vec::new(),
        }
    }
}
