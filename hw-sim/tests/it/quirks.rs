//! The quirks of the device reference, section 12: each switch in both positions, as a client sees it. Here Q1 to Q12.

use std::time::Duration;

use hw_sim::{DeviceConfig, Network};

use crate::support::{Bench, config, seconds};

/// A device with one quirk on or off.
pub(crate) fn switched(id: &str, on: bool) -> DeviceConfig {
    let mut config = config(1);
    config.profile.quirks.set(id, on).unwrap();
    config
}

/// The same with other factory settings.
pub(crate) fn with(mut config: DeviceConfig, defaults: &[(&str, &str)]) -> DeviceConfig {
    for (name, value) in defaults {
        config.profile.defaults.insert((*name).to_owned(), (*value).to_owned());
    }
    config
}

/// Unlocked, with a SIM card from the start.
pub(crate) fn attached(config: DeviceConfig) -> Bench {
    let mut bench = Bench::powered(config);
    bench.device.set_network(Network::Attached);
    bench.pass(seconds(75));
    assert!(bench.ask("604218").ends_with("Password Correct\r\n"));
    bench
}

/// How long it takes until that was said.
fn delay(bench: &mut Bench, line: &str, text: &str) -> Duration {
    let from = bench.now;
    let mut said = bench.type_line(line);
    while !said.contains(text) {
        said += &bench.pass(Duration::from_millis(10));
        assert!(bench.now - from < seconds(20), "{said}");
    }
    let delay = bench.now - from;
    bench.pass(Duration::from_millis(20));
    delay
}

fn reply(id: &str, on: bool, line: &str) -> String {
    Bench::unlocked(switched(id, on)).ask(line)
}

#[test]
fn q1_a_command_sent_before_the_ok_of_the_one_before_is_lost() {
    for (on, expected) in [(true, "500\r\n"), (false, "6000\r\n")] {
        let mut bench = Bench::unlocked(switched("q1", on));
        bench.type_line("AT+TDC=1500");
        bench.ask("AT+12VT=6000");
        let value = bench.ask("AT+12VT=?");
        assert!(value.starts_with(expected), "{on}: {value}");
    }
}

#[test]
fn q2_replies_come_late_while_the_modem_works() {
    for on in [true, false] {
        let mut bench = Bench::powered(switched("q2", on));
        bench.device.set_network(Network::Attached);
        bench.pass(seconds(10));
        bench.ask("604218");
        let slowest = (0..15).map(|_| delay(&mut bench, "AT", "OK\r\n\r\n")).max().unwrap();
        assert_eq!(slowest > Duration::from_millis(500), on, "{slowest:?}");
    }
}

#[test]
fn q3_the_console_locks_again() {
    for (on, expected) in [(true, "Password Incorrect\r\n"), (false, "\r\nOK\r\n\r\n")] {
        let mut bench = Bench::unlocked(switched("q3", on));
        bench.pass(seconds(301));
        let said = bench.ask("AT");
        assert!(said.ends_with(expected), "{on}: {said}");
    }
}

#[test]
fn q4_deaf_after_a_reset() {
    for on in [true, false] {
        let mut bench = Bench::powered(switched("q4", on));
        bench.pass(seconds(3));
        assert_ne!(bench.ask("604218").contains("Password Correct"), on);
    }
}

#[test]
fn q5_bluetooth_control_lines() {
    for on in [true, false] {
        let said = Bench::powered(switched("q5", on)).pass(seconds(75));
        assert_eq!((said.contains("AT+NAME"), said.contains("AT+PWRM2\r\n")), (on, on), "{said}");
    }
}

#[test]
fn q6_a_question_mark_is_help() {
    assert!(reply("q6", true, "AT+TDC?").contains("]AT+TDC     : "));
    assert_eq!(reply("q6", false, "AT+TDC?"), "7200\r\n\r\nOK\r\n\r\n");
}

