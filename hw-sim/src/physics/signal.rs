//! The radio signal at the sensor as the modem's CSQ number: a seeded random walk (device reference section 9.2).

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// Where the walk comes back to: a kitchen with a usable signal.
const MIDDLE: i32 = 17;
/// How far from the middle a unit starts at most.
const START_SPREAD: i32 = 3;
/// Highest CSQ there is; 99, "not known", is the modem's business.
const HIGHEST: i32 = 31;
/// Time between two steps of the walk in seconds.
const STEP_S: u64 = 60;
/// Probability of a step up, and of one down, in the middle.
const STEP_PROBABILITY: f64 = 0.15;
/// How much likelier the step towards the middle gets with each number away from it. With the above, the walk stays
/// within three of the middle for two thirds of the time.
const PULL: f64 = 0.01;

/// The signal at one sensor.
#[derive(Debug)]
pub struct Signal {
    rng: StdRng,
    steps: u64,
    csq: i32,
}

impl Signal {
    /// The signal that belongs to a seed.
    pub fn new(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let csq = rng.random_range(MIDDLE - START_SPREAD..=MIDDLE + START_SPREAD);
        Self { rng, steps: 0, csq }
    }

    /// CSQ at `now`, 0 to 31. `now` never goes back; the answer does not depend on how often it is asked for.
    pub fn csq_at(&mut self, now: Duration) -> u8 {
        while STEP_S * (self.steps + 1) <= now.as_secs() {
            self.steps += 1;
            self.step();
        }
        self.csq as u8
    }

    fn step(&mut self) {
        let pull = PULL * f64::from(MIDDLE - self.csq);
        let draw: f64 = self.rng.random();
        if draw < STEP_PROBABILITY + pull {
            self.csq += 1;
        } else if draw > 1.0 - STEP_PROBABILITY + pull {
            self.csq -= 1;
        }
        self.csq = self.csq.clamp(0, HIGHEST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn over_a_week(seed: u64, every_s: u64) -> Vec<u8> {
        let mut signal = Signal::new(seed);
        (0..7 * 86_400 / every_s).map(|index| signal.csq_at(Duration::from_secs(index * every_s))).collect()
    }

    #[test]
    fn the_signal_wanders_around_seventeen() {
        for seed in 0..5 {
            let week = over_a_week(seed, 60);
            let mean = week.iter().map(|csq| f64::from(*csq)).sum::<f64>() / week.len() as f64;
            assert!((15.0..19.0).contains(&mean), "seed {seed}: {mean}");
            assert!(week.iter().all(|csq| *csq <= 31));
            assert!(week.iter().max().unwrap() - week.iter().min().unwrap() >= 6, "seed {seed}");
        }
    }

    #[test]
    fn it_does_not_depend_on_how_often_it_is_asked_for() {
        let often: Vec<_> = over_a_week(9, 30).into_iter().step_by(40).collect();
        assert_eq!(often, over_a_week(9, 1200));
        assert_ne!(over_a_week(9, 1200), over_a_week(10, 1200));
    }
}
