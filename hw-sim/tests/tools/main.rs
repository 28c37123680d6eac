//! Programs that know nothing of the simulator talk to it: picocom, and Python with nothing but its standard library.
//!
//! Needs picocom and python3 in the path.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so")]

#[allow(dead_code, reason = "the other suite uses more of it")]
#[path = "../it/program.rs"]
mod program;

mod picocom;
mod python;

use std::path::PathBuf;

use tempfile::TempDir;

use crate::program::Program;

/// A sensor whose boot is over, in real device time.
struct Sensor {
    directory: TempDir,
    _program: Program,
}

impl Sensor {
    fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let link = directory.path().join("tty");
        let mut program = Program::start(&["run", "--link", link.to_str().unwrap(), "--seed", "7", "--on-for", "120"]);
        program.line();
        Self { directory, _program: program }
    }

    fn link(&self) -> PathBuf {
        self.directory.path().join("tty")
    }
}

/// The current in mA of a printed measurement.
fn current_ma(output: &str) -> f64 {
    let current = output.split("IDC_Input:").nth(1).unwrap_or_else(|| panic!("no measurement: {output}"));
    current.split(' ').next().unwrap().parse().unwrap()
}
