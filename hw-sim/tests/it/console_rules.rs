//! Rules of the console that the golden dialogues do not show: other firmware than the default, what a reset leaves, what
//! notices look like and when they come.

use hw_sim::{Device, DeviceConfig, Network, Profile};

use crate::support::{Bench, CHARACTER, config, seconds};

const OK: &str = "\r\nOK\r\n\r\n";
const PARAM_ERROR: &str = "\r\nAT_PARAM_ERROR\r\n";

fn config_of(profile: &str) -> DeviceConfig {
    DeviceConfig::new(Profile::load(profile).unwrap(), 1)
}

/// Unlocked, idle, the modem asleep and its Bluetooth module off.
fn unlocked(profile: &str) -> Bench {
    let config = config_of(profile);
    let pin = config.profile.pin.clone();
    let mut bench = Bench::powered(config);
    bench.pass(seconds(150));
    assert!(bench.ask(&pin).ends_with("]Password Correct\r\n"));
    bench
}

fn restarted(bench: &mut Bench, pin: &str) {
    bench.ask("ATZ");
    bench.pass(seconds(150));
    assert!(bench.ask(pin).ends_with("]Password Correct\r\n"));
}

fn check(profile: &str, dialogue: &[(&str, &str)]) {
    let mut bench = unlocked(profile);
    for (line, answer) in dialogue {
        assert_eq!(bench.ask(line), *answer, "{profile}: {line}");
    }
}

/// Time from the end of a line to the last byte of what is said within ten seconds, and to the first line end.
fn times_ms(bench: &mut Bench, line: &str) -> (u128, u128) {
    bench.type_line(line);
    let (from, mut first, mut last) = (bench.now, None, seconds(0));
    for _ in 0..4000 {
        if bench.pass(CHARACTER).ends_with('\n') {
            first.get_or_insert(bench.now - from);
            last = bench.now - from;
        }
    }
    (first.unwrap().as_millis(), last.as_millis())
}

#[test]
fn a_notice_comes_after_a_fifth_of_a_second_and_the_ok_with_the_flash_write() {
    let mut bench = Bench::unlocked(config(1));
    for _ in 0..8 {
        let (notice, ok) = times_ms(&mut bench, "AT+PRO=2,5");
        assert!((190..=215).contains(&notice) && (1600..=1903).contains(&ok), "{notice} {ok}");
    }
}

#[test]
fn notices_are_printed_before_the_block() {
    let restart = format!("Attention:Take effect after ATZ\r\n{OK}");
    let too_early = format!("value needs to be greater than 1704067200\n\r{PARAM_ERROR}");
    let no_comma = format!("NOTE:SERVADDR FORMAT ERROR\r\n{PARAM_ERROR}");
    let bad_ip = format!("NOTE:IP format error\r\n{PARAM_ERROR}");
    let dialogue = [
        ("AT+PRO=2,5", restart.as_str()),
        ("AT+BKDNS=1,0", &restart),
        ("AT+STDC=1,60,10", &restart),
        ("AT+CLOCKLOG=1,65535,15,8", OK),
        ("AT+TIMESTAMP=1704067200", &too_early),
        ("AT+SERVADDR=example.com", &no_comma),
        ("AT+BKDNS=1,0,NULL", &bad_ip),
        ("AT+DEBUG", &format!("Enter Debug mode\r\n{OK}")),
        ("AT+DEBUG", &format!("Exit Debug mode\r\n{OK}")),
    ];
    check("nb-1.1", &dialogue);
    let calibration = format!("Set after calibration time or take effect after ATZ\r\n{OK}");
    check("cb-1.2.1", &[("AT+CLOCKLOG=1,65535,15,8", &calibration)]);
}

#[test]
fn three_fields_of_a_backup_address_are_an_error_on_nb_only() {
    let set = format!("Attention:Take effect after ATZ\r\n{OK}");
    check("cb-1.2.1", &[("AT+BKDNS=1,5,NULL", &set), ("AT+BKDNS=?", &format!("1,5,NULL\r\n{OK}"))]);
}

#[test]
fn blanks_in_a_server_address_stay_before_stack_004() {
    for (profile, stored) in [("nb-1.0.0", "198.51.100.27, 5683"), ("nb-1.0.5", "198.51.100.27,5683")] {
        let answer = format!("{stored}\r\n\r\n{OK}");
        check(profile, &[("AT+SERVADDR=198.51.100.27, 5683", OK), ("AT+SERVADDR=?", &answer)]);
    }
}

