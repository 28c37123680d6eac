//! The sensor's analog board: 12 V switch, current and voltage input, battery; what one sample reads.
//!
//! It lives as long as the hardware: a processor reset switches 12 V off and changes nothing else.

use std::collections::VecDeque;
use std::time::Duration;

use super::battery::Battery;
use super::change::Change;
use super::converter::{CONVERSION, CONVERSIONS, Converter, ConverterConfig};
use super::current_loop::CurrentLoop;
use super::environment::Environment;
use super::fault::ProbeFault;
use super::probe::Probe;
use super::thermal::ThermalModel;
use super::transmitter::{Transmitter, TransmitterConfig};

/// An unconnected voltage input floats a little above ground, in V.
const OPEN_VDC_V: f64 = 0.012;

/// What the board is made from.
#[derive(Debug, Clone)]
pub(crate) struct BoardConfig {
    /// What hangs on the board, and where.
    pub(crate) environment: Environment,
    /// Positive full scale of the current input in mA.
    pub(crate) idc_clip: f64,
    /// The transmitter shows its start-up current for some seconds after 12 V is on (quirk Q13).
    pub(crate) startup_current: bool,
    /// A code below zero reads near full scale (quirk Q21).
    pub(crate) negative_reads_high: bool,
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

    /// The current in µA as three decimals of mA show it: rounded.
    pub(crate) fn idc_printed(&self) -> u16 {
        (self.idc_ma * 1000.0).round() as u16
    }

    /// The voltage in mV as three decimals of V show it: rounded.
    pub(crate) fn vdc_printed(&self) -> u16 {
        (self.vdc_v * 1000.0).round() as u16
    }

    /// The battery in mV, which is what the firmware measures.
    pub(crate) fn battery_mv(&self) -> u16 {
        (self.battery_v * 1000.0).round() as u16
    }
}

/// The board of one unit. No call's `now` is before that of the call before.
#[derive(Debug)]
pub(crate) struct Board {
    thermal: ThermalModel,
    current_loop: CurrentLoop,
    converter: Converter,
    vdc_v: f64,
    battery: Battery,
    powered_since: Option<Duration>,
    /// What is still to happen by itself, the next thing first.
    events: VecDeque<(Duration, Change)>,
}

impl Board {
    /// A board whose every part gets its own stream of the seed.
    pub(crate) fn new(config: BoardConfig, seed: u64) -> Self {
        let stream = |part: u64| seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(part);
        let BoardConfig { environment, idc_clip: idc_full_scale, startup_current, negative_reads_high } = config;
        let Environment { range, burn_out, input_offset_ma: idc_offset, mut events, .. } = environment;
        events.sort_by_key(|(at, _)| *at);
        let transmitter = Transmitter::new(TransmitterConfig { range, burn_out, startup_current }, stream(2));
        let probe = Probe::new(environment.probe_class, environment.lead_ohm, stream(5));
        let converter = ConverterConfig { idc_full_scale, idc_offset, negative_reads_high };
        Self {
            thermal: ThermalModel::new(environment.unit, stream(1), environment.doors),
            current_loop: CurrentLoop::new(probe, transmitter, stream(6)),
            converter: Converter::new(converter, stream(3)),
            vdc_v: environment.vdc_v.unwrap_or(OPEN_VDC_V),
            battery: Battery::new(environment.battery_charge, stream(4)),
            powered_since: None,
            events: events.into(),
        }
    }

    /// Does to the surroundings what somebody does to them now.
    pub(crate) fn change(&mut self, now: Duration, change: &Change) {
        self.catch_up(now);
        self.apply(now, change);
    }

    /// Switches 12 V on; without effect when it is on already.
    pub(crate) fn power_on(&mut self, now: Duration) {
        self.catch_up(now);
        self.powered_since.get_or_insert(now);
        self.battery.load_twelve_volt(now, true);
    }

    /// Switches 12 V off.
    pub(crate) fn power_off(&mut self, now: Duration) {
        self.catch_up(now);
        self.powered_since = None;
        self.battery.load_twelve_volt(now, false);
    }

    /// The modem wakes up, or goes to sleep: it loads the battery.
    pub(crate) fn load_modem(&mut self, now: Duration, awake: bool) {
        self.catch_up(now);
        self.battery.load_modem(now, awake);
    }

    /// The current that six conversions ending at `now` give.
    pub(crate) fn convert_idc_ma(&mut self, now: Duration) -> f64 {
        self.catch_up(now);
        let temperature = self.thermal.probe_at(now);
        let mut currents = [0.0; CONVERSIONS];
        for (index, current) in (0..).zip(&mut currents) {
            let before_end = CONVERSION * (CONVERSIONS as u32 - 1 - index);
            let powered = self.powered_since.map(|since| now.saturating_sub(since).saturating_sub(before_end));
            *current = self.current_loop.current_ma(now, temperature, powered);
        }
        self.converter.idc_ma(currents)
    }

    /// The current through the input once the transmitter has settled, in mA, without noise.
    pub(crate) fn loop_ma(&mut self, now: Duration) -> f64 {
        self.catch_up(now);
        let temperature = self.thermal.probe_at(now);
        self.current_loop.steady_ma(now, temperature)
    }

    /// The voltage that six conversions give.
    pub(crate) fn convert_vdc_v(&mut self) -> f64 {
        self.converter.vdc_v(self.vdc_v)
    }

    /// The battery voltage, lower under a load and right after it.
    pub(crate) fn battery_v(&mut self, now: Duration) -> f64 {
        self.catch_up(now);
        self.battery.read_v(now)
    }

    /// The battery gives too little to run on: the processor is in reset.
    pub(crate) fn is_browned_out(&mut self, now: Duration) -> bool {
        self.catch_up(now);
        self.battery.is_browned_out(now)
    }

    /// What a thermometer without any error would show at the probe, in °C.
    pub(crate) fn true_temperature(&mut self, now: Duration) -> f64 {
        self.catch_up(now);
        self.thermal.probe_at(now)
    }

    /// What is wrong between probe and input, in the order it came.
    pub(crate) fn faults(&mut self, now: Duration) -> Vec<ProbeFault> {
        self.catch_up(now);
        self.current_loop.faults().collect()
    }

    /// Lets happen what was to happen until `now`, each at its time.
    fn catch_up(&mut self, now: Duration) {
        while let Some((at, change)) = self.events.pop_front_if(|(at, _)| *at <= now) {
            self.apply(at, &change);
        }
    }

    fn apply(&mut self, at: Duration, change: &Change) {
        let temperature = self.thermal.probe_at(at);
        match *change {
            Change::Temperature(held) => self.thermal.hold(held),
            Change::DoorOpen(open) => self.thermal.doors().hold(open),
            Change::CompressorFails(broken) => self.thermal.machine().set_broken(broken),
            Change::Defrost => self.thermal.defrost(),
            Change::Restock => self.thermal.restock(),
            Change::Mains(on) => self.thermal.machine().set_mains(on),
            Change::BatteryVolts(volts) => self.battery.hold(at, volts),
            Change::Fault(fault) => self.current_loop.begin(at, fault, temperature),
            Change::ClearFault(kind) => self.current_loop.clear(kind),
        }
    }
}
