//! What an uplink carries, what it says on the console and when.

use hw_sim::{DeviceConfig, Network, Press, Profile};

use crate::quirks::{attached, switched, with};
use crate::support::{Bench, config, seconds};

fn of(profile: &str, defaults: &[(&str, &str)]) -> DeviceConfig {
    with(DeviceConfig::new(Profile::load(profile).unwrap(), 1), defaults)
}

/// The last payload, right after the boot's uplink.
fn last_data(mut config: DeviceConfig) -> String {
    config.profile.quirks.set("q11", false).unwrap();
    let pin = config.profile.pin.clone();
    let mut bench = Bench::powered(config);
    bench.device.set_network(Network::Attached);
    bench.pass(seconds(180));
    bench.ask(&pin);
    bench.ask("AT+LDATA=?").lines().next().unwrap().to_owned()
}

#[test]
fn hex_has_the_length_of_its_layout_and_eight_bytes_for_each_entry() {
    for (profile, fixed, entries) in [("nb-1.0.0", 27, 8), ("nb-1.0.5", 35, 8), ("nb-1.1", 37, 8), ("cb-1.2.1", 49, 8)]
    {
        let text = last_data(of(profile, &[("AT+PRO", "2,0")]));
        assert_eq!(text.len(), 2 * (fixed + 8 * entries), "{profile}: {text}");
        assert!(text.starts_with('f') && text.bytes().all(|digit| b"0123456789abcdef".contains(&digit)), "{text}");
    }
}

#[test]
fn a_protocol_takes_so_many_entries_and_no_more() {
    for (protocol, entries) in [("2,0", 32), ("4,0", 32), ("3,0", 24), ("1,0", 15)] {
        let text = last_data(of("nb-1.1", &[("AT+PRO", protocol), ("AT+CLOCKLOG", "1,65535,15,32")]));
        assert_eq!(text.len(), 2 * (37 + 8 * entries), "{protocol}");
    }
}

#[test]
fn a_hit_is_in_the_payload_as_a_word_and_as_a_byte() {
    for (protocol, roc, expected) in [
        ("2,5", "1,60,2000,0", "\"idc_alarm\":\"IDC_INC\",\"vdc_alarm\":\"NULL\""),
        ("2,5", "3,60,1,8000,0,5000", "\"idc_alarm\":\"IDC_HIGH\",\"vdc_alarm\":\"VDC_LOW\""),
        ("2,5", "1,60,0,5", "\"idc_alarm\":\"NULL\",\"vdc_alarm\":\"VDC_INC\""),
        ("2,0", "1,60,2000,0", "0000000001000000"),
        ("2,0", "3,60,1,8000,0,5000", "0000000002010000"),
    ] {
        let text = last_data(of("nb-1.1", &[("AT+12VT", "6000"), ("AT+PRO", protocol), ("AT+ROC", roc)]));
        assert!(text.contains(expected), "{protocol} {roc}: {text}");
    }
}

/// Seconds of the log lines that hold these texts, counted from the first, in an uplink of a device without quirk Q10.
fn times(profile: &str, fails: bool, texts: &[&str]) -> Vec<f64> {
    let mut config = of(profile, &[("AT+PRO", "3,5"), ("AT+SERVADDR", "198.51.100.27,1883"), ("AT+TDC", "600")]);
    config.profile.quirks.set("q10", fails).unwrap();
    let mut bench = Bench::powered(config);
    bench.device.set_network(Network::Attached);
    let said = bench.pass(seconds(12 * 3600));
    let starts: Vec<usize> =
        said.match_indices("*****Upload start").map(|(at, _)| said[..at].rfind('[').unwrap()).collect();
    let uplinks = starts.windows(2).map(|pair| &said[pair[0]..pair[1]]);
    let whole = |uplink: &&str| texts.iter().all(|text| uplink.contains(text));
    let block = uplinks.into_iter().find(whole).unwrap_or_else(|| panic!("no uplink has {texts:?}"));
    let at = |text: &&str| {
        let line = block.lines().find(|line| line.contains(text)).unwrap_or_else(|| panic!("no {text} in {block}"));
        line[1..line.find(']').unwrap()].parse::<f64>().unwrap() / 1000.0
    };
    let times: Vec<f64> = texts.iter().map(at).collect();
    times.iter().map(|time| time - times[0]).collect()
}