#[test]
fn a_refused_interrupt_mode_of_ps_cb_is_in_ram_until_the_reset_or_the_next_write() {
    let mut bench = unlocked("cb-1.2.1");
    assert_eq!(bench.ask("AT+INTMOD=7"), PARAM_ERROR);
    assert_eq!(bench.ask("AT+INTMOD=?"), format!("7\r\n{OK}"));
    restarted(&mut bench, "604218");
    assert_eq!(bench.ask("AT+INTMOD=?"), format!("0\r\n{OK}"));
    bench.ask("AT+INTMOD=7");
    bench.set("AT+TDC=600");
    let image = bench.device.flash();
    restarted(&mut bench, "604218");
    assert_eq!(bench.ask("AT+INTMOD=?"), format!("7\r\n{OK}"));
    Device::new(config_of("cb-1.2.1")).restore(&image).unwrap();
}

#[test]
fn a_log_is_uploaded_with_the_next_uplink_and_not_at_once() {
    let mut bench = Bench::unlocked(config(1));
    assert_eq!(bench.ask("AT+GETLOG=1"), OK);
    assert_eq!(bench.pass(seconds(120)), "");
    for (profile, line) in [("nb-1.0.5", "AT+GETLOG=1"), ("nb-1.1", "AT+GETLOG=2")] {
        check(profile, &[(line, PARAM_ERROR)]);
    }
}

#[test]
fn the_reset_that_keeps_the_password_clears_what_the_full_one_clears() {
    let mut bench = Bench::unlocked(config(1));
    bench.pass(seconds(3600));
    bench.ask("604218");
    bench.set("AT+PWORD=abc123");
    assert!(!bench.device.flash().history.is_empty());
    bench.ask("AT+FDR1");
    assert_eq!(bench.device.flash().history, []);
    assert!(!bench.device.flash().log.contains("Upload start"));
    bench.pass(seconds(75));
    assert!(bench.ask("abc123").ends_with("]Password Correct\r\n"));
}

#[test]
fn without_a_password_nothing_is_locked_and_no_time_out_is_announced() {
    let mut bench = unlocked("cb-1.2.1");
    bench.set("AT+PWORD=0");
    assert_eq!(bench.pass(seconds(600)), "");
    assert_eq!(bench.ask("AT"), OK);
}

#[test]
fn platforms_of_mqtt_force_their_server_at_boot() {
    let check = |payload: &str, q9: bool, forced: bool| {
        let mut config = config(1);
        config.profile.quirks.set("q9", q9).unwrap();
        let mut bench = Bench::unlocked(config);
        bench.set("AT+SERVADDR=198.51.100.27,1883");
        bench.ask(&format!("AT+PRO=3,{payload}"));
        assert!(bench.ask("AT+SERVADDR=?").starts_with("198.51.100.27,1883\r\n"), "{payload}");
        restarted(&mut bench, "604218");
        let kept = bench.ask("AT+SERVADDR=?").starts_with("198.51.100.27,1883\r\n");
        assert_eq!(kept, !forced, "{payload} {q9}");
    };
    for payload in ["1", "2", "3"] {
        check(payload, true, true);
    }
    check("0", true, false);
    check("5", true, false);
    check("3", false, false);
}

#[test]
fn deep_sleep_survives_a_reset_from_stack_004_on() {
    for (profile, stays) in [("nb-1.0.0", false), ("nb-1.0.5", true), ("nb-1.1", true), ("cb-1.1.4", true)] {
        let mut bench = unlocked(profile);
        let pin = bench.device.profile().pin.clone();
        assert_eq!(bench.ask("AT+SLEEP=1"), format!("AT+PWRM2\r\nSLEEP\r\n{OK}"));
        bench.device.reset_button(bench.now);
        bench.pass(seconds(60));
        bench.ask(&pin);
        assert_eq!(bench.ask("AT+SLEEP=?").starts_with('1'), stays, "{profile}");
    }
}

#[test]
fn in_deep_sleep_nothing_is_checked_or_recorded() {
    let mut bench = Bench::unlocked(config(1));
    bench.ask("AT+SLEEP=1");
    bench.set("AT+PWORD=0");
    bench.set("AT+ROC=1,60,320,0");
    bench.set("AT+CLOCKLOG=1,0,5,8");
    bench.set("AT+TIMESTAMP=1741530605");
    bench.ask("AT+CDP=0");
    assert_eq!(bench.pass(seconds(7200)), "");
    assert_eq!(bench.device.flash().history, []);
}

