//! From the probe to the sensor's input: PT100, transmitter, two wires, and whatever is wrong with them.

use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::StdRng;

use super::fault::{ProbeFault, ProbeFaultKind};
use super::noise::normal;
use super::probe::{Probe, Resistance};
use super::transmitter::Transmitter;

/// What flows without 12 V or through a broken loop, in mA (an open input shows 0.000 to 0.002).
const LEAKAGE_MA: f64 = 0.001;
/// What flows backwards through the protection diode of a transmitter that is connected backwards, in mA.
const REVERSE_MA: f64 = -0.002;
/// What the supply drives through a shorted loop, in mA: more than the input can read.
const SHORT_MA: f64 = 40.0;

/// The loop of one sensor.
#[derive(Debug)]
pub(super) struct CurrentLoop {
    probe: Probe,
    transmitter: Transmitter,
    faults: Vec<Active>,
    interference: StdRng,
}

/// A fault with what has to be remembered of the time it came.
#[derive(Debug, Clone, Copy)]
struct Active {
    fault: ProbeFault,
    since: Duration,
    settled_ma: f64,
}

impl CurrentLoop {
    pub(super) fn new(probe: Probe, transmitter: Transmitter, seed: u64) -> Self {
        Self { probe, transmitter, faults: Vec::new(), interference: StdRng::seed_from_u64(seed) }
    }

    /// From now on that is wrong, with this temperature at the probe; instead of what was wrong of the same kind.
    pub(super) fn begin(&mut self, now: Duration, fault: ProbeFault, temperature: f64) {
        self.clear(Some(fault.kind()));
        let settled_ma = self.settled_ma(now, temperature);
        self.faults.push(Active { fault, since: now, settled_ma });
    }

    /// Removes a fault, or all.
    pub(super) fn clear(&mut self, kind: Option<ProbeFaultKind>) {
        self.faults.retain(|active| kind.is_some_and(|kind| kind != active.fault.kind()));
    }

