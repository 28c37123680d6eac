//! What the sensor feels: air in a kitchen unit, a PT100 with its transmitter, the sensor's analog front end.
//!
//! In the order of the signal. Pure and seeded: the temperature at a time depends on the seed and on what happened only,
//! never on how often anyone looked.

mod change;
mod environment;
mod fault;

mod doors;
mod machine;
mod noise;
mod thermal;
mod unit;

mod probe;
mod transmitter;

mod current_loop;

mod battery;
mod board;
mod converter;
mod signal;

pub(crate) use board::{Board, BoardConfig, Sample};
pub use change::Change;
pub use doors::DoorOpening;
pub use environment::Environment;
pub use fault::{ProbeFault, ProbeFaultError, ProbeFaultKind};
pub use probe::{ProbeClass, ProbeClassError};
pub use signal::Signal;
pub use transmitter::{BurnOut, BurnOutError, Range, RangeError};
pub use unit::{Unit, UnitError};

#[cfg(test)]
mod tests;
