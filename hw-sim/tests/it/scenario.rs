//! Scenario files: those that are shipped, and what `hw-sim run --scenario` does with one.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hw_sim::control::{Command, Scenario};
use hw_sim::{SensorConfig, SensorError, Simulation};
use serde_json::Value;

use crate::program::{Host, Program, hw_sim, text};
use crate::support::{config, seconds};

fn shipped() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn every_scenario_that_is_shipped_can_be_followed_to_its_end() {
    assert!(shipped().iter().any(|path| path.ends_with("scenarios/example.toml")));
    for path in shipped() {
        let scenario: Scenario = fs::read_to_string(&path).unwrap().parse().unwrap();
        let (steps, last) = (scenario.steps.len(), scenario.steps.last().unwrap().0);
        let mut simulation = Simulation::new(config(1));
        simulation.schedule(scenario.steps).unwrap();
        simulation.advance(last + seconds(60));
        let executed = simulation.take_executed();
        assert_eq!(executed.len(), steps, "{}", path.display());
        for done in executed {
            assert!(done.outcome.is_ok() || done.command.is_for_adapter(), "{}: {done:?}", path.display());
        }
    }
}

/// What `hw-sim run` says to a scenario it cannot follow; nothing has been started.
fn refused(path: &Path) -> String {
    let directory = tempfile::tempdir().unwrap();
    let link = directory.path().join("tty");
    let output = hw_sim(&["run", "--link", link.to_str().unwrap(), "--scenario", path.to_str().unwrap()]);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), String::new()));
    assert!(fs::symlink_metadata(&link).is_err());
    text(&output.stderr)
}

#[test]
fn a_scenario_that_cannot_be_followed_is_explained_before_anything_starts() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("bad.toml");
    fs::write(&file, "[[at]]\nafter = \"soon\"\nrun = \"explode\"\nwhen = 3\n").unwrap();
    let said = refused(&file);
    assert!(said.starts_with(&format!("error: cannot use the scenario `{}`:\n", file.display())), "{said}");
    for wanted in
        ["line 2, column 9: `after`", "line 3, column 7: unknown command `explode`", "unknown key `when`", "hint: "]
    {
        assert!(said.contains(wanted), "{wanted}: {said}");
    }
    fs::write(&file, [0xff, 0xfe]).unwrap();
    for path in [file.as_path(), Path::new("/no/such.toml"), directory.path()] {
        let said = refused(path);
        assert!(said.contains("cannot read the scenario") && said.contains("hint: "), "{said}");
    }
}

#[test]
fn a_scenario_is_followed_from_the_ports_appearance_on_and_told() {
    let directory = tempfile::tempdir().unwrap();
    let (file, link) = (directory.path().join("s.toml"), directory.path().join("tty"));
    let elsewhere = directory.path().join("tty2");
    let step = |after: &str, run: &str| format!("[[at]]\nafter = \"{after}\"\nrun = '{run}'\n");
    let steps = step("20s", "press long")
        + &step("1s", "fault unsolicited text=\"RDY now\" after=0")
        + &step("40s", &format!("fault replug path={}", elsewhere.display()))
        + &step("41s", "replug /no/such/tty");
    fs::write(&file, steps).unwrap();
    let (link, file) = (link.to_str().unwrap(), file.to_str().unwrap());
    let args = ["run", "--link", link, "--scenario", file, "--on-for", "120", "--speed", "20", "--json"];
    let mut program = Program::start(&args);
    program.line();
    let first: Value = serde_json::from_str(&program.line()).unwrap();
    assert_eq!(first["line"], "fault unsolicited text=\"RDY now\" after=0 once=no");
    let mut host = Host::open(Path::new(link));
    assert!(host.ask("604218", "Password Correct\r\n").contains("RDY now\r\n"));
    let events: Vec<Value> = (0..4).map(|_| serde_json::from_str(&program.line()).unwrap()).collect();
    assert_eq!((&events[0]["line"], &events[0]["ok"]), (&"press long".into(), &true.into()));
    assert_eq!((&events[1]["event"], &events[1]["link"]), (&"plugged".into(), &elsewhere.to_str().into()));
    assert_eq!(events[2]["ok"], true);
    assert_eq!((&events[3]["line"], &events[3]["ok"]), (&"replug /no/such/tty".into(), &false.into()));
    assert!(program.interrupt().1.success());
}

#[tokio::test]
async fn more_than_can_wait_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let mut config = SensorConfig::new(directory.path().join("tty"), 1).unwrap();
    config.scenario.steps = vec![(Duration::ZERO, Command::Help); 10_001];
    let refused = hw_sim::SimulatedSensor::start(config).unwrap_err();
    assert!(matches!(&refused, SensorError::Scenario(_)), "{refused}");
    assert!(refused.to_string().contains("at most 10000 commands"), "{refused}");
}
