//! S1 to S5, S13, S14 and S20: what becomes of a reply on its way.

use std::time::Duration;

use super::{ANSWER, OK, PATIENCE, QUESTION, Rig};
use crate::support::{CHARACTER, seconds};

const COMMAND: &str = "AT+TDC=?\r";

#[test]
fn s1_noise_flips_single_bits_as_often_as_asked() {
    for (rate, fewest, most) in [("1e-3", 0, 20), ("1e-2", 20, 120), ("1e-1", 400, 800)] {
        let (mut clean, mut noisy) = (Rig::new(3), Rig::new(3));
        noisy.tell(&format!("fault s1 rate={rate} direction=to-host"));
        let mut flips = 0;
        for _ in 0..6 {
            let (sent, came) = (clean.ask_bytes("AT+CFG"), noisy.ask_bytes("AT+CFG"));
            assert_eq!(sent.len(), came.len());
            let differences: Vec<u8> = sent.iter().zip(&came).map(|(sent, came)| sent ^ came).collect();
            assert!(differences.iter().all(|difference| difference.count_ones() <= 1));
            flips += differences.iter().filter(|difference| **difference != 0).count();
        }
        assert!((fewest..=most).contains(&flips), "{rate}: {flips}");
        noisy.recovers();
    }
}

#[test]
fn s1_noise_toward_the_sensor_spoils_the_command_only() {
    let mut rig = Rig::new(1);
    rig.tell("fault noise rate=1 direction=to-sensor");
    // No byte is what it was: the line has no end.
    assert_eq!(rig.ask(QUESTION), "");
    rig.recovers();
}

#[test]
fn s2_a_reply_ends_after_every_prefix() {
    let mut rig = Rig::new(1);
    for bytes in 0..=ANSWER.len() {
        rig.tell(&format!("fault s2 bytes={bytes} once=yes"));
        assert_eq!(rig.ask(QUESTION), ANSWER[..bytes], "{bytes}");
        assert_eq!(rig.ask(QUESTION), ANSWER, "the reply behind {bytes}");
    }
    rig.recovers();
}

#[test]
fn s2_without_once_it_stays_silent_until_cleared() {
    let mut rig = Rig::new(1);
    rig.tell("fault truncated bytes=3");
    assert_eq!(rig.ask(QUESTION), ANSWER[..3]);
    assert_eq!(rig.ask("AT") + &rig.ask("AT"), "");
    rig.recovers();
}

#[test]
fn s3_echo_begins_and_ends_between_any_two_bytes() {
    for after in 0..=COMMAND.len() {
        let mut rig = Rig::new(1);
        for bytes in 1..=COMMAND.len() - after {
            rig.tell(&format!("fault s3 after={after} bytes={bytes}"));
            assert_eq!(rig.ask(QUESTION), format!("{}{ANSWER}", &COMMAND[after..after + bytes]), "{after} {bytes}");
            assert_eq!(rig.ask(QUESTION), ANSWER, "off again");
        }
        rig.recovers();
    }
}

#[test]
fn s3_echo_is_switched_in_the_middle_of_a_command() {
    let mut rig = Rig::new(1);
    let mut came = rig.type_text("AT+");
    rig.tell("fault echo");
    came.extend(rig.type_text("TD"));
    rig.tell("fault echo mode=off");
    came.extend(rig.type_text("C"));
    rig.tell("fault echo");
    came.extend(rig.type_text("=?\r"));
    came.extend(rig.pass(PATIENCE));
    assert_eq!(String::from_utf8(came).unwrap(), format!("TD=?\r{ANSWER}"));
    rig.recovers();
}

#[test]
fn s3_a_partial_echo_has_some_of_the_bytes() {
    let mut rig = Rig::new(1);
    rig.tell("fault echo mode=partial part=0.5");
    let line = "AT+TDC=?AT+TDC=?AT+TDC=?";
    let came = rig.ask(line);
    let echo: Vec<char> = came.chars().take_while(|character| *character != '\r').collect();
    assert!((4..20).contains(&echo.len()), "{came:?}");
    let mut typed = line.chars();
    assert!(echo.iter().all(|echoed| typed.any(|character| character == *echoed)), "{came:?}");
    rig.recovers();
}

