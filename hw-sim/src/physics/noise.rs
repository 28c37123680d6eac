//! Gaussian-like noise from a seeded generator.

use rand::RngExt;
use rand::rngs::StdRng;

/// How many uniform numbers make one near-normal number (central limit theorem; variance of each is 1/12).
const TERMS: usize = 12;

/// A number with mean 0 and the given standard deviation, never beyond six of them.
pub(super) fn normal(rng: &mut StdRng, deviation: f64) -> f64 {
    let sum: f64 = (0..TERMS).map(|_| rng.random::<f64>()).sum();
    (sum - TERMS as f64 / 2.0) * deviation
}
