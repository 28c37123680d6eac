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

#[test]
fn a_pin_comes_from_the_environment_and_is_never_shown() {
    let text = std::fs::read_to_string(fixture("good.toml")).unwrap();
    let pin = text.lines().find(|line| line.starts_with("pin")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("agent.toml");
    for name in ["ca.pem", "gateway.pem", "gateway.key"] {
        std::fs::copy(fixture(name), folder.path().join(name)).unwrap();
    }
    std::fs::write(&file, text.replace(pin, "pin_env = \"FRIDGE_PIN\"")).unwrap();
    let check = |pin: Option<&str>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kitchen-agent"));
        command.args(["check", "--config"]).arg(&file).envs(pin.map(|pin| ("FRIDGE_PIN", pin)));
        let Output { status, stdout, stderr } = command.output().unwrap();
        (status.code(), String::from_utf8([stdout, stderr].concat()).unwrap())
    };
    assert_eq!(check(Some("604218")).0, Some(0), "{}", check(Some("604218")).1);
    for (pin, said) in [(None, "no environment variable `FRIDGE_PIN`"), (Some("secret pin"), "holds no PIN")] {
        let (code, text) = check(pin);
        assert!(code == Some(2) && text.contains(said) && !text.contains("secret pin"), "{text}");
    }
    assert!(!check(Some("604218")).1.contains("604218"));
    // Who takes one key for another shows no PIN either.
    for mistaken in ["pin_env = \"604218\"", "pin_env = 604218", "pin_file = 604218", "pin_file = \"604218\""] {
        std::fs::write(&file, text.replace(pin, mistaken)).unwrap();
        let (code, text) = check(None);
        assert!(code == Some(2) && text.contains("`sensors[0].pin_") && !text.contains("604218"), "{text}");
    }
}