    /// The faults there are, in the order they came.
    pub(super) fn faults(&self) -> impl Iterator<Item = ProbeFault> + '_ {
        self.faults.iter().map(|active| active.fault)
    }

    /// The current through the input with `temperature` at the probe and 12 V on for `powered`.
    pub(super) fn current_ma(&mut self, now: Duration, temperature: f64, powered: Option<Duration>) -> f64 {
        let Some(powered) = powered.filter(|_| !self.has(ProbeFaultKind::WireBreak)) else {
            return LEAKAGE_MA;
        };
        let settled_ma = self.settled_ma(now, temperature);
        let driven_ma = self.transmitter.current_ma(settled_ma, powered);
        let deviation_ma = self.value(ProbeFaultKind::Noise).unwrap_or_default();
        self.wired_ma(driven_ma) + normal(&mut self.interference, deviation_ma)
    }

    /// The current through the input with 12 V on for long, without noise.
    pub(super) fn steady_ma(&self, now: Duration, temperature: f64) -> f64 {
        let broken = self.has(ProbeFaultKind::WireBreak);
        if broken { LEAKAGE_MA } else { self.wired_ma(self.settled_ma(now, temperature)) }
    }

    /// What the wires make of the transmitter's current. A calibrator is connected in the place of everything else; it
    /// cannot take the leakage away.
    fn wired_ma(&self, driven_ma: f64) -> f64 {
        if let Some(current) = self.value(ProbeFaultKind::Current) {
            return if current < 0.0 { current } else { current.max(LEAKAGE_MA) };
        }
        if self.has(ProbeFaultKind::LoopShort) {
            SHORT_MA
        } else if self.has(ProbeFaultKind::Reversed) {
            REVERSE_MA
        } else {
            driven_ma
        }
    }

    fn settled_ma(&self, now: Duration, temperature: f64) -> f64 {
        match self.active(ProbeFaultKind::Stuck) {
            Some(stuck) => stuck.settled_ma,
            None => self.transmitter.settled_ma(self.resistance(now, temperature)),
        }
    }

    /// A short has the last word: what is open elsewhere is bridged by it.
    fn resistance(&self, now: Duration, temperature: f64) -> Resistance {
        if self.has(ProbeFaultKind::Pt100Short) {
            return Resistance::Short;
        }
        if self.has(ProbeFaultKind::Pt100Open) {
            return Resistance::Open;
        }
        let more_lead_ohm = self.value(ProbeFaultKind::Lead).unwrap_or_default();
        Resistance::Of(self.probe.seems(temperature, more_lead_ohm) + self.drift(now))
    }

    fn drift(&self, now: Duration) -> f64 {
        self.active(ProbeFaultKind::Drift).map_or(0.0, |drift| {
            let hours = now.saturating_sub(drift.since).as_secs_f64() / 3600.0;
            drift.fault.value().unwrap_or_default() * hours
        })
    }

    fn active(&self, kind: ProbeFaultKind) -> Option<&Active> {
        self.faults.iter().find(|active| active.fault.kind() == kind)
    }

    fn has(&self, kind: ProbeFaultKind) -> bool {
        self.active(kind).is_some()
    }

    fn value(&self, kind: ProbeFaultKind) -> Option<f64> {
        self.active(kind).and_then(|active| active.fault.value())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::physics::probe::ProbeClass;
    use crate::physics::transmitter::{BurnOut, Range, TransmitterConfig};

    const HOUR: Duration = Duration::from_secs(3600);
    const WARM: Option<Duration> = Some(Duration::from_secs(10));

    fn current_loop(burn_out: BurnOut) -> CurrentLoop {
        let config = TransmitterConfig { range: Range::KITCHEN, burn_out, startup_current: true };
        CurrentLoop::new(Probe::new(ProbeClass::A, 0.0, 1), Transmitter::new(config, 2), 3)
    }

    fn check(burn_out: BurnOut, fault: &str, expected: std::ops::RangeInclusive<f64>) {
        let mut current_loop = current_loop(burn_out);
        current_loop.begin(Duration::ZERO, fault.parse().unwrap(), 3.5);
        let current = current_loop.current_ma(HOUR, 3.5, WARM);
        assert!(expected.contains(&current), "{fault}: {current}");
        current_loop.clear(None);
        let current = current_loop.current_ma(HOUR, 3.5, WARM);
        assert!((current - 10.96).abs() < 0.06, "after {fault}: {current}");
    }

    #[test]
    fn each_fault_drives_the_current_of_the_reference() {
        check(BurnOut::Low, "wire-break", 0.0..=0.002);
        check(BurnOut::Low, "loop-short", 21.4..=f64::MAX);
        check(BurnOut::Low, "pt100-open", 3.5..=3.6);
        check(BurnOut::High, "pt100-open", 21.4..=23.0);
        check(BurnOut::High, "pt100-short", 3.5..=3.6);
        check(BurnOut::Low, "reversed", -0.01..=-0.001);
        check(BurnOut::Low, "current ma=3.61", 3.61..=3.61);
        check(BurnOut::Low, "current ma=0", 0.0..=0.002);
    }

    #[test]
    fn one_ohm_of_lead_is_two_and_a_half_degrees() {
        let mut current_loop = current_loop(BurnOut::Low);
        let before = current_loop.settled_ma(HOUR, 3.5);
        current_loop.begin(HOUR, ProbeFault::Lead(1.0), 3.5);
        assert!((current_loop.settled_ma(HOUR, 3.5) - before - 2.6 * 0.16).abs() < 1e-3);
    }

    #[test]
    fn drift_grows_by_the_hour_from_the_time_it_came() {
        let mut current_loop = current_loop(BurnOut::Low);
        let before = current_loop.settled_ma(HOUR, 3.5);
        current_loop.begin(HOUR, ProbeFault::Drift(0.5), 3.5);
        assert_eq!(current_loop.settled_ma(HOUR, 3.5), before);
        assert!((current_loop.settled_ma(HOUR * 5, 3.5) - before - 2.0 * 0.16).abs() < 1e-9);
    }

    #[test]
    fn a_stuck_transmitter_still_needs_its_supply() {
        let mut current_loop = current_loop(BurnOut::Low);
        current_loop.begin(HOUR, ProbeFault::Stuck, 3.5);
        let current = current_loop.current_ma(HOUR * 2, 30.0, WARM);
        assert!((current - 10.96).abs() < 0.06, "{current}");
        assert!(current_loop.current_ma(HOUR * 2, 30.0, None) < 0.002);
        assert!(current_loop.current_ma(HOUR * 2, 30.0, Some(Duration::from_secs(1))) < 3.7);
    }

    #[test]
    fn noise_shows_in_the_spread_and_not_in_the_mean() {
        let mut current_loop = current_loop(BurnOut::Low);
        current_loop.begin(HOUR, ProbeFault::Noise(0.5), 3.5);
        let currents: Vec<_> = (0..2000).map(|_| current_loop.current_ma(HOUR, 3.5, WARM)).collect();
        let mean = currents.iter().sum::<f64>() / 2000.0;
        let variance = currents.iter().map(|current| (current - mean).powi(2)).sum::<f64>() / 2000.0;
        assert!((mean - 10.96).abs() < 0.1, "{mean}");
        assert!((variance.sqrt() - 0.5).abs() < 0.05, "{variance}");
    }

    #[test]
    fn the_same_kind_replaces_and_another_kind_stays() {
        let mut current_loop = current_loop(BurnOut::Low);
        for fault in ["current ma=4", "drift rate=1", "current ma=20.99"] {
            current_loop.begin(HOUR, fault.parse().unwrap(), 3.5);
        }
        let faults: Vec<_> = current_loop.faults().collect();
        assert_eq!(faults, [ProbeFault::Drift(1.0), ProbeFault::Current(20.99)]);
        current_loop.clear(Some(ProbeFaultKind::Current));
        assert_eq!(current_loop.faults().count(), 1);
    }
}
