//! The lithium cell with its capacitor: flat for years, sagging under load, then a knee (device reference section 11).

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::noise::normal;

/// A fresh cell, lowest and highest of the lot, in V.
const FRESH_V: (f64, f64) = (3.562, 3.580);
/// What a cell has lost in V when this share of its charge is left: flat for most of the life, then the knee.
const LOST_V: [(f64, f64); 7] =
    [(0.0, 1.30), (0.01, 0.85), (0.03, 0.45), (0.06, 0.28), (0.12, 0.16), (0.5, 0.06), (1.0, 0.0)];
/// Charge of a fresh ER26500 in mAh.
const CAPACITY_MAH: f64 = 8_500.0;
/// Noise of one reading in V, standard deviation.
const NOISE_V: f64 = 0.002;
/// The processor in STOP mode takes this, in mA.
const STOP_MA: f64 = 0.010;
/// 10 mA at 12 V cost the battery this, in mA.
const TWELVE_VOLT_MA: f64 = 43.0;
/// An awake modem takes this on average, in mA.
const MODEM_MA: f64 = 60.0;
/// Transmitting, it takes this in bursts, in mA.
const TRANSMIT_MA: f64 = 350.0;
/// Inner resistance in Ω of a fresh cell with its capacitor: 13 mV at 43 mA, 105 mV at 350 mA.
const FRESH_OHM: f64 = 0.3;
/// What the inner resistance has gained in Ω when the cell is empty; little of it before the last quarter.
const AGEING_OHM: f64 = 1.5;
/// Time constants of the sag under load and of the recovery after it, in s.
const SAG_S: f64 = 0.5;
const RECOVERY_S: f64 = 60.0;
/// Below this the processor is reset, in V: between the 2.5 and 2.6 V of the data sheet.
const BROWN_OUT_V: f64 = 2.55;

/// One battery, and what it has to drive.
#[derive(Debug)]
pub(super) struct Battery {
    fresh_v: f64,
    state: State,
    twelve_volt: bool,
    modem: bool,
    /// A bench supply in the battery's place.
    held_v: Option<f64>,
    at: Duration,
    rng: StdRng,
}

/// What changes under load.
#[derive(Debug, Clone, Copy)]
struct State {
    charge: f64,
    sag_v: f64,
}

impl Battery {
    /// A battery with that share of its charge left.
    pub(super) fn new(charge: f64, seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let fresh_v = rng.random_range(FRESH_V.0..FRESH_V.1);
        let state = State { charge: charge.clamp(0.0, 1.0), sag_v: 0.0 };
        Self { fresh_v, state, twelve_volt: false, modem: false, held_v: None, at: Duration::ZERO, rng }
    }

    /// Switches the load of the 12 V converter.
    pub(super) fn load_twelve_volt(&mut self, now: Duration, on: bool) {
        self.advance(now);
        self.twelve_volt = on;
    }

    /// Switches the load of the modem.
    pub(super) fn load_modem(&mut self, now: Duration, on: bool) {
        self.advance(now);
        self.modem = on;
    }

    /// Puts a bench supply in the battery's place, or the battery back.
    pub(super) fn hold(&mut self, now: Duration, volts: Option<f64>) {
        self.advance(now);
        self.held_v = volts;
    }

    /// The terminal voltage as it is read now. While the modem is awake the reading may meet a burst, or none.
    pub(super) fn read_v(&mut self, now: Duration) -> f64 {
        self.advance(now);
        let burst = if self.modem { self.rng.random_range(0.0..1.0) } else { 0.0 };
        let noise = normal(&mut self.rng, NOISE_V);
        self.held_v.unwrap_or_else(|| self.state.terminal_v(self.fresh_v, burst) + noise)
    }

    /// Too little is left to run on, at the height of a burst when the modem is awake. Asking changes nothing, not even
    /// a rounding error.
    pub(super) fn is_browned_out(&self, now: Duration) -> bool {
        let burst = if self.modem { 1.0 } else { 0.0 };
        self.held_v.unwrap_or_else(|| self.state_at(now).terminal_v(self.fresh_v, burst)) < BROWN_OUT_V
    }

    fn advance(&mut self, now: Duration) {
        self.state = self.state_at(now);
        self.at = self.at.max(now);
    }

    /// The load is the same all the time since `at`. A bench supply spares the battery.
    fn state_at(&self, now: Duration) -> State {
        let elapsed_s = now.saturating_sub(self.at).as_secs_f64();
        let load_ma = if self.held_v.is_some() { 0.0 } else { self.load_ma() };
        self.state.after(elapsed_s, load_ma)
    }

    fn load_ma(&self) -> f64 {
        let twelve_volt = if self.twelve_volt { TWELVE_VOLT_MA } else { 0.0 };
        STOP_MA + twelve_volt + if self.modem { MODEM_MA } else { 0.0 }
    }
}

