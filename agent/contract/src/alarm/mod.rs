//! Alarm rules and their evaluation: one engine for the siren on site and for the cloud. Same input, same verdict.
//!
//! Now: fixed limits with no delay and no deadband. Delays, hysteresis and further rules are added here and nowhere else.

pub mod evaluate;
pub mod rule;
pub mod state;

pub use evaluate::{Evaluation, Transition, Verdict, evaluate};
pub use rule::{AlertType, Limits, LimitsError};
pub use state::{AlarmState, Excursion};

#[cfg(test)]
mod tests;
