//! The quirks Q13 to Q23, each switch in both positions.

use hw_sim::physics::Change;
use hw_sim::{Network, Profile};

use crate::quirks::{attached, switched, with};
use crate::support::{Bench, seconds};

#[test]
fn q13_the_start_up_current_is_read_when_twelve_volt_time_is_short() {
    assert!(Bench::unlocked(switched("q13", true)).measure_ma() < 3.7);
    assert!(Bench::unlocked(switched("q13", false)).measure_ma() > 10.0);
}

#[test]
fn q14_unused_history_entries_are_zeros_of_1970() {
    for on in [true, false] {
        let said = Bench::unlocked(with(switched("q14", on), &[("AT+PRO", "2,5")])).ask("AT+LDATA=?");
        let zeros = said.matches("[0.000,0.000,\"1970/01/01 00:00:00\"]").count();
        assert_eq!(zeros, if on { 8 } else { 0 }, "{said}");
    }
}

#[test]
fn q15_whole_groups_of_cycles_are_missing() {
    for on in [true, false] {
        let mut bench = attached(with(switched("q15", on), &[("AT+TDC", "300")]));
        bench.device.set_network(Network::Silent);
        let gap = bench.pass(seconds(3600));
        assert_eq!(gap.matches("Upload start").count(), if on { 0 } else { 12 }, "{gap}");
        bench.device.set_network(Network::Attached);
        assert_eq!(bench.pass(seconds(3600)).matches("Upload start").count(), 12);
    }
}

#[test]
fn q16_fdr1_resets_less_than_its_name_says_and_says_nothing() {
    for (on, said, twelve_volt) in [(true, "", "6000\r\n"), (false, "\r\nOK\r\n\r\n", "500\r\n")] {
        let mut config = switched("q16", on);
        config.profile.fdr1_scope = Profile::load("cb-1.2.1").unwrap().fdr1_scope;
        let mut bench = Bench::unlocked(config);
        bench.set("AT+12VT=6000");
        bench.set("AT+TDC=900");
        assert_eq!(bench.type_line("AT+FDR1") + &bench.pass(seconds(1)), said);
        bench.pass(seconds(90));
        bench.ask("604218");
        assert!(bench.ask("AT+TDC=?").starts_with("7200\r\n"));
        assert!(bench.ask("AT+12VT=?").starts_with(twelve_volt));
    }
}

#[test]
fn q17_a_new_period_waits_for_the_old_one() {
    for on in [true, false] {
        let mut bench = Bench::unlocked(with(switched("q17", on), &[("AT+TDC", "1200")]));
        bench.set("AT+TDC=120");
        assert_eq!(bench.pass(seconds(900)).contains("Upload start"), !on);
        let later = bench.pass(seconds(1200)).matches("Upload start").count();
        assert!((7..=10).contains(&later), "{later}");
    }
}

#[test]
fn q18_without_a_network_the_last_strength_stays_in_the_payload() {
    for on in [true, false] {
        let mut bench = attached(with(switched("q18", on), &[("AT+PRO", "2,5")]));
        bench.device.set_network(Network::NoSim);
        bench.ask("AT+GETSENSORVALUE=1");
        bench.pass(seconds(30));
        assert_eq!(bench.ask("AT+LDATA=?").contains("\"signal\":99,"), !on);
    }
}

#[test]
fn q19_a_burst_of_commands_resets_the_processor() {
    for on in [true, false] {
        let mut bench = Bench::unlocked(switched("q19", on));
        let mut said = String::new();
        for _ in 0..12 {
            said += &bench.type_line("AT");
            said += &bench.pass(std::time::Duration::from_millis(300));
        }
        said += &bench.pass(seconds(10));
        assert!(!said.contains("reboot error"), "no more than eight lines in two seconds: {said}");
        for _ in 0..30 {
            said += &bench.type_line("AT");
            said += &bench.pass(std::time::Duration::from_millis(120));
        }
        said += &bench.pass(seconds(10));
        assert_eq!(said.contains("reboot error:Independent watchdog!"), on, "{said}");
    }
}

#[test]
fn q20_the_first_character_after_sleep_is_lost() {
    for on in [true, false] {
        let mut bench = Bench::locked(switched("q20", on));
        let said = bench.ask(if on { "x604218" } else { "604218" });
        assert!(said.contains("Password Correct"), "{said}");
        assert_eq!(bench.ask("AT+TDC=?").is_empty(), on);
        assert_eq!(bench.ask("xAT+TDC=?"), "7200\r\n\r\nOK\r\n\r\n");
    }
}

#[test]
fn q21_a_negative_code_reads_near_full_scale() {
    for on in [true, false] {
        let mut bench = Bench::unlocked(with(switched("q21", on), &[("AT+12VT", "6000")]));
        let now = bench.now;
        bench.device.environment(now, &Change::Fault("reversed".parse().unwrap()));
        let current = bench.measure_ma();
        assert!(if on { current > 21.2 } else { current == 0.0 }, "{current}");
    }
}

#[test]
fn q22_secrets_are_printed_in_clear() {
    for on in [true, false] {
        let mut bench = Bench::unlocked(with(switched("q22", on), &[("AT+UNAME", "someone"), ("AT+PWD", "secret")]));
        let said = bench.ask("AT+CFG") + &bench.ask("AT+PWORD=?");
        for secret in ["604218", "someone", "secret"] {
            assert_eq!(said.contains(secret), on, "{secret}: {said}");
        }
        assert_eq!(said.contains("AT+PWORD=********\r\n"), !on);
    }
}

#[test]
fn q23_the_mistaken_notes_of_third_parties() {
    let mut bench = Bench::unlocked(switched("q23", true));
    bench.set("AT+TDC=300000");
    assert!(bench.ask("AT+TDC=?").starts_with("300000\r\n"));
    assert_eq!(bench.ask("AT+SEND=1"), "\r\nOK\r\n\r\n");
    bench.type_line("ATZ");
    assert!((11..=13).contains(&bench.pass(seconds(3600)).matches("Upload start").count()));
    let mut bench = Bench::unlocked(switched("q23", false));
    bench.set("AT+TDC=300000");
    assert_eq!(bench.ask("AT+SEND=1"), "");
    bench.type_line("ATZ");
    assert_eq!(bench.pass(seconds(3600)).matches("Upload start").count(), 1);
}
