//! A Python script with nothing but the standard library.

use std::process::Command;

use crate::program::text;
use crate::{Sensor, current_ma};

#[test]
fn a_python_script_logs_in_and_measures() {
    let sensor = Sensor::start();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tools/measure.py");
    let output = Command::new("python3").arg(script).arg(sensor.link()).arg("604218").output().unwrap();
    let (said, errors) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{said}{errors}");
    assert!(said.contains("]Password Correct\n") && said.contains("]BAT:3.5"), "{said}");
    assert!((10.5..11.5).contains(&current_ma(&said)), "{said}");
}
