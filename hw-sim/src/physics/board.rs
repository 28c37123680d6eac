//! The sensor's analog board: 12 V switch, current and voltage input, battery; what one sample reads.
//!
//! It lives as long as the hardware: a processor reset switches 12 V off and changes nothing else.

use std::time::Duration;

use super::battery::Battery;
use super::converter::{CONVERSION, CONVERSIONS, Converter};
use super::environment::Environment;
use super::thermal::ThermalModel;
use super::transmitter::Transmitter;

/// An unconnected voltage input floats a little above ground, in V.
const OPEN_VDC_V: f64 = 0.012;
/// Leakage through the loop without 12 V, in mA (an open input shows 0.000 to 0.002).
const LEAKAGE_MA: f64 = 0.001;

/// What the board is made from.
#[derive(Debug, Clone)]
pub(crate) struct BoardConfig {
    /// What hangs on the board, and where.
    pub(crate) environment: Environment,
    /// Positive full scale of the current input in mA.
    pub(crate) idc_clip: f64,
}

/// One measurement as the firmware holds it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sample {
    /// Loop current in mA, calibrated.
    pub(crate) idc_ma: f64,
    /// Voltage input in V.
    pub(crate) vdc_v: f64,
    /// Battery in V.
    pub(crate) battery_v: f64,
}

impl Sample {
    /// The current in µA, truncated to 16 bits as the firmware does.
    pub(crate) fn idc_ua(&self) -> u16 {
        (self.idc_ma * 1000.0) as u16
    }

    /// The voltage in mV, truncated to 16 bits as the firmware does.
    pub(crate) fn vdc_mv(&self) -> u16 {
        (self.vdc_v * 1000.0) as u16
    }
}

/// The board of one unit.
#[derive(Debug)]
pub(crate) struct Board {
    thermal: ThermalModel,
    transmitter: Transmitter,
    converter: Converter,
    battery: Battery,
    powered_since: Option<Duration>,
    loaded_s: f64,
}

impl Board {
    /// A board whose every part gets its own stream of the seed.
    pub(crate) fn new(config: BoardConfig, seed: u64) -> Self {
        let stream = |part: u64| seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(part);
        let Environment { unit, range, doors } = config.environment;
        Self {
            thermal: ThermalModel::new(unit, stream(1), doors),
            transmitter: Transmitter::new(range, stream(2)),
            converter: Converter::new(config.idc_clip, stream(3)),
            battery: Battery::new(stream(4)),
            powered_since: None,
            loaded_s: 0.0,
        }
    }

    /// Switches 12 V on; without effect when it is on already.
    pub(crate) fn power_on(&mut self, now: Duration) {
        self.powered_since.get_or_insert(now);
    }

    /// Switches 12 V off.
    pub(crate) fn power_off(&mut self, now: Duration) {
        if let Some(since) = self.powered_since.take() {
            self.loaded_s += now.saturating_sub(since).as_secs_f64();
        }
    }

    /// The current that six conversions ending at `now` give.
    pub(crate) fn convert_idc_ma(&mut self, now: Duration) -> f64 {
        let temperature = self.thermal.probe_at(now);
        let mut currents = [LEAKAGE_MA; CONVERSIONS];
        if let Some(since) = self.powered_since {
            for (index, current) in (0..).zip(&mut currents) {
                let before_end = CONVERSION * (CONVERSIONS as u32 - 1 - index);
                let powered = now.saturating_sub(since).saturating_sub(before_end);
                *current = self.transmitter.current_ma(temperature, powered);
            }
        }
        self.converter.idc_ma(currents)
    }

    /// The voltage that six conversions give.
    pub(crate) fn convert_vdc_v(&mut self) -> f64 {
        self.converter.vdc_v(OPEN_VDC_V)
    }

    /// The battery voltage, lower right after a load.
    pub(crate) fn battery_v(&mut self) -> f64 {
        let loaded_s = std::mem::take(&mut self.loaded_s);
        self.battery.read_v(loaded_s)
    }

    /// What a thermometer without any error would show at the probe, in °C. `now` never goes back.
    pub(crate) fn true_temperature(&mut self, now: Duration) -> f64 {
        self.thermal.probe_at(now)
    }
}
