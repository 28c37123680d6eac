//! What the firmware does on its own and when: clock log, report on change, deep sleep, back-off, watchdogs, and each way in
//! which an uplink fails.

use hw_sim::{DeviceConfig, Network, Press, Profile};

use crate::quirks::{attached, switched, with};
use crate::support::{Bench, config, current_ma, seconds};

fn of(profile: &str, defaults: &[(&str, &str)]) -> DeviceConfig {
    with(DeviceConfig::new(Profile::load(profile).unwrap(), 1), defaults)
}

/// The rows of the history that are in use, five minutes later.
fn records(bench: &mut Bench) -> usize {
    bench.pass(seconds(300));
    bench.ask("604218");
    bench.ask("AT+CDP").lines().filter(|row| row.starts_with("2025/")).count()
}

#[test]
fn a_clock_log_keeps_its_interval_although_the_clock_is_set_more_often() {
    for clock_log in ["1,0,15,8", "1,65535,15,8"] {
        let mut bench = attached(of("nb-1.1", &[("AT+CLOCKLOG", clock_log), ("AT+TDC", "600")]));
        bench.pass(seconds(4 * 3600));
        let stored = records(&mut bench);
        assert!((13..=16).contains(&stored), "{clock_log}: {stored}");
    }
}

#[test]
fn a_clock_that_is_set_back_does_not_stop_the_clock_log() {
    let mut bench = Bench::powered(of("nb-1.1", &[("AT+TDC", "600")]));
    bench.device.set_network(Network::TimeFails);
    bench.pass(seconds(10));
    bench.ask("604218");
    bench.ask("AT+TIMESTAMP=1900000000");
    assert!(bench.pass(seconds(60)).contains("Upload start:0"));
    bench.device.set_network(Network::Attached);
    bench.pass(seconds(2 * 3600));
    assert!(records(&mut bench) >= 6);
}

#[test]
fn a_changed_clock_log_waits_for_the_next_time_sync() {
    let mut bench = attached(of("nb-1.1", &[("AT+TDC", "3600")]));
    bench.ask("AT+CLOCKLOG=1,65535,1,8");
    assert_eq!(records(&mut bench), 0);
    bench.pass(seconds(3600));
    assert!(records(&mut bench) > 5);
}

#[test]
fn the_oldest_firmware_keeps_its_history_by_tr_and_noud() {
    let defaults = [("AT+TR", "180"), ("AT+NOUD", "4"), ("AT+TDC", "1200"), ("AT+PRO", "2,5")];
    let mut bench = Bench::powered(of("nb-1.0.0", &defaults));
    bench.device.set_network(Network::Attached);
    bench.pass(seconds(1300));
    bench.ask("12345678");
    let payload = bench.ask("AT+LDATA=?");
    assert!(payload.contains("\"4\":{") && !payload.contains("\"5\":") && !payload.contains("1970"), "{payload}");
}

#[test]
fn the_network_line_is_not_older_than_stack_004() {
    for (profile, printed) in [("nb-1.0.0", false), ("nb-1.0.5", true), ("nb-1.1", true), ("cb-1.2.1", true)] {
        let mut bench = Bench::powered(of(profile, &[]));
        bench.device.set_network(Network::Attached);
        assert_eq!(bench.pass(seconds(90)).contains("Network Information:"), printed, "{profile}");
    }
}

#[test]
fn both_factory_resets_clear_history_and_log() {
    for reset in ["AT+FDR", "AT+FDR1"] {
        let mut bench = attached(config(1));
        bench.pass(seconds(3600));
        assert!(!bench.device.flash().history.is_empty());
        bench.ask("604218");
        bench.ask(reset);
        let flash = bench.device.flash();
        assert!(flash.history.is_empty() && !flash.log.contains("Upload start"), "{reset}");
    }
}

#[test]
fn mode_two_compares_with_the_last_regular_sample_and_its_uplink_leaves_the_timer_alone() {
    let mut bench = attached(with(config(1), &[("AT+12VT", "6000"), ("AT+ROC", "2,60,2000,0"), ("AT+TDC", "600")]));
    let said = bench.pass(seconds(500));
    assert!(!said.contains("Upload start"), "the first uplink renewed the reference: {said}");
    bench.device.environment(bench.now, &hw_sim::physics::Change::Temperature(Some(30.0)));
    assert_eq!(bench.pass(seconds(500)).matches("Upload start").count(), 2, "one hit, one period");
}