#[test]
fn s4_an_unsolicited_line_comes_at_every_line_boundary() {
    let mut rig = Rig::new(1);
    let lines: Vec<&str> = ANSWER.split_inclusive('\n').collect();
    for after in 0..=lines.len() {
        rig.tell(&format!("fault s4 text=\"+URC: 1,2\" after={after} once=yes"));
        let expected = format!("{}+URC: 1,2\r\n{}", lines[..after].concat(), lines[after..].concat());
        assert_eq!(rig.ask(QUESTION), expected, "{after}");
        assert_eq!(rig.ask(QUESTION), ANSWER, "the reply behind {after}");
    }
    rig.tell("fault unsolicited after=0");
    assert_eq!(rig.ask("AT") + &rig.ask("AT"), format!("RDY\r\n{OK}RDY\r\n{OK}"));
    rig.recovers();
}

#[test]
fn s5_a_late_reply_meets_the_next_command() {
    let mut rig = Rig::new(1);
    rig.tell("fault s5 delay=3 once=yes");
    rig.type_text(COMMAND);
    assert!(rig.pass(seconds(2)).is_empty(), "the host has given up");
    assert!(rig.type_text("AT\r").is_empty());
    let came = rig.pass(seconds(2));
    assert_eq!(String::from_utf8(came).unwrap(), format!("{ANSWER}{OK}"));
    assert_eq!(rig.ask(QUESTION), ANSWER, "once");
    rig.tell("fault late delay=500ms");
    for _ in 0..2 {
        rig.type_text("AT\r");
        assert!(rig.pass(Duration::from_millis(450)).is_empty());
        assert_eq!(rig.pass(seconds(2)), OK.as_bytes());
    }
    rig.recovers();
}

#[test]
fn s13_endless_bytes_are_as_many_as_asked_and_have_no_line_end() {
    let mut rig = Rig::new(1);
    rig.tell("fault s13 bytes=1000");
    let came = rig.watch(seconds(2));
    assert_eq!(came.len(), 1000);
    assert!(came.iter().all(|(_, byte)| *byte == b'A'));
    assert!(came.windows(2).all(|pair| pair[1].0 - pair[0].0 == CHARACTER));
    assert_eq!(rig.ask("AT"), OK, "all is well behind them");
    rig.tell("fault endless byte=0");
    assert!(rig.ask_bytes("AT").iter().all(|byte| *byte == 0));
    rig.recovers();
}

#[test]
fn s13_64_mib_that_nobody_reads_are_not_kept() {
    const BYTES: u32 = 64 * 1024 * 1024;
    let mut rig = Rig::new(1);
    rig.tell(&format!("fault endless bytes={BYTES}"));
    let came = rig.pass(CHARACTER * BYTES);
    assert_eq!(came.len(), 1024 * 1024);
    assert!(came.iter().all(|byte| *byte == b'A'));
    assert!(rig.simulation.faults().is_empty());
    rig.recovers();
}

#[test]
fn s14_a_byte_each_half_second_is_a_whole_reply_in_the_end() {
    let mut rig = Rig::new(1);
    rig.tell("fault s14 every=500ms");
    rig.type_text(COMMAND);
    let came = rig.watch(seconds(10));
    let text: Vec<u8> = came.iter().map(|(_, byte)| *byte).collect();
    assert_eq!(text, ANSWER.as_bytes());
    assert!(came.windows(2).all(|pair| pair[1].0 - pair[0].0 == Duration::from_millis(500)));
    rig.recovers();
}

#[test]
fn s20_bytes_that_are_no_text_come_between_those_that_are() {
    for (kind, sign) in [("utf8", 0x80..=0xff_u8), ("nul", 0..=0), ("ansi", 0x1b..=0x1b), ("all", 0..=0xff)] {
        let mut rig = Rig::new(1);
        rig.tell(&format!("fault s20 kind={kind} rate=1"));
        let came = rig.ask_bytes("AT");
        assert!(came.len() >= 2 * OK.len() && came.iter().any(|byte| sign.contains(byte)), "{kind}: {came:?}");
        let mut rest = came.iter();
        assert!(OK.bytes().all(|byte| rest.any(|came| *came == byte)), "{kind}: the reply is in it: {came:?}");
        rig.recovers();
    }
}