#[test]
fn the_network_is_described_from_stack_004_on() {
    for (profile, lines) in [("nb-1.0.0", 0), ("nb-1.0.5", 1), ("nb-1.1", 1), ("cb-1.1.4", 1)] {
        let mut bench = Bench::powered(config_of(profile));
        bench.device.set_network(Network::Attached);
        let said = bench.pass(seconds(100));
        assert_eq!(said.matches("Network Information:").count(), lines, "{profile}: {said}");
        assert!(said.contains("PSM mode configured \r\n"), "{said}");
    }
}

#[test]
fn every_firmware_leaves_the_factory_with_udp_and_hex() {
    for profile in Profile::built_in() {
        check(profile, &[("AT+PRO=?", &format!("2,0\r\n{OK}"))]);
    }
}

#[test]
fn a_factory_reset_restores_the_pin_of_the_label() {
    let mut bench = Bench::locked(config(1));
    assert!(bench.device.set_pin("label1"));
    bench.ask("label1");
    bench.set("AT+PWORD=other");
    bench.ask("AT+FDR");
    bench.pass(seconds(75));
    assert!(bench.ask("label1").ends_with("]Password Correct\r\n"));
}

#[test]
fn a_restored_memory_is_what_the_boot_reads() {
    let mut bench = Bench::unlocked(config(1));
    bench.ask("AT+PRO=3,5");
    let mut device = Device::new(config(2));
    device.restore(&bench.device.flash()).unwrap();
    let mut bench = Bench { device, now: seconds(0) };
    assert!(bench.pass(seconds(30)).contains("Protocol in Used: MQTT"));
}

/// Cycles without signal until the processor starts again.
fn cycles_until_restart(setting: &str) -> usize {
    let mut bench = unlocked("cb-1.2.1");
    bench.device.set_network(Network::NoSignal);
    for line in ["AT+TDC=60", "AT+CSQTIME=1", setting] {
        bench.set(line);
    }
    bench.ask("AT+GETSENSORVALUE=1");
    let said = bench.pass(seconds(24 * 3600));
    let (before, _) = said.split_once("DRAGINO NB bootloader").unwrap();
    before.matches("Turn off the module").count()
}

#[test]
fn ps_cb_that_retransmits_waits_longer_for_a_signal() {
    assert_eq!(cycles_until_restart("AT+REDPT=0"), 12);
    assert_eq!(cycles_until_restart("AT+REDPT=1"), 36);
}

#[test]
fn the_line_feed_of_a_line_is_no_line_when_lines_are_not_lost() {
    let mut config = config(1);
    config.profile.quirks.set("q1", false).unwrap();
    let mut bench = Bench::locked(config);
    bench.device.feed(bench.now, b"wrong\r\n604218\r\nAT+TDC=?\r\nAT\n");
    let said = bench.pass(seconds(10));
    assert!(said.ends_with(&format!("Password Correct\r\n7200\r\n{OK}{OK}")), "{said}");
    assert_eq!(said.matches("Password").count(), 2, "{said}");
}

#[test]
fn a_line_feed_that_outlives_its_line_is_an_empty_line() {
    let mut config = config(1);
    config.profile.crlf_race = 1.0;
    let mut bench = Bench::locked(config);
    bench.device.feed(bench.now, b"wrong\r\n");
    assert_eq!(bench.pass(seconds(10)).matches("]Password Incorrect\r\n").count(), 2);
    bench.ask("604218");
    bench.device.feed(bench.now, b"AT\r\n");
    assert_eq!(bench.pass(seconds(1)), OK);
    // The modem is asked about the empty line: what comes meanwhile is lost.
    assert_eq!(bench.ask("AT"), "");
}

#[test]
fn every_class_of_command_takes_its_time() {
    let mut bench = Bench::unlocked(config(1));
    let classes = [
        ("AT+TDC=?", 70, 210),
        ("AT", 70, 210),
        ("AT+TDC?", 70, 210),
        ("AT+TDC", 70, 210),
        ("AT+TDC=1500", 1600, 1900),
        ("AT+TDC=45", 0, 150),
        ("AT+SERVADDR=example.com", 0, 150),
        ("AT+TIMESTAMP=5", 0, 150),
        ("AT+CFG", 1900, 2900),
        ("AT+GETSENSORVALUE=0", 1980, 2090),
        ("AT+CDP=0", 2090, 2110),
        ("AT+TIMESTAMP=1741530605", 1600, 1900),
    ];
    for (line, lowest, highest) in classes {
        let (_, last) = times_ms(&mut bench, line);
        assert!((lowest..=highest + 2).contains(&last), "{line}: {last} ms");
    }
    let (first, _) = times_ms(&mut bench, "ATZ");
    assert!((2_090..=2_150).contains(&first), "{first} ms to the boot loader's empty line");
}

