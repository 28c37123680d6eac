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
/// What the firmware keeps of a code: everything but the sign.
const SIGN_MASK: i32 = 0x7FFF;
/// Codes of a full scale.
const CODES: f64 = 32_768.0;
/// VDC full scale in V: 0.948 mV per LSB.
const VDC_FULL_SCALE: f64 = 31.07;
/// Noise of one conversion in LSB, standard deviation: a quiet converter, so that an open input never goes below zero.
const NOISE_LSB: f64 = 0.25;
/// Per-unit calibration factor: this far from 1.0 at most.
const FACTOR_SPREAD: f64 = 0.0015;
/// What calibration leaves over: 0.018 mA at 20 mA at most, and a digit remains for noise. The data sheet allows 0.02.
const RESIDUAL: f64 = 0.0009;
/// Error of the voltage divider: 0.018 V at 30 V at most; the data sheet allows 0.02.
const DIVIDER_ERROR: f64 = 0.0006;

/// How a converter is built.
#[derive(Debug, Clone, Copy)]
pub(super) struct ConverterConfig {
    /// Positive full scale of the current input in mA.
    pub(super) idc_full_scale: f64,
    /// Offset of the current input in mA.
    pub(super) idc_offset: f64,
    /// The firmware masks the sign bit off: a code below zero is read as one near full scale (quirk Q21).
    pub(super) negative_reads_high: bool,
}

/// The converter of one unit, with its calibration.
#[derive(Debug)]
pub(super) struct Converter {
    config: ConverterConfig,
    factor: f64,
    shunt_error: f64,
    divider_error: f64,
    rng: StdRng,
}

impl Converter {
    pub(super) fn new(config: ConverterConfig, seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let factor = 1.0 + rng.random_range(-FACTOR_SPREAD..FACTOR_SPREAD);
        let residual = 1.0 + rng.random_range(-RESIDUAL..RESIDUAL);
        let divider_error = 1.0 + rng.random_range(-DIVIDER_ERROR..DIVIDER_ERROR);
        Self { config, factor, shunt_error: residual / factor, divider_error, rng }
    }

    /// What the firmware makes of six loop currents in mA.
    pub(super) fn idc_ma(&mut self, currents_ma: [f64; CONVERSIONS]) -> f64 {
        let lsb = self.config.idc_full_scale / CODES;
        let offset = self.config.idc_offset;
        let codes = currents_ma.map(|current| self.code((current * self.shunt_error + offset) / lsb));
        f64::from(trimmed_mean(codes)) * lsb * self.factor
    }

    /// What the firmware makes of six conversions of a steady voltage in V.
    pub(super) fn vdc_v(&mut self, voltage: f64) -> f64 {
        let lsb = VDC_FULL_SCALE / CODES;
        let codes = [voltage; CONVERSIONS].map(|voltage| self.code(voltage * self.divider_error / lsb));
        f64::from(trimmed_mean(codes)) * lsb
    }

    /// One conversion as the firmware takes it.
    fn code(&mut self, ideal: f64) -> u32 {
        let noisy = ideal + normal(&mut self.rng, NOISE_LSB);
        let code = noisy.round().clamp(-CODES, CODE_MAX) as i32;
        if self.config.negative_reads_high { (code & SIGN_MASK) as u32 } else { code.max(0) as u32 }
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

    const PLAIN: ConverterConfig =
        ConverterConfig { idc_full_scale: 21.333, idc_offset: 0.0, negative_reads_high: true };

    fn read_as(config: ConverterConfig, current_ma: f64) -> f64 {
        Converter::new(config, 5).idc_ma([current_ma; CONVERSIONS])
    }

    fn read(current_ma: f64) -> f64 {
        read_as(PLAIN, current_ma)
    }

    #[test]
    fn readings_are_within_the_data_sheet() {
        for (seed, tenth) in (0..50).flat_map(|seed| (1..=200).map(move |tenth| (seed, tenth))) {
            let current = f64::from(tenth) / 10.0;
            let reading = Converter::new(PLAIN, seed).idc_ma([current; CONVERSIONS]);
            assert!((reading - current).abs() <= 0.02, "{current} mA read as {reading}");
            let reading = Converter::new(PLAIN, seed).vdc_v(current * 1.5);
            assert!((reading - current * 1.5).abs() <= 0.02, "{current} V read as {reading}");
        }
    }

    #[test]
    fn units_differ_by_nearly_what_the_data_sheet_allows() {
        let read = |seed| Converter::new(PLAIN, seed).idc_ma([20.0; CONVERSIONS]) - 20.0;
        let worst = (0..200).map(read).map(f64::abs).fold(0.0, f64::max);
        assert!(worst > 0.015, "{worst}");
    }

    #[test]
    fn everything_above_full_scale_clips_alike() {
        assert_eq!(read(22.0), read(24.0));
        assert!((read(24.0) - 21.333).abs() < 0.04);
        assert!(read(21.0) > 20.9 && read(21.0) < 21.1);
    }

    #[test]
    fn an_open_input_reads_nearly_nothing() {
        let mut converter = Converter::new(PLAIN, 5);
        for _ in 0..10_000 {
            let reading = converter.idc_ma([0.001; CONVERSIONS]);
            assert!((0.0..0.0025).contains(&reading), "{reading}");
        }
    }

    #[test]
    fn a_code_below_zero_reads_near_full_scale() {
        assert!((read(-0.002) - 21.333).abs() < 0.05, "{}", read(-0.002));
        let offset = ConverterConfig { idc_offset: -0.004, ..PLAIN };
        assert!((read_as(offset, 0.001) - 21.333).abs() < 0.05);
        assert!((read_as(offset, 4.0) - 3.996).abs() < 0.02);
        assert!((Converter::new(PLAIN, 5).vdc_v(-0.01) - 31.07).abs() < 0.05);
        let signed = ConverterConfig { negative_reads_high: false, ..PLAIN };
        assert_eq!(read_as(signed, -0.002), 0.0);
    }

    #[test]
    fn extremes_are_dropped_and_division_is_whole() {
        assert_eq!(trimmed_mean([9999, 10, 11, 11, 11, 0]), 10);
    }
}
