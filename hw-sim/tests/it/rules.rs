//! Rules that a dialogue shows badly: loss, deafness, determinism, warm-up, schedulers.

use hw_sim::physics::{DoorOpening, Unit};
use hw_sim::{Device, Imei};
use proptest::prelude::*;

use crate::support::{Bench, CHARACTER, config, current_ma, seconds};

#[test]
fn the_same_seed_says_the_same_and_another_seed_does_not() {
    let hour = |seed| {
        let mut bench = Bench::unlocked(config(seed));
        bench.set("AT+ROC=1,60,100,0");
        bench.pass(seconds(3600))
    };
    assert_eq!(hour(3), hour(3));
    assert_ne!(hour(3), hour(4));
}

#[test]
fn the_imei_is_the_one_given_or_derived_from_the_seed() {
    let mut given = config(1);
    given.imei = Some("861234509876543".parse().unwrap());
    assert_eq!(Bench::unlocked(given).ask("AT+DEUI=?"), "861234509876543\r\n\r\nOK\r\n\r\n");
    let derived = Bench::unlocked(config(2)).ask("AT+DEUI=?");
    assert!(derived.starts_with(Imei::from_seed(2).as_str()), "{derived}");
}

#[test]
fn bytes_that_arrive_during_a_command_are_lost() {
    let mut bench = Bench::unlocked(config(1));
    bench.type_line("AT+TDC=1500");
    let output = bench.type_line("AT+12VT=6000") + &bench.pass(seconds(5));
    assert_eq!(output, "\r\nOK\r\n\r\n");
    assert_eq!(bench.ask("AT+12VT=?"), "500\r\n\r\nOK\r\n\r\n");
}

#[test]
fn a_warm_up_set_before_the_first_uplink_counts_for_it() {
    let mut bench = Bench::powered(config(1));
    bench.pass(seconds(8));
    bench.type_line("604218");
    bench.pass(seconds(2));
    bench.type_line("AT+12VT=6000");
    let output = bench.pass(seconds(60));
    let block = &output[output.find("*****Upload start:0*****").unwrap()..];
    assert!(current_ma(block).unwrap() > 4.0, "{block}");
}

#[test]
fn two_lines_in_one_write_are_one_command() {
    let mut bench = Bench::unlocked(config(1));
    assert_eq!(bench.ask("AT\rAT+TDC=?"), "\r\nOK\r\n\r\n");
    assert_eq!(bench.ask("AT\r\n"), "\r\nOK\r\n\r\n");
}

#[test]
fn a_line_typed_during_modem_work_is_served_after_the_next_log_line() {
    let mut bench = Bench::powered(config(1));
    bench.pass(seconds(8));
    bench.ask("604218");
    let output = bench.type_line("AT+TDC=?") + &bench.pass(seconds(3));
    let reply = output.find("7200\r\n\r\nOK\r\n\r\n").unwrap();
    assert!(output[..reply].starts_with('[') && output[..reply].ends_with("\r\n"), "{output}");
}

#[test]
fn a_line_longer_than_the_buffer_is_cut_and_harms_nothing() {
    let mut bench = Bench::unlocked(config(1));
    assert_eq!(bench.ask(&format!("{}AT+TDC=?", "x".repeat(400))), "");
    assert_eq!(bench.ask("AT"), "\r\nOK\r\n\r\n");
}

#[test]
fn the_console_locks_between_290_and_300_seconds_after_the_login() {
    for wait in [0, 3, 7] {
        let mut bench = Bench::locked(config(1));
        bench.pass(seconds(wait));
        bench.ask("604218");
        bench.pass(seconds(279));
        assert_eq!(bench.type_line("AT") + &bench.pass(seconds(1)), "\r\nOK\r\n\r\n");
        bench.pass(seconds(10));
        assert!(bench.ask("AT").ends_with("Password Incorrect\r\n"));
    }
}

#[test]
fn a_profile_may_announce_the_relock() {
    let mut chatty = config(1);
    chatty.profile.lock_message = true;
    let mut bench = Bench::unlocked(chatty);
    assert!(bench.pass(seconds(300)).ends_with("]Password timeout\r\n\r\n"));
}

