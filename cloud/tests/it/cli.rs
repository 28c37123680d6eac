use std::process::Command;

use crate::program::{Outcome, Program, configs};

fn help(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_kitchen-cloud"))
        .args(arguments)
        .env_remove("KITCHEN_CLOUD_CONFIG")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    String::from_utf8(output.stdout).unwrap()
}

fn seeded() -> (Program, Outcome) {
    let program = Program::new();
    assert_eq!(program.run(&["pki", "init"]).code, Some(0));
    assert_eq!(program.run(&["pki", "gateway", "gw-marina-1"]).code, Some(0));
    let outcome = program.run(&["seed", configs().join("seed-example.toml").to_str().unwrap()]);
    (program, outcome)
}

#[test]
fn help_is_there_for_everything() {
    for (name, arguments) in [
        ("all", &["--help"][..]),
        ("pki_gateway", &["pki", "gateway", "--help"]),
        ("seed", &["seed", "--help"]),
        ("check", &["check", "--help"]),
    ] {
        insta::with_settings!({ snapshot_suffix => name }, { insta::assert_snapshot!(help(arguments)) });
    }
}

#[test]
fn usage_and_configuration_errors_are_2_and_go_to_stderr() {
    let program = Program::new();
    let usage = program.run(&["serv"]);
    assert_eq!((usage.code, usage.stdout.as_str()), (Some(2), ""));
    program.configure("[log]\n");
    let twice = program.run(&["pki", "list"]);
    assert_eq!((twice.code, twice.stdout.as_str()), (Some(2), ""));
    program.configure("levle = \"info\"\n");
    let unknown = program.run(&["serve"]);
    assert_eq!(unknown.code, Some(2));
    insta::assert_snapshot!(unknown.stderr);
    assert_eq!(program.run(&["check"]).code, Some(1), "asked, and the answer is bad");
    std::fs::remove_file(program.config()).unwrap();
    let absent = program.run(&["check"]);
    assert_eq!(absent.code, Some(2));
    insta::assert_snapshot!(absent.stderr);
}

#[test]
fn keys_and_certificates_are_made_once() {
    let program = Program::new();
    let early = program.run(&["pki", "gateway", "gw-1"]);
    assert_eq!(early.code, Some(2));
    insta::assert_snapshot!("no_authority", early.stderr);
    insta::assert_snapshot!("init", program.run(&["pki", "init"]).stdout);
    insta::assert_snapshot!("init_again", program.run(&["pki", "init"]).stdout);
    insta::assert_snapshot!("gateway", program.run(&["pki", "gateway", "gw-1", "--valid-for", "30d"]).stdout);
    let again = program.run(&["pki", "gateway", "gw-1"]);
    assert_eq!(again.code, Some(2));
    insta::assert_snapshot!("gateway_again", again.stderr);
    insta::with_settings!({ filters => vec![(r"\d{4}-\d{2}-\d{2}", "[date]    ")] }, {
        insta::assert_snapshot!("list", program.run(&["pki", "list"]).stdout);
    });
    let list: serde_json::Value = serde_json::from_str(&program.run(&["pki", "list", "--json"]).stdout).unwrap();
    assert_eq!(list["certificates"].as_array().unwrap().len(), 4);
    assert_eq!(list["certificates"][3]["name"], "gw-1");
}

#[test]
fn check_says_what_is_missing_and_then_that_all_is_good() {
    let program = Program::new();
    let before = program.run(&["check"]);
    assert_eq!(before.code, Some(1));
    insta::assert_snapshot!("check_before", before.stdout);
    program.run(&["pki", "init"]);
    let after = program.run(&["check"]);
    assert_eq!(after.code, Some(0));
    insta::assert_snapshot!("check_after", after.stdout);
}

#[test]
fn a_seed_says_what_it_wrote_and_can_be_repeated() {
    let (program, outcome) = seeded();
    assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""));
    insta::assert_snapshot!("seed", outcome.stdout);
    let again = program.run(&["seed", configs().join("seed-example.toml").to_str().unwrap(), "--json"]);
    insta::assert_snapshot!("seed_json", again.stdout);
}

#[test]
fn access_rules_name_the_sink_and_every_gateway() {
    let (program, _) = seeded();
    insta::assert_snapshot!("acl", program.run(&["gateway", "acl"]).stdout);
}
