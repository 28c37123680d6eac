//! The delta-sigma converter: six conversions, lowest and highest dropped, mean of four (device reference section 2.2).

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::noise::normal;

/// Conversions of one channel.
pub(super) const CONVERSIONS: usize = 6;
/// Time of one conversion.
pub(super) const CONVERSION: Duration = Duration::from_millis(100);
/// Highest code of the 16-bit converter.
const CODE_MAX: f64 = 32_767.0;
/// Codes of a full scale.
const CODES: f64 = 32_768.0;
/// VDC full scale in V: 0.948 mV per LSB.
const VDC_FULL_SCALE: f64 = 31.07;
/// Noise of one conversion in LSB, standard deviation.
const NOISE_LSB: f64 = 0.8;
/// Per-unit calibration factor: this far from 1.0 at most.
const FACTOR_SPREAD: f64 = 0.0015;
/// What calibration leaves over at 20 mA; the data sheet allows 0.02 mA.
const RESIDUAL: f64 = 0.0003;

/// The converter of one unit, with its calibration.
#[derive(Debug)]
pub(super) struct Converter {
    idc_full_scale: f64,
    factor: f64,
    shunt_error: f64,
    rng: StdRng,
}

impl Converter {
    pub(super) fn new(idc_full_scale: f64, seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let factor = 1.0 + rng.random_range(-FACTOR_SPREAD..FACTOR_SPREAD);
        let residual = 1.0 + rng.random_range(-RESIDUAL..RESIDUAL);
        Self { idc_full_scale, factor, shunt_error: residual / factor, rng }
    }

    /// What the firmware makes of six loop currents in mA.
    pub(super) fn idc_ma(&mut self, currents_ma: [f64; CONVERSIONS]) -> f64 {
        let lsb = self.idc_full_scale / CODES;
        let codes = currents_ma.map(|current| self.code(current * self.shunt_error / lsb));
        f64::from(trimmed_mean(codes)) * lsb * self.factor
    }

    /// What the firmware makes of six conversions of a steady voltage in V.
    pub(super) fn vdc_v(&mut self, voltage: f64) -> f64 {
        let lsb = VDC_FULL_SCALE / CODES;
        let codes = [voltage; CONVERSIONS].map(|voltage| self.code(voltage / lsb));
        f64::from(trimmed_mean(codes)) * lsb
    }

    /// One conversion. Never negative: the input sits a little above ground, and the sign bit is masked off anyway.
    fn code(&mut self, ideal: f64) -> u32 {
        let noisy = ideal + normal(&mut self.rng, NOISE_LSB);
        noisy.round().clamp(0.0, CODE_MAX) as u32
    }
}

/// Sorts, drops lowest and highest, and divides the rest as integers.
fn trimmed_mean(mut codes: [u32; CONVERSIONS]) -> u32 {
    codes.sort_unstable();
    codes[1..CONVERSIONS - 1].iter().sum::<u32>() / (CONVERSIONS as u32 - 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(current_ma: f64) -> f64 {
        Converter::new(21.333, 5).idc_ma([current_ma; CONVERSIONS])
    }

    #[test]
    fn readings_are_within_the_data_sheet() {
        for tenth in 0..=200 {
            let current = f64::from(tenth) / 10.0;
            assert!((read(current) - current).abs() <= 0.02, "{current} mA read as {}", read(current));
        }
    }

    #[test]
    fn everything_above_full_scale_clips_alike() {
        assert_eq!(read(22.0), read(24.0));
        assert!((read(24.0) - 21.333).abs() < 0.04);
        assert!(read(21.0) > 20.9 && read(21.0) < 21.1);
    }

    #[test]
    fn an_open_input_reads_nearly_nothing() {
        assert!((0.0..=0.003).contains(&read(0.0)));
    }

    #[test]
    fn extremes_are_dropped_and_division_is_whole() {
        assert_eq!(trimmed_mean([9999, 10, 11, 11, 11, 0]), 10);
    }
}