impl State {
    /// Under a constant load the sag is an exponential.
    fn after(self, elapsed_s: f64, load_ma: f64) -> Self {
        let settled_v = load_ma / 1000.0 * self.ohm();
        let time_constant_s = if settled_v > self.sag_v { SAG_S } else { RECOVERY_S };
        let sag_v = settled_v + (self.sag_v - settled_v) * (-elapsed_s / time_constant_s).exp();
        let charge = (self.charge - load_ma * elapsed_s / 3600.0 / CAPACITY_MAH).max(0.0);
        Self { charge, sag_v }
    }

    /// The voltage with that share of a transmission's burst on top of the load.
    fn terminal_v(self, fresh_v: f64, burst: f64) -> f64 {
        let burst_ma = burst * (TRANSMIT_MA - MODEM_MA);
        fresh_v - lost_v(self.charge) - self.sag_v - burst_ma / 1000.0 * self.ohm()
    }

    fn ohm(self) -> f64 {
        FRESH_OHM + AGEING_OHM * (1.0 - self.charge).powi(8)
    }
}

/// Straight lines between the points of the curve.
fn lost_v(charge: f64) -> f64 {
    LOST_V.windows(2).find(|pair| charge <= pair[1].0).map_or(0.0, |pair| {
        let ((low, low_v), (high, high_v)) = (pair[0], pair[1]);
        low_v + (high_v - low_v) * (charge - low) / (high - low)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn at_rest(charge: f64) -> f64 {
        Battery::new(charge, 3).read_v(Duration::ZERO)
    }

    #[test]
    fn the_curve_is_flat_for_most_of_the_life_and_drops_late() {
        for percent in 12..=100 {
            let volts = at_rest(f64::from(percent) / 100.0);
            assert!((3.39..=3.6).contains(&volts), "{percent} %: {volts}");
        }
        assert!((3.05..3.2).contains(&at_rest(0.03)), "{}", at_rest(0.03));
        assert!(at_rest(0.0) < 2.4);
    }

    #[test]
    fn twelve_volt_costs_little_and_a_transmission_more() {
        let mut battery = Battery::new(1.0, 1);
        let rest = battery.read_v(seconds(1));
        battery.load_twelve_volt(seconds(10), true);
        let loaded = battery.read_v(seconds(16));
        assert!((0.003..0.03).contains(&(rest - loaded)), "{rest} {loaded}");
        battery.load_twelve_volt(seconds(17), false);
        battery.load_modem(seconds(20), true);
        let readings: Vec<_> = (0..200).map(|index| rest - battery.read_v(seconds(25 + index))).collect();
        assert!(readings.iter().all(|sag| (0.005..0.16).contains(sag)), "{readings:?}");
        assert!(readings.iter().any(|sag| *sag > 0.08));
        battery.load_modem(seconds(300), false);
        assert!(rest - battery.read_v(seconds(900)) < 0.01);
    }

    #[test]
    fn checks_each_minute_empty_it_in_two_months() {
        let mut battery = Battery::new(1.0, 1);
        let before = battery.state.charge;
        for minute in 0..24 * 60 {
            battery.load_twelve_volt(seconds(minute * 60), true);
            battery.load_twelve_volt(seconds(minute * 60) + Duration::from_millis(7_500), false);
        }
        let used_mah = (before - battery.state.charge) * CAPACITY_MAH;
        assert!((120.0..140.0).contains(&used_mah), "{used_mah} mAh a day");
    }

    #[test]
    fn asleep_it_lasts_for_ever() {
        let mut battery = Battery::new(1.0, 1);
        battery.advance(DAY * 365);
        assert!(battery.state.charge > 0.985);
    }

    #[test]
    fn a_nearly_empty_battery_browns_out_while_transmitting_only() {
        let mut battery = Battery::new(0.02, 2);
        assert!(!battery.is_browned_out(seconds(1)));
        battery.load_modem(seconds(2), true);
        assert!(battery.is_browned_out(seconds(5)));
        battery.load_modem(seconds(6), false);
        assert!(!battery.is_browned_out(seconds(300)));
        assert!(Battery::new(0.0, 2).is_browned_out(seconds(1)));
    }

    #[test]
    fn a_fresh_battery_never_browns_out() {
        let mut battery = Battery::new(1.0, 2);
        battery.load_modem(seconds(0), true);
        battery.load_twelve_volt(seconds(0), true);
        assert!(!battery.is_browned_out(seconds(600)));
    }

    #[test]
    fn a_bench_supply_gives_exactly_its_voltage() {
        let mut battery = Battery::new(0.5, 2);
        battery.load_modem(seconds(0), true);
        battery.hold(seconds(1), Some(2.9));
        assert_eq!(battery.read_v(seconds(2)), 2.9);
        assert!(!battery.is_browned_out(seconds(3)));
        battery.hold(seconds(4), Some(2.5));
        assert!(battery.is_browned_out(seconds(4)));
        battery.hold(seconds(5), None);
        assert!(battery.read_v(seconds(6)) > 3.3);
    }
}