#[test]
fn in_deep_sleep_no_check_runs() {
    let mut bench = Bench::unlocked(with(config(1), &[("AT+12VT", "6000")]));
    let said = bench.ask("AT+SLEEP=1");
    assert!(said.contains("SLEEP\r\n") && said.ends_with("\r\nOK\r\n\r\n"), "{said}");
    bench.set("AT+ROC=3,60,1,8000,0,0");
    assert_eq!(bench.pass(seconds(250)), "");
}

#[test]
fn deep_sleep_survives_a_reset_from_stack_004_on() {
    for (profile, pin, survives) in [("nb-1.0.0", "12345678", false), ("nb-1.1", "604218", true)] {
        let mut bench = Bench::locked(of(profile, &[]));
        bench.ask(pin);
        bench.ask("AT+SLEEP=1");
        bench.device.reset_button(bench.now);
        assert_ne!(bench.pass(seconds(120)).contains("Upload start"), survives, "{profile}");
    }
}

#[test]
fn a_long_press_ends_deep_sleep_in_flash() {
    let mut bench = Bench::unlocked(config(1));
    bench.ask("AT+SLEEP=1");
    let before = bench.device.flash_writes();
    bench.device.press(bench.now, Press::Long);
    assert!(bench.device.flash_writes() > before && !bench.device.flash().sleeps);
    assert!(bench.pass(seconds(90)).contains("Upload start"));
}

#[test]
fn a_button_starts_the_period_anew() {
    let mut bench = attached(with(config(1), &[("AT+TDC", "600")]));
    bench.pass(seconds(300));
    bench.device.press(bench.now, Press::Short);
    assert_eq!(bench.pass(seconds(595)).matches("Upload start").count(), 1);
    assert_eq!(bench.pass(seconds(60)).matches("Upload start").count(), 1);
}

#[test]
fn twelve_cycles_without_signal_reset_and_on_the_sibling_three_times_as_many_with_redpt() {
    for (profile, redpt, resets) in [("nb-1.1", "1", true), ("cb-1.2.1", "0", true), ("cb-1.2.1", "1", false)] {
        let mut config = of(profile, &[("AT+REDPT", redpt), ("AT+CSQTIME", "1"), ("AT+TDC", "60")]);
        config.profile.attach_backoff = false;
        let mut bench = Bench::powered(config);
        bench.device.set_network(Network::NoSignal);
        let said = bench.pass(seconds(25 * 60));
        assert_eq!(said.matches("bootloader").count() > 1, resets, "{profile} {redpt}");
    }
}

#[test]
fn failed_attaches_lengthen_the_pause_on_the_sibling_only() {
    for (profile, expected) in [("nb-1.1", [1, 1]), ("cb-1.1.4", [1, 2])] {
        let mut config = of(profile, &[("AT+CSQTIME", "1"), ("AT+TDC", "3600")]);
        config.profile.counter_sleeps = false;
        let mut bench = Bench::powered(config);
        bench.device.set_network(Network::NoSignal);
        let said = bench.pass(seconds(6 * 3600));
        let failed = said.lines().filter(|line| line.contains("Turn off the module"));
        let at: Vec<u64> = failed.map(|line| line[1..line.find(']').unwrap()].parse::<u64>().unwrap() / 1000).collect();
        let periods = [at[1] - at[0], at[4] - at[3]].map(|pause| pause / 3600);
        assert_eq!(periods, expected, "{profile}: {at:?}");
    }
}

#[test]
fn a_day_without_upload_resets_the_sibling() {
    let mut bench = Bench::powered(of("cb-1.2.1", &[]));
    assert_eq!(bench.pass(seconds(25 * 3600)).matches("bootloader").count(), 2);
    let mut bench = Bench::powered(of("nb-1.1", &[]));
    assert_eq!(bench.pass(seconds(25 * 3600)).matches("bootloader").count(), 1);
}

/// What an uplink says from the wake on, with a server by name over MQTT or by address over UDP.
fn cycle(network: Network, protocol: &str, server: &str) -> Vec<String> {
    let mut bench = attached(of("nb-1.1", &[("AT+PRO", protocol), ("AT+SERVADDR", server)]));
    bench.device.set_network(network);
    let said = bench.ask("AT+GETSENSORVALUE=1") + &bench.pass(seconds(120));
    let lines = said.lines().filter_map(|line| line.split_once(']').map(|(_, text)| text.to_owned()));
    lines.collect()
}

fn check_failure(network: Network, protocol: &str, expected: &[&str]) {
    let lines = cycle(network, protocol, "example.com,1883");
    let mut rest = lines.iter();
    for text in expected {
        assert!(rest.any(|line| line == text), "{network}: no `{text}` in {lines:#?}");
    }
}

