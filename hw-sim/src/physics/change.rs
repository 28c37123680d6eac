//! What somebody or something does to a sensor's surroundings while it runs.

use super::fault::{ProbeFault, ProbeFaultKind};

/// One change of the surroundings; it stays until the opposite change, unless said otherwise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Change {
    /// Holds the probe at a temperature in °C, or gives it back to the kitchen unit.
    Temperature(Option<f64>),
    /// Somebody opens the door, or closes it; the short openings of every day go on.
    DoorOpen(bool),
    /// The compressor (the heater of a hot holding unit) fails, or is repaired.
    CompressorFails(bool),
    /// A defrost begins now and ends by itself; units that never defrost take no notice.
    Defrost,
    /// Goods are put in at their delivery temperature, the door open meanwhile.
    Restock,
    /// The unit's mains: without it the unit does nothing, while the sensor lives on its battery.
    Mains(bool),
    /// A bench supply of exactly that voltage takes the battery's place, or the battery comes back.
    BatteryVolts(Option<f64>),
    /// Something is wrong from now on between probe and sensor; the same kind again replaces it.
    Fault(ProbeFault),
    /// Removes that fault; all of them for `None`.
    ClearFault(Option<ProbeFaultKind>),
}
