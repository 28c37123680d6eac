//! Without a fault nothing is changed; with faults, the same seed makes the same day.

use std::time::Duration;

use hw_sim::{Device, Simulation};
use proptest::prelude::*;

use super::Rig;
use crate::support::{config, seconds};

/// Something a host does, or does not.
#[derive(Debug, Clone)]
enum Act {
    Type(String),
    Pass(u64),
}

fn act() -> impl Strategy<Value = Act> {
    let line = prop_oneof![
        Just("AT\r"),
        Just("604218\r"),
        Just("AT+CFG\r\n"),
        Just("AT+TDC=?\r"),
        Just("AT+GETSENSORVALUE=0\r"),
        Just("AT+TDC=1500\r"),
        Just("ATZ\r"),
        Just("AT+CF"),
    ];
    prop_oneof![line.prop_map(|line| Act::Type(line.to_owned())), (1..20_000_u64).prop_map(Act::Pass)]
}

/// Every byte with its time, of the device alone and of the simulation.
fn both(seed: u64, acts: &[Act]) -> [Vec<(Duration, u8)>; 2] {
    let mut device = Device::new(config(seed));
    let mut simulation = Simulation::new(config(seed));
    let mut seen = [Vec::new(), Vec::new()];
    let mut now = Duration::ZERO;
    let start = Act::Pass(60_000);
    for act in std::iter::once(&start).chain(acts) {
        match act {
            Act::Type(text) => {
                device.feed(now, text.as_bytes());
                simulation.feed(now, text.as_bytes());
            }
            Act::Pass(ms) => {
                let end = now + Duration::from_millis(*ms);
                while let Some(at) = device.next_wakeup().filter(|at| *at <= end) {
                    assert_eq!(simulation.next_wakeup(), Some(at));
                    now = now.max(at);
                    device.advance(now);
                    simulation.advance(now);
                    seen[0].extend(device.take_output(now).into_iter().map(|byte| (now, byte)));
                    seen[1].extend(simulation.take_output(now).into_iter().map(|byte| (now, byte)));
                }
                now = end;
                device.advance(now);
                simulation.advance(now);
            }
        }
    }
    seen
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn without_a_fault_bytes_and_times_are_the_devices(seed in 0..50_u64, acts in prop::collection::vec(act(), 1..20)) {
        let [alone, simulated] = both(seed, &acts);
        prop_assert!(!alone.is_empty());
        prop_assert_eq!(alone, simulated);
    }
}

/// A bad day, byte by byte.
fn day(seed: u64) -> Vec<(Duration, u8)> {
    let mut rig = Rig::new(seed);
    let mut seen = Vec::new();
    for fault in ["noise rate=0.05", "junk rate=0.2", "echo mode=partial", "late delay=0.3", "reboot bytes=40", "swap"]
    {
        rig.tell(&format!("fault {fault}"));
        rig.simulation.feed(rig.now, b"AT+CFG\r");
        seen.extend(rig.watch(seconds(5)));
    }
    seen.extend(rig.watch(seconds(80)));
    rig.recovers();
    seen
}

#[test]
fn the_same_seed_makes_the_same_day() {
    assert_eq!(day(5), day(5));
    assert_ne!(day(5), day(6));
}
