//! A sensor and the line to it, in memory and in virtual time.
//!
//! `world` is what a test or a shell holds: it is fed and advanced like the device itself, and told what to do; `perform`
//! is what each command does, `status` how it all is. Without faults a host sees exactly what the device sends.

mod world;

mod perform;
mod status;

#[cfg(test)]
mod tests;

pub use world::{Executed, Simulation};
