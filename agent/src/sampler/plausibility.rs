//! Does a value surprise, and may it be believed? Pure.
//!
//! The grammar refuses every damaged line whose form is broken, and the block refuses damage around it; a digit that became
//! another digit in a perfect line is left. So a temperature is believed only if it lies within the configured jump of the last
//! one believed, or of a second measurement taken at once. The first temperature of all has no predecessor and is always
//! measured twice. A temperature that surprises and is not confirmed becomes [`SensorFault::DamagedReply`] and keeps its
//! raw current.
//!
//! What is not caught: a changed digit that moves the temperature by less than the configured jump, and the same false digits
//! twice. A fault band surprises when it was not there before; it never becomes a temperature either way.

use kitchen_contract::fault::SensorFault;
use kitchen_contract::unit::Celsius;

/// A temperature or a fault.
pub type Outcome = Result<Celsius, SensorFault>;

/// What has been believed so far.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plausibility {
    /// More than this, in °C, and a second measurement is asked for.
    jump: f64,
    temperature: Option<Celsius>,
    fault: Option<SensorFault>,
}

impl Plausibility {
    /// Believes nothing yet.
    pub fn new(jump: f64) -> Self {
        Self { jump, temperature: None, fault: None }
    }

    /// Whether a second measurement is needed before this is believed.
    pub fn surprises(&self, outcome: Outcome) -> bool {
        match outcome {
            Ok(celsius) => !self.follows(celsius),
            Err(fault) => self.fault != Some(fault),
        }
    }

    /// Believes an outcome that did not surprise.
    pub fn believe(&mut self, outcome: Outcome) {
        match outcome {
            Ok(celsius) => *self = Self { temperature: Some(celsius), fault: None, ..*self },
            Err(fault) => self.fault = Some(fault),
        }
    }

    /// A surprising outcome beside the second one, if there was a second: what each of them may be called.
    pub fn compare(&mut self, first: Outcome, second: Option<Outcome>) -> (Outcome, Option<Outcome>) {
        let settled_first = self.settle(first, second);
        let settled_second = second.map(|outcome| self.settle(outcome, Some(first)));
        self.believe(settled_second.unwrap_or(settled_first));
        (settled_first, settled_second)
    }

    /// An outcome, believed only where the past or the other measurement stands beside it.
    fn settle(&self, outcome: Outcome, other: Option<Outcome>) -> Outcome {
        let celsius = outcome?;
        let confirmed = other.and_then(Result::ok).is_some_and(|other| self.near(celsius, other));
        if confirmed || self.follows(celsius) { Ok(celsius) } else { Err(SensorFault::DamagedReply) }
    }

    fn follows(&self, celsius: Celsius) -> bool {
        self.temperature.is_some_and(|last| self.near(celsius, last))
    }

    fn near(&self, one: Celsius, other: Celsius) -> bool {
        (one.get() - other.get()).abs() <= self.jump
    }
}

#[cfg(test)]
mod tests {
    use SensorFault::{DamagedReply, LoopOpen};

    use super::*;
    use crate::settings::JUMP_DEFAULT;

    fn celsius(number: f64) -> Outcome {
        Ok(Celsius::new(number).unwrap())
    }

    fn after(number: f64) -> Plausibility {
        let mut plausibility = Plausibility::new(JUMP_DEFAULT);
        plausibility.believe(celsius(number));
        plausibility
    }

    #[test]
    fn small_steps_do_not_surprise_and_large_ones_do() {
        let plausibility = after(3.6);
        assert!(!plausibility.surprises(celsius(5.6)));
        assert!(plausibility.surprises(celsius(5.601)));
        assert!(plausibility.surprises(celsius(-2.65)));
        assert!(plausibility.surprises(Err(LoopOpen)));
    }

    #[test]
    fn the_first_temperature_of_all_and_a_new_fault_are_measured_twice_an_old_fault_is_not() {
        let mut plausibility = Plausibility::new(JUMP_DEFAULT);
        assert!(plausibility.surprises(celsius(3.6)));
        assert_eq!(plausibility.compare(Err(LoopOpen), Some(Err(LoopOpen))), (Err(LoopOpen), Some(Err(LoopOpen))));
        assert!(!plausibility.surprises(Err(LoopOpen)));
        assert!(plausibility.surprises(Err(SensorFault::InputClipped)));
    }

    #[test]
    fn a_jump_is_believed_when_it_is_measured_again() {
        let mut plausibility = after(3.6);
        assert_eq!(plausibility.compare(celsius(9.0), Some(celsius(9.4))), (celsius(9.0), Some(celsius(9.4))));
        assert!(!plausibility.surprises(celsius(9.5)));
    }

    #[test]
    fn a_jump_that_is_not_confirmed_is_no_temperature() {
        let mut plausibility = after(3.6);
        assert_eq!(plausibility.compare(celsius(28.6), Some(celsius(3.7))), (Err(DamagedReply), Some(celsius(3.7))));
        assert_eq!(plausibility.compare(celsius(28.6), None), (Err(DamagedReply), None));
        assert_eq!(
            plausibility.compare(celsius(28.6), Some(celsius(53.0))),
            (Err(DamagedReply), Some(Err(DamagedReply)))
        );
        assert!(!plausibility.surprises(celsius(3.8)), "the past is still what was believed");
    }

    #[test]
    fn a_fault_confirms_no_temperature() {
        let mut plausibility = after(3.6);
        assert_eq!(plausibility.compare(Err(LoopOpen), Some(celsius(3.5))), (Err(LoopOpen), Some(celsius(3.5))));
        assert_eq!(plausibility.compare(Err(LoopOpen), Some(celsius(30.0))), (Err(LoopOpen), Some(Err(DamagedReply))));
    }
}
