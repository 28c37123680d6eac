//! What the program prints, and how it exits.

use std::process::{Command, Output};

use insta::{assert_snapshot, with_settings};

use crate::fixture;

fn agent(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kitchen-agent")).args(args).env("NO_COLOR", "1").output().unwrap()
}

fn shown(args: &[&str]) -> String {
    let Output { status, stdout, stderr } = agent(args);
    let [stdout, stderr] = [stdout, stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    format!("exit: {}\n--- stdout\n{stdout}--- stderr\n{stderr}", status.code().unwrap())
}

#[test]
fn help() {
    assert_snapshot!(shown(&["--help"]));
}

#[test]
fn wrong_usage_exits_2() {
    assert_snapshot!(shown(&["fly"]));
}

#[test]
fn a_missing_configuration_exits_2() {
    assert_snapshot!(shown(&["--config", "no-such-file.toml", "run"]));
}

#[test]
fn check_shows_what_is_in_effect_without_secrets() {
    with_settings!({ filters => [(env!("CARGO_MANIFEST_DIR"), "AGENT")] }, {
        assert_snapshot!("check_text", shown(&["--config", &fixture("good.toml"), "check"]));
        assert_snapshot!("check_json", shown(&["--config", &fixture("good.toml"), "check", "--json"]));
    });
}

#[test]
fn a_plan_shows_what_it_costs_the_battery() {
    assert_snapshot!("sensor_plan", shown(&["--config", &fixture("good.toml"), "sensor", "plan"]));
    let unknown = shown(&["--config", &fixture("good.toml"), "sensor", "plan", "no-such"]);
    assert!(unknown.starts_with("exit: 2") && unknown.contains("no sensor `no-such`"), "{unknown}");
}
