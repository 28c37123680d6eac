//! What happens around the sensor, as a client sees it in the measured values.

use std::time::Duration;

use hw_sim::physics::Change;

use crate::support::{Bench, config};

fn measured_with(fault: &str) -> f64 {
    let mut bench = Bench::unlocked(config(1));
    bench.set("AT+12VT=6000");
    let now = bench.now;
    bench.device.environment(now, &Change::Fault(fault.parse().unwrap()));
    bench.measure_ma()
}

#[test]
fn faults_of_the_loop_are_printed_as_the_reference_says() {
    assert!(measured_with("wire-break") <= 0.002);
    assert!(measured_with("pt100-open") <= 3.6);
    assert!(measured_with("current ma=20.99") > 20.96);
    for clipped in ["loop-short", "reversed", "current ma=24"] {
        assert!((measured_with(clipped) - 21.333).abs() < 0.05, "{clipped}");
    }
}

#[test]
fn a_cleared_fault_leaves_nothing_behind() {
    let mut bench = Bench::unlocked(config(1));
    bench.set("AT+12VT=6000");
    let now = bench.now;
    bench.device.environment(now, &Change::Fault("wire-break".parse().unwrap()));
    assert_eq!(bench.device.probe_faults().len(), 1);
    bench.device.environment(now, &Change::ClearFault(None));
    assert!(bench.device.probe_faults().is_empty());
    assert!(bench.measure_ma() > 10.0);
}

#[test]
fn a_bench_supply_is_printed_as_the_battery_and_may_be_too_low() {
    let mut bench = Bench::unlocked(config(1));
    let now = bench.now;
    bench.device.environment(now, &Change::BatteryVolts(Some(2.9)));
    let output = bench.type_line("AT+GETSENSORVALUE=0") + &bench.pass(Duration::from_secs(5));
    assert!(output.contains("]BAT:2.900 V"), "{output}");
    let now = bench.now;
    bench.device.environment(now, &Change::BatteryVolts(Some(2.5)));
    let output = bench.type_line("AT+GETSENSORVALUE=0") + &bench.pass(Duration::from_secs(5));
    assert!(output.contains("bootloader") && output.contains("reboot error:BOR!"), "{output}");
}