#[test]
fn what_no_firmware_knows_is_left_to_the_modem() {
    for profile in Profile::built_in() {
        let lines = ["AT+TIMEOUT=5", "AT+BLE=?", "AT+RXWIN=?", "AT+SEND", "AT+PIN=604218", "AT+HELP", "ATE1", "AT+CSQ"];
        check(profile, &lines.map(|line| (line, "")));
    }
}

fn config_order(profile: &str) -> String {
    let said = unlocked(profile).ask("AT+CFG");
    let body = said.strip_prefix("\r\n").unwrap().strip_suffix(OK).unwrap();
    assert!(body.contains("AT+SERVADDR=NULL\r\n\r\nAT+CLIENT"), "{said}");
    let names = body.lines().filter_map(|line| line.strip_prefix("AT+")?.split('=').next());
    names.collect::<Vec<_>>().join(" ")
}

#[test]
fn the_configuration_is_printed_in_the_order_of_the_table() {
    let first = "MODEL DEUI SLEEP PWORD SERVADDR CLIENT UNAME PWD PUBTOPIC SUBTOPIC TDC APN 3V3T 5VT 12VT PROBE PRO RXDL \
                 LDATA DNSCFG CSQTIME BKDNS";
    let cb = "GDNS TLSMOD MQOS SNI IPTYPE URI1 URI2 URI3 URI4 URI5 INTMOD CLOCKLOG TIMESTAMP DOWNTE GNSST GPS GTDC QBAND \
              IOTMOD ROC";
    let nb = "TLSMOD MQOS URI1 URI2 URI3 URI4 INTMOD STDC CLOCKLOG TIMESTAMP DOWNTE ROC REDPT NTP QCOPS";
    assert_eq!(config_order("cb-1.1.4"), format!("{first} {cb} NTP QCOPS"));
    assert_eq!(config_order("cb-1.2.1"), format!("{first} {cb} REDPT NTP QCOPS OTASER"));
    assert_eq!(config_order("nb-1.1"), format!("{first} {nb}"));
}

#[test]
fn a_modem_that_is_awake_answers_what_the_device_does_not_know() {
    let mut config = config(1);
    config.profile.pin = "0".to_owned();
    let mut bench = Bench::locked(config);
    bench.device.set_network(Network::Attached);
    bench.device.set_csq(Some(17));
    for (line, answer) in [
        ("AT+CSQ", "+CSQ: 17,0\r\n\r\nOK\r\n"),
        ("ATE1", "\r\nOK\r\n"),
        ("AT+QBAND=1,8", "\r\nOK\r\n"),
        ("AT+MODEL=x", "\r\nERROR\r\n"),
    ] {
        bench.type_line("AT+GETSENSORVALUE=1");
        bench.pass(seconds(4));
        let said = bench.ask(line);
        assert!(said.contains(answer), "{line}: {said}");
        bench.pass(seconds(60));
    }
}

#[test]
fn ps_cb_is_deaf_first_and_then_judges_the_first_line_only() {
    let mut bench = Bench::powered(config_of("cb-1.1.4"));
    bench.pass(seconds(20));
    bench.type_line("604218");
    bench.pass(seconds(8));
    bench.type_line("lost?");
    bench.type_line("604218");
    let said = bench.pass(seconds(14));
    let (_, served) = said.split_once("NB module is initializing...\r\n").unwrap();
    assert!(served.starts_with("[35") && served.ends_with("]Password Incorrect\r\n"), "{said}");
    assert_eq!(said.matches("Password").count(), 1, "{said}");
}

#[test]
fn what_resets_says_nothing_but_the_boot_text() {
    for line in ["ATZ", "AT+FDR", "AT+FDR1", "AT+SLEEP=0"] {
        let said = Bench::unlocked(config(1)).ask(line);
        assert!(said.starts_with("\r\nDRAGINO NB bootloader v1.3\r\n"), "{line}: {said}");
        assert!(said.contains("]reboot error:Software!\r\n"), "{line}: {said}");
    }
}