#[test]
fn the_sibling_takes_its_time() {
    let texts = [
        "Upload start",
        "VDC_Input",
        "Opened",
        "connected",
        "Upload data",
        "Subscribe",
        "Failed to close",
        "Failed to send",
        "End of upload",
        "Closing",
    ];
    let expected = [0.0, 1.9, 7.4, 11.0, 16.5, 20.1, 84.0, 85.0, 86.0, 90.8];
    for (text, (time, expected)) in texts.iter().zip(times("cb-1.2.1", true, &texts).into_iter().zip(expected)) {
        assert!((time - expected).abs() < 1.5, "{text}: {time}");
    }
}

#[test]
fn each_step_of_nb_costs_a_second_and_a_little() {
    let texts = ["VDC_Input", "Opened", "connected", "Subscribe", "Upload data"];
    let times = times("nb-1.1", false, &texts);
    assert!(times.windows(2).all(|pair| (1.0..1.8).contains(&(pair[1] - pair[0]))), "{times:?}");
}

#[test]
fn an_uplink_over_udp_says_all_its_lines_in_order() {
    let mut config = switched("q10", false);
    config = with(config, &[("AT+SERVADDR", "example.com,5683")]);
    let mut bench = Bench::powered(config);
    bench.device.set_network(Network::Attached);
    let said = bench.pass(seconds(75));
    let lines: Vec<&str> = said.lines().skip_while(|line| !line.contains("NB module is init")).collect();
    let texts: Vec<&str> = lines.iter().map(|line| line.split_once(']').map_or(*line, |(_, text)| text)).collect();
    let expected = [
        "NB module is initializing...",
        "NBIOT has responded.",
        "Echo mode turned off successfully.",
        "Disable the reporting of deep sleep event URC.",
        "Model information:BC660K-GL.",
        "The IMEI number is:",
        "The IMSI number is:",
        "Set the data format for sending and receiving.",
        "Currently set frequency band",
        "Set APN successfully",
        "Signal Strength:",
        "Network Information:\"RSSI:-",
        "PSM mode configured ",
        "DNS configuration is successful",
        "Resolving domain name...",
        "Domain IP:198.51.100.27",
        "*****Upload start:0*****",
        "BAT:",
        "IN1:0",
        "IN2:0",
        "GPIO_EXTI:0",
        "IDC_Input:",
        "VDC_Input:",
        "Open a Socket Service successfully",
        "Upload data successfully",
        "Datagram is sent by RF",
        "Close the port successfully",
        "Send complete",
        "*****End of upload*****",
        "",
        "Enter sleep mode",
        "AT+PWRM2",
    ];
    assert_eq!(texts.len(), expected.len(), "{texts:#?}");
    for (text, expected) in texts.iter().zip(expected) {
        assert!(text.starts_with(expected) && (!expected.is_empty() || text.is_empty()), "{expected}: {texts:#?}");
    }
}

#[test]
fn the_modem_may_resolve_the_name_itself() {
    for (gdns, line) in [("0", "Domain IP:198.51.100.27"), ("1", "No DNS resolution required")] {
        let mut bench = Bench::powered(of("cb-1.2.1", &[("AT+GDNS", gdns), ("AT+SERVADDR", "example.com,1883")]));
        bench.device.set_network(Network::Attached);
        assert!(bench.pass(seconds(90)).contains(line), "{gdns}");
    }
}

#[test]
fn at_isp_there_is_silence_whatever_the_supply_does() {
    let mut bench = attached(config(1));
    bench.device.isp(bench.now, true);
    bench.device.power_cycle(bench.now);
    bench.device.reset_button(bench.now);
    bench.device.press(bench.now, Press::Long);
    assert_eq!(bench.pass(seconds(600)), "");
    bench.device.isp(bench.now, false);
    assert!(bench.pass(seconds(60)).contains("reboot error:POR/PDR!"));
}
