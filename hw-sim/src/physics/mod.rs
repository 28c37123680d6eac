//! What the sensor feels: air in a kitchen unit, a PT100 with its transmitter, the sensor's analog front end.
//!
//! In the order of the signal. Pure and seeded: the temperature at a time depends on the seed and the doors only, never
//! on how often anyone looked.

mod environment;

mod noise;
mod thermal;
mod unit;

mod transmitter;

mod battery;
mod board;
mod converter;

pub(crate) use board::{Board, BoardConfig, Sample};
pub use environment::Environment;
pub use thermal::DoorOpening;
pub use transmitter::{Range, RangeError};
pub use unit::{Unit, UnitError};
