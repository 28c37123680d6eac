//! The physics as a whole: units over days, and the way from a unit to the measured value.

mod board;
mod thermal;
