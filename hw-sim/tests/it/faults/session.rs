//! S6, S7, S10 to S12 and S18: the dialogue itself breaks.

use super::{ANSWER, OK, QUESTION, Rig};
use crate::support::seconds;

#[test]
fn s6_the_sensor_starts_again_after_every_byte_of_a_reply() {
    for bytes in 0..ANSWER.len() {
        let mut rig = Rig::new(1);
        rig.tell(&format!("fault s6 bytes={bytes}"));
        let came = rig.ask(QUESTION);
        let boot = came.strip_prefix(&ANSWER[..bytes]).unwrap_or_else(|| panic!("{bytes}: {came:?}"));
        assert!(boot.starts_with("\r\nDRAGINO NB bootloader"), "{bytes}: {came:?}");
        assert!(!rig.simulation.device().is_unlocked());
        assert!(rig.simulation.faults().is_empty(), "it happens once");
        rig.recovers();
    }
}

#[test]
fn s6_settings_are_kept_or_forgotten() {
    for (forgets, interval) in [("no", "1500"), ("yes", "7200")] {
        let mut rig = Rig::new(1);
        rig.set("AT+TDC=1500");
        rig.tell(&format!("fault reboot bytes=4 forgets={forgets}"));
        assert!(rig.ask("AT+CFG").contains("bootloader"));
        rig.pass(seconds(75));
        rig.log_in("604218");
        assert_eq!(rig.ask(QUESTION).lines().next(), Some(interval), "{forgets}");
        rig.set("AT+TDC=7200");
        rig.recovers();
    }
}

#[test]
fn s7_the_password_is_asked_for_at_any_time() {
    let mut rig = Rig::new(1);
    for _ in 0..3 {
        rig.tell("fault s7");
        assert!(rig.ask("AT").ends_with("Password Incorrect\r\n"));
        rig.log_in("604218");
        assert_eq!(rig.ask("AT"), OK);
    }
    // In the middle of a line, it is the lock that counts when the line ends.
    rig.type_text("AT+TD");
    rig.tell("fault password");
    assert!(rig.ask("C=?").ends_with("Password Incorrect\r\n"));
    rig.recovers();
}

#[test]
fn s7_another_pin_is_wanted_until_cleared() {
    let mut rig = Rig::new(1);
    rig.tell("fault password pin=other1");
    assert!(rig.ask("604218").ends_with("Password Incorrect\r\n"));
    rig.log_in("other1");
    assert_eq!(rig.ask("AT"), OK);
    rig.tell("clear password");
    rig.tell("fault password");
    rig.recovers();
}

#[test]
fn s7_it_locks_again_and_again() {
    let mut rig = Rig::new(1);
    rig.tell("fault password every=20");
    for _ in 0..4 {
        rig.log_in("604218");
        assert_eq!(rig.ask("AT"), OK);
        rig.pass(seconds(14));
        assert!(!rig.simulation.device().is_unlocked());
    }
    rig.recovers();
    rig.pass(seconds(60));
    assert!(rig.simulation.device().is_unlocked(), "not any more");
}

#[test]
fn s10_at_another_rate_nothing_is_understood() {
    for rate in [300, 1200, 2400, 4800, 19_200, 38_400, 57_600, 115_200] {
        let mut rig = Rig::new(1);
        rig.tell(&format!("fault s10 rate={rate} direction=to-host"));
        let came = rig.ask_bytes(QUESTION);
        let text = String::from_utf8_lossy(&came);
        assert!(!came.is_empty() && !text.contains("7200") && !text.contains("OK"), "{rate}: {text:?}");
        rig.tell(&format!("fault s10 rate={rate} direction=to-sensor"));
        assert!(!rig.ask(QUESTION).contains("7200"), "{rate}");
        rig.recovers();
    }
}

#[test]
fn s10_at_the_right_rate_everything_is() {
    let mut rig = Rig::new(1);
    rig.tell("fault baud rate=9600");
    let (mut clean, mut came) = (Rig::new(1), Vec::new());
    rig.simulation.feed(rig.now, b"AT+CFG\r");
    // Nothing more may be needed than what the simulation asks for.
    came.extend(rig.watch(seconds(3)).into_iter().map(|(_, byte)| byte));
    assert_eq!(came, clean.ask_bytes("AT+CFG"));
    rig.recovers();
}

#[test]
fn s11_it_takes_everything_and_says_nothing() {
    let mut rig = Rig::new(1);
    rig.tell("fault s11");
    for _ in 0..20 {
        assert_eq!(rig.ask("AT"), "");
        assert_eq!(rig.simulation.bytes_under_way(), 0);
    }
    assert!(rig.pass(seconds(3 * 7200)).is_empty());
    rig.recovers();
}

#[test]
fn s12_what_it_does_not_read_stays_under_way() {
    let mut rig = Rig::new(1);
    rig.tell("fault s12");
    for lines in 1..=20 {
        assert_eq!(rig.ask("AT+TDC=?"), "");
        assert_eq!(rig.simulation.bytes_under_way(), 9 * lines);
    }
    for _ in 0..100 {
        rig.type_text(&"x".repeat(1000));
    }
    assert!(rig.simulation.bytes_under_way() <= 65_536);
    rig.tell("clear never-reads");
    rig.pass(seconds(5));
    assert!(rig.simulation.bytes_under_way() > 0, "at 9600 baud");
    rig.recovers();
}

#[test]
fn s18_another_unit_answers() {
    let mut rig = Rig::new(1);
    let before = rig.ask("AT+DEUI=?");
    rig.set("AT+TDC=1500");
    rig.tell("fault s18");
    let boot = String::from_utf8(rig.pass(seconds(75))).unwrap();
    assert!(boot.contains("DRAGINO NB bootloader"), "{boot}");
    rig.log_in("604218");
    let other = rig.ask("AT+DEUI=?");
    assert!(other != before && other.starts_with(rig.simulation.device().imei().as_str()), "{other}");
    rig.tell("fault swap");
    rig.pass(seconds(75));
    rig.log_in("604218");
    let third = rig.ask("AT+DEUI=?");
    assert!(third != before && third != other);
    rig.recovers();
    rig.tell("fault swap imei=864003349087055");
    rig.pass(seconds(75));
    rig.log_in("604218");
    assert!(rig.ask("AT+DEUI=?").starts_with("864003349087055\r\n"));
}
