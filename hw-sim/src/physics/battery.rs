//! The lithium cell: flat at about 3.57 V, a few mV of noise, a little sag under load (device reference section 11).

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::noise::normal;

/// A fresh cell, lowest and highest of the lot, in V.
const FRESH_V: (f64, f64) = (3.562, 3.580);
/// Noise of one reading in V, standard deviation.
const NOISE_V: f64 = 0.002;
/// Loss of voltage for each second of 12 V, in V: slight, the curve is flat for years.
const LOSS_PER_SECOND_V: f64 = 2e-8;
/// Right after 12 V has been on, the cell reads this much lower, in V.
const SAG_V: f64 = 0.004;
/// The brown-out threshold: nothing is ever measured below it.
const EMPTY_V: f64 = 2.5;

/// One battery.
#[derive(Debug)]
pub(super) struct Battery {
    voltage: f64,
    rng: StdRng,
}

impl Battery {
    pub(super) fn new(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let voltage = rng.random_range(FRESH_V.0..FRESH_V.1);
        Self { voltage, rng }
    }

    /// The terminal voltage read after 12 V has been on for that many seconds.
    pub(super) fn read_v(&mut self, loaded_s: f64) -> f64 {
        self.voltage = (self.voltage - loaded_s * LOSS_PER_SECOND_V).max(EMPTY_V);
        let sag = if loaded_s > 0.0 { SAG_V } else { 0.0 };
        self.voltage - sag + normal(&mut self.rng, NOISE_V)
    }
}