#[test]
fn twelve_volt_time_decides_between_start_up_current_and_truth() {
    let mut bench = Bench::unlocked(config(1));
    let startup = bench.measure_ma();
    assert!((3.4..=3.62).contains(&startup), "{startup}");
    bench.set("AT+12VT=6000");
    let current = bench.measure_ma();
    let truth = 4.0 + 16.0 * (bench.device.true_temperature() + 40.0) / 100.0;
    assert!((current - truth).abs() < 0.08, "{current} for {truth}");
    bench.set("AT+12VT=0");
    assert!(bench.measure_ma() <= 0.003);
}

#[test]
fn always_on_reads_the_truth_from_the_second_sample_on() {
    let mut bench = Bench::unlocked(config(1));
    bench.set("AT+12VT=65535");
    assert!(bench.measure_ma() < 3.7);
    assert!(bench.measure_ma() > 10.0);
}

#[test]
fn a_temperature_out_of_range_saturates_as_namur_asks() {
    for (range, expected) in [("20..60", 3.8), ("-40..0", 20.5)] {
        let mut config = config(1);
        config.environment.range = range.parse().unwrap();
        let mut bench = Bench::unlocked(config);
        bench.set("AT+12VT=6000");
        assert!((bench.measure_ma() - expected).abs() < 0.02, "{range}");
    }
}

#[test]
fn a_freezer_is_frozen_and_an_open_fridge_gets_warm() {
    let mut freezer = config(1);
    freezer.environment.unit = Unit::Freezer;
    let mut bench = Bench::unlocked(freezer);
    assert!((-22.0..-18.0).contains(&bench.device.true_temperature()));

    let mut open = config(1);
    open.environment.doors = vec![DoorOpening { from: seconds(100), to: seconds(200) }];
    let mut bench = Bench::unlocked(open);
    bench.set("AT+12VT=6000");
    bench.pass(seconds(190).saturating_sub(bench.now));
    let temperature = (bench.measure_ma() - 4.0) / 16.0 * 100.0 - 40.0;
    assert!(temperature > 8.0, "{temperature}");
}

#[test]
fn settings_survive_a_power_cut_and_the_login_does_not() {
    let mut bench = Bench::unlocked(config(1));
    bench.set("AT+TDC=600");
    bench.set("AT+12VT=6000");
    bench.set("AT+ROC=1,0,320,0");
    bench.device.power_cycle(bench.now);
    assert!(bench.pass(seconds(60)).contains("reboot error:POR/PDR!"));
    assert!(bench.ask("AT").ends_with("Password Incorrect\r\n"));
    bench.ask("604218");
    for (query, value) in [("AT+TDC=?", "600"), ("AT+12VT=?", "6000"), ("AT+ROC=?", "1,0,320,0")] {
        assert_eq!(bench.ask(query), format!("{value}\r\n\r\nOK\r\n\r\n"));
    }
}

#[test]
fn a_power_cut_ends_the_output_at_that_very_byte() {
    let mut bench = Bench::unlocked(config(1));
    bench.type_line("AT?");
    let mut before = bench.pass(seconds(0));
    while before.len() < 40 {
        before += &bench.pass(CHARACTER);
    }
    bench.device.power_cycle(bench.now);
    assert!(bench.pass(seconds(1)).starts_with("\r\nDRAGINO"));
}

#[test]
fn blocks_keep_the_period_and_count_up() {
    let mut running = config(1);
    running.profile.counter_sleeps = false;
    let mut bench = Bench::unlocked(running);
    bench.set("AT+TDC=300");
    bench.ask("ATZ");
    let day = bench.pass(seconds(24 * 3600));
    let starts: Vec<u64> = day.lines().filter(|line| line.contains("Upload start")).map(counter).collect();
    assert_eq!(starts.len(), 288);
    assert!(day.contains("*****Upload start:287*****"));
    // The timer starts at the first upload's start and wakes the modem, which costs the second upload a few seconds.
    // A sample of the clock log may hold an upload up for two.
    assert!(starts[1..].windows(2).all(|pair| (296_000..=304_000).contains(&(pair[1] - pair[0]))), "{starts:?}");
    assert_eq!(day.matches("IDC_Input:").count(), 288);
}

