//! Rules of the console that the golden dialogues do not show: other firmware than the default, what a reset leaves, what
//! notices look like and when they come.

use hw_sim::{Device, DeviceConfig, Profile};

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