#[test]
fn each_way_to_fail_has_its_lines_in_a_later_cycle_too() {
    let (mqtt, udp) = ("3,5", "2,5");
    let end = "*****End of upload*****";
    let tried = "Failed to upload data,resend data";
    check_failure(Network::NoResponse, udp, &["NBIOT did not respond.", "Restart the module..."]);
    check_failure(Network::NoSim, udp, &["Exit sleep mode", "Failed to read IMSI number."]);
    check_failure(Network::NoSignal, udp, &["Exit sleep mode", "Signal Strength:99", "Signal Strength:99"]);
    check_failure(Network::ApnFails, udp, &["Exit sleep mode", "Failed to set APN", "Enter sleep mode"]);
    check_failure(Network::DnsFailure, udp, &["Resolving domain name...", "Domain name resolution failed"]);
    check_failure(Network::TimeFails, udp, &["Failed to get time", "Upload data successfully", end]);
    check_failure(Network::OpenFails, udp, &["Failed to open a Socket Service", end, "Enter sleep mode"]);
    check_failure(Network::OpenFails, mqtt, &["Failed to open the MQTT client network", end]);
    check_failure(Network::ServerRefuses, mqtt, &["Failed to connect to server", end]);
    check_failure(Network::SubscribeFails, mqtt, &["Failed to subscribe to topic", end]);
    check_failure(Network::UploadFails, mqtt, &[tried, tried, tried, "Failed to send", end]);
    let address = cycle(Network::DnsFailure, udp, "198.51.100.27,5683");
    assert!(address.contains(&"DNS configuration failed".to_owned()), "{address:#?}");
    for (protocol, name) in [("1,0", "COAP"), ("2,0", "UDP"), ("3,0", "MQTT"), ("4,0", "TCP")] {
        let lines = cycle(Network::Attached, protocol, "NULL");
        let at = lines.iter().position(|line| *line == format!("{name} parameter configuration error")).unwrap();
        assert_eq!(lines[at + 1], end);
    }
}

#[test]
fn a_silent_modem_that_answers_again_starts_from_the_beginning() {
    let mut bench = attached(config(1));
    bench.device.set_network(Network::NoResponse);
    let said = bench.ask("AT+GETSENSORVALUE=1");
    assert!(said.contains("NBIOT did not respond.") && !said.contains("Exit sleep mode"), "{said}");
    bench.device.set_network(Network::Attached);
    let said = bench.pass(seconds(60));
    assert!(said.contains("NBIOT has responded.") && said.contains("Upload start"), "{said}");
}

#[test]
fn the_payload_shows_the_measurement_that_was_printed() {
    let mut bench = attached(with(switched("q3", false), &[("AT+PRO", "2,5"), ("AT+12VT", "6000")]));
    for _ in 0..12 {
        let block = bench.ask("AT+GETSENSORVALUE=1") + &bench.pass(seconds(40));
        let current = current_ma(&block).unwrap();
        let payload = bench.ask("AT+LDATA=?");
        assert!(payload.contains(&format!("\"idc_intput\":{current:.3},")), "{current}: {payload}");
    }
}

#[test]
fn a_swapped_unit_has_nothing_stored() {
    let mut bench = attached(config(1));
    bench.pass(seconds(3600));
    bench.device.swap(bench.now, "861234509876543".parse().unwrap());
    let flash = bench.device.flash();
    assert!(flash.history.is_empty() && flash.log.is_empty());
}

#[test]
fn after_a_restart_report_on_change_has_no_reference() {
    let mut bench = Bench::powered(with(config(1), &[("AT+12VT", "6000"), ("AT+ROC", "1,60,2000,0")]));
    assert_eq!(bench.pass(seconds(180)).matches("Upload start").count(), 2, "that of the boot and a phantom hit");
    bench.device.reset_button(bench.now);
    assert_eq!(bench.pass(seconds(180)).matches("Upload start").count(), 2, "and both again");
}

#[test]
fn the_sibling_sleeps_on_through_a_reset_and_its_watchdog() {
    let mut bench = Bench::powered(of("cb-1.2.1", &[]));
    bench.pass(seconds(120));
    bench.ask("604218");
    bench.ask("AT+SLEEP=1");
    bench.device.reset_button(bench.now);
    let said = bench.pass(seconds(50 * 3600));
    assert_eq!((said.matches("bootloader").count(), said.matches("Upload start").count()), (1, 0));
}