#[test]
fn without_a_sim_blocks_may_be_missing_by_profile() {
    let mut silent = config(1);
    silent.profile.blocks_without_sim = false;
    silent.profile.defaults.insert("AT+TDC".to_owned(), "300".to_owned());
    let output = Bench::powered(silent).pass(seconds(3600));
    assert!(!output.contains("Upload start") && !output.contains("IDC_Input"));
    assert_eq!(output.matches("Failed to read IMSI number.").count(), 12);
}

#[test]
fn a_hit_waits_for_a_running_uplink_and_prints_the_values_of_its_check() {
    let mut bench = Bench::unlocked(config(1));
    bench.type_line("AT+ROC=1,5,2000,0");
    bench.pass(seconds(2));
    let output = bench.type_line("AT+GETSENSORVALUE=1") + &bench.pass(seconds(60));
    let ends: Vec<_> = output.match_indices("Enter sleep mode").collect();
    let starts: Vec<_> = output.match_indices("Exit sleep mode").collect();
    assert_eq!((starts.len(), ends.len()), (2, 2), "{output}");
    assert!(ends[0].0 < starts[1].0);
}

#[test]
fn roc_checks_power_the_loop_for_the_full_time() {
    let mut bench = Bench::unlocked(config(1));
    bench.set("AT+12VT=6000");
    bench.set("AT+ROC=3,60,1,10000,0,0");
    let block = bench.pass(seconds(80));
    assert!(current_ma(&block).unwrap() > 10.0, "{block}");
}

#[test]
fn nobody_can_tell_how_often_the_device_was_advanced() {
    let at_once = Bench::powered(config(9)).pass(seconds(300));
    let mut bench = Bench::powered(config(9));
    let in_steps: String = (0..3000).map(|_| bench.pass(seconds(1) / 10)).collect();
    assert_eq!(at_once, in_steps);
}

fn counter(line: &str) -> u64 {
    line[1..line.find(']').unwrap()].parse().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_input_panics_the_device(inputs in inputs(), unlocked: bool) {
        let mut bench = if unlocked { Bench::unlocked(config(1)) } else { Bench::powered(config(1)) };
        for (pause_ms, bytes) in inputs {
            bench.now += std::time::Duration::from_millis(pause_ms);
            bench.device.feed(bench.now, &bytes);
            bench.device.take_output(bench.now);
        }
        bench.device.advance(bench.now + seconds(600));
    }

    #[test]
    fn no_input_changes_what_a_deaf_device_says(inputs in inputs()) {
        let deaf = std::time::Duration::from_millis(6900);
        let mut undisturbed = Device::new(config(1));
        undisturbed.advance(deaf);
        let mut device = Device::new(config(1));
        let mut now = seconds(0);
        for (pause_ms, bytes) in inputs {
            // What is under way when the receiver is switched on is heard in part.
            now += std::time::Duration::from_millis(pause_ms % 500);
            device.feed(now.min(deaf - seconds(1)), &bytes[..bytes.len().min(40)]);
        }
        device.advance(deaf);
        prop_assert_eq!(device.take_output(deaf), undisturbed.take_output(deaf));
    }
}

/// Pauses in ms and bytes, many of them close to commands.
fn inputs() -> impl Strategy<Value = Vec<(u64, Vec<u8>)>> {
    let command =
        "(604218|AT(\\+(TDC|ROC|12VT|DEUI|MODEL|GETSENSORVALUE|X))?(=|=\\?|\\?)?[0-9,-]{0,30}|ATZ)[\r\n]{0,2}";
    let typed = proptest::string::string_regex(command).unwrap().prop_map(String::into_bytes);
    let noise = proptest::collection::vec(any::<u8>(), 0..400);
    proptest::collection::vec((0u64..4000, prop_oneof![3 => typed, 1 => noise]), 0..12)
}