#[test]
fn q7_an_unknown_line_stalls_and_is_the_modems() {
    assert_eq!(reply("q7", true, "AT+FOO=1"), "");
    assert_eq!(reply("q7", false, "AT+FOO=1"), "\r\nAT_PARAM_ERROR\r\n");
    let mut bench = Bench::unlocked(switched("q7", true));
    bench.type_line("AT+FOO=1");
    bench.pass(Duration::from_millis(1_300));
    assert_eq!(bench.ask("AT"), "", "the stall loses what comes meanwhile");
    bench.type_line("AT+FOO=1");
    bench.pass(Duration::from_millis(1_600));
    assert_eq!(bench.ask("AT"), "\r\nOK\r\n\r\n");
}

#[test]
fn q8_integers_wrap_before_they_are_checked() {
    for (line, query, wrapped) in [
        ("AT+CLOCKLOG=1,65535,300,8", "AT+CLOCKLOG=?", "1,65535,44,8\r\n"),
        ("AT+ROC=257,70000,65537,0", "AT+ROC=?", "1,4464,1,0\r\n"),
        ("AT+RXDL=65537", "AT+RXDL=?", "1\r\n"),
    ] {
        let mut bench = Bench::unlocked(switched("q8", true));
        bench.set(line);
        assert!(bench.ask(query).starts_with(wrapped), "{line}");
        assert_eq!(reply("q8", false, line), "\r\nAT_PARAM_ERROR\r\n");
    }
}

#[test]
fn q9_the_server_is_rewritten_at_boot_for_public_mqtt_services() {
    for (types, on, expected) in [
        ("3,1", true, "thingspeak.example.net,1883"),
        ("3,2", true, "datacake.example.net,1883"),
        ("3,3", true, "broker.example.net,1883"),
        ("3,5", true, "198.51.100.27,1883"),
        ("3,3", false, "198.51.100.27,1883"),
    ] {
        let mut bench = Bench::unlocked(switched("q9", on));
        bench.set("AT+SERVADDR=198.51.100.27,1883");
        bench.ask(&format!("AT+PRO={types}"));
        bench.type_line("ATZ");
        bench.pass(seconds(75));
        bench.ask("604218");
        let said = bench.ask("AT+SERVADDR=?");
        assert!(said.starts_with(expected), "{types} {on}: {said}");
    }
}

#[test]
fn q10_failed_to_send_after_success() {
    for on in [true, false] {
        let defaults = [("AT+TDC", "60"), ("AT+SERVADDR", "198.51.100.27,5683")];
        let said = attached(with(switched("q10", on), &defaults)).pass(seconds(3600));
        let fails = said.matches("Failed to send").count();
        assert_eq!(fails > 0, on);
        assert_eq!(said.matches("Upload data successfully").count(), fails + said.matches("Send complete").count());
    }
}

#[test]
fn q11_the_substitute_stays_in_the_text_after_a_publish() {
    let last_data = |on, network| {
        let defaults = [("AT+PRO", "3,5"), ("AT+SERVADDR", "198.51.100.27,1883")];
        let mut bench = Bench::powered(with(switched("q11", on), &defaults));
        bench.device.set_network(network);
        bench.pass(seconds(75));
        bench.ask("604218");
        bench.ask("AT+LDATA=?")
    };
    assert!(last_data(true, Network::Attached).ends_with("}\u{1a}\r\n\r\nOK\r\n\r\n"));
    assert!(last_data(false, Network::Attached).ends_with("}\r\n\r\nOK\r\n\r\n"));
    assert!(last_data(true, Network::OpenFails).ends_with("}\r\n\r\nOK\r\n\r\n"));
}

#[test]
fn q12_report_on_change_hits_at_once_and_a_limit_again_and_again() {
    for (on, changes, limits) in [(true, 1, 10), (false, 0, 1)] {
        let uploads = |roc: &str| {
            let mut bench = Bench::unlocked(with(switched("q12", on), &[("AT+12VT", "6000")]));
            bench.set(&format!("AT+ROC={roc}"));
            bench.pass(seconds(610)).matches("Upload start").count()
        };
        assert_eq!((uploads("1,60,2000,0"), uploads("3,60,1,8000,0,0")), (changes, limits), "{on}");
    }
}
