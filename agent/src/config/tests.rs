//! What a person sees of a wrong configuration.

use std::path::Path;

use insta::assert_snapshot;

use super::error::ConfigError;
use super::load::parse;
use crate::report::config_error_text;

/// The directory with the contract's test keys and a certificate made of one of them.
fn fixtures() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/fixtures"))
}

fn shown(text: &str) -> String {
    match parse(text, fixtures()) {
        Ok(_) => "fine".to_owned(),
        Err(problems) => {
            let error = ConfigError::Invalid { file: "agent.toml".into(), text: text.to_owned(), problems };
            config_error_text(&error).replace(&fixtures().display().to_string(), "FIXTURES")
        }
    }
}

const GOOD: &str = r#"
[gateway]
id = "gateway-1"
kitchen_id = "kitchen-1"
data_dir = "/var/lib/kitchen-agent"

[mqtt]
host = "cloud.example"
ca = "ca.pem"
certificate = "gateway.pem"
key = "gateway.key"

[[sensors]]
device_id = "fridge-1"
port = "/dev/ttyUSB0"
pin = "604218"
interval = "60s"
report_interval = "2h"
warm_up = "6s"
transmitter = { low = -40, high = 60 }
"#;

#[test]
fn a_minimal_configuration_is_fine() {
    assert_eq!(shown(GOOD), "fine");
}

#[test]
fn the_example_of_the_distribution_is_fine() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../configs/agent.toml");
    assert_eq!(shown(&std::fs::read_to_string(example).unwrap()), "fine");
}

#[test]
fn everything_that_is_wrong_is_shown_at_once() {
    let text = GOOD
        .replace("\"gateway-1\"", "\"Gateway 1\"")
        .replace("host =", "hots =")
        .replace("ca.pem", "none.pem")
        .replace("60s", "8s")
        .replace("2h", "10s")
        .replace("604218", "60421-secret")
        .replace("high = 60", "high = -50");
    let text = format!("{text}imei = \"12\"\n\n[log]\nlevel = \"loud\"\n");
    assert_snapshot!(shown(&text));
}

#[test]
fn a_text_that_is_not_toml_is_shown_and_no_pin_with_it() {
    assert_snapshot!(shown(&GOOD.replace("pin = \"604218\"", "pin = 604218x").replace("host =", "host")));
}

#[test]
fn a_pin_of_the_wrong_type_is_not_shown() {
    assert_snapshot!(shown(&GOOD.replace("\"604218\"", "604218")));
}

#[test]
fn a_pin_is_not_shown_however_its_key_is_written() {
    let written = [
        "pinn = '604218'",
        "PIN = '604218'",
        "Pin-Code = 604218",
        "pwd = '604218'",
        "'pin' = 604218",
        "pin: 604218",
        "pin 604218",
        "pin = \"\"\"\n604218 x\"\"\"",
        "pin = '604218",
        "pin_file = 'none'\npin = '604218'",
    ];
    for line in written {
        let shown = shown(&GOOD.replace("pin = \"604218\"", line));
        assert!(shown != "fine" && !shown.contains("604218"), "{shown}");
    }
    let inline = GOOD.split("[[sensors]]").next().unwrap();
    let shown = shown(&format!("sensors = [{{ device_id = 5, pin = '604218' }}]\n{inline}"));
    assert!(shown != "fine" && !shown.contains("604218"), "{shown}");
}

#[test]
fn the_key_must_be_the_one_of_the_certificate() {
    assert_snapshot!(shown(&GOOD.replace("gateway.key", "other.key")));
}

#[test]
fn an_empty_file_names_what_is_missing() {
    assert_snapshot!(shown(""));
}

#[test]
fn a_status_socket_must_fit_but_a_long_data_directory_keeps_nobody_from_sampling() {
    let long = "/run/".to_owned() + &"long".repeat(30);
    let status = |socket: &str| format!("{GOOD}\n[status]\nsocket = \"{socket}\"\n");
    assert_eq!(shown(&status("/run/kitchen-agent.sock")), "fine");
    let refused = shown(&status(&long));
    assert!(refused.contains("`status.socket`: is 125 bytes long with its directory; a socket takes 107"), "{refused}");
    assert_eq!(shown(&GOOD.replace("/var/lib/kitchen-agent", &long)), "fine");
}

#[test]
fn two_sensors_cannot_share_a_port() {
    let second = GOOD.split("[[sensors]]").nth(1).unwrap().replace("fridge-1", "freezer-1");
    assert_snapshot!(shown(&format!("{GOOD}\n[[sensors]]{second}")));
}
